//! Refreshing OAuth tokens: what to send and what the answer means. The credentials crate sends, locks and stores.
//!
//! Where each vendor listens and which codes it uses is in `<vendor>/token_endpoint.rs`.

use std::collections::BTreeMap;

use http::HeaderMap;
use remuda_core::{UnixSeconds, Vendor};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;

use crate::call::Call;
use crate::time::retry_after::retry_after;
use crate::token_answer::TokenAnswer;
use crate::{anthropic, openai, qwen};

/// What a token endpoint's answer to a refresh means.
#[derive(Clone, Debug)]
pub enum RefreshAnswer {
    /// A new pair.
    Renewed {
        /// New access token.
        access: SecretString,
        /// New refresh token; `None`: keep the old one.
        refresh: Option<SecretString>,
        /// When the access token ends, counted from the answer.
        expires_at: UnixSeconds,
        /// Not before this may the next refresh be sent (OpenAI token sharing).
        earliest_refresh_at: Option<UnixSeconds>,
    },
    /// The refresh token is dead, **if it is still the stored one**: a login is needed.
    Permanent {
        /// The vendor's code.
        code: &'static str,
    },
    /// The account is closed; a login would not help.
    AccountDisabled {
        /// The vendor's code.
        code: &'static str,
    },
    /// Our request is wrong (client id, format); no login helps. Wait 900 s.
    Config {
        /// The vendor's code.
        code: &'static str,
    },
    /// It may work later. Condemns nobody.
    Transient {
        /// When to try again, if the vendor stated it believably.
        not_before: Option<UnixSeconds>,
        /// In words, without secrets: `403 without JSON`.
        evidence: String,
    },
}

/// A vendor's token endpoint.
#[derive(Debug)]
pub(crate) struct TokenEndpoint {
    /// Where it listens; `None`: logins of this vendor cannot be refreshed.
    pub(crate) url: Option<&'static str>,
    /// Public OAuth client id.
    pub(crate) client_id: &'static str,
    /// Codes that mean: this refresh token is dead.
    pub(crate) permanent: &'static [&'static str],
    /// Codes that mean: this account is closed.
    pub(crate) account: &'static [&'static str],
    /// Codes that mean: our request is wrong.
    pub(crate) config: &'static [&'static str],
}

/// Codes of RFC 6749, section 5.2, that say that the client is at fault, not the grant.
pub(crate) const CLIENT_AT_FAULT: &[&str] =
    &["invalid_client", "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_grant_type"];

fn endpoint(vendor: Vendor) -> &'static TokenEndpoint {
    match vendor {
        Vendor::Anthropic => &anthropic::token_endpoint::ENDPOINT,
        Vendor::OpenAi => &openai::token_endpoint::ENDPOINT,
        Vendor::Qwen => &qwen::token_endpoint::ENDPOINT,
    }
}

#[derive(Serialize)]
struct RefreshBody<'a> {
    grant_type: &'static str,
    refresh_token: &'a str,
    client_id: &'static str,
}

/// Token endpoints in place of the vendors' own (the vendor in miniature, tests).
#[derive(Clone, Debug, Default)]
pub struct TokenUrls {
    /// By vendor.
    pub own: BTreeMap<Vendor, String>,
    /// OpenAI's for shared plans.
    pub shared: Option<String>,
}

impl From<BTreeMap<Vendor, String>> for TokenUrls {
    fn from(own: BTreeMap<Vendor, String>) -> Self {
        Self { own, shared: None }
    }
}

