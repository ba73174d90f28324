//! Rows of the person's own: what a refusal means, where they know it better than the built-in tables. They come from
//! `config.toml`, count before every built-in row but the vendor's terms, and say so in the evidence.

use std::fmt::Write as _;

use remuda_core::{Class, Vendor};

use crate::own_words::OwnWords;
use crate::table::fits;

/// More rows than this are refused.
pub const MAX_ROWS: usize = 200;

/// One row. All stated conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRow {
    /// At this vendor only.
    pub vendor: Option<Vendor>,
    /// At this HTTP status.
    pub status: Option<u16>,
    /// With this structured code; one `*` stands for anything.
    pub code: Option<String>,
    /// With this phrase in the vendor's own words, without regard to case.
    pub phrase: Option<String>,
    /// What it means.
    pub verdict: Class,
}

/// Why a row is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    /// It would hold for everything.
    #[error("a row needs a status, a code or a phrase")]
    NoCondition,
    /// Only refusals are judged.
    #[error("a status is between 400 and 599: only refusals are judged")]
    Status,
    /// The pattern cannot be read.
    #[error("a code holds at most one *, and something beside it")]
    Code,
    /// Too little to be told apart from ids, ports and quoted text.
    #[error(
        "a phrase that stands alone needs two words or more: a single word or number is found in texts that mean something else; add a status or a code"
    )]
    Phrase,
    /// Terms are the vendor's to state.
    #[error("terms_refused cannot be given to a refusal: only the vendor's own wording says so")]
    Terms,
}

impl OwnRow {
    /// A row as it counts: lower case, without blanks around it.
    ///
    /// # Errors
    /// [`BadRow`].
    pub fn checked(self) -> Result<Self, BadRow> {
        let tidy = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let row = Self { code: tidy(self.code), phrase: tidy(self.phrase).map(|phrase| phrase.to_lowercase()), ..self };
        if row.status.is_none() && row.code.is_none() && row.phrase.is_none() {
            return Err(BadRow::NoCondition);
        }
        if row.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err(BadRow::Status);
        }
        if row.code.as_ref().is_some_and(|code| code.matches('*').count() > 1 || code == "*") {
            return Err(BadRow::Code);
        }
        let words =
            |phrase: &String| phrase.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
        let alone = row.status.is_none() && row.code.is_none();
        if row.phrase.as_ref().is_some_and(|phrase| words(phrase) < if alone { 2 } else { 1 }) {
            return Err(BadRow::Phrase);
        }
        if row.verdict == Class::TermsRefused {
            return Err(BadRow::Terms);
        }
        Ok(row)
    }

    fn holds<'c>(
        &self,
        vendor: Vendor,
        status: Option<u16>,
        mut codes: impl Iterator<Item = &'c str>,
        words: &OwnWords,
    ) -> bool {
        self.vendor.is_none_or(|own| own == vendor)
            && self.status.is_none_or(|own| status == Some(own))
            && self.code.as_ref().is_none_or(|own| codes.any(|code| fits(own, code)))
            && self.phrase.as_ref().is_none_or(|own| words.say(own))
    }

    /// The row in words, for the evidence. It is the person's own text, never the vendor's.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut words = String::new();
        let mut add = |text: std::fmt::Arguments<'_>| {
            let _ = write!(words, "{}{text}", if words.is_empty() { "" } else { ", " });
        };
        if let Some(status) = self.status {
            add(format_args!("status {status}"));
        }
        if let Some(code) = &self.code {
            add(format_args!("code {code}"));
        }
        if let Some(phrase) = &self.phrase {
            add(format_args!("says \"{phrase}\""));
        }
        format!("by your own row in config.toml ({words})")
    }
}

/// All rows, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRows(pub Vec<OwnRow>);

