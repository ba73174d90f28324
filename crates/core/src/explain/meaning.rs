//! The request, whom it was meant for, and who was passed over.

use super::Story;
use super::page::Page;
use crate::record::Skipped;

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
