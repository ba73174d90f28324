//! What the headers of a refusal say about limits: which windows are spent, which buckets are empty.

use http::HeaderMap;
use remuda_core::{UnixSeconds, Vendor};

use super::slot::{About, HeaderSlot};
use crate::time::Wait;
use crate::{anthropic, openai};

/// Limits in the headers of one answer.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// Is there any quota header?
    pub(crate) reported: bool,
    /// Is any account window among them?
    pub(crate) account_reported: bool,
    /// The spent account windows.
    pub(crate) account: Option<Spent>,
    /// The spent model windows.
    pub(crate) model: Option<Spent>,
    /// When the last empty bucket fills. Buckets with something left do not count.
    pub(crate) bucket: Option<Wait>,
}

/// Spent windows of one kind.
#[derive(Debug)]
pub(crate) struct Spent {
    /// The latest reset among them.
    pub(crate) resets: Option<Wait>,
    /// Name and value of a header that says so.
    pub(crate) evidence: String,
}

impl Limits {
    /// Reads the headers of an answer.
    pub(crate) fn read(vendor: Vendor, headers: &HeaderMap, now: UnixSeconds) -> Self {
        let mut limits = Self::default();
        match vendor {
            Vendor::Anthropic => {
                limits.reported = anthropic::quota::any(headers);
                limits.add_all(anthropic::quota::in_headers(headers, now), now);
                // the overall pair counts only where no single window is named
                if !anthropic::quota::any_window(headers) {
                    limits.account = anthropic::quota::overall(headers, now);
                }
                limits.bucket = anthropic::quota::empty_bucket(headers, now);
            }
            Vendor::OpenAi => {
                limits.add_all(openai::quota::in_headers(headers, now), now);
                limits.bucket = openai::quota::empty_bucket(headers, now);
            }
            Vendor::Qwen => {}
        }
        limits
    }

    fn add_all<'a>(&mut self, slots: impl Iterator<Item = HeaderSlot<'a>>, now: UnixSeconds) {
        for slot in slots {
            self.reported = true;
            let spent = match slot.slot.about {
                About::Account(_) => {
                    self.account_reported = true;
                    &mut self.account
                }
                About::Model(_) => &mut self.model,
            };
            if slot.is_spent() {
                let resets = slot.slot.resets_at.and_then(|at| Wait::until_second(at, now));
                let later = Wait::later(spent.as_ref().and_then(|spent| spent.resets), resets);
                match spent {
                    Some(spent) => spent.resets = later,
                    None => *spent = Some(Spent { resets, evidence: evidence(slot.evidence) }),
                }
            }
        }
    }

    /// When the limit that refused ends: the spent account windows, else the spent model windows.
    pub(crate) fn resets(&self) -> Option<Wait> {
        self.account.as_ref().or(self.model.as_ref())?.resets
    }
}

/// A header in words. Values are short and plain, or not shown.
pub(crate) fn evidence((name, value): (&str, &str)) -> String {
    let plain = value.len() <= 32 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b));
    if plain { format!("{name}: {value}") } else { name.to_owned() }
}
