use serde_json::{Value, json};

use crate::client::{ask, bearer, key, start, streaming, with};

fn joined(events: &[(String, Value)], kind: &str, field: &str) -> String {
    let deltas = events.iter().filter(|(_, data)| data["delta"]["type"] == kind);
    deltas.map(|(_, data)| data["delta"][field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_stream_has_the_vendors_events_in_the_vendors_order() {
    let client = start().await;
    let account = client.subscription("a");
    let answer = client.message(&bearer(&account.issue_tokens().access_token), &streaming(ask("say it"))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(answer.header("request-id").unwrap().starts_with("req_01"));
    assert_eq!(answer.header("anthropic-organization-id"), Some(account.organization_uuid()));
    assert_eq!(
        answer.event_names(),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let events = answer.events();
    assert!(events.iter().all(|(name, data)| data["type"] == **name), "the data repeats the event's name");
    assert_eq!(joined(&events, "text_delta", "text"), "pong say it");
    let start = &events[0].1["message"];
    assert_eq!((&start["content"], &start["stop_reason"]), (&json!([]), &Value::Null));
    assert!(start["usage"]["input_tokens"].as_u64().unwrap() > 0);
    let end = &events[7].1;
    assert_eq!(end["delta"]["stop_reason"], "end_turn");
    assert!(end["usage"]["output_tokens"].as_u64().unwrap() > 0);
    assert!(answer.text().starts_with(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"type\":\"message\",\"id\":\"msg_01"
    ));
}

#[tokio::test]
async fn the_same_answer_comes_in_one_piece() {
    let client = start().await;
    let account = client.api_key("k");
    let answer = client.message(&key(account.key()), &ask("say it")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("content-length").is_some());
    let message = answer.json();
    assert_eq!(message["content"], json!([{"type": "text", "text": "pong say it"}]));
    assert_eq!((&message["role"], &message["stop_reason"]), (&json!("assistant"), &json!("end_turn")));
}

#[tokio::test]
async fn reminders_around_a_prompt_are_not_the_prompt() {
    let client = start().await;
    let account = client.api_key("k");
    let content = json!([
        {"type": "text", "text": "<system-reminder>use tool Bash</system-reminder>"},
        {"type": "text", "text": "hello"},
        {"type": "text", "text": "<system-reminder>count to 9</system-reminder>"},
    ]);
    let body = with(ask("x"), json!({"messages": [{"role": "user", "content": content}]}));
    assert_eq!(client.message(&key(account.key()), &body).await.json()["content"][0]["text"], "pong hello");
}

#[tokio::test]
async fn a_tool_is_called_with_its_input_and_its_result_is_answered() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let tools = json!({"tools": [{"name": "Bash", "input_schema": {"type": "object"}}]});
    let first = with(ask("please use tool Bash with {\"command\": \"echo hi there\"} now"), tools);
    let answer = client.message(&auth, &streaming(first.clone())).await;
    let events = answer.events();
    let start = events.iter().find(|(_, data)| data["content_block"]["type"] == "tool_use").unwrap();
    let call = start.1["content_block"].clone();
    assert_eq!(call["input"], json!({}), "the input comes in deltas");
    let input: Value = serde_json::from_str(&joined(&events, "input_json_delta", "partial_json")).unwrap();
    assert_eq!(input, json!({"command": "echo hi there"}));
    assert!(events.iter().any(|(_, data)| data["delta"]["stop_reason"] == "tool_use"));

    let id = call["id"].as_str().unwrap();
    assert!(id.starts_with("toolu_01"));
    let mut messages = first["messages"].as_array().unwrap().clone();
    messages.push(
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": input}]}),
    );
    messages.push(
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "hi there\n2"}]}),
    );
    let second = with(first, json!({"messages": messages}));
    let answer = client.message(&auth, &second).await.json();
    assert_eq!(answer["content"], json!([{"type": "text", "text": "tool result: hi there"}]));
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_tool_that_was_not_offered_is_not_called() {
    let client = start().await;
    let account = client.api_key("k");
    let answer = client.message(&key(account.key()), &ask("use tool Bash")).await.json();
    assert_eq!(answer["content"][0]["text"], "pong use tool Bash");
}

#[tokio::test]
async fn max_tokens_ends_the_answer() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let probe = with(ask("quota"), json!({"max_tokens": 1}));
    let answer = client.message(&auth, &probe).await.json();
    assert_eq!((&answer["stop_reason"], &answer["usage"]["output_tokens"]), (&json!("max_tokens"), &json!(1)));
    assert_eq!(answer["content"][0]["text"], "pong");
    let counted = client.message(&auth, &ask("count to 300")).await.json();
    assert!(counted["content"][0]["text"].as_str().unwrap().ends_with(" 299 300"));
}

