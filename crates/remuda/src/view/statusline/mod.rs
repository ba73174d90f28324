//! One line for those who draw it themselves: Claude Code, tmux, prompts.

mod drawn;
mod line;

use anstyle::Style;
use remuda_control::types::{AccountView, State, WindowView};
use remuda_core::standing::Trust;
use remuda_core::{UnixSeconds, Window};

use super::words::{BAD, DIM, STRONG, WARN, share, span, window};
use crate::config::{Field, Share, StatusLine};
pub(crate) use drawn::Drawn;
pub(crate) use line::{Daemon, Line, served};

/// Between two fields.
const BETWEEN: &str = " · ";

/// A piece of text in one style.
type Piece = (Style, String);

/// The line.
pub(crate) fn statusline(line: &Line, shown: &StatusLine, drawn: Drawn) -> String {
    match line.daemon {
        Daemon::Answers => {}
        Daemon::Off => return drawn.paint(DIM, "remuda: not running"),
        Daemon::Silent => return drawn.paint(DIM, "remuda: no answer"),
    }
    let mut fields: Vec<(Field, Vec<Piece>)> =
        shown.fields.iter().map(|field| (*field, pieces(line, *field, shown.show))).collect();
    fields.retain(|(_, pieces)| !pieces.is_empty());
    // Said once, behind the last of them.
    if let Some((_, last)) = fields.iter_mut().rfind(|(field, _)| matches!(field, Field::FiveHour | Field::SevenDay)) {
        last.push((DIM, if shown.show == Share::Left { " left" } else { " used" }.to_owned()));
    }
    let fields: Vec<String> = fields
        .iter()
        .map(|(_, pieces)| pieces.iter().map(|(style, text)| drawn.paint(*style, text)).collect())
        .collect();
    fields.join(&drawn.paint(DIM, BETWEEN))
}

fn pieces(line: &Line, field: Field, show: Share) -> Vec<Piece> {
    let account = line.account.as_deref();
    let of_window = |wanted: Window| {
        let found = account.and_then(|account| account.windows.iter().find(|w| w.window == wanted));
        found.map(|w| percent(w, show)).into_iter().collect()
    };
    match field {
        Field::Account => who(line),
        Field::Detour => line.instead_of.iter().map(|own| (WARN, format!("↪ for {own}"))).collect(),
        Field::FiveHour => of_window(Window::FiveHour),
        Field::SevenDay => of_window(Window::SevenDay),
        Field::Reset => reset(line).into_iter().collect(),
    }
}

fn who(line: &Line) -> Vec<Piece> {
    let Some(target) = &line.target else { return vec![(WARN, "no account".to_owned())] };
    let mut pieces = vec![(STRONG, target.clone())];
    pieces.extend(line.account.as_deref().and_then(trouble));
    pieces.extend(line.members.map(|members| {
        let style = if members.ready == 0 { WARN } else { DIM };
        (style, format!(" {} of {} ready", members.ready, members.all))
    }));
    pieces
}

fn trouble(account: &AccountView) -> Option<Piece> {
    match account.state {
        State::Ready => None,
        State::Resting => Some((WARN, " rests".to_owned())),
        State::NeedsLogin => Some((BAD, " needs login".to_owned())),
        State::Disabled => Some((BAD, " closed by vendor".to_owned())),
        State::Paused => Some((DIM, " off".to_owned())),
    }
}

/// `5h 57%`; `5h ~57%` where nothing was heard for long.
fn percent(w: &WindowView, show: Share) -> Piece {
    let left = w.remaining_percent.clamp(0.0, 100.0);
    let used = 100.0 - left;
    let shown = if show == Share::Left { left } else { used };
    let about = if w.trust == Trust::Old { "~" } else { "" };
    (share(used), format!("{} {about}{shown:.0}%", window(&w.window)))
}

fn reset(line: &Line) -> Option<Piece> {
    let back = |at: UnixSeconds, about: &str| (WARN, format!("back in {about}{}", span(at - line.now)));
    if let Some(members) = line.members {
        return members.back_at.map(|at| back(at, "")).filter(|_| members.ready == 0);
    }
    let account = line.account.as_deref()?;
    if let Some(rest) = &account.resting {
        return Some(back(rest.until, if rest.stated { "" } else { "~" }));
    }
    let binding = account.windows.iter().find(|w| w.binding)?;
    let at = binding.resets_at.filter(|at| *at > line.now)?;
    Some((DIM, format!("↻ {}", span(at - line.now))))
}