/// The refresh request of this vendor. `issued`: the client id that the vendor issued with this very login (shared plans).
/// `None`: this vendor's logins cannot be refreshed (Qwen's ended on 2026-04-15).
#[must_use]
pub fn refresh_call(vendor: Vendor, urls: &TokenUrls, refresh: &SecretString, issued: Option<&str>) -> Option<Call> {
    let TokenEndpoint { url, client_id, .. } = *endpoint(vendor);
    if let (Vendor::OpenAi, Some(issued)) = (vendor, issued) {
        let url = urls.shared.clone().unwrap_or_else(|| openai::Endpoints::default().shared_token());
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", issued),
            ("refresh_token", refresh.expose_secret()),
            ("resource", openai::shared_plan::RESOURCE),
        ];
        return Some(Call::post_form(url, &fields));
    }
    let url = urls.own.get(&vendor).map(String::as_str).filter(|_| url.is_some()).or(url)?;
    // no scope: sending one makes Anthropic refuse some tokens, and nobody needs it
    let body = RefreshBody { grant_type: "refresh_token", refresh_token: refresh.expose_secret(), client_id };
    Some(Call::post_json(url, serde_json::to_string(&body).ok()?))
}

/// Reads the answer to a refresh that was sent. `now` is the time of the answer.
///
/// Permanent only if the answer is a 4xx with JSON whose **code** (`error.code`, `error` as a string, or `code`) is in the
/// vendor's list. Whether the refused token is still the stored one is the caller's question.
#[must_use]
pub fn judge_refresh(vendor: Vendor, status: u16, headers: &HeaderMap, body: &[u8], now: UnixSeconds) -> RefreshAnswer {
    let transient = |evidence: String| {
        let not_before = retry_after(headers, now).map(|wait| wait.until);
        RefreshAnswer::Transient { not_before, evidence }
    };
    if (200..300).contains(&status) {
        return match TokenAnswer::read(body, now) {
            Some(answer) => RefreshAnswer::Renewed {
                access: answer.access,
                refresh: answer.refresh,
                expires_at: answer.expires_at,
                earliest_refresh_at: answer.earliest_refresh_at,
            },
            None => transient(format!("{status} without a token")),
        };
    }
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return transient(format!("{status} without JSON"));
    };
    let Some(code) = code(&json) else {
        return transient(format!("{status} without a code"));
    };
    let endpoint = endpoint(vendor);
    let known = |codes: &'static [&'static str]| codes.iter().copied().find(|known| *known == code);
    // a busy or broken endpoint condemns nobody, whatever its body says
    if !(400..500).contains(&status) || matches!(status, 408 | 429) {
        transient(status.to_string())
    } else if let Some(code) = known(endpoint.permanent) {
        RefreshAnswer::Permanent { code }
    } else if let Some(code) = known(endpoint.account) {
        RefreshAnswer::AccountDisabled { code }
    } else if let Some(code) = known(endpoint.config) {
        RefreshAnswer::Config { code }
    } else {
        transient(format!("{status} with a code that is not known"))
    }
}

