//! The vendors' usage endpoints: who has one, how it is asked, what its answer means. Asking costs no quota.
//!
//! Anthropic: `GET /api/oauth/usage`, undocumented, needs the scope `user:profile`. OpenAI: `GET …/wham/usage`, as Codex
//! CLI asks it (codex-rs, backend-client). Alibaba has none that a key may ask: its console's calls want the cookies of a
//! browser, and Remuda does not collect those.

use http::HeaderMap;
use remuda_core::{Class, CredentialKind, Reading, UnixSeconds, Vendor, Window};
use secrecy::SecretString;

use crate::anthropic;
use crate::call::Call;
use crate::classify::{UpstreamAnswer, classify};
use crate::quota::windows_from_usage;
use crate::time::retry_after::retry_after;

/// Why an account's vendor cannot be asked what is left, in words for a person; `None`: it can.
#[must_use]
pub fn no_usage_endpoint(vendor: Vendor, kind: CredentialKind) -> Option<&'static str> {
    use CredentialKind::{ApiKey, PlanKey, SharedPlan, StaticToken, Subscription};
    match (vendor, kind) {
        (Vendor::Anthropic | Vendor::OpenAi, Subscription) => None,
        (Vendor::Anthropic, StaticToken) => {
            Some("a long-lived token may not ask for its usage; what is shown is what answers have said")
        }
        (Vendor::Qwen, _) => {
            Some("Alibaba has no usage endpoint for keys; what is shown is what answers and refusals have said")
        }
        (Vendor::OpenAi, SharedPlan) => {
            Some("a shared plan has no usage endpoint; its owner sees it at chatgpt.com/settings/usage")
        }
        (Vendor::Anthropic | Vendor::OpenAi, ApiKey | PlanKey | StaticToken | SharedPlan) => {
            Some("the vendor states no plan windows for keys")
        }
    }
}

/// Asks what is left. `base`: where the account's own protocol is spoken, without a trailing slash (Messages for Anthropic, the
/// Codex backend for OpenAI); `workspace`: the id of the ChatGPT workspace, which OpenAI wants to see. `None`: there is nobody
/// to ask ([`no_usage_endpoint`]).
#[must_use]
pub fn usage_call(
    vendor: Vendor,
    kind: CredentialKind,
    base: &str,
    workspace: Option<&str>,
    access: &SecretString,
) -> Option<Call> {
    if no_usage_endpoint(vendor, kind).is_some() {
        return None;
    }
    let base = base.trim_end_matches('/');
    let bearer = Some(access.clone());
    match vendor {
        Vendor::Anthropic => Some(Call {
            bearer,
            headers: &[("anthropic-beta", anthropic::OAUTH_BETA), ("accept", "application/json")],
            ..Call::get(format!("{base}/api/oauth/usage"))
        }),
        Vendor::OpenAi => Some(Call {
            bearer,
            headers: &[("accept", "application/json")],
            own_headers: workspace.map(|id| ("chatgpt-account-id", id.to_owned())).into_iter().collect(),
            ..Call::get(format!("{}/wham/usage", base.strip_suffix("/codex").unwrap_or(base)))
        }),
        Vendor::Qwen => None,
    }
}

/// What a usage endpoint said.
#[derive(Clone, Debug, PartialEq)]
pub enum UsageAnswer {
    /// What is left. Empty: it answered, and named no window.
    Windows(Vec<(Window, Reading)>),
    /// The access token is out of date or dead: one refresh is worth it.
    Stale,
    /// This login may not ask, and serves all the same.
    NotAllowed {
        /// In words.
        why: String,
    },
    /// The vendor is busy. Says nothing about the account.
    Busy {
        /// Seconds to wait, if it states them.
        retry_after_s: Option<f64>,
        /// In words.
        why: String,
    },
    /// Something that nobody understands.
    Odd {
        /// In words.
        why: String,
    },
}

/// Reads an answer. `asked_at`: when the question was sent. What the vendor counts between question and answer may be in it
/// or not, so that its readings are as old as the question.
#[must_use]
pub fn judge_usage(
    vendor: Vendor,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    asked_at: UnixSeconds,
) -> UsageAnswer {
    match status {
        200 => match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(json) if json.is_object() => UsageAnswer::Windows(windows_from_usage(vendor, &json, asked_at)),
            _ => {
                UsageAnswer::Odd { why: "the usage endpoint answered with something that is no JSON object".to_owned() }
            }
        },
        401 => UsageAnswer::Stale,
        403 => forbidden(vendor, headers, body, asked_at),
        429 | 500..=599 => UsageAnswer::Busy {
            retry_after_s: retry_after(headers, asked_at).map(|wait| wait.seconds),
            why: format!("the usage endpoint answered {status}"),
        },
        _ => UsageAnswer::Odd { why: format!("the usage endpoint answered {status}") },
    }
}

