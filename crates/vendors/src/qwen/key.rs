//! Is a key at home at an endpoint? Asked once at login, of the endpoints that its kind can have.
//!
//! Alibaba answers in words that mislead: a plan key whose plan has ended, and a key at the wrong endpoint, are both
//! told that the "access token" is invalid or expired. Source: coding-plan-faq and token-plan-faq (November 2026).

use secrecy::SecretString;

use super::Base;
use crate::call::Call;
use crate::own_words::OwnWords;
use crate::refusal::Refusal;

/// What an endpoint says to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It takes it.
    Takes,
    /// It knows it, and something else is in the way, in words for a person.
    TakesBut(&'static str),
    /// A plan that has ended, a key of another kind, or a key that was not copied whole: the endpoint does not tell which.
    LapsedOrElsewhere,
    /// It does not know it.
    Refuses,
    /// Nothing about the key can be said from this status.
    Unclear(u16),
}

/// Asks for the list of models, which costs nothing.
#[must_use]
pub fn check_call(base: &Base, key: &SecretString) -> Call {
    Call { bearer: Some(key.clone()), ..Call::get(format!("{}/models", base.openai)) }
}

/// What an endpoint only says to a key that it knows: the beginning of the code, and what it means.
const KNOWN_BUT: &[(&str, &str)] = &[
    ("Arrearage", "Alibaba says that a payment is overdue: nothing is served until it is paid"),
    (
        "AllocationQuota.FreeTierOnly",
        "the free quota is used up, and the account serves nothing else until that is changed",
    ),
    ("Throttling", "Alibaba limits this key just now"),
    ("limit_burst_rate", "Alibaba limits this key just now"),
    ("insufficient_quota", "Alibaba limits this key just now"),
    ("AccessDenied", "Alibaba denies this key the list of models"),
    ("Model.AccessDenied", "Alibaba denies this key the list of models"),
];

const UNKNOWN: &[&str] = &["InvalidApiKey", "invalid_api_key"];

/// Phrases beside codes that say nothing: lower case.
const UNKNOWN_WORDS: &[&str] = &["incorrect api key", "invalid api-key", "invalid api key"];
const LAPSED_WORDS: &[&str] = &["invalid access token or token expired", "token expired", "plan has expired"];

/// Reads the answer to [`check_call`].
#[must_use]
pub fn read(status: u16, body: &[u8]) -> Answer {
    if (200..300).contains(&status) {
        return Answer::Takes;
    }
    let refusal = Refusal::read(body, false);
    let words = OwnWords::of(refusal.message());
    if let Some((_, means)) =
        refusal.codes().find_map(|code| KNOWN_BUT.iter().find(|(known, _)| code.starts_with(known)))
    {
        return Answer::TakesBut(means);
    }
    if LAPSED_WORDS.iter().any(|said| words.say(said)) {
        return Answer::LapsedOrElsewhere;
    }
    let unknown =
        refusal.codes().any(|code| UNKNOWN.contains(&code)) || UNKNOWN_WORDS.iter().any(|said| words.say(said));
    match status {
        _ if unknown => Answer::Refuses,
        401 => Answer::Refuses,
        // Whoever is throttled is known.
        429 => Answer::TakesBut("Alibaba limits this key just now"),
        other => Answer::Unclear(other),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(200, "{}", Answer::Takes)]
    #[case(401, r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","code":"invalid_api_key"}}"#, Answer::Refuses)]
    #[case(401, r#"{"code":"InvalidApiKey","message":"Invalid API-key provided","request_id":"r"}"#, Answer::Refuses)]
    #[case(403, r#"{"error":{"message":"invalid api-key"}}"#, Answer::Refuses)]
    #[case(
        401,
        r#"{"error":{"message":"invalid access token or token expired","code":"invalid_api_key"}}"#,
        Answer::LapsedOrElsewhere
    )]
    #[case(401, r#"{"message":"Invalid access token or token expired"}"#, Answer::LapsedOrElsewhere)]
    #[case(404, "", Answer::Unclear(404))]
    #[case(500, "oops", Answer::Unclear(500))]
    #[case(403, "<html>blocked</html>", Answer::Unclear(403))]
    fn an_endpoint_says_whether_a_key_is_at_home(#[case] status: u16, #[case] body: &str, #[case] expected: Answer) {
        assert_eq!(read(status, body.as_bytes()), expected);
    }

    #[rstest]
    #[case(
        400,
        r#"{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing."}"#,
        "overdue"
    )]
    #[case(403, r#"{"error":{"code":"Arrearage","message":"Access denied"}}"#, "overdue")]
    #[case(429, r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"#, "limits")]
    #[case(429, "", "limits")]
    #[case(403, r#"{"code":"AccessDenied.Unpurchased","message":"x"}"#, "denies")]
    fn what_is_only_said_to_a_known_key_is_no_invalid_key(#[case] status: u16, #[case] body: &str, #[case] says: &str) {
        assert!(matches!(read(status, body.as_bytes()), Answer::TakesBut(why) if why.contains(says)));
    }
}
