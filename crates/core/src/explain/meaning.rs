//! The request, whom it was meant for, and who was passed over.

use super::Story;
use super::page::Page;
use super::times::{count, span};
use crate::record::{Placed, Skipped, Weighed};
use crate::route::{Because, Decided, Weighing};
use crate::snapshot::Strategy;

impl Story<'_> {
    pub(super) fn request(&self, page: &mut Page) {
        let record = self.record;
        page.section(&format!("Request {}", record.id));
        page.line(&format!("arrived {}", self.clock.moment(record.at)));
        let session = record.session.as_ref().map(|session| format!(", session {}", session.0)).unwrap_or_default();
        page.line(&format!("from {}{session}", record.host.name()));
        page.line(&format!("{} with model {}, {}", record.kind.words(), record.model, record.path));
    }

    pub(super) fn meaning(&self, page: &mut Page) {
        let why = self.record.source_reason.words();
        let source = self.record.source.map(|id| self.label(id));
        page.section(&match (source, self.record.source_pool.as_deref()) {
            (Some(source), None) => format!("Meant for {source}: {why}."),
            (Some(source), Some(pool)) => format!("Meant for {source} in pool @{pool}: {why}."),
            (None, Some(pool)) => format!("Meant for pool @{pool}, which is gone or empty: {why}."),
            (None, None) => "Meant for nobody: no account is active. `remuda use` chooses one.".to_owned(),
        });
        if let Some(placed) = &self.record.placed {
            self.placed(page, placed);
        }
        if let Some(weighed) = &self.record.weighed {
            page.line(&self.weighed(weighed));
        }
    }

    /// The rule and its figures.
    fn weighed(&self, weighed: &Weighed) -> String {
        let Weighing { decided, tokens, price_usd, against_usd, wait_s, .. } = weighed.weighing;
        let (label, tokens) = (&weighed.label, count(tokens));
        let source = self.record.source_label.as_deref().unwrap_or("its home");
        let wait = wait_s.map(span).unwrap_or_default();
        match decided {
            Decided::Wait => format!(
                "waited {wait} for {label}: leaving it would have written {tokens} tokens of prompt cache anew, for \
                 {price_usd:.2} USD at list price, and the wait counts as {against_usd:.2} USD"
            ),
            Decided::Leave => format!(
                "did not wait {wait} for {label}: the wait counts as {against_usd:.2} USD, and writing {tokens} tokens of \
                 prompt cache anew costs {price_usd:.2} USD at list price"
            ),
            Decided::StayAway => format!(
                "stayed on {label} although {source} is back: going back would write {tokens} tokens of prompt cache \
                 anew, for {price_usd:.2} USD at list price, and {against_usd:.2} USD were spent on {label} since"
            ),
            Decided::GoBack => format!(
                "went back to {source}: {against_usd:.2} USD at list price were spent on {label} since it is back, and \
                 writing {tokens} tokens of prompt cache anew costs {price_usd:.2} USD"
            ),
        }
    }

    fn placed(&self, page: &mut Page, placed: &Placed) {
        let label = self.record.source_label.as_deref().unwrap_or("that account");
        let others: Vec<String> =
            placed.others.iter().map(|other| format!("{} {}", other.label, self.rating(&other.because))).collect();
        let others = match others.as_slice() {
            _ if placed.strategy == Strategy::Ordered => String::new(),
            [] => " Nobody else could take it.".to_owned(),
            others => format!(" The others: {}.", others.join("; ")),
        };
        let strategy = placed.strategy.as_str();
        page.line(&format!(
            "placed there by the strategy {strategy}: {label} {}.{others}",
            self.rating(&placed.because)
        ));
    }

    /// Completes a sentence that begins with a label.
    fn rating(&self, because: &Because) -> String {
        match because {
            Because::First => "is the first that can serve".to_owned(),
            Because::Turn => "is next in turn".to_owned(),
            Because::Untouched => "is untouched".to_owned(),
            Because::Unknown => "has told nothing of its quota yet".to_owned(),
            Because::Used { window, used_percent } => {
                format!("has used {used_percent:.1} % of its fullest window ({window})")
            }
            Because::Resets { window, at: Some(at) } => {
                format!("starts its {window} window anew at {}", self.clock.moment(*at))
            }
            Because::Resets { window, at: None } => format!("does not say when its {window} window starts anew"),
            Because::Spendable { percent_per_hour, in_flight, bytes_since_reading } => format!(
                "can spend {percent_per_hour:.2} % an hour until its reset, with {in_flight} requests under way and {} \
                 bytes sent since its quota was read",
                count(*bytes_since_reading)
            ),
        }
    }

    pub(super) fn passed_over(&self, page: &mut Page) {
        if self.record.skipped.is_empty() {
            return;
        }
        page.section("Passed over:");
        for Skipped { label, reason, until, .. } in &self.record.skipped {
            let until = until.map(|at| format!(" until {}", self.clock.moment(at))).unwrap_or_default();
            page.line(&format!("{label} {}{until}.", reason.words()));
        }
    }
}
