//! What an upstream refusal means. The gateway asks this for every answer that is not a success.
//!
//! The order of evidence stands here and nowhere else: terms, rows of the person's own, structured code, quota headers, phrases that refine a
//! status, status. What each vendor says is in its table; what is unknown is neutral.

use std::borrow::Cow;

use http::HeaderMap;
use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use remuda_core::{Class, CredentialKind, Scope, UnixSeconds, Vendor, Verdict};

use crate::own_row::OwnRows;
use crate::own_words::OwnWords;
use crate::quota::limits::Limits;
pub use crate::refusal::MAX_BODY;
use crate::refusal::Refusal;
use crate::table::{Ends, Means, Row, Table, fits, scope_of};
use crate::time::Wait;
use crate::time::retry_after::retry_after;
use crate::{anthropic, openai, qwen};

/// The longest wait that is waited out for a retry on the same account.
const LONGEST_BURST_WAIT_S: f64 = 60.0;
/// Waits before a retry where none is stated.
const BURST_WAIT_S: f64 = 5.0;
const OVERLOADED_WAIT_S: f64 = 5.0;
const TRANSIENT_WAIT_S: f64 = 1.0;

/// One refusal, as it came.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamAnswer<'a> {
    /// Whose account was asked.
    pub vendor: Vendor,
    /// What it was asked with.
    pub kind: CredentialKind,
    /// When the answer came.
    pub now: UnixSeconds,
    /// The model that was asked for.
    pub model: &'a str,
    /// HTTP status; 200 (SSE) or 101 (WebSocket) for a failure inside a stream.
    pub status: u16,
    /// Headers of the answer.
    pub headers: &'a HeaderMap,
    /// The body, or (`in_stream`) the raw SSE event with its `event:`/`data:` lines, or the text frame. Decompressed. At most
    /// [`MAX_BODY`] bytes are read.
    pub body: &'a [u8],
    /// Did the failure arrive inside a stream that began well?
    pub in_stream: bool,
}

/// What the refusal means. Never fails: what cannot be read is neutral.
#[must_use]
pub fn classify(answer: &UpstreamAnswer<'_>) -> Verdict {
    classify_with(answer, &OwnRows::default())
}

/// [`classify`] with rows of the person's own, which count before the built-in ones but not before the vendor's terms.
#[must_use]
pub fn classify_with(answer: &UpstreamAnswer<'_>, own: &OwnRows) -> Verdict {
    let evidence = Evidence::gather(answer);
    let finding = evidence.weigh(own);
    evidence.verdict(&finding)
}

/// Everything that counts, read once.
struct Evidence<'a> {
    answer: &'a UpstreamAnswer<'a>,
    table: &'static Table,
    refusal: Refusal,
    words: OwnWords,
    limits: Limits,
    /// The Retry-After headers.
    retry_after: Option<Wait>,
    /// What the body says about when to come back.
    body_wait: Option<Wait>,
    /// Does the body wrap headers of its own?
    wrapped: bool,
    /// The status, or what a code stands for where there is none.
    status: Option<u16>,
}

/// What the evidence comes to.
struct Finding<'a> {
    class: Class,
    row: Option<&'static Row>,
    /// The code that decided.
    code: Option<&'a str>,
    /// What else decided, in words.
    because: String,
}

impl<'a> Evidence<'a> {
    fn gather(answer: &'a UpstreamAnswer<'a>) -> Self {
        let table = match answer.vendor {
            Vendor::Anthropic => &anthropic::refusals::TABLE,
            Vendor::OpenAi => &openai::refusals::TABLE,
            Vendor::Qwen => &qwen::refusals::TABLE,
        };
        let refusal = Refusal::read(answer.body, answer.in_stream);
        let words = OwnWords::of(refusal.message());
        let wrapped = refusal.wrapped_headers(answer.headers);
        let headers = wrapped.as_ref().map_or(Cow::Borrowed(answer.headers), Cow::Borrowed);
        let http = (!answer.in_stream && answer.status >= 400).then_some(answer.status);
        let http = http.or_else(|| refusal.wrapped_status());
        let stood_for = refusal.codes().find_map(|code| {
            let row = table.statuses.iter().find(|row| fits(row.code, code))?;
            (row.beats_status || http.is_none()).then_some(row.status)
        });
        Self {
            limits: Limits::read(answer.vendor, &headers, answer.now),
            retry_after: retry_after(&headers, answer.now),
            body_wait: refusal.stated(&words, answer.now),
            wrapped: wrapped.is_some(),
            status: stood_for.or(http),
            answer,
            table,
            refusal,
            words,
        }
    }

