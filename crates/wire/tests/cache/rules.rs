//! What holds for every body, whatever an agent puts into it.

use bytes::Bytes;
use proptest::prelude::*;
use remuda_wire::cache::{Mode, Wish, marks};
use remuda_wire::splice::splice;
use serde_json::{Map, Value, json};

use crate::{lifetimes, marked};

fn mark() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(json!({"type": "ephemeral"}))),
        1 => Just(Some(json!({"type": "ephemeral", "ttl": "5m"}))),
        1 => Just(Some(json!({"ttl": "1h", "type": "ephemeral"}))),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("  ".to_owned()), ".{1,20}", Just("a \"cache_control\":{} \\ b".to_owned())]
}

fn block() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        4 => text().prop_map(|t| json!({"type": "text", "text": t})),
        1 => Just(json!({"type": "thinking", "thinking": "…", "signature": "s=="})),
        1 => Just(json!({"type": "redacted_thinking", "data": "x"})),
        1 => text().prop_map(|t| json!({"type": "tool_use", "id": "t", "name": "n", "input": {"cache_control": t}})),
        1 => Just(json!({"type": "image", "source": {"type": "url", "url": "u"}})),
        1 => Just(json!({"type": "new_kind", "x": 1})),
        1 => (text(), mark()).prop_map(|(t, m)| {
            json!({"type": "tool_result", "tool_use_id": "t", "content": [with(json!({"type": "text", "text": t}), m)]})
        }),
    ];
    (kind, mark()).prop_map(|(block, mark)| with(block, mark))
}

fn with(mut holder: Value, mark: Option<Value>) -> Value {
    if let (Some(members), Some(mark)) = (holder.as_object_mut(), mark) {
        members.insert("cache_control".to_owned(), mark);
    }
    holder
}

fn content() -> impl Strategy<Value = Value> {
    prop_oneof![text().prop_map(Value::from), proptest::collection::vec(block(), 0..14).prop_map(Value::from)]
}

fn body() -> impl Strategy<Value = Value> {
    let tool = mark().prop_map(|m| with(json!({"name": "t", "input_schema": {"type": "object"}}), m));
    let tools = proptest::option::of(proptest::collection::vec(tool, 0..3));
    let turns = proptest::collection::vec((any::<bool>(), content()), 0..9);
    (tools, proptest::option::of(content()), turns, mark()).prop_map(|(tools, system, turns, top)| {
        let messages: Vec<Value> = turns
            .into_iter()
            .map(|(user, content)| json!({"role": if user { "user" } else { "assistant" }, "content": content}))
            .collect();
        let mut body = Map::from_iter([("model".to_owned(), json!("m")), ("messages".to_owned(), messages.into())]);
        body.extend(tools.map(|tools| ("tools".to_owned(), tools.into())));
        body.extend(system.map(|system| ("system".to_owned(), system)));
        with(Value::Object(body), top)
    })
}

/// The body without marks, every text in place of a list as a list: what marks must not change.
fn bare(value: &Value) -> Value {
    let mut value = value.clone();
    let strip = |holder: &mut Value| {
        if let Some(members) = holder.as_object_mut()
            && members.get("cache_control").is_some_and(Value::is_object)
        {
            members.remove("cache_control");
        }
    };
    let content = |content: &mut Value| {
        if let Value::String(text) = content {
            *content = json!([{"type": "text", "text": text}]);
        }
        for block in content.as_array_mut().into_iter().flatten() {
            strip(block);
            if block["type"] == "tool_result" {
                block["content"].as_array_mut().into_iter().flatten().for_each(strip);
            }
        }
    };
    strip(&mut value);
    if let Some(system) = value.get_mut("system") {
        content(system);
    }
    value.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten().for_each(strip);
    for message in value.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        content(&mut message["content"]);
    }
    value
}

fn wishes() -> impl Strategy<Value = Wish> {
    (proptest::sample::select(&Mode::ALL), any::<bool>(), any::<bool>()).prop_map(|(mode, subagent, ttl)| Wish {
        mode,
        subagent,
        ttl,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn only_marks_change_and_a_second_time_nothing_does(body in body(), wish in wishes(), pretty: bool) {
        let before = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let (after, breakpoints) = marked(&before, wish);
        let got: Value = serde_json::from_str(&after).unwrap();
        prop_assert_eq!(bare(&got), bare(&body));
        prop_assert_eq!(lifetimes(&got).len(), breakpoints);
        prop_assert_eq!(marked(&after, wish), (after, breakpoints));
    }

    #[test]
    fn our_own_marks_are_at_most_four_and_no_hour_follows_five_minutes(body in body(), wish in wishes()) {
        let got: Value = serde_json::from_str(&marked(&body.to_string(), wish).0).unwrap();
        let lifetimes = lifetimes(&got);
        if matches!(wish.mode, Mode::Automatic | Mode::Hybrid) && !wish.subagent {
            prop_assert!(lifetimes.len() <= 4, "{lifetimes:?}");
        }
        if wish.mode != Mode::Off && (wish.ttl || wish.subagent) {
            prop_assert!(lifetimes.windows(2).all(|two| two != ["5m", "1h"]), "{lifetimes:?}");
        }
        if wish.mode == Mode::Off {
            prop_assert_eq!(got, body);
        }
    }

    #[test]
    fn what_an_edit_takes_away_is_a_mark_or_part_of_one(body in body(), wish in wishes()) {
        let before = body.to_string();
        for edit in marks(before.as_bytes(), wish).unwrap().edits {
            let gone = &before[edit.range.start as usize..edit.range.end as usize];
            let inside = gone.trim_matches(',');
            let known = ["", r#""ttl":"1h""#, r#""ttl":"5m""#, r#""1h""#, r#""5m""#];
            prop_assert!(known.contains(&inside) || inside.starts_with(r#""cache_control":{"#), "{gone}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_alone(bytes in proptest::collection::vec(any::<u8>(), 0..200), wish in wishes()) {
        if let Some(marks) = marks(&bytes, wish) {
            prop_assert!(splice([Bytes::from(bytes)], &marks.edits).is_ok());
        }
    }
}

#[test]
fn a_body_that_is_cut_off_has_no_marks_to_set() {
    let wish = Wish { mode: Mode::Hybrid, subagent: false, ttl: true };
    assert_eq!(marks(br#"{"messages":[{"role":"user","content":"hi"}"#, wish), None);
    assert_eq!(marks(b"[]", wish), None);
}

#[test]
fn space_and_order_of_the_agent_stay() {
    let wish = Wish { mode: Mode::Explicit, subagent: false, ttl: true };
    let before = "{ \"system\" : [ { \"cache_control\" : { \"type\" : \"ephemeral\" } , \"text\":\"S\", \"type\":\"text\" } ],\n \"messages\":[] }";
    let after = "{ \"system\" : [ { \"cache_control\" : { \"type\" : \"ephemeral\",\"ttl\":\"1h\" } , \"text\":\"S\", \"type\":\"text\" } ],\n \"messages\":[] }";
    assert_eq!(marked(before, wish), (after.to_owned(), 1));
}
