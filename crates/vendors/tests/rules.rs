//! Rules of `tests/cases/README.md` that no single case shows: what outweighs what, and what never counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use http::{HeaderMap, HeaderName, HeaderValue};
use remuda_core::Class::*;
use remuda_core::{CredentialKind, Scope, Vendor, Verdict};
use remuda_vendors::{UpstreamAnswer, classify};
use rstest::rstest;
use serde_json::json;

const NOW: i64 = 1_795_168_800;

struct Answer {
    vendor: Vendor,
    kind: CredentialKind,
    status: u16,
    headers: HeaderMap,
    body: String,
    in_stream: bool,
}

impl Answer {
    fn anthropic(status: u16, error: serde_json::Value) -> Self {
        let body = json!({"type": "error", "error": error}).to_string();
        Self {
            vendor: Vendor::Anthropic,
            kind: CredentialKind::Subscription,
            status,
            headers: HeaderMap::new(),
            body,
            in_stream: false,
        }
    }

    fn openai(status: u16, error: serde_json::Value) -> Self {
        Self { vendor: Vendor::OpenAi, body: json!({"error": error}).to_string(), ..Self::anthropic(status, json!({})) }
    }

    fn qwen(status: u16, body: serde_json::Value) -> Self {
        Self {
            vendor: Vendor::Qwen,
            kind: CredentialKind::PlanKey,
            body: body.to_string(),
            ..Self::anthropic(status, json!({}))
        }
    }

    fn with(mut self, headers: &[(&'static str, &'static str)]) -> Self {
        for (name, value) in headers {
            self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        self
    }

    fn of(self, kind: CredentialKind) -> Self {
        Self { kind, ..self }
    }

    fn verdict(&self) -> Verdict {
        classify(&UpstreamAnswer {
            vendor: self.vendor,
            kind: self.kind,
            now: NOW,
            model: "claude-opus-5",
            status: self.status,
            headers: &self.headers,
            body: self.body.as_bytes(),
            in_stream: self.in_stream,
        })
    }
}

fn says(message: &str) -> serde_json::Value {
    json!({"type": "invalid_request_error", "message": message})
}

#[rstest]
#[case("messages.3.content.0.text: Your credit balance is too low")]
#[case("tool output \"Your credit balance is too low\" is not valid UTF-8")]
#[case("tool output 'This organization has been disabled.' is not valid")]
#[case("`only authorized for use with Claude Code` is no valid tool name")]
#[case("accreditation: mycredit balance is too lowly")]
fn what_the_vendor_only_quotes_is_no_evidence(#[case] message: &str) {
    assert_eq!(Answer::anthropic(400, says(message)).verdict().class, RequestFault);
}

#[test]
fn phrases_that_come_far_behind_the_beginning_are_an_echo() {
    let message = format!("Invalid request. {} Your credit balance is too low", "Some long text. ".repeat(20));
    assert_eq!(Answer::anthropic(400, says(&message)).verdict().class, RequestFault);
}

#[test]
fn a_server_fault_stays_one_whatever_it_says() {
    assert_eq!(Answer::anthropic(500, says("Your credit balance is too low")).verdict().class, Transient);
    assert_eq!(Answer::anthropic(502, says("This organization has been disabled.")).verdict().class, Transient);
}

#[test]
fn terms_are_refused_even_beside_a_spent_window() {
    let error = json!({"type": "rate_limit_error", "message": "Third-party apps now draw from your extra usage, not your plan limits."});
    let verdict =
        Answer::anthropic(429, error).with(&[("anthropic-ratelimit-unified-5h-status", "rejected")]).verdict();
    assert_eq!((verdict.class, verdict.fail_over), (TermsRefused, false));
}

#[test]
fn a_spent_window_outweighs_words_about_an_option() {
    let error = json!({"type": "rate_limit_error", "message": "Usage credits are required for fast mode"});
    let spent = Answer::anthropic(429, error).with(&[("anthropic-ratelimit-unified-7d-status", "rejected")]);
    assert_eq!(spent.verdict().class, WindowExhausted);
}

#[test]
fn spent_windows_do_not_colour_other_refusals() {
    let headers = [("anthropic-ratelimit-unified-5h-status", "rejected")];
    assert_eq!(Answer::anthropic(400, says("max_tokens is required")).with(&headers).verdict().class, RequestFault);
    assert_eq!(Answer::anthropic(529, json!({"type": "overloaded_error"})).with(&headers).verdict().class, Overloaded);
    assert_eq!(Answer::anthropic(401, json!({})).with(&headers).verdict().class, CredentialStale);
}

#[rstest]
#[case(CredentialKind::Subscription, CredentialStale)]
#[case(CredentialKind::StaticToken, CredentialDead)]
#[case(CredentialKind::ApiKey, CredentialDead)]
#[case(CredentialKind::PlanKey, CredentialDead)]
fn only_what_can_be_refreshed_is_stale(#[case] kind: CredentialKind, #[case] expected: remuda_core::Class) {
    let error = json!({"type": "authentication_error", "message": "OAuth token has expired."});
    assert_eq!(Answer::anthropic(401, error).of(kind).verdict().class, expected);
}

#[rstest]
#[case(CredentialKind::Subscription, &[("retry-after", "301")], WindowExhausted)]
#[case(CredentialKind::StaticToken, &[("retry-after", "301")], WindowExhausted)]
#[case(CredentialKind::Subscription, &[("retry-after", "300")], Burst)]
#[case(CredentialKind::ApiKey, &[("retry-after", "301")], Burst)]
#[case(CredentialKind::Subscription, &[("retry-after", "301"), ("anthropic-ratelimit-unified-5h-utilization", "0.3")], Burst)]
fn a_long_wait_without_quota_headers_is_a_window_of_a_subscription(
    #[case] kind: CredentialKind,
    #[case] headers: &[(&'static str, &'static str)],
    #[case] expected: remuda_core::Class,
) {
    let verdict = Answer::anthropic(429, json!({"type": "rate_limit_error"})).of(kind).with(headers).verdict();
    assert_eq!(verdict.class, expected);
    assert!(verdict.until.is_some() && verdict.retry_same_after_s.is_none());
}

#[rstest]
#[case("60", Some(60.0))]
#[case("60.5", None)]
fn a_burst_is_waited_out_up_to_a_minute(#[case] stated: &'static str, #[case] expected: Option<f64>) {
    let verdict = Answer::openai(429, json!({"code": "slow_down"})).with(&[("retry-after", stated)]).verdict();
    assert_eq!((verdict.scope, verdict.retry_same_after_s), (Scope::Account, expected));
}

#[test]
fn a_burst_ends_by_retry_after_else_by_the_message_else_by_the_bucket() {
    let silent = json!({"code": "rate_limit_exceeded", "message": "Rate limit reached."});
    let speaking = json!({"code": "rate_limit_exceeded", "message": "Please try again in 20s."});
    let bucket = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "30s")];
    let wait = |answer: Answer| answer.with(&bucket).verdict().retry_same_after_s;
    assert_eq!(wait(Answer::openai(429, silent)), Some(30.0));
    assert_eq!(wait(Answer::openai(429, speaking.clone())), Some(20.0));
    assert_eq!(wait(Answer::openai(429, speaking).with(&[("retry-after", "10")])), Some(10.0));
}

