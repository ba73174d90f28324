use bytes::Bytes;
use proptest::prelude::*;
use remuda_core::Protocol;
use remuda_wire::splice::splice;
use remuda_wire::state::{GivenOut, compacted, foreign, given_out, may_carry, may_give_out};
use rstest::rstest;
use serde_json::{Value, json};

/// Everything that begins with `x` is foreign.
fn is_foreign(sealed: &str) -> bool {
    sealed.starts_with('x')
}

fn without_foreign(protocol: Protocol, body: &str) -> (String, usize) {
    let found = foreign(body.as_bytes(), protocol, is_foreign);
    let frames = splice([Bytes::copy_from_slice(body.as_bytes())], &found.edits).unwrap();
    (String::from_utf8(frames.concat()).unwrap(), found.dropped)
}

#[rstest]
#[case::own_stay(
    r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"own"}]}]}"#,
    r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"own"}]}]}"#,
    0
)]
#[case::first_goes(
    r#"{"messages":[{"role":"assistant","content":[ {"type":"thinking","thinking":"t","signature":"x1"} , {"type":"text","text":"a"}]}]}"#,
    r#"{"messages":[{"role":"assistant","content":[ {"type":"text","text":"a"}]}]}"#,
    1
)]
#[case::last_and_middle_go(
    r#"{"messages":[{"role":"assistant","content":[{"type":"text","text":"a"},{"signature":"x","type":"thinking"},{"type":"text","text":"b"},{"type":"redacted_thinking","data":"xx"}]}]}"#,
    r#"{"messages":[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}"#,
    2
)]
#[case::an_emptied_message_goes(
    r#"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"thinking","signature":"x"},{"type":"thinking","signature":"x"}]},{"role":"user","content":"r"}],"model":"m"}"#,
    r#"{"messages":[{"role":"user","content":"q"},{"role":"user","content":"r"}],"model":"m"}"#,
    2
)]
#[case::what_a_person_quotes_stays(
    r#"{"messages":[{"role":"user","content":[{"type":"thinking","signature":"x"}]}]}"#,
    r#"{"messages":[{"role":"user","content":[{"type":"thinking","signature":"x"}]}]}"#,
    0
)]
fn foreign_thinking_goes_and_nothing_else(#[case] body: &str, #[case] expected: &str, #[case] dropped: usize) {
    assert_eq!(without_foreign(Protocol::Messages, body), (expected.to_owned(), dropped));
}

#[test]
fn where_the_vendor_insists_on_the_block_that_goes_thinking_is_off_for_this_request() {
    let body = |thinking: Value| {
        json!({
            "thinking": thinking,
            "messages": [
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "t", "signature": "x"},
                    {"type": "tool_use", "id": "u", "name": "n", "input": {}},
                ]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "u", "content": "r"}]},
            ],
        })
        .to_string()
    };
    let (spliced, _) = without_foreign(Protocol::Messages, &body(json!({"type": "enabled", "budget_tokens": 2000})));
    assert_eq!(serde_json::from_str::<Value>(&spliced).unwrap()["thinking"], json!({"type": "disabled"}));
    let adaptive = foreign(body(json!({"type": "adaptive"})).as_bytes(), Protocol::Messages, is_foreign);
    assert!(!adaptive.thinking_off && adaptive.dropped == 1);
}

#[test]
fn foreign_reasoning_goes_and_a_compacted_past_stays_and_is_named() {
    let body = r#"{"input":[{"type":"reasoning","encrypted_content":"x1","id":"rs_1"},{"type":"message"},{"type":"reasoning","encrypted_content":"own"},{"type":"compaction","encrypted_content":"x2"}]}"#;
    let found = foreign(body.as_bytes(), Protocol::Codex, is_foreign);
    assert_eq!((found.dropped, compacted(body.as_bytes())), (1, vec!["x2".to_owned()]));
    let expected = r#"{"input":[{"type":"message"},{"type":"reasoning","encrypted_content":"own"},{"type":"compaction","encrypted_content":"x2"}]}"#;
    assert_eq!(without_foreign(Protocol::Codex, body).0, expected);
}

#[rstest]
#[case::signature(
    Protocol::Messages,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
    &[], Some("s")
)]
#[case::redacted(
    Protocol::Messages,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"d"}}"#,
    &["d"], None
)]
#[case::message(
    Protocol::Messages,
    r#"{"id":"msg_1","content":[{"type":"thinking","thinking":"","signature":"s"},{"type":"text","text":"t"}]}"#,
    &["s"], None
)]
#[case::item(
    Protocol::Codex,
    r#"{"type":"response.output_item.done","item":{"type":"reasoning","encrypted_content":"e"}}"#,
    &["e"], None
)]
#[case::completed(
    Protocol::Responses,
    r#"{"type":"response.completed","response":{"id":"resp_1","output":[{"type":"reasoning","encrypted_content":"e"}]}}"#,
    &["e", "resp_1"], None
)]
#[case::compacted(
    Protocol::Codex,
    r#"{"output":[{"type":"message"},{"type":"compaction","encrypted_content":"c"}]}"#,
    &["c"], None
)]
fn answers_give_out_what_only_their_account_can_read(
    #[case] protocol: Protocol,
    #[case] data: &str,
    #[case] whole: &[&str],
    #[case] part: Option<&str>,
) {
    assert!(may_give_out(protocol, data.as_bytes()));
    let mut given = given_out(protocol, data.as_bytes());
    given.whole.sort();
    let whole = whole.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(given, GivenOut { whole, part: part.map(str::to_owned) });
}

fn block() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ox]s".prop_map(|signature| json!({"type": "thinking", "thinking": "t,]", "signature": signature})),
        "[ox]d".prop_map(|data| json!({"type": "redacted_thinking", "data": data})),
        "[a-z\"\\\\,\\]]{0,6}".prop_map(|text| json!({"type": "text", "text": text})),
        Just(json!({"type": "tool_use", "id": "u", "name": "n", "input": {"signature": "x"}})),
    ]
}

proptest! {
    #[test]
    fn what_is_left_is_what_was_there_without_the_foreign(
        messages in proptest::collection::vec((any::<bool>(), proptest::collection::vec(block(), 0..5)), 0..5),
    ) {
        let goes = |block: &Value| {
            let sealed = block.get("signature").or_else(|| block.get("data")).and_then(Value::as_str);
            block["type"].as_str().unwrap().ends_with("thinking") && sealed.is_some_and(is_foreign)
        };
        let message = |user: bool, blocks: &[Value]| json!({"role": if user { "user" } else { "assistant" }, "content": blocks});
        let all: Vec<Value> = messages.iter().map(|(user, blocks)| message(*user, blocks)).collect();
        let expected: Vec<Value> = messages
            .iter()
            .filter_map(|(user, blocks)| {
                let left: Vec<Value> = blocks.iter().filter(|block| *user || !goes(block)).cloned().collect();
                (blocks.is_empty() || !left.is_empty()).then(|| message(*user, &left))
            })
            .collect();
        let body = serde_json::to_string_pretty(&json!({"model": "m", "messages": all})).unwrap();
        let (left, _) = without_foreign(Protocol::Messages, &body);
        prop_assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), json!({"model": "m", "messages": expected}));
    }

    #[test]
    fn any_bytes_are_read_without_panic(data in proptest::collection::vec(any::<u8>(), 0..80)) {
        for protocol in Protocol::ALL {
            let _ = may_carry(&data, protocol);
            prop_assert_eq!(foreign(&data, protocol, |_| true).edits, vec![]);
            let _ = given_out(protocol, &data);
        }
    }
}
