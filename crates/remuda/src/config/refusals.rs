//! `[[refusals]]`: what a refusal of a vendor means, where the person knows it better than Remuda. The rules of such rows
//! are those of `remuda_vendors::OwnRow`; a row that would hit the innocent is refused with its line.

use remuda_core::{Class, Vendor};
use remuda_vendors::OwnRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One row. All stated conditions must hold; at least one is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
#[schemars(with = "Written")]
pub(crate) struct Refusal(pub(crate) OwnRow);

/// As it is written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// At this vendor only: anthropic, openai or qwen. A compatible endpoint counts as the vendor whose protocol it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor: Option<VendorName>,
    /// At this HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// With this error code; one * stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// With this phrase in the error's message, without regard to case. Two words or more, or together with a status or code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phrase: Option<String>,
    /// What it means.
    verdict: Meaning,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum VendorName {
    Anthropic,
    #[serde(rename = "openai")]
    OpenAi,
    Qwen,
}

/// The verdicts that a person can give.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Meaning {
    /// The request itself is refused: passed on, nobody is asked in its place.
    RequestFault,
    /// The token is out of date: it is refreshed once.
    CredentialStale,
    /// A new login or key is needed.
    CredentialDead,
    /// The vendor has closed the account.
    AccountDisabled,
    /// A plan window is spent.
    WindowExhausted,
    /// This account cannot serve this model now.
    ModelExhausted,
    /// Money, credits, a spend limit.
    Billing,
    /// Too fast: tried once more, then the next account.
    Burst,
    /// The vendor has no capacity: no other account of this vendor is asked.
    Overloaded,
    /// A passing fault: tried once more, then the next account.
    Transient,
    /// The way to the vendor is blocked, for every account.
    NetworkBlocked,
}

/// Both ways in one table.
const MEANINGS: &[(Meaning, Class)] = &[
    (Meaning::RequestFault, Class::RequestFault),
    (Meaning::CredentialStale, Class::CredentialStale),
    (Meaning::CredentialDead, Class::CredentialDead),
    (Meaning::AccountDisabled, Class::AccountDisabled),
    (Meaning::WindowExhausted, Class::WindowExhausted),
    (Meaning::ModelExhausted, Class::ModelExhausted),
    (Meaning::Billing, Class::Billing),
    (Meaning::Burst, Class::Burst),
    (Meaning::Overloaded, Class::Overloaded),
    (Meaning::Transient, Class::Transient),
    (Meaning::NetworkBlocked, Class::NetworkBlocked),
];

impl TryFrom<Written> for Refusal {
    type Error = remuda_vendors::BadRow;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let vendor = written.vendor.map(|name| match name {
            VendorName::Anthropic => Vendor::Anthropic,
            VendorName::OpenAi => Vendor::OpenAi,
            VendorName::Qwen => Vendor::Qwen,
        });
        let meant = written.verdict as usize;
        let verdict = MEANINGS.iter().find(|(meaning, _)| *meaning as usize == meant).map_or(Class::Transient, |m| m.1);
        let Written { status, code, phrase, .. } = written;
        OwnRow { vendor, status, code, phrase, verdict }.checked().map(Self)
    }
}

impl From<Refusal> for Written {
    fn from(Refusal(row): Refusal) -> Self {
        let vendor = row.vendor.map(|vendor| match vendor {
            Vendor::Anthropic => VendorName::Anthropic,
            Vendor::OpenAi => VendorName::OpenAi,
            Vendor::Qwen => VendorName::Qwen,
        });
        let verdict = MEANINGS.iter().find(|(_, class)| *class == row.verdict).map_or(Meaning::Transient, |m| m.0);
        Self { vendor, status: row.status, code: row.code, phrase: row.phrase, verdict }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::super::{Config, parse_toml};
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let failure = |f: remuda_control::Failure| format!("{} | {}", f.message, f.remedy.unwrap_or_default());
        parse_toml(text, Path::new("config.toml")).map_err(failure)
    }

    #[test]
    fn a_row_is_read_and_written_back() {
        let text =
            "[[refusals]]\nvendor = 'qwen'\nstatus = 429\nphrase = 'Daily quota'\nverdict = 'window_exhausted'\n";
        let config = parse(text).unwrap();
        let row = &config.refusals[0].0;
        assert_eq!((row.vendor, row.status, row.verdict), (Some(Vendor::Qwen), Some(429), Class::WindowExhausted));
        assert_eq!(row.phrase.as_deref(), Some("daily quota"));
        let back = toml::to_string(&config).unwrap();
        assert_eq!(parse(&back).unwrap().refusals, config.refusals);
    }

    #[test]
    fn every_verdict_keeps_its_name() {
        for (meaning, class) in MEANINGS {
            let word = serde_json::to_value(meaning).unwrap();
            assert_eq!(word, serde_json::to_value(class).unwrap());
            let text = format!("[[refusals]]\nstatus = 418\nverdict = {word}\n");
            assert_eq!(parse(&text).unwrap().refusals[0].0.verdict, *class);
        }
    }

    #[rstest]
    #[case("[[refusals]]\nverdict = 'burst'", "needs a status, a code or a phrase")]
    #[case("[[refusals]]\nphrase = 'quota'\nverdict = 'burst'", "two words or more")]
    #[case("[[refusals]]\nstatus = 418\nverdict = 'terms_refused'", "unknown variant `terms_refused`")]
    #[case("[[refusals]]\nstatus = 418\nverdict = 'brust'", "did you mean `burst`?")]
    #[case("[[refusals]]\nstaus = 418\nverdict = 'burst'", "did you mean `status`?")]
    fn a_bad_row_is_refused_with_its_line(#[case] text: &str, #[case] says: &str) {
        let failure = parse(text).unwrap_err();
        assert!(failure.contains(says) && failure.contains("line "), "{failure}");
    }
}
