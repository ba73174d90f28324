//! Whatever comes over the wire: nothing panics, and every result keeps the promises of its type.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use remuda_core::time::believable;
use remuda_core::{Class, CredentialKind, Reading, Vendor, Window};
use remuda_vendors::login::{Flow, Redirect};
use remuda_vendors::openai::{claims, device};
use remuda_vendors::{Addresses, Login};
use remuda_vendors::{
    UpstreamAnswer, classify, judge_refresh, windows_from_event, windows_from_headers, windows_from_usage,
};

fn vendors() -> impl Strategy<Value = Vendor> {
    prop_oneof![Just(Vendor::Anthropic), Just(Vendor::OpenAi), Just(Vendor::Qwen)]
}

fn kinds() -> impl Strategy<Value = CredentialKind> {
    prop_oneof![
        Just(CredentialKind::Subscription),
        Just(CredentialKind::StaticToken),
        Just(CredentialKind::ApiKey),
        Just(CredentialKind::PlanKey),
        Just(CredentialKind::SharedPlan)
    ]
}

/// Headers that look like quota, with values that often do not.
fn headers() -> impl Strategy<Value = HeaderMap> {
    let name = "(anthropic-ratelimit-(unified-)?(5h|7d|7d_oi|99999h|x)?-?(status|utilization|reset|remaining)\
        |x-(codex|codex-otter|codex-code-review|)-?(primary|secondary)-(used-percent|window-minutes|reset-at|reset-after-seconds)\
        |x-codex-otter-limit-name|x-ratelimit-(remaining|reset)-(tokens|requests)|retry-after(-ms)?)";
    let value =
        "(rejected|allowed|NaN|inf|-?[0-9]{1,20}(\\.[0-9]{1,3})?|[0-9]h[0-9]m|2026-1[12]-2[0-9]T10:00:00Z|[ -~]{0,12})";
    vec((name, value), 0..12).prop_map(|pairs| {
        pairs
            .into_iter()
            .filter_map(|(name, value)| {
                Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(&value).ok()?))
            })
            .collect()
    })
}

/// JSON with the keys that are looked for, in places where they belong and where they do not.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "(rate_limit_error|usage_limit_reached|insufficient_quota|Throttling|try again in [0-9]{1,6}(s|h|days)|.{0,20})"
            .prop_map(Into::into),
    ];
    let key = "(error|type|code|message|detail|details|error_code|response|headers|status|resets_at|resets_in_seconds\
        |five_hour|seven_day|utilization|limits|kind|percent|scope|model|display_name|rate_limit|rate_limits|primary\
        |primary_window|used_percent|limit_window_seconds|window_minutes|reset_at|account|organization|uuid|.{0,6})";
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            vec((key, inner), 0..6).prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Bodies: any bytes, JSON, events, JSON that breaks off.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        json().prop_map(|json| json.to_string().into_bytes()),
        json().prop_map(|json| format!("event: error\ndata: {json}\n\n").into_bytes()),
        (json(), 0..100_usize).prop_map(|(json, cut)| {
            let mut text = json.to_string().into_bytes();
            text.truncate(cut);
            text
        }),
    ]
}

fn check_readings(readings: &[(Window, Reading)], now: i64) -> Result<(), TestCaseError> {
    for (window, reading) in readings {
        prop_assert!((0.0..=100.0).contains(&reading.used_percent), "{window} {reading:?}");
        prop_assert!(reading.resets_at.is_none_or(|at| believable(at, now)), "{window} {reading:?}");
    }
    let names: BTreeSet<String> = readings.iter().map(|(window, _)| window.to_string()).collect();
    prop_assert_eq!(names.len(), readings.len(), "each window once");
    Ok(())
}

proptest! {
    #[test]
    fn a_verdict_keeps_its_promises_whatever_came(
        vendor in vendors(),
        kind in kinds(),
        status in 100_u16..700,
        headers in headers(),
        body in bodies(),
        in_stream in any::<bool>(),
        now in 0..4_000_000_000_i64,
    ) {
        let answer = UpstreamAnswer { vendor, kind, now, model: "m", status, headers: &headers, body: &body, in_stream };
        let verdict = classify(&answer);
        prop_assert!(verdict.until.is_none_or(|at| believable(at, now)), "{verdict:?}");
        prop_assert!(verdict.retry_same_after_s.is_none_or(|wait| wait.is_finite() && wait >= 0.0), "{verdict:?}");
        let never = [Class::RequestFault, Class::TermsRefused, Class::NetworkBlocked, Class::Overloaded];
        prop_assert!(!(never.contains(&verdict.class) && verdict.fail_over), "{verdict:?}");
        prop_assert!(verdict.class != Class::CredentialStale || matches!(kind, CredentialKind::Subscription | CredentialKind::SharedPlan));
        prop_assert!(verdict.evidence.len() < 400);
    }

    #[test]
    fn evidence_never_repeats_what_the_message_says(
        vendor in vendors(),
        status in 400_u16..600,
        message in "[a-z ]{0,20}",
    ) {
        let body = serde_json::json!({"error": {"message": format!("{message} zebra-0451"), "code": "no code at all: zebra-0451"}});
        let (headers, body) = (HeaderMap::new(), body.to_string());
        let verdict = classify(&UpstreamAnswer {
            vendor, kind: CredentialKind::ApiKey, now: 0, model: "", status, headers: &headers, body: body.as_bytes(), in_stream: false,
        });
        prop_assert!(!verdict.evidence.contains("zebra"), "{}", verdict.evidence);
    }

    #[test]
    fn readings_are_shares_of_different_windows(
        vendor in vendors(), headers in headers(), json in json(), data in bodies(), now in 0..4_000_000_000_i64,
    ) {
        check_readings(&windows_from_headers(vendor, &headers, now), now)?;
        check_readings(&windows_from_usage(vendor, &json, now), now)?;
        check_readings(&windows_from_event(vendor, &data, now), now)?;
    }

    #[test]
    fn answers_of_token_and_profile_endpoints_are_read_without_panic(
        vendor in vendors(), status in 100_u16..700, headers in headers(), body in bodies(), json in json(),
    ) {
        let _ = judge_refresh(vendor, status, &headers, &body, 1_795_168_800);
        let Addresses { anthropic, openai, .. } = Addresses::default();
        for flow in [Flow::Claude(anthropic), Flow::Codex(openai)] {
            let login = Login { flow, redirect: Redirect::CopyCode, verifier: "v".into(), state: "s".to_owned() };
            let _ = login.read_tokens(status, &body, 1_795_168_800);
            let _ = login.read_profile(json.to_string().as_bytes()).identity(vendor);
        }
        let _ = (device::read_start(status, &body), device::read_poll(status, &body));
        let token = String::from_utf8_lossy(&body).into_owned().into();
        let _ = claims::profile(Some(&token), &token);
    }
}
