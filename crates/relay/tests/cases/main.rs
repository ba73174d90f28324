//! `relay.json`: bodies, edits and messages with what must come of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::path::PathBuf;

use remuda_relay::delta::{Op, apply, make};
use remuda_relay::exchange::{Form, Message, Refusal, Standing, Then, settle};
use remuda_relay::hash::BodyHash;
use serde_json::{Value, json};

fn cases() -> Vec<Value> {
    let directory = std::env::var_os("REMUDA_CASES_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases")), PathBuf::from);
    let file: Value = serde_json::from_slice(&std::fs::read(directory.join("relay.json")).unwrap()).unwrap();
    assert_eq!((&file["format"], &file["version"]), (&json!("remuda-cases/relay"), &json!(1)));
    file["cases"].as_array().unwrap().clone()
}

fn check(kind: &str, judge: impl Fn(&Value) -> Result<(), String>) {
    let of_kind: Vec<Value> = cases().into_iter().filter(|case| case["kind"] == kind).collect();
    assert!(!of_kind.is_empty(), "no case of kind {kind}");
    let wrong: Vec<String> = of_kind
        .iter()
        .filter_map(|case| judge(case).err().map(|why| format!("{} {}: {why}", case["id"], case["title"])))
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), of_kind.len(), wrong.join("\n"));
}

fn expect(what: &str, expected: &Value, got: Value) -> Result<(), String> {
    if expected.is_null() || *expected == got { Ok(()) } else { Err(format!("{what}: expected {expected}, got {got}")) }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

fn hash(value: &Value, name: &str) -> BodyHash {
    text(value, name).parse().unwrap()
}

fn ops(value: &Value) -> Vec<Op<'_>> {
    let number = |op: &Value, name: &str| usize::try_from(op[name].as_u64().unwrap()).unwrap();
    let op =
        |op| Op { start: number(op, "start"), delete: number(op, "delete"), insert: text(op, "insert").as_bytes() };
    value.as_array().unwrap().iter().map(op).collect()
}

/// The error's name in the cases.
fn name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::BaseMismatch => "base_mismatch",
        Refusal::OutOfOrder => "out_of_order",
        Refusal::OutOfRange => "out_of_range",
        Refusal::NotCharBoundary => "not_char_boundary",
        Refusal::HashMismatch => "hash_mismatch",
    }
}

#[test]
fn cases_delta() {
    check("delta", |case| {
        let (previous, next, expected) = (text(case, "previous"), text(case, "next"), &case["expect"]);
        let ops = make(previous.as_bytes(), next.as_bytes());
        let rebuilt = apply(previous.as_bytes(), &ops).map_err(|error| format!("does not apply: {error}"))?;
        if rebuilt != next.as_bytes() {
            return Err(format!("rebuilt {:?}", String::from_utf8_lossy(&rebuilt)));
        }
        if let Some(op) = ops.iter().find(|op| std::str::from_utf8(op.insert).is_err()) {
            return Err(format!("inserts no text: {op:?}"));
        }
        expect("previous_hash", &expected["previous_hash"], json!(BodyHash::of(previous.as_bytes()).to_string()))?;
        expect("next_hash", &expected["next_hash"], json!(BodyHash::of(&rebuilt).to_string()))?;
        expect("next_bytes", &expected["next_bytes"], json!(rebuilt.len()))?;
        let inserted: usize = ops.iter().map(|op| op.insert.len()).sum();
        match expected["max_insert_bytes"].as_u64() {
            Some(most) if inserted as u64 > most => Err(format!("inserts {inserted} bytes, at most {most} expected")),
            _ => Ok(()),
        }
    });
}

#[test]
fn cases_apply() {
    check("apply", |case| {
        let base = text(case, "base").as_bytes();
        let message = Message {
            revision: 2,
            next: hash(case, "next_hash"),
            form: Form::Delta { base: hash(case, "base_hash"), ops: &ops(&case["ops"]) },
        };
        let held = Standing { hash: BodyHash::of(base), revision: 1 };
        let got = match settle(Some((held, base)), &message) {
            Ok((_, body)) => json!({"result": String::from_utf8(body).unwrap()}),
            Err(refusal) => json!({"error": name(refusal)}),
        };
        expect("outcome", &case["expect"], got)
    });
}

#[test]
fn cases_exchange() {
    check("exchange", |case| {
        let (message, expected) = (&case["message"], &case["expect"]);
        let standing =
            |server: &Value| Standing { hash: hash(server, "hash"), revision: server["revision"].as_u64().unwrap() };
        let held = case["server"].as_object().map(|_| (standing(&case["server"]), text(&case["server"], "body")));
        let ops = if message["mode"] == "delta" { ops(&message["ops"]) } else { Vec::new() };
        let form = match text(message, "mode") {
            "full" => Form::Full(text(message, "body").as_bytes()),
            _ => Form::Delta { base: hash(message, "base_hash"), ops: &ops },
        };
        let message =
            Message { revision: message["revision"].as_u64().unwrap(), next: hash(message, "next_hash"), form };
        let settled = settle(held.map(|(standing, body)| (standing, body.as_bytes())), &message);
        expect("accepted", &expected["accepted"], json!(settled.is_ok()))?;
        // A vendor is only called with a body that `settle` returned.
        expect("upstream_called", &expected["upstream_called"], json!(settled.is_ok()))?;
        let after = settled.as_ref().map_or(held.map(|(standing, _)| standing), |(standing, _)| Some(*standing));
        let after = after.map_or(Value::Null, |s| json!({"hash": s.hash.to_string(), "revision": s.revision}));
        expect("state", &expected["state"], after)?;
        match settled {
            Ok((_, body)) => expect("body", &expected["body"], json!(String::from_utf8(body).unwrap())),
            Err(refusal) => {
                let then = match refusal.then(&message.form) {
                    Then::Full => "full",
                    Then::Direct => "direct",
                };
                expect("error", &expected["error"], json!(name(refusal)))?;
                expect("client_then", &expected["client_then"], json!(then))
            }
        }
    });
}
