//! Who was asked, what they said, and what was changed in the request for them.

use super::Story;
use super::page::Page;
use super::times::millis;
use crate::record::{Attempt, AttemptEnd, Relayed};
use crate::route::Refreshed;
use crate::verdict::Verdict;

impl Story<'_> {
    pub(super) fn attempts(&self, page: &mut Page) {
        if self.record.attempts.is_empty() {
            page.section("Nobody was asked.");
            return;
        }
        page.section("Asked:");
        for (n, attempt) in self.record.attempts.iter().enumerate() {
            self.attempt(page, n + 1, attempt);
        }
    }

    fn attempt(&self, page: &mut Page, number: usize, attempt: &Attempt) {
        let label = &attempt.label;
        let model = attempt.model.as_ref().map(|model| format!(" for {model}")).unwrap_or_default();
        let waited = match attempt.waited_ms {
            0 => String::new(),
            ms => format!(" after a wait of {}", millis(ms)),
        };
        page.numbered(number, &format!("{label}{model}{waited} {}.", self.end(attempt)));
        if let AttemptEnd::Refused { verdict, .. } | AttemptEnd::BrokeOff { verdict } = &attempt.ended
            && !verdict.evidence.is_empty()
        {
            page.detail(&format!("evidence: {}", verdict.evidence));
        }
        match attempt.refreshed {
            None => {}
            Some(Refreshed::Renewed) => page.detail("Its token was refreshed."),
            Some(Refreshed::Permanent) => page.detail("Its token could not be refreshed: it needs a new login."),
            Some(Refreshed::Transient) => page.detail("Its token could not be refreshed this time."),
        }
        if !attempt.changes.is_empty() {
            page.detail(&format!("changed: {}", attempt.changes.join("; ")));
        }
        if let Some(Relayed { body_bytes, sent_bytes, delta }) = attempt.relayed {
            let what = if delta { "only what changed" } else { "the whole body" };
            page.detail(&format!("by relay: {sent_bytes} bytes uploaded for a body of {body_bytes} ({what})"));
        }
        if let Some(id) = &attempt.upstream_request_id {
            page.detail(&format!("the vendor's id: {id}"));
        }
    }

    fn end(&self, attempt: &Attempt) -> String {
        let after = attempt.head_ms.map(|ms| format!(" after {}", millis(ms))).unwrap_or_default();
        let status = attempt.status.map(|status| format!(" with status {status}")).unwrap_or_default();
        match &attempt.ended {
            AttemptEnd::Served => format!("answered{status}{after}"),
            AttemptEnd::Abandoned => "was being asked when the client left".to_owned(),
            AttemptEnd::Unreachable { why } => format!("could not be reached: {why}"),
            AttemptEnd::BrokeOff { verdict } => {
                format!("answered{status}{after}, then broke off: {}", self.verdict(verdict))
            }
            AttemptEnd::Refused { verdict, in_stream: true } => {
                format!("began a stream{status}{after} and refused inside it: {}", self.verdict(verdict))
            }
            AttemptEnd::Refused { verdict, in_stream: false } => {
                format!("refused{status}{after}: {}", self.verdict(verdict))
            }
        }
    }

    fn verdict(&self, verdict: &Verdict) -> String {
        let until = verdict.until.map(|at| format!(", until {}", self.clock.moment(at))).unwrap_or_default();
        format!("{} ({}){until}", verdict.class.words(), verdict.class.as_str())
    }
}
