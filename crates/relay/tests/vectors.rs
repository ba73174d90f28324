//! The vectors of the protocol, which every implementation runs: tests/vectors/relay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use bytes::Bytes;
use remuda_relay::code::Code;
use remuda_relay::delta::Op;
use remuda_relay::exchange::{Standing, settle};
use remuda_relay::gate::{Gate, Pass};
use remuda_relay::message::Problem;
use remuda_relay::record::Record;
use remuda_relay::request::{Head, parse, write};
use remuda_relay::script;
use serde_json::{Value, json};

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../tests/vectors/relay/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(file["format"], format!("remuda-relay-vectors/{name}"));
    file
}

/// Runs all vectors of a file; what is wrong with which is told together.
fn each(name: &str, judge: impl Fn(&Value) -> Result<(), String>) {
    let file = vectors(name);
    let all = file["vectors"].as_array().unwrap();
    assert!(all.len() > 5);
    let wrong: Vec<String> =
        all.iter().filter_map(|v| judge(v).err().map(|why| format!("{}: {why}", v["title"]))).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

fn bytes(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    remuda_relay::client::lane::hex(bytes)
}

fn same(expected: &Value, got: &Value) -> Result<(), String> {
    if expected == got { Ok(()) } else { Err(format!("expected {expected}, got {got}")) }
}

#[test]
fn script() {
    each("script", |vector| {
        let bytes = bytes(&vector["bytes"]);
        let Ok(ops) = script::read(&bytes) else { return same(&vector["error"], &json!("malformed")) };
        let text = |op: &Op| json!({"start": op.start, "delete": op.delete, "insert": String::from_utf8(op.insert.to_vec()).unwrap()});
        same(&vector["ops"], &ops.iter().map(text).collect())?;
        same(&vector["bytes"], &json!(hex(&script::write(&ops))))
    });
}

#[test]
fn record() {
    each("record", |vector| {
        let wire = Bytes::from(bytes(&vector["bytes"]));
        let Ok(record) = Record::only(wire.clone(), 1000) else { return same(&vector["error"], &json!(true)) };
        same(&vector["kind"], &json!(format!("{:?}", record.kind).to_lowercase()))?;
        same(&vector["content"], &json!(hex(&record.content)))?;
        same(&vector["bytes"], &json!(hex(&record.to_bytes())))
    });
}

#[test]
fn request() {
    each("request", |vector| {
        let most = usize::try_from(vector["most"].as_u64().unwrap()).unwrap();
        let parsed = parse(&bytes(&vector["bytes"]), most);
        let (head, payload) = match parsed {
            Ok(parsed) => parsed,
            Err(problem) => return same(&vector["error"], &json!(problem.code)),
        };
        same(&vector["head"], &serde_json::to_value(&head).unwrap())?;
        let payload = payload.into_bytes();
        same(&vector["payload"], &json!(hex(&payload)))?;
        // What is written is not always the same bytes, but means the same.
        let (again, rest) = parse(&write(&head, &payload), most).map_err(|p| p.message)?;
        same(&vector["head"], &serde_json::to_value(&again).unwrap())?;
        same(&vector["payload"], &json!(hex(&rest.into_bytes())))
    });
}

#[test]
fn conversation() {
    let epoch = vectors("conversation")["epoch"].as_str().unwrap().to_owned();
    each("conversation", |vector| {
        let mut gate = Gate::default();
        let mut held: Option<(Standing, Vec<u8>)> = None;
        for (number, message) in vector["messages"].as_array().unwrap().iter().enumerate() {
            let got = one(&mut gate, &mut held, message, &epoch);
            let got = got.unwrap_or_else(|problem| json!({"error": problem.code}));
            same(&message["expect"], &got).map_err(|why| format!("message {}: {why}", number + 1))?;
        }
        Ok(())
    });
}

fn one(
    gate: &mut Gate,
    held: &mut Option<(Standing, Vec<u8>)>,
    message: &Value,
    epoch: &str,
) -> Result<Value, Problem> {
    let mut head = json!({"conversation": "c", "key": "k", "method": "POST", "url": "u", "headers": []});
    head.as_object_mut().unwrap().extend(message["head"].as_object().unwrap().clone());
    let head: Head = serde_json::from_value(head).unwrap();
    let (head, payload) = parse(&write(&head, &bytes(&message["payload"])), 1000)?;
    if gate.look(&head, epoch, message["at"].as_u64().unwrap())? == Pass::Again {
        return Ok(json!({"pass": "again"}));
    }
    let settled = payload.message(&head, |message| {
        settle(held.as_ref().map(|(standing, body)| (*standing, body.as_slice())), message)
            .map_err(|refusal| Problem::before(refusal.into(), refusal.to_string()))
    })?;
    gate.took(&head);
    let body = hex(&settled.1);
    *held = Some(settled);
    Ok(json!({"pass": "new", "body": body}))
}

#[test]
fn code() {
    let ours: serde_json::Map<String, Value> =
        Code::ALL.iter().map(|code| (code.as_str().to_owned(), json!(code.status()))).collect();
    assert_eq!(vectors("code")["codes"], Value::Object(ours));
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        assert_eq!(Code::named(code.as_str()), Some(*code));
    }
}