/// A revoked token is told with 403 too; a proxy's page says nothing about the login; else the token lacks the scope
/// `user:profile` (code.claude.com/docs/en/errors), which is no failure of the account.
fn forbidden(vendor: Vendor, headers: &HeaderMap, body: &[u8], now: UnixSeconds) -> UsageAnswer {
    let verdict = classify(&UpstreamAnswer {
        vendor,
        kind: CredentialKind::Subscription,
        now,
        model: "",
        status: 403,
        headers,
        body,
        in_stream: false,
    });
    match verdict.class {
        Class::CredentialStale => UsageAnswer::Stale,
        Class::NetworkBlocked => {
            UsageAnswer::Busy { retry_after_s: None, why: "something on the way to the vendor answered 403".to_owned() }
        }
        _ => UsageAnswer::NotAllowed { why: "this login may not ask for its usage (403)".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    const NOW: UnixSeconds = 1_795_168_800;

    fn access() -> SecretString {
        SecretString::from("at-1")
    }

    #[test]
    fn each_vendor_is_asked_at_its_own_address_with_what_it_wants_to_see() {
        let kind = CredentialKind::Subscription;
        let call = usage_call(Vendor::Anthropic, kind, "https://api.anthropic.com", None, &access()).unwrap();
        assert_eq!(call.url, "https://api.anthropic.com/api/oauth/usage");
        let base = "https://chatgpt.com/backend-api/codex/";
        let call = usage_call(Vendor::OpenAi, kind, base, Some("acc-1"), &access()).unwrap();
        assert_eq!(call.url, "https://chatgpt.com/backend-api/wham/usage");
        assert_eq!(call.own_headers, [("chatgpt-account-id", "acc-1".to_owned())]);
    }

    #[rstest]
    #[case(Vendor::Qwen, CredentialKind::PlanKey, "Alibaba has no usage endpoint")]
    #[case(Vendor::Anthropic, CredentialKind::StaticToken, "may not ask")]
    #[case(Vendor::Anthropic, CredentialKind::ApiKey, "no plan windows for keys")]
    #[case(Vendor::OpenAi, CredentialKind::SharedPlan, "chatgpt.com/settings/usage")]
    fn whoever_cannot_be_asked_is_told_of_and_not_asked(
        #[case] vendor: Vendor,
        #[case] kind: CredentialKind,
        #[case] says: &str,
    ) {
        assert!(no_usage_endpoint(vendor, kind).unwrap().contains(says));
        assert!(usage_call(vendor, kind, "https://x.test", None, &access()).is_none());
    }

    #[test]
    fn an_answer_is_as_old_as_its_question() {
        let body = br#"{"five_hour": {"utilization": 12, "resets_at": "2026-11-21T00:00:00Z"}}"#;
        let answer = judge_usage(Vendor::Anthropic, 200, &HeaderMap::new(), body, NOW);
        let UsageAnswer::Windows(readings) = answer else { panic!("{answer:?}") };
        assert_eq!(readings[0].0, Window::FiveHour);
        assert_eq!(readings[0].1.read_at, NOW);
    }

    #[test]
    fn a_refusal_says_nothing_about_the_account() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("90"));
        let judge = |status, body: &[u8]| judge_usage(Vendor::Anthropic, status, &headers, body, NOW);
        assert!(matches!(judge(429, b""), UsageAnswer::Busy { retry_after_s: Some(s), .. } if s == 90.0));
        assert!(matches!(judge(503, b""), UsageAnswer::Busy { .. }));
        assert_eq!(judge(401, b""), UsageAnswer::Stale);
        let scope =
            br#"{"type":"error","error":{"type":"permission_error","message":"scope requirement user:profile"}}"#;
        assert!(matches!(judge(403, scope), UsageAnswer::NotAllowed { .. }));
        let revoked =
            br#"{"type":"error","error":{"type":"permission_error","message":"OAuth token has been revoked. Log in."}}"#;
        assert_eq!(judge(403, revoked), UsageAnswer::Stale);
        assert!(matches!(judge(403, b"<html>blocked"), UsageAnswer::Busy { .. }), "a proxy on the way");
        for (status, body) in [(404, &b"{}"[..]), (302, b""), (200, b"<html>"), (200, b"[]")] {
            assert!(matches!(judge(status, body), UsageAnswer::Odd { .. }), "{status}");
        }
        assert_eq!(judge(200, b"{}"), UsageAnswer::Windows(Vec::new()));
    }
}