fn thinking(kind: &str) -> Value {
    with(ask("think about it"), json!({"thinking": {"type": kind, "budget_tokens": 2000}}))
}

fn follow_up(block: &Value, model: &str) -> Value {
    json!({"model": model, "max_tokens": 100, "messages": [
        {"role": "user", "content": "think about it"},
        {"role": "assistant", "content": [block, {"type": "text", "text": "pong"}]},
        {"role": "user", "content": "go on"},
    ]})
}

#[tokio::test]
async fn a_thinking_block_holds_for_its_account_its_model_and_its_text_only() {
    let client = start().await;
    let (a, b) = (client.subscription("a"), client.subscription("b"));
    let (a, b) = (bearer(&a.issue_tokens().access_token), bearer(&b.issue_tokens().access_token));
    let block = client.message(&a, &thinking("adaptive")).await.json()["content"][0].clone();
    assert_eq!(block["type"], "thinking");
    assert_eq!(client.message(&a, &follow_up(&block, "claude-sonnet-4-6")).await.status, 200);

    let mut altered = block.clone();
    altered["thinking"] = json!("something else");
    let mut cut_short = block.clone();
    cut_short["signature"] = json!(&block["signature"].as_str().unwrap()[..40]);
    for (auth, block, model, why) in [
        (&b, &block, "claude-sonnet-4-6", "another account"),
        (&a, &block, "claude-opus-5", "another model"),
        (&a, &altered, "claude-sonnet-4-6", "altered"),
        (&a, &cut_short, "claude-sonnet-4-6", "cut short"),
    ] {
        let answer = client.message(auth, &follow_up(block, model)).await;
        assert_eq!(answer.status, 400, "{why}");
        assert_eq!(answer.message(), "messages.1.content.0: Invalid `signature` in `thinking` block", "{why}");
    }
}

#[tokio::test]
async fn thinking_streams_before_the_text_with_its_signature_last() {
    let client = start().await;
    let account = client.api_key("k");
    let answer = client.message(&key(account.key()), &streaming(thinking("enabled"))).await;
    let events = answer.events();
    let kinds: Vec<&str> = events.iter().filter_map(|(_, data)| data["delta"]["type"].as_str()).collect();
    let signature = kinds.iter().position(|kind| *kind == "signature_delta").unwrap();
    assert!(kinds[..signature].iter().all(|kind| *kind == "thinking_delta") && signature > 0);
    assert!(kinds[signature + 1..].iter().all(|kind| *kind == "text_delta"));
    let block = json!({
        "type": "thinking",
        "thinking": joined(&events, "thinking_delta", "thinking"),
        "signature": joined(&events, "signature_delta", "signature"),
    });
    assert_eq!(client.message(&key(account.key()), &follow_up(&block, "claude-sonnet-4-6")).await.status, 200);
}

#[tokio::test]
async fn with_a_budget_a_tool_loop_keeps_its_thinking() {
    let client = start().await;
    let account = client.api_key("k");
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}});
    let body = json!({"model": "claude-sonnet-4-6", "max_tokens": 4000,
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
    "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}]},
    ]});
    let answer = client.message(&key(account.key()), &body).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .message()
            .starts_with("messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`")
    );
}

#[tokio::test]
async fn omitted_thinking_comes_with_a_signature_that_holds() {
    let client = start().await;
    let account = client.api_key("k");
    let thinking = json!({"thinking": {"type": "adaptive", "display": "omitted"}});
    let block = client.message(&key(account.key()), &with(ask("think"), thinking)).await.json()["content"][0].clone();
    assert_eq!(block["thinking"], "");
    assert_eq!(client.message(&key(account.key()), &follow_up(&block, "claude-sonnet-4-6")).await.status, 200);
}

#[tokio::test]
async fn tokens_are_counted_without_an_answer_and_without_quota() {
    let client = start().await;
    let account = client.subscription("a");
    let mut body = ask("how many?");
    body.as_object_mut().unwrap().remove("max_tokens");
    let auth = bearer(&account.issue_tokens().access_token);
    let answer = client.post("/v1/messages/count_tokens?beta=true", &auth, &body).await;
    assert!(answer.json()["input_tokens"].as_u64().unwrap() > 5);
    assert!(account.windows().iter().all(|window| window.used_percent == 0.0));
}