impl OwnRows {
    /// The first row that holds.
    pub(crate) fn find<'c>(
        &self,
        vendor: Vendor,
        status: Option<u16>,
        codes: impl Iterator<Item = &'c str> + Clone,
        words: &OwnWords,
    ) -> Option<&OwnRow> {
        self.0.iter().take(MAX_ROWS).find(|row| row.holds(vendor, status, codes.clone(), words))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use remuda_core::CredentialKind;
    use rstest::rstest;

    use super::*;
    use crate::{UpstreamAnswer, classify, classify_with};

    fn row() -> OwnRow {
        OwnRow { vendor: None, status: None, code: None, phrase: None, verdict: Class::WindowExhausted }
    }

    fn judged(rows: Vec<OwnRow>, vendor: Vendor, status: u16, body: &str) -> remuda_core::Verdict {
        let rows = OwnRows(rows.into_iter().map(|row| row.checked().unwrap()).collect());
        let (headers, body) = (HeaderMap::new(), body.as_bytes());
        let kind = CredentialKind::ApiKey;
        let answer =
            UpstreamAnswer { vendor, kind, now: 0, model: "m", status, headers: &headers, body, in_stream: false };
        classify_with(&answer, &rows)
    }

    const ODD: &str = r#"{"error":{"code":"odd_one","message":"Daily budget of this project is used up"}}"#;

    #[rstest]
    #[case::status(OwnRow { status: Some(418), ..row() })]
    #[case::code(OwnRow { code: Some("odd_*".to_owned()), ..row() })]
    #[case::phrase(OwnRow { phrase: Some(" Daily Budget of this".to_owned()), ..row() })]
    #[case::all(OwnRow { vendor: Some(Vendor::OpenAi), status: Some(418), code: Some("odd_one".to_owned()), phrase: Some("budget".to_owned()), ..row() })]
    fn a_row_that_holds_decides_and_is_named(#[case] own: OwnRow) {
        let words = own.clone().checked().unwrap().in_words();
        let verdict = judged(vec![own], Vendor::OpenAi, 418, ODD);
        assert_eq!(verdict.class, Class::WindowExhausted);
        assert!(verdict.fail_over);
        assert!(verdict.evidence.contains(&words), "{}", verdict.evidence);
    }

    #[rstest]
    #[case::another_vendor(OwnRow { vendor: Some(Vendor::Qwen), status: Some(418), ..row() })]
    #[case::another_status(OwnRow { status: Some(419), ..row() })]
    #[case::another_code(OwnRow { code: Some("even_*".to_owned()), ..row() })]
    #[case::one_of_two(OwnRow { status: Some(418), phrase: Some("weekly".to_owned()), ..row() })]
    fn otherwise_the_built_in_tables_decide(#[case] own: OwnRow) {
        let verdict = judged(vec![own], Vendor::OpenAi, 418, ODD);
        assert_eq!(verdict.class, Class::RequestFault);
    }

    #[test]
    fn the_first_row_that_holds_counts_and_it_goes_before_built_in_codes() {
        let body = r#"{"error":{"type":"insufficient_quota","message":"x"}}"#;
        let own = |verdict| OwnRow { code: Some("insufficient_quota".to_owned()), verdict, ..row() };
        let verdict = judged(vec![own(Class::Transient), own(Class::Burst)], Vendor::OpenAi, 429, body);
        assert_eq!(verdict.class, Class::Transient);
    }

    #[test]
    fn the_vendors_terms_are_not_overruled() {
        let body = r#"{"error":{"type":"invalid_request_error","message":"This credential is only authorized for use with Claude Code"}}"#;
        let own = OwnRow { status: Some(400), verdict: Class::Burst, ..row() };
        assert_eq!(judged(vec![own], Vendor::Anthropic, 400, body).class, Class::TermsRefused);
    }

    #[test]
    fn without_rows_nothing_changes() {
        let (headers, body) = (HeaderMap::new(), ODD.as_bytes());
        let kind = CredentialKind::ApiKey;
        let answer = UpstreamAnswer {
            vendor: Vendor::OpenAi,
            kind,
            now: 0,
            model: "m",
            status: 418,
            headers: &headers,
            body,
            in_stream: false,
        };
        assert_eq!(classify(&answer), classify_with(&answer, &OwnRows::default()));
    }

    #[rstest]
    #[case(row(), BadRow::NoCondition)]
    #[case(OwnRow { code: Some(" ".to_owned()), ..row() }, BadRow::NoCondition)]
    #[case(OwnRow { status: Some(200), ..row() }, BadRow::Status)]
    #[case(OwnRow { code: Some("*a*".to_owned()), ..row() }, BadRow::Code)]
    #[case(OwnRow { code: Some("*".to_owned()), ..row() }, BadRow::Code)]
    #[case(OwnRow { phrase: Some("quota".to_owned()), ..row() }, BadRow::Phrase)]
    #[case(OwnRow { phrase: Some("429 500".to_owned()), ..row() }, BadRow::Phrase)]
    #[case(OwnRow { status: Some(429), phrase: Some("529".to_owned()), ..row() }, BadRow::Phrase)]
    #[case(OwnRow { status: Some(400), verdict: Class::TermsRefused, ..row() }, BadRow::Terms)]
    fn a_row_that_would_hit_the_innocent_is_refused(#[case] own: OwnRow, #[case] why: BadRow) {
        assert_eq!(own.checked(), Err(why));
    }
}