#[cfg(test)]
mod tests {
    use remuda_control::types::HerdView;
    use rstest::rstest;

    use super::super::sample;
    use super::line::Served;
    use super::*;
    use crate::cli::DrawnBy;

    fn herd() -> HerdView {
        let status = sample::status();
        let (active, accounts, pools, pins) = (status.active, status.accounts, status.pools, status.pins);
        HerdView { active, accounts, pools, pins, chains: Vec::new() }
    }

    fn plain() -> Drawn {
        Drawn { by: DrawnBy::Claude, colours: false }
    }

    fn said(line: &Line, shown: &StatusLine) -> String {
        statusline(line, shown, plain())
    }

    #[rstest]
    #[case("personal", "personal · 5h 57% · 7d 88% left · ↻ 2h14m")]
    #[case("work", "work rests · 5h 0% · 7d 39% left · back in 1h13m")]
    #[case("side project", "side project needs login · 5h 100% left")]
    #[case("key", "key rests · back in ~14m")]
    #[case("old", "old off")]
    #[case("@spare", "@spare 0 of 2 ready · back in 14m")]
    #[case("gone", "gone")]
    fn what_every_target_shows(#[case] target: &str, #[case] text: &str) {
        let line = Line::to(sample::NOW, &herd(), Some(target.to_owned()));
        assert_eq!(said(&line, &StatusLine::default()), text);
    }

    #[test]
    fn fields_come_in_the_order_asked_for_and_what_has_nothing_to_tell_is_left_out() {
        let line = Line::to(sample::NOW, &herd(), Some("personal".to_owned()));
        let shown = |fields: &[Field], show| said(&line, &StatusLine { fields: fields.to_vec(), show });
        use Field::{Account, Detour, FiveHour, Reset, SevenDay};
        assert_eq!(shown(&[Reset, SevenDay, Account], Share::Used), "↻ 2h14m · 7d 12% used · personal");
        assert_eq!(shown(&[Detour, FiveHour], Share::Used), "5h 43% used");
        assert_eq!(shown(&[], Share::Left), "");
    }

    #[test]
    fn a_stand_in_says_for_whom() {
        let served = Served { account: "personal".to_owned(), id: None, instead_of: Some("work".to_owned()) };
        let line = Line::served(sample::NOW, &herd(), &served).unwrap();
        assert_eq!(said(&line, &StatusLine::default()), "personal · ↪ for work · 5h 57% · 7d 88% left · ↻ 2h14m");
    }

    #[test]
    fn an_old_reading_is_no_certainty() {
        let mut herd = herd();
        herd.accounts[1].windows[0].trust = Trust::Old;
        let line = Line::to(sample::NOW, &herd, Some("personal".to_owned()));
        assert!(said(&line, &StatusLine::default()).contains("5h ~57% · 7d 88%"));
    }

    #[test]
    fn without_a_daemon_or_an_account_the_line_is_short() {
        let shown = StatusLine::default();
        assert_eq!(said(&Line::without(Daemon::Off), &shown), "remuda: not running");
        assert_eq!(said(&Line::without(Daemon::Silent), &shown), "remuda: no answer");
        assert_eq!(said(&Line::to(sample::NOW, &HerdView::default(), None), &shown), "no account");
    }

    /// A colour in the syntax of each who draws it, and nothing in a label that they would take for syntax.
    #[test]
    fn colours_step_with_what_is_used_in_everyones_own_syntax() {
        let mut herd = herd();
        let account = &mut herd.accounts[1];
        account.label = "50% #1\n$(x)".to_owned();
        account.windows[0].remaining_percent = 29.0;
        account.windows[1].remaining_percent = 10.0;
        let line = Line::to(sample::NOW, &herd, Some(account_label()));
        let all: Vec<String> = [DrawnBy::Claude, DrawnBy::Tmux, DrawnBy::Bash, DrawnBy::Zsh, DrawnBy::Fish]
            .into_iter()
            .map(|by| {
                let colours = statusline(&line, &StatusLine::default(), Drawn { by, colours: true });
                let none = statusline(&line, &StatusLine::default(), Drawn { by, colours: false });
                format!("{by:?}\n  {colours:?}\n  {none:?}")
            })
            .collect();
        insta::assert_snapshot!(all.join("\n"));
    }

    fn account_label() -> String {
        "50% #1\n$(x)".to_owned()
    }
}
