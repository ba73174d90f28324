//! The demo as a person reads it, in at most 80 columns. What commands answer is shown by the views of those commands.

use remuda_control::types::{AccountView, ChainChanged, Explained, Status};
use remuda_core::record::{Attempt, AttemptEnd, Record};
use remuda_core::route::Outcome;

use super::table::Table;
use super::words::{BAD, DIM, GOOD, STRONG, command, cost, kind, paint, span};
use super::wrap::{WIDTH, paragraph};
use crate::demo::{DemoDone, Turn};

/// Where the words of a conversation begin.
const INDENT: usize = 14;

/// What this is.
pub(crate) fn opening() -> String {
    let what = "The real gateway, with a vendor in miniature in place of Anthropic and a small program in place of Claude \
                Code. No account of yours is used, nothing leaves this machine, nothing stays on it.";
    format!("{}\n{}", paint(STRONG, "Remuda, on a stage of its own"), paragraph(what, 0))
}

/// A heading.
pub(crate) fn act(title: &str) -> String {
    format!("\n{}\n\n", paint(STRONG, title))
}

/// A command as if somebody had typed it.
fn typed<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    format!("{} {}\n", paint(DIM, "$"), command(arguments))
}

/// Who is there.
pub(crate) fn accounts(all: &[AccountView]) -> String {
    let mut table = Table::new(["ACCOUNT", "KIND", "PLAN", "COST", "WHO"]);
    for account in all {
        table.row([
            account.label.clone(),
            kind(account.kind).to_owned(),
            account.who.plan.clone().unwrap_or_default(),
            cost(account.cost).to_owned(),
            account.who.email.clone().unwrap_or_default(),
        ]);
    }
    format!("{}{}\n", act("Three accounts log in"), table.render().trim_end())
}

/// Who stands in.
pub(crate) fn chain(changed: &ChainChanged) -> String {
    let arguments = ["fallback", &changed.source].into_iter().chain(changed.targets.iter().map(String::as_str));
    let answer: String = super::chain(changed).lines().map(|line| paragraph(line, 0)).collect();
    format!("\n{}{answer}", typed(arguments))
}

/// Something that happens elsewhere.
pub(crate) fn aside(text: &str) -> String {
    format!("\n{}\n\n", paint(DIM, paragraph(text, 2).trim_end()))
}

/// A leap.
pub(crate) fn later(seconds: i64) -> String {
    let title = format!("{} later (the demo puts its clocks forward): enterprise has room again", span(seconds));
    act(&title)
}

/// What the agent asks.
pub(crate) fn prompt(text: &str) -> String {
    let mut speech = Speech { speaker: paint(DIM, "agent"), width: "agent".len(), column: 0 };
    format!("{}{}\n", speech.begin(), speech.words(text))
}

/// An answer that is shown while it comes.
pub(crate) struct Speech {
    speaker: String,
    width: usize,
    column: usize,
}

impl Speech {
    /// `speaker`: an account that answers, or the status of a refusal.
    pub(crate) fn of(speaker: &str) -> Self {
        let style = if speaker.starts_with(|c: char| c.is_ascii_digit()) { BAD } else { GOOD };
        Self { speaker: paint(style, speaker), width: speaker.len(), column: 0 }
    }

    /// Who speaks.
    pub(crate) fn begin(&mut self) -> String {
        self.column = INDENT;
        format!("  {}{}", self.speaker, " ".repeat(INDENT.saturating_sub(2 + self.width)))
    }

    /// Whole words, as the miniature sends them.
    pub(crate) fn words(&mut self, words: &str) -> String {
        let mut text = String::new();
        for word in words.split_whitespace() {
            let width = word.chars().count();
            if self.column > INDENT && self.column + 1 + width > WIDTH {
                text.push('\n');
                text.push_str(&" ".repeat(INDENT));
                self.column = INDENT;
            } else if self.column > INDENT {
                text.push(' ');
                self.column += 1;
            }
            text.push_str(word);
            self.column += width;
        }
        text
    }
}

