//! The form of a vendor's table of refusals, and how a row is matched. The rows are in `<vendor>/refusals.rs`; the order in
//! which the kinds of evidence count is in [`crate::classify()`].

use remuda_core::{Class, Scope};

use crate::own_words::OwnWords;

/// Everything a vendor says when it refuses.
#[derive(Debug)]
pub(crate) struct Table {
    /// The vendor refuses this kind of client or use. Counts before everything else, whatever the status.
    pub(crate) terms: &'static [Row],
    /// Codes that decide by themselves.
    pub(crate) codes: &'static [Row],
    /// Phrases that decide where codes, quota headers and status leave it open.
    pub(crate) phrases: &'static [Row],
    /// Codes that only repeat a status.
    pub(crate) statuses: &'static [CodeStatus],
    /// The status by which this vendor says that it has no capacity.
    pub(crate) overloaded_status: Option<u16>,
    /// On a subscription, a 429 without quota headers and with a wait longer than this many seconds is a spent window.
    pub(crate) window_from_wait_s: Option<f64>,
}

/// One thing a vendor says, and what it means. All stated conditions must hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// A code; one `*` stands for anything.
    pub(crate) code: Option<&'static str>,
    /// Phrases that the vendor's own words hold, all of them, lower case.
    pub(crate) says: &'static [&'static str],
    /// Where it counts.
    pub(crate) at: At,
    /// What it means.
    pub(crate) means: Means,
    /// About the selected model, not about the vendor as a whole.
    pub(crate) about_model: bool,
    /// No other account may step in.
    pub(crate) stays: bool,
    /// When it ends if nothing is stated.
    pub(crate) ends: Ends,
}

/// Where a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Everywhere.
    Any,
    /// At a 4xx, and in a stream unless the code says that the server is at fault.
    NotServerFault,
    /// At one of these statuses, or in a stream at a code that stands for one of them.
    Status(&'static [u16]),
}

/// What a row means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// Just this.
    Is(Class),
    /// `credential_stale` where something can be refreshed, else `credential_dead`.
    Credential,
    /// Some limit: quota headers and phrases tell which, else `burst`.
    SomeLimit,
    /// A plan window, or an additional model limit if the headers say that only that is spent.
    PlanWindow,
}

/// When a refusal ends if the answer states no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Unknown.
    Unknown,
    /// On the first of next month, 00:00 UTC.
    NextMonth,
    /// Next Monday, 00:00 UTC+8.
    NextMondayInChina,
}

/// A code that stands for a status.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeStatus {
    /// The code; one `*` stands for anything.
    pub(crate) code: &'static str,
    /// The status it is documented with.
    pub(crate) status: u16,
    /// Counts even against another HTTP status; otherwise only in a stream, where there is none.
    pub(crate) beats_status: bool,
}

/// A row about a code.
pub(crate) const fn code(code: &'static str, means: Means) -> Row {
    Row { code: Some(code), says: &[], at: At::Any, means, about_model: false, stays: false, ends: Ends::Unknown }
}

/// A row about phrases.
pub(crate) const fn phrase(says: &'static [&'static str], at: At, means: Means) -> Row {
    Row { code: None, says, at, means, about_model: false, stays: false, ends: Ends::Unknown }
}

/// A code that repeats a status, for streams.
pub(crate) const fn stands_for(code: &'static str, status: u16) -> CodeStatus {
    CodeStatus { code, status, beats_status: false }
}

/// A code that says more than the HTTP status beside it.
pub(crate) const fn decides(code: &'static str, status: u16) -> CodeStatus {
    CodeStatus { code, status, beats_status: true }
}

impl Row {
    /// Only together with these phrases.
    pub(crate) const fn saying(self, says: &'static [&'static str]) -> Self {
        Self { says, ..self }
    }

    /// See [`Row::about_model`].
    pub(crate) const fn about_model(self) -> Self {
        Self { about_model: true, ..self }
    }

    /// See [`Row::stays`].
    pub(crate) const fn stays(self) -> Self {
        Self { stays: true, ..self }
    }

    /// See [`Row::ends`].
    pub(crate) const fn ends(self, ends: Ends) -> Self {
        Self { ends, ..self }
    }

    /// Do all its conditions hold?
    pub(crate) fn matches(&self, code: Option<&str>, words: &OwnWords, status: Option<u16>) -> bool {
        let at = match self.at {
            At::Any => true,
            At::NotServerFault => status.is_none_or(|status| status < 500),
            At::Status(statuses) => status.is_some_and(|status| statuses.contains(&status)),
        };
        at && self.code.is_none_or(|pattern| code.is_some_and(|code| fits(pattern, code)))
            && self.says.iter().all(|phrase| words.say(phrase))
    }

    /// The phrases it was recognised by, in words. Our own text, never the vendor's.
    pub(crate) fn said(&self) -> String {
        self.says.iter().map(|phrase| format!("says \"{phrase}\"")).collect::<Vec<_>>().join(" and ")
    }
}

/// Does a code fit a pattern with at most one `*`?
pub(crate) fn fits(pattern: &str, code: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == code,
        Some((start, end)) => code.len() >= start.len() + end.len() && code.starts_with(start) && code.ends_with(end),
    }
}

/// The scope that belongs to a class: `tests/cases/README.md`, section 2.
pub(crate) fn scope_of(class: Class) -> Scope {
    match class {
        Class::RequestFault | Class::TermsRefused | Class::Burst => Scope::Request,
        Class::CredentialStale | Class::CredentialDead => Scope::Credential,
        Class::AccountDisabled | Class::WindowExhausted | Class::Billing => Scope::Account,
        Class::ModelExhausted => Scope::Model,
        Class::Overloaded | Class::Transient => Scope::Vendor,
        Class::NetworkBlocked => Scope::Network,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::fits;

    #[rstest]
    #[case("a_b", "a_b", true)]
    #[case("a_b", "a_bc", false)]
    #[case("invalid_*", "invalid_prompt", true)]
    #[case("*_policy", "cyber_policy", true)]
    #[case("*_policy", "policy", false)]
    #[case("sub_*_exceeded", "sub_usage_limit_exceeded", true)]
    #[case("sub_*_exceeded", "sub_exceeded", false)]
    fn one_star_stands_for_anything(#[case] pattern: &str, #[case] code: &str, #[case] expected: bool) {
        assert_eq!(fits(pattern, code), expected);
    }
}