#[test]
fn a_status_word_outweighs_the_share() {
    let full_but_allowed = [
        ("anthropic-ratelimit-unified-5h-status", "allowed_warning"),
        ("anthropic-ratelimit-unified-5h-utilization", "1.0"),
    ];
    assert_eq!(Answer::anthropic(429, json!({})).with(&full_but_allowed).verdict().class, Burst);
}

#[test]
fn the_overall_pair_is_not_heard_beside_single_windows() {
    let headers = [
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-reset", "1795172400"),
        ("anthropic-ratelimit-unified-5h-status", "allowed"),
    ];
    let verdict = Answer::anthropic(429, json!({})).with(&headers).verdict();
    assert_eq!((verdict.class, verdict.until), (Burst, None));
}

#[test]
fn the_type_of_an_event_stands_for_the_status_that_a_stream_lacks() {
    let event = |kind: &str, message: &str| {
        let data = json!({"type": "error", "error": {"type": kind, "message": message}});
        let body = format!("event: error\ndata: {data}\n\n");
        Answer { body, in_stream: true, ..Answer::anthropic(200, json!({})) }.verdict().class
    };
    assert_eq!(event("invalid_request_error", "x"), RequestFault);
    assert_eq!(event("invalid_request_error", "Your credit balance is too low"), Billing);
    assert_eq!(event("permission_error", "OAuth token has been revoked."), CredentialStale);
    assert_eq!(event("authentication_error", "x"), CredentialStale);
    assert_eq!(event("novel_error", "x"), Transient);
}

#[test]
fn a_wrapped_error_brings_its_own_status_and_headers() {
    let frame = |status: u16, error: serde_json::Value, headers: serde_json::Value| {
        let body = json!({"type": "error", "status": status, "error": error, "headers": headers}).to_string();
        Answer { body, in_stream: true, ..Answer::openai(101, json!({})) }.verdict()
    };
    let busy = frame(429, json!({"type": "novel"}), json!({"Retry-After": 7}));
    assert_eq!((busy.class, busy.until), (Burst, Some(NOW + 7)));
    // headers and body are one statement there
    let error = json!({"code": "rate_limit_exceeded", "message": "Please try again in 20s."});
    assert_eq!(frame(429, error, json!({"retry-after": "7"})).until, Some(NOW + 20));
    assert_eq!(frame(401, json!({"code": "novel"}), json!({})).class, CredentialStale);
    assert_eq!(frame(502, json!({"code": "novel"}), json!({})).class, Transient);
}

