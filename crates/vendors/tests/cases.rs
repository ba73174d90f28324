//! The acceptance cases that concern what vendors say: `classify.json`, `reset_times.json`, `quota.json`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue};
use remuda_core::{CredentialKind, Reading, Vendor, Verdict, Window};
use remuda_vendors::{UpstreamAnswer, classify, windows_from_event, windows_from_headers, windows_from_usage};
use serde_json::{Value, json};

/// Runs every case of a file and reports all that fail at once.
fn run(file: &str, check: impl Fn(&Value) -> Result<(), String>) {
    let dir = std::env::var_os("REMUDA_CASES_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases"), PathBuf::from);
    let path = dir.join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let cases = json["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "{file} holds no cases");
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case["id"].as_str().unwrap(), check(case).err()?)))
        .collect();
    assert!(failed.is_empty(), "{} of {} cases of {file} fail:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn vendor(case: &Value) -> Vendor {
    serde_json::from_value(case["vendor"].clone()).unwrap()
}

fn headers(map: &Value) -> HeaderMap {
    map.as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value.as_str().unwrap()).unwrap())
        })
        .collect()
}

fn agree(expected: &Value, got: &Value) -> bool {
    match (expected.as_f64(), got.as_f64()) {
        (Some(expected), Some(got)) => (expected - got).abs() < 0.001,
        _ => expected == got,
    }
}

#[test]
fn classify_cases() {
    run("classify.json", |case| {
        let headers = headers(&case["headers"]);
        let kind: CredentialKind = serde_json::from_value(case["credential"].clone()).unwrap();
        let verdict = classify(&UpstreamAnswer {
            vendor: vendor(case),
            kind,
            now: case["now"].as_i64().unwrap(),
            model: case["model"].as_str().unwrap_or_default(),
            status: u16::try_from(case["status"].as_u64().unwrap()).unwrap(),
            headers: &headers,
            body: case["body"].as_str().unwrap().as_bytes(),
            in_stream: case["in_stream"].as_bool().unwrap_or_default(),
        });
        let got = serde_json::to_value(&verdict).unwrap();
        let wrong: Vec<String> = ["class", "scope", "fail_over", "retry_same_after_s", "until"]
            .into_iter()
            .filter(|field| !agree(&case["expect"][field], &got[field]))
            .map(|field| format!("{field} expected {}, got {}", case["expect"][field], got[field]))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("{} ({})", wrong.join("; "), verdict.evidence)) }
    });
}

#[test]
fn reset_times_cases() {
    run("reset_times.json", |case| {
        let (mut answer_headers, mut body) = (HeaderMap::new(), String::new());
        match case["kind"].as_str().unwrap() {
            "headers" => answer_headers = headers(&case["input"]),
            "text" => body = json!({"error": {"message": case["input"]}}).to_string(),
            "json" => case["input"].as_str().unwrap().clone_into(&mut body),
            other => return Err(format!("no such kind: {other}")),
        }
        let Verdict { until, evidence, .. } = classify(&UpstreamAnswer {
            vendor: vendor(case),
            kind: CredentialKind::Subscription,
            now: case["now"].as_i64().unwrap(),
            model: "",
            status: 429,
            headers: &answer_headers,
            body: body.as_bytes(),
            in_stream: false,
        });
        let expected = case["expect_until"].as_i64();
        if until == expected { Ok(()) } else { Err(format!("expected {expected:?}, got {until:?} ({evidence})")) }
    });
}

#[test]
fn quota_cases() {
    run("quota.json", |case| {
        let (vendor, now, input) = (vendor(case), case["now"].as_i64().unwrap(), &case["input"]);
        let mut got = match case["kind"].as_str().unwrap() {
            "headers" => windows_from_headers(vendor, &headers(input), now),
            "usage_json" => windows_from_usage(vendor, input, now),
            "event" => windows_from_event(vendor, input.to_string().as_bytes(), now),
            other => return Err(format!("no such kind: {other}")),
        };
        got.sort_by_key(|(window, _)| window.to_string());
        let mut expected = case["expect"].as_array().unwrap().clone();
        expected.sort_by_key(|window| window["window"].as_str().unwrap().to_owned());
        let same = |(expected, (window, reading)): (&Value, &(Window, Reading))| {
            expected["window"] == window.to_string()
                && (expected["used_percent"].as_f64().unwrap() - reading.used_percent).abs() <= 0.01
                && expected["resets_at"].as_i64() == reading.resets_at
                && expected["source"] == serde_json::to_value(reading.source).unwrap()
                && reading.read_at == now
        };
        if expected.len() == got.len() && expected.iter().zip(&got).all(same) {
            Ok(())
        } else {
            Err(format!("expected {}, got {got:?}", Value::from(expected)))
        }
    });
}