/// What became of a question, by its decision record.
pub(crate) fn happened(turn: &Turn) -> String {
    let record = &turn.record;
    let mut asked = record.attempts.iter().map(|attempt| sentence(record, attempt));
    let mut sentences: Vec<String> = asked.next().into_iter().collect();
    sentences.extend(record.skipped.iter().map(|skipped| format!("{} {}.", skipped.label, skipped.reason.words())));
    sentences.extend(asked);
    if let Some(ms) = turn.heard.first_word_ms {
        sentences.push(format!("The first word came {ms} ms after the question."));
    }
    if matches!(record.outcome, Outcome::Error { .. }) && record.skipped.is_empty() && record.attempts.len() == 1 {
        sentences.push("It has no stand-in, so nobody else was asked.".to_owned());
    }
    format!("\n{}", paragraph(&sentences.join(" "), 2))
}

fn sentence(record: &Record, attempt: &Attempt) -> String {
    let label = &attempt.label;
    match &attempt.ended {
        AttemptEnd::Served if attempt.started_ms > 0 => {
            format!("{label} was asked {} ms after the question and answered.", attempt.started_ms)
        }
        AttemptEnd::Served => format!("{label} answered."),
        AttemptEnd::Abandoned => format!("{label} was not waited for."),
        AttemptEnd::BrokeOff { verdict } => format!("{label} broke off: {}.", verdict.class.words()),
        AttemptEnd::Unreachable { why } => format!("{label} could not be reached: {why}."),
        AttemptEnd::Refused { verdict, .. } => {
            let rest = verdict.until.map(|at| format!(", for another {}", span(at - record.at))).unwrap_or_default();
            format!("{label} refused: {}{rest}.", verdict.class.words())
        }
    }
}

/// The herd after the move.
pub(crate) fn status(status: &Status, columns: Option<usize>) -> String {
    format!("\n{}{}", typed(["status"]), super::status(status, columns.or(Some(WIDTH))))
}

/// Why the last request went where it went.
pub(crate) fn explained(explained: &Explained) -> String {
    format!("\n{}{}", typed(["explain", "last"]), explained.text)
}

/// What held and what did not.
pub(crate) fn demo_done(done: &DemoDone) -> String {
    let mut text = act("What was checked");
    for check in &done.checks {
        let mark = if check.held { paint(GOOD, "✓") } else { paint(BAD, "✗") };
        text.push_str(&format!("  {mark} {}\n", check.claim));
        if let Some(found) = &check.found {
            text.push_str(&paragraph(&format!("{}: {found}", check.name), 4));
        }
    }
    let failed = done.checks.iter().filter(|check| !check.held).count();
    let took = format!("{}.{} s", done.took_ms / 1000, done.took_ms % 1000 / 100);
    if failed == 0 {
        let all = paint(GOOD, format!("All {} held", done.checks.len()));
        let (login, run) = (command(["login", "anthropic"]), command(["run", "claude"]));
        text.push_str(&format!("\n{all}, in {took}.\nWith accounts of yours: {login}, then {run}\n"));
    } else {
        let some = paint(BAD, format!("{failed} of {} did not hold", done.checks.len()));
        text.push_str(&format!("\n{some} (after {took}).\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::Check;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn words_that_come_one_by_one_break_into_lines_under_each_other() {
        let mut speech = Speech::of("enterprise");
        let mut text = speech.begin();
        for word in "a tired horse stops in the middle of the road, and a fresh one does not stop".split_inclusive(' ')
        {
            text.push_str(&speech.words(word));
        }
        let text = plain(&text);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "  enterprise  a tired horse stops in the middle of the road, and a fresh one");
        assert_eq!(lines[1], "              does not stop");
    }

    #[test]
    fn a_claim_that_did_not_hold_is_shown_with_what_was_seen() {
        let check = |held| Check {
            name: "one_move",
            claim: "the question moved once",
            held,
            found: (!held).then(|| "enterprise answered 200 with content; the agent got 200".to_owned()),
        };
        let done = DemoDone { held: false, checks: vec![check(true), check(false)], took_ms: 3_610 };
        insta::assert_snapshot!(plain(&demo_done(&done)), @r"
        What was checked

          ✓ the question moved once
          ✗ the question moved once
            one_move: enterprise answered 200 with content; the agent got 200

        1 of 2 did not hold (after 3.6 s).
        ");
    }
}
