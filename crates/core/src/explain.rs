//! `remuda explain`: a decision record in plain words. Pure, so that the same record always reads the same.

mod attempts;
mod ending;
mod meaning;
mod page;
mod times;

use std::collections::BTreeMap;

use crate::id::AccountId;
use crate::record::Record;
use crate::time::UnixSeconds;
use page::Page;
use times::Clock;

/// Tells the story of one request: whom it was meant for and why, who was passed over, who was asked and what they said,
/// what was changed, remembered, counted and paid, and how it ended. At most 80 columns, no colours, ends with a line
/// break. Times are UTC and relative to `now`.
#[must_use]
pub fn explain(record: &Record, now: UnixSeconds) -> String {
    let story = Story { record, labels: labels(record), clock: Clock { now } };
    let mut page = Page::default();
    story.request(&mut page);
    story.meaning(&mut page);
    story.passed_over(&mut page);
    story.attempts(&mut page);
    story.remembered(&mut page);
    story.ending(&mut page);
    story.figures(&mut page);
    page.finish()
}

/// A record, and what is needed to tell it.
struct Story<'a> {
    record: &'a Record,
    labels: BTreeMap<AccountId, &'a str>,
    clock: Clock,
}

impl Story<'_> {
    /// The label at that time; an account that the record does not name otherwise has only its id.
    fn label(&self, id: AccountId) -> String {
        self.labels.get(&id).map_or_else(|| id.to_string(), |label| (*label).to_owned())
    }
}

fn labels(record: &Record) -> BTreeMap<AccountId, &str> {
    let source = record.source.zip(record.source_label.as_deref());
    let skipped = record.skipped.iter().map(|skipped| (skipped.account, skipped.label.as_str()));
    let asked = record.attempts.iter().map(|attempt| (attempt.account, attempt.label.as_str()));
    source.into_iter().chain(skipped).chain(asked).collect()
}