    /// The order of evidence.
    fn weigh(&self, own: &OwnRows) -> Finding<'_> {
        if let Some(row) = self.first(self.table.terms, None) {
            return self.by_row(row, None);
        }
        if let Some(row) = own.find(self.answer.vendor, self.status, self.refusal.codes(), &self.words) {
            let class = if row.verdict == Class::CredentialStale { self.credential_class() } else { row.verdict };
            return Finding { class, row: None, code: None, because: row.in_words() };
        }
        let mut limited = self.status == Some(429);
        let known = |code| Some((code, self.first(self.table.codes, Some(code))?));
        if let Some((code, row)) = self.refusal.codes().find_map(known) {
            if row.means != Means::SomeLimit {
                return self.by_row(row, Some(code));
            }
            limited = true;
        }
        if limited && let Some(finding) = self.by_quota() {
            return finding;
        }
        if let Some(row) = self.first(self.table.phrases, None) {
            return self.by_row(row, None);
        }
        self.by_status(limited)
    }

    fn first(&self, rows: &'static [Row], code: Option<&str>) -> Option<&'static Row> {
        rows.iter().find(|row| row.matches(code, &self.words, self.status))
    }

    fn by_row<'e>(&'e self, row: &'static Row, code: Option<&'e str>) -> Finding<'e> {
        let class = match row.means {
            Means::Is(class) => class,
            Means::Credential => self.credential_class(),
            Means::SomeLimit => Class::Burst,
            // another model may still have quota, but only if the main windows are known to be free
            Means::PlanWindow => match &self.limits {
                Limits { account_reported: true, account: None, model: Some(_), .. } => Class::ModelExhausted,
                _ => Class::WindowExhausted,
            },
        };
        Finding { class, row: Some(row), code, because: row.said() }
    }

    fn by_quota(&self) -> Option<Finding<'_>> {
        let (class, spent) = match (&self.limits.account, &self.limits.model) {
            (Some(spent), _) => (Class::WindowExhausted, spent),
            (None, Some(spent)) => (Class::ModelExhausted, spent),
            (None, None) => return None,
        };
        Some(Finding { class, row: None, code: None, because: spent.evidence.clone() })
    }

    fn by_status(&self, limited: bool) -> Finding<'_> {
        let found = |class, why: &str| Finding { class, row: None, code: None, because: why.to_owned() };
        if limited {
            return match (self.table.window_from_wait_s, self.burst_wait()) {
                (Some(longest), Some(wait))
                    if wait.seconds > longest && self.is_subscription() && !self.limits.reported =>
                {
                    found(Class::WindowExhausted, "no quota headers, and a wait too long for a burst")
                }
                _ => found(Class::Burst, ""),
            };
        }
        match self.status {
            Some(401) => found(self.credential_class(), ""),
            Some(402) => found(Class::Billing, ""),
            Some(403) if !self.refusal.is_json => found(Class::NetworkBlocked, "no JSON: not the vendor's API"),
            Some(404) if self.names_model() => found(Class::ModelExhausted, "names the model"),
            Some(408) => found(Class::Transient, ""),
            status if status.is_some() && status == self.table.overloaded_status => found(Class::Overloaded, ""),
            Some(500..) => found(Class::Transient, ""),
            Some(_) => found(Class::RequestFault, ""),
            None if self.answer.in_stream || self.answer.status < 300 => found(Class::Transient, ""),
            None => found(Class::RequestFault, "no refusal that is known"),
        }
    }

    fn credential_class(&self) -> Class {
        match self.answer.kind {
            CredentialKind::Subscription | CredentialKind::SharedPlan => Class::CredentialStale,
            CredentialKind::StaticToken | CredentialKind::ApiKey | CredentialKind::PlanKey => Class::CredentialDead,
        }
    }

    fn is_subscription(&self) -> bool {
        self.answer.kind.is_login()
    }

    /// Does the message hold the model's name as a whole word?
    fn names_model(&self) -> bool {
        let (message, model) = (self.refusal.message(), self.answer.model);
        let part_of_name = |c: char| c.is_alphanumeric() || "-_./".contains(c);
        !model.is_empty()
            && message.match_indices(model).any(|(at, _)| {
                let (before, after) = (&message[..at], &message[at + model.len()..]);
                // a point ends a sentence as well as a name
                let after = after.strip_prefix('.').unwrap_or(after);
                !before.ends_with(part_of_name) && !after.starts_with(part_of_name)
            })
    }

    /// How long a burst lasts: Retry-After, else the body, else the empty bucket. In a wrapped error headers and body are one
    /// statement, so the later counts.
    fn burst_wait(&self) -> Option<Wait> {
        if self.wrapped {
            return Wait::later(self.retry_after.or(self.limits.bucket), self.body_wait);
        }
        self.retry_after.or(self.body_wait).or(self.limits.bucket)
    }

    /// When a spent window or an empty purse is over: the latest statement.
    fn stated_end(&self, finding: &Finding<'_>) -> Option<UnixSeconds> {
        let stated = Wait::later(self.retry_after, self.body_wait);
        let stated = if finding.class == Class::Billing { stated } else { Wait::later(stated, self.limits.resets()) };
        let assumed = || match finding.row?.ends {
            Ends::Unknown => None,
            Ends::NextMonth => next_month(self.answer.now),
            Ends::NextMondayInChina => next_monday_in_china(self.answer.now),
        };
        stated.map(|wait| wait.until).or_else(assumed)
    }

    fn verdict(&self, finding: &Finding<'_>) -> Verdict {
        let class = finding.class;
        let mut verdict = Verdict {
            class,
            scope: scope_of(class),
            fail_over: !matches!(
                class,
                Class::RequestFault | Class::Overloaded | Class::NetworkBlocked | Class::TermsRefused
            ),
            retry_same_after_s: None,
            until: None,
            evidence: self.in_words(finding),
        };
        let header_wait = self.retry_after.map(|wait| wait.seconds);
        match class {
            Class::CredentialStale => verdict.retry_same_after_s = Some(0.0),
            Class::WindowExhausted | Class::ModelExhausted | Class::Billing => {
                verdict.until = self.stated_end(finding);
            }
            Class::Burst => match self.burst_wait() {
                Some(wait) => {
                    verdict.scope = Scope::Account;
                    verdict.until = Some(wait.until);
                    verdict.retry_same_after_s = Some(wait.seconds).filter(|wait| *wait <= LONGEST_BURST_WAIT_S);
                }
                None => verdict.retry_same_after_s = Some(BURST_WAIT_S),
            },
            Class::Overloaded => verdict.retry_same_after_s = header_wait.or(Some(OVERLOADED_WAIT_S)),
            Class::Transient => verdict.retry_same_after_s = header_wait.or(Some(TRANSIENT_WAIT_S)),
            Class::RequestFault
            | Class::CredentialDead
            | Class::AccountDisabled
            | Class::NetworkBlocked
            | Class::TermsRefused => {}
        }
        if let Some(row) = finding.row {
            if row.about_model {
                verdict.scope = Scope::Model;
            }
            verdict.fail_over &= !row.stays;
        }
        verdict
    }

    /// The evidence in words: status, the vendor's code if it looks like one, what decided, a stated wait.
    fn in_words(&self, finding: &Finding<'_>) -> String {
        let mut words = if self.answer.in_stream { "in a stream".to_owned() } else { self.answer.status.to_string() };
        let mut add = |part: &str| {
            words.push_str(", ");
            words.push_str(part);
        };
        let plain =
            |code: &&str| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if let Some(code) = finding.code.into_iter().chain(self.refusal.codes()).find(plain) {
            add(code);
        }
        if !finding.because.is_empty() {
            add(&finding.because);
        }
        if let Some(wait) = self.retry_after {
            add(&format!("retry-after {} s", wait.seconds));
        }
        words
    }
}

/// The first of next month, 00:00 UTC.
fn next_month(now: UnixSeconds) -> Option<UnixSeconds> {
    let today = Timestamp::from_second(now).ok()?.to_zoned(TimeZone::UTC).date();
    let first = today.first_of_month().checked_add(1.month()).ok()?;
    Some(first.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Next Monday, 00:00 UTC+8; a whole week if it is Monday there now.
fn next_monday_in_china(now: UnixSeconds) -> Option<UnixSeconds> {
    let china = TimeZone::fixed(Offset::constant(8));
    let today = Timestamp::from_second(now).ok()?.to_zoned(china.clone()).date();
    let monday = today.nth_weekday(1, Weekday::Monday).ok()?;
    Some(monday.to_zoned(china).ok()?.timestamp().as_second())
}
