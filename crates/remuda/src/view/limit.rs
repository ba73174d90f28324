//! What accounts may be used for, and requests that wait for one.

use std::collections::BTreeMap;

use remuda_control::types::{HoldView, Holds, HoldsCancelled, LimitChanged, LimitList, LimitView};
use remuda_core::{UnixSeconds, Window};

use super::table::Table;
use super::undo;
use super::words::{STRONG, command, paint, span, window};

/// `remuda limit`.
pub(crate) fn limits(all: &LimitList) -> String {
    let rows: Vec<&LimitView> =
        std::iter::once(&all.everyone).filter(|everyone| !is_empty(everyone)).chain(&all.accounts).collect();
    if rows.is_empty() {
        return format!(
            "Nothing is limited. For example, to keep the last fifth of five hours for conversations:\n\n  {}\n",
            command(["limit", "work", "--subagents", "5h=20"])
        );
    }
    let mut table =
        Table::new(["ACCOUNT", "KEPT FROM SUBAGENTS", "KEPT FROM THE BACKGROUND", "AT ONCE", "WAITS UP TO"]);
    for limits in rows {
        table.row([
            limits.account.clone().unwrap_or_else(|| "(all)".to_owned()),
            shares(&limits.subagents),
            shares(&limits.background),
            limits.at_once.map(|most| most.to_string()).unwrap_or_default(),
            limits.hold_s.map(hold).unwrap_or_default(),
        ]);
    }
    table.render()
}

/// After `remuda limit ACCOUNT …`.
pub(crate) fn limit(changed: &LimitChanged) -> String {
    let limits = &changed.limits;
    let who = limits.account.clone().unwrap_or_else(|| "Every account".to_owned());
    let who = paint(STRONG, who);
    let mut says = Vec::new();
    if !limits.subagents.is_empty() {
        says.push(format!("keeps {} from subagents", shares(&limits.subagents)));
    }
    if !limits.background.is_empty() {
        says.push(format!("keeps {} from work in the background", shares(&limits.background)));
    }
    if let Some(most) = limits.at_once {
        says.push(format!("carries at most {most} requests at once"));
    }
    match limits.hold_s {
        Some(0) => says.push("is not waited for".to_owned()),
        Some(seconds) => says.push(format!("is waited for up to {}", span(seconds))),
        None => {}
    }
    let mut text = match says.as_slice() {
        [] => format!("{who} has no limits.\n"),
        says => format!("{who} {}.\n", says.join(", ")),
    };
    if changed.before != changed.limits {
        text.push_str(&undo(as_arguments(&changed.before).iter().map(String::as_str)));
    }
    text
}

/// `remuda hold`.
pub(crate) fn holds(all: &Holds) -> String {
    if all.holds.is_empty() {
        return "No request waits for an account.\n".to_owned();
    }
    let mut table = Table::new(["REQUEST", "AGENT", "MODEL", "WAITS SINCE", "ACCOUNT EXPECTED"]);
    for hold in &all.holds {
        table.row(row(hold, all.now));
    }
    format!("{}{}\n", table.render(), command(["hold", "cancel"]))
}

/// One line of `remuda status` for each request that waits.
pub(crate) fn hold_line(hold: &HoldView, now: UnixSeconds) -> String {
    let [id, agent, model, since, until] = row(hold, now);
    format!("{agent} ({model}, request {id}) has waited {since} for an account; the first is back in {until}")
}

fn row(hold: &HoldView, now: UnixSeconds) -> [String; 5] {
    let id: String = hold.request.chars().rev().filter(|c| *c != '-').take(8).collect();
    [
        id.chars().rev().collect(),
        hold.host.name().to_owned(),
        hold.model.clone(),
        span((now - hold.since).max(0)),
        span((hold.until - now).max(0)),
    ]
}

/// After `remuda hold cancel`.
pub(crate) fn holds_cancelled(cancelled: &HoldsCancelled) -> String {
    match cancelled.requests.len() {
        0 => "No request was waiting.\n".to_owned(),
        1 => "One request waits no longer.\n".to_owned(),
        n => format!("{n} requests wait no longer.\n"),
    }
}

fn is_empty(limits: &LimitView) -> bool {
    *limits == LimitView { account: limits.account.clone(), ..LimitView::default() }
}

fn shares(shares: &BTreeMap<Window, f64>) -> String {
    let each: Vec<String> = shares.iter().map(|(of, percent)| format!("{percent} % of {}", window(of))).collect();
    each.join(", ")
}

fn hold(seconds: i64) -> String {
    if seconds == 0 { "never".to_owned() } else { span(seconds) }
}

/// The command that sets exactly these limits.
fn as_arguments(limits: &LimitView) -> Vec<String> {
    let mut words = vec!["limit".to_owned(), limits.account.clone().unwrap_or_else(|| "--all".to_owned())];
    words.push("--clear".to_owned());
    for (flag, shares) in [("--subagents", &limits.subagents), ("--background", &limits.background)] {
        for (window, percent) in shares {
            words.extend([flag.to_owned(), format!("{window}={percent}")]);
        }
    }
    if let Some(most) = limits.at_once {
        words.extend(["--at-once".to_owned(), most.to_string()]);
    }
    if let Some(seconds) = limits.hold_s {
        words.extend(["--hold".to_owned(), seconds.to_string()]);
    }
    words
}

#[cfg(test)]
mod tests {
    use remuda_core::Host;

    use super::*;

    fn some() -> LimitView {
        LimitView {
            account: Some("work".to_owned()),
            subagents: [(Window::FiveHour, 20.0), (Window::SevenDay, 7.5)].into(),
            background: [(Window::FiveHour, 50.0)].into(),
            at_once: Some(6),
            hold_s: Some(18_000),
        }
    }

    fn none(account: Option<&str>) -> LimitView {
        LimitView { account: account.map(str::to_owned), ..LimitView::default() }
    }

    #[test]
    fn what_limit_and_hold_say() {
        let held = HoldView {
            request: "0197a000-0003-7000-8000-00007d15f2a0".to_owned(),
            session: Some("claude:3431a7ea".to_owned()),
            host: Host::Claude,
            model: "claude-opus-5".to_owned(),
            project: None,
            since: 1_000,
            until: 4_700,
        };
        let lines = hold_line(&held, 1_090);
        let texts = [
            limits(&LimitList { everyone: none(None), accounts: Vec::new() }),
            limits(&LimitList { everyone: LimitView { hold_s: Some(1_800), ..none(None) }, accounts: vec![some()] }),
            limit(&LimitChanged { before: none(Some("work")), limits: some() }),
            limit(&LimitChanged { before: some(), limits: none(Some("work")) }),
            limit(&LimitChanged { before: none(None), limits: LimitView { hold_s: Some(1_800), ..none(None) } }),
            holds(&Holds { now: 1_090, holds: vec![held] }),
            holds(&Holds { now: 1_090, holds: Vec::new() }),
            format!("{lines}\n"),
            holds_cancelled(&HoldsCancelled { requests: vec!["a".to_owned(), "b".to_owned()] }),
        ];
        insta::assert_snapshot!(anstream::adapter::strip_str(&texts.join("\n")).to_string());
    }
}