/// `error.code`, `error` as a string, or `code`. Never a word of a description.
pub(crate) fn code(json: &Value) -> Option<&str> {
    ["/error/code", "/error", "/code"].into_iter().find_map(|path| json.pointer(path)?.as_str())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    const NOW: UnixSeconds = 1_795_168_800;

    fn judge(vendor: Vendor, status: u16, body: &str) -> String {
        match judge_refresh(vendor, status, &HeaderMap::new(), body.as_bytes(), NOW) {
            RefreshAnswer::Renewed { refresh, .. } => format!("renewed {}", refresh.is_some()),
            RefreshAnswer::Permanent { code } => format!("permanent {code}"),
            RefreshAnswer::AccountDisabled { code } => format!("account {code}"),
            RefreshAnswer::Config { code } => format!("config {code}"),
            RefreshAnswer::Transient { evidence, .. } => format!("transient {evidence}"),
        }
    }

    #[rstest]
    #[case(200, r#"{"access_token":"a","refresh_token":"r"}"#, "renewed true")]
    #[case(200, r#"{"access_token":"a","refresh_token":""}"#, "renewed false")]
    #[case(200, r#"{"access_token":"a"}"#, "renewed false")]
    #[case(200, "<html>ok</html>", "transient 200 without a token")]
    #[case(400, r#"{"error":"invalid_grant","error_description":"Refresh token expired"}"#, "permanent invalid_grant")]
    #[case(401, r#"{"error":{"code":"invalid_refresh_token"}}"#, "permanent invalid_refresh_token")]
    #[case(400, r#"{"error":"invalid_client"}"#, "config invalid_client")]
    #[case(400, "invalid_grant", "transient 400 without JSON")]
    #[case(403, "Forbidden", "transient 403 without JSON")]
    #[case(500, r#"{"error":"invalid_grant"}"#, "transient 500")]
    #[case(429, r#"{"error":"invalid_grant"}"#, "transient 429")]
    #[case(302, r#"{"error":"invalid_grant"}"#, "transient 302")]
    #[case(
        400,
        r#"{"error":"server_error","error_description":"invalid_grant"}"#,
        "transient 400 with a code that is not known"
    )]
    #[case(
        401,
        r#"{"error":{"type":"authentication_error","message":"invalid_grant"}}"#,
        "transient 401 without a code"
    )]
    #[case(400, "", "transient 400 without JSON")]
    #[case(400, "[]", "transient 400 without a code")]
    fn only_a_listed_code_in_a_4xx_condemns(#[case] status: u16, #[case] body: &str, #[case] expected: &str) {
        assert_eq!(judge(Vendor::Anthropic, status, body), expected);
    }

    #[rstest]
    #[case(r#"{"error":{"code":"refresh_token_reused"}}"#, "permanent refresh_token_reused")]
    #[case(r#"{"error":"refresh_token_invalidated"}"#, "permanent refresh_token_invalidated")]
    #[case(r#"{"code":"refresh_token_expired"}"#, "permanent refresh_token_expired")]
    #[case(r#"{"error":{"code":"account_deactivated"}}"#, "account account_deactivated")]
    fn openai_has_codes_of_its_own_in_three_places(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(judge(Vendor::OpenAi, 401, body), expected);
    }

    #[test]
    fn a_busy_endpoint_says_when_to_come_back() {
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static("120"))]);
        let answer = judge_refresh(Vendor::Anthropic, 429, &headers, b"{}", NOW);
        assert!(matches!(answer, RefreshAnswer::Transient { not_before: Some(at), .. } if at == NOW + 120));
    }

    fn at(url: &str) -> TokenUrls {
        BTreeMap::from([Vendor::Anthropic, Vendor::OpenAi, Vendor::Qwen].map(|vendor| (vendor, url.to_owned()))).into()
    }

    #[test]
    fn a_shared_plan_is_refreshed_as_a_form_under_its_own_client_id() {
        let call = refresh_call(Vendor::OpenAi, &TokenUrls::default(), &"rt_x".into(), Some("oaiapp_1")).unwrap();
        assert_eq!(call.url, "https://auth.openai.com/api/accounts/oauth/token");
        assert_eq!(
            call.form.unwrap().expose_secret(),
            "grant_type=refresh_token&client_id=oaiapp_1&refresh_token=rt_x&resource=https%3A%2F%2Fapi.openai.com%2Fv1"
        );
        let codex = refresh_call(Vendor::OpenAi, &TokenUrls::default(), &"rt_x".into(), None).unwrap();
        assert_eq!((codex.url.as_str(), codex.form.is_none()), ("https://auth.openai.com/oauth/token", true));
    }

    #[test]
    fn the_request_is_json_and_is_never_printed() {
        let call =
            refresh_call(Vendor::Anthropic, &at("http://127.0.0.1:9/token"), &"sk-ant-ort01-x".into(), None).unwrap();
        assert_eq!(call.url, "http://127.0.0.1:9/token");
        let body: Value = serde_json::from_str(call.json.as_ref().unwrap().expose_secret()).unwrap();
        assert_eq!(body["grant_type"], "refresh_token");
        assert_eq!(body["refresh_token"], "sk-ant-ort01-x");
        assert_eq!(body.get("scope"), None);
        assert!(!format!("{call:?}").contains("ort01"));
    }

    #[test]
    fn a_login_without_a_token_endpoint_is_never_refreshed() {
        assert!(refresh_call(Vendor::Qwen, &at("http://127.0.0.1:9/token"), &"x".into(), None).is_none());
    }
}