#[test]
fn an_additional_limit_alone_rests_the_model_only_if_the_main_windows_are_known_to_be_free() {
    let spent = json!({"type": "usage_limit_reached"});
    let extra = [("x-codex-otter-primary-used-percent", "100"), ("x-codex-otter-primary-reset-after-seconds", "90")];
    let alone = Answer::openai(429, spent.clone()).with(&extra).verdict();
    assert_eq!((alone.class, alone.until), (WindowExhausted, Some(NOW + 90)));
    let free = [("x-codex-primary-used-percent", "3"), ("x-codex-primary-window-minutes", "300")];
    let beside_free = Answer::openai(429, spent).with(&extra).with(&free).verdict();
    assert_eq!((beside_free.class, beside_free.until), (ModelExhausted, Some(NOW + 90)));
}

#[test]
fn money_does_not_come_back_with_a_window() {
    let headers = [("x-codex-primary-used-percent", "100"), ("x-codex-primary-reset-after-seconds", "90")];
    let verdict = Answer::openai(429, json!({"code": "insufficient_quota"})).with(&headers).verdict();
    assert_eq!((verdict.class, verdict.until), (Billing, None));
}

#[test]
fn capacity_of_the_selected_model_is_about_the_model() {
    let error = json!({"code": "server_is_overloaded", "message": "Selected model is at capacity. Try another."});
    let verdict = Answer::openai(503, error).verdict();
    assert_eq!((verdict.class, verdict.scope, verdict.fail_over), (Overloaded, Scope::Model, false));
}

#[rstest]
#[case("subscription_sharing_novel", RequestFault, false)]
#[case("subscription_sharing_usage_limit_exceeded", WindowExhausted, false)]
#[case("subscription_sharing_user_not_eligible", AccountDisabled, false)]
#[case("subscription_sharing_user_unavailable", Transient, true)]
#[case("subscription_sharing_invalid_user", CredentialStale, true)]
fn limits_of_shared_subscriptions_are_never_evaded(
    #[case] code: &str,
    #[case] class: remuda_core::Class,
    #[case] fail_over: bool,
) {
    let verdict = Answer::openai(429, json!({"code": code})).verdict();
    assert_eq!((verdict.class, verdict.fail_over), (class, fail_over));
}

#[test]
fn the_same_code_of_qwen_is_a_throttle_or_a_window_by_its_words() {
    let refused = |message: &str| {
        let verdict = Answer::qwen(429, json!({"code": "Throttling.AllocationQuota", "message": message})).verdict();
        (verdict.class, verdict.until)
    };
    assert_eq!(refused("Allocated quota exceeded, please increase your quota limit."), (Burst, None));
    assert_eq!(refused("hour allocated quota exceeded."), (WindowExhausted, None));
    // Friday, 18:00 in China: Monday is 2 days and 6 hours away
    assert_eq!(refused("week allocated quota exceeded."), (WindowExhausted, Some(NOW + 54 * 3600)));
    assert_eq!(refused("Free allocated quota exceeded."), (Billing, None));
}

#[rstest]
#[case(404, json!({"error": {"message": "The model `claude-opus-5` does not exist"}}), ModelExhausted)]
#[case(404, json!({"error": {"message": "no file claude-opus-5-notes.txt"}}), RequestFault)]
#[case(404, json!({"code": "ModelNotFound", "message": "x"}), ModelExhausted)]
#[case(400, json!({"error": {"message": "model 'qwen9' is not supported"}}), ModelExhausted)]
#[case(400, json!({"error": {"message": "parameter 'x' is not supported by this model"}}), RequestFault)]
#[case(400, json!({"code": "InvalidParameter", "message": "Model not exist."}), ModelExhausted)]
fn an_unknown_model_is_one_that_is_named(
    #[case] status: u16,
    #[case] body: serde_json::Value,
    #[case] expected: remuda_core::Class,
) {
    assert_eq!(Answer::qwen(status, body).verdict().class, expected);
}

#[rstest]
#[case(403, "[]", RequestFault)]
#[case(403, "{\"error\":", NetworkBlocked)]
#[case(408, "", Transient)]
#[case(418, "{}", RequestFault)]
#[case(302, "", RequestFault)]
#[case(599, "null", Transient)]
fn what_is_unknown_is_neutral(#[case] status: u16, #[case] body: &str, #[case] expected: remuda_core::Class) {
    for vendor in [Vendor::Anthropic, Vendor::OpenAi, Vendor::Qwen] {
        let answer = Answer { vendor, body: body.to_owned(), ..Answer::anthropic(status, json!({})) };
        assert_eq!(answer.verdict().class, expected, "{vendor}");
    }
}
