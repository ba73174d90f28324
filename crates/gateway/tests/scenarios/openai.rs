//! API keys of OpenAI: Responses in a stream and in one piece, Chat Completions, counting, models.

use remuda_core::record::AttemptEnd;
use remuda_core::{Class, Host, Protocol};
use remuda_fake::{Config, Fault, OpenAiRefusal, Point};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::World;

pub(crate) async fn world() -> World {
    let mut world = World::with(Config::default(), Host::Pi).await;
    world.openai_key("work").await;
    world.openai_key("home").await;
    world.chain("work", &["home"]).await;
    world
}

/// A turn of Responses.
pub(crate) fn turn(text: &str) -> Value {
    let input = json!([{"role": "user", "content": [{"type": "input_text", "text": text}]}]);
    json!({
        "model": "gpt-5.5", "instructions": "be brief", "input": input, "stream": true, "store": false,
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k1",
    })
}

fn chat(text: &str) -> Value {
    json!({
        "model": "gpt-5.5", "messages": [{"role": "user", "content": text}], "stream": true,
        "stream_options": {"include_usage": true},
    })
}

/// Path, body, what begins the stream.
const RESPONSES: &str = "/openai/v1/responses";
const CHAT: &str = "/openai/v1/chat/completions";

#[rstest]
#[case::responses(RESPONSES, turn("hi"), Protocol::Responses)]
#[case::chat(CHAT, chat("hi"), Protocol::Chat)]
#[tokio::test]
async fn a_turn_is_streamed_and_counted(#[case] path: &str, #[case] body: Value, #[case] protocol: Protocol) {
    let world = world().await;
    let response = world.call(path, &body).header("session-id", "s1").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(text.contains("pong"), "{text}");
    let record = world.record().await;
    assert_eq!(record.protocol, protocol.into());
    assert_eq!(record.session.as_ref().map(|s| s.0.as_str()), Some("pi:s1"));
    assert!(record.tokens.input.unwrap() > 0 && record.tokens.output.unwrap() > 0, "{:?}", record.tokens);
    assert_eq!(record.attempts[0].ended, AttemptEnd::Served);
    assert!(record.attempts[0].upstream_request_id.as_deref().unwrap().starts_with("req_"));
    world.end().await;
}

#[rstest]
#[case::responses(RESPONSES, turn("hi"))]
#[case::chat(CHAT, chat("hi"))]
#[tokio::test]
async fn a_failure_behind_the_handshake_moves_on_and_leaves_no_trace(#[case] path: &str, #[case] body: Value) {
    let world = world().await;
    let fault = Fault::error_event(OpenAiRefusal::InsufficientQuota, Point::AfterHandshake);
    world.vendor.script("work", [fault]);
    let text = world.call(path, &body).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("pong") && !text.contains("insufficient_quota"), "{text}");
    assert!(text.matches("response.created").count() <= 2, "one handshake: {text}");
    assert_eq!(world.asked(), ["work", "home"]);
    world.end().await;
}

#[rstest]
#[case::responses(RESPONSES, turn("count to 20"))]
#[case::chat(CHAT, chat("count to 20"))]
#[tokio::test]
async fn after_content_the_failure_is_the_clients_to_see(#[case] path: &str, #[case] body: Value) {
    let world = world().await;
    world.vendor.script("work", [Fault::error_event(OpenAiRefusal::ServerError, Point::AfterContent)]);
    let text = world.call(path, &body).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("server_error"), "{text}");
    assert_eq!(world.asked(), ["work"]);
    assert!(matches!(world.record().await.attempts[0].ended, AttemptEnd::BrokeOff { .. }));
    world.end().await;
}

#[tokio::test]
async fn an_answer_in_one_piece_is_counted_too() {
    let world = world().await;
    let mut body = turn("hi");
    body["stream"] = json!(false);
    let answer: Value = world.call(RESPONSES, &body).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["output"][0]["content"][0]["text"], "pong hi");
    assert!(world.record().await.tokens.output.unwrap() > 0);
    world.end().await;
}

#[tokio::test]
async fn counting_and_listing_go_to_the_account_too() {
    let world = world().await;
    let body = json!({"model": "gpt-5.5", "input": "hello"});
    let counted: Value =
        world.call("/openai/v1/responses/input_tokens", &body).send().await.unwrap().json().await.unwrap();
    assert!(counted["input_tokens"].as_u64().unwrap() > 0, "{counted}");
    let url = format!("{}/openai/v1/models?limit=5", world.url);
    use secrecy::ExposeSecret as _;
    let listed = world.http.get(url).bearer_auth(world.key.expose_secret()).send().await.unwrap();
    assert_eq!(listed.status(), 200);
    assert!(listed.text().await.unwrap().contains("gpt-5.5"));
    world.end().await;
}

#[tokio::test]
async fn what_goes_on_from_a_stored_response_goes_to_the_account_that_keeps_it() {
    let world = world().await;
    let mut first = turn("hi");
    (first["stream"], first["store"]) = (json!(false), json!(true));
    world.vendor.script("work", [Fault::refuse(OpenAiRefusal::InsufficientQuota)]);
    let answer: Value = world.call(RESPONSES, &first).send().await.unwrap().json().await.unwrap();
    assert_eq!(world.asked(), ["work", "home"], "home answered");
    world.daemon.herd.end_rests().await;

    let next = json!({"model": "gpt-5.5", "input": "and then?", "previous_response_id": answer["id"]});
    let response = world.call(RESPONSES, &next).send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    assert_eq!(world.asked(), ["work", "home", "home"], "only home keeps it, although work is first");
    world.end().await;
}

#[tokio::test]
async fn encrypted_reasoning_of_another_account_stays_behind_and_the_rest_is_as_it_was() {
    let world = world().await;
    let ask = |body: &Value| world.call(RESPONSES, body).header("session-id", "s1").send();
    let mut body = turn("think hard");
    body["stream"] = json!(false);
    let first: Value = ask(&body).await.unwrap().json().await.unwrap();
    let reasoning = first["output"][0].clone();
    assert_eq!(reasoning["type"], "reasoning", "{first}");

    let items = body["input"].as_array_mut().unwrap();
    items.extend(first["output"].as_array().unwrap().clone());
    items.push(json!({"role": "user", "content": "and now?"}));
    world.vendor.script("work", [Fault::refuse(OpenAiRefusal::InsufficientQuota)]);
    let second = ask(&body).await.unwrap();
    assert_eq!(second.status(), 200, "{}", second.text().await.unwrap());
    assert_eq!(world.asked(), ["work", "work", "home"]);
    let sent: Value = serde_json::from_slice(&world.vendor.requests().pop().unwrap().body).unwrap();
    let mut expected = body.clone();
    expected["input"].as_array_mut().unwrap().retain(|item| item["type"] != "reasoning");
    assert_eq!(sent, expected);
    let changes = world.record().await.attempts[1].changes.join("; ");
    assert!(changes.contains("1 piece of encrypted reasoning dropped"), "{changes}");
    world.end().await;
}

#[tokio::test]
async fn an_agent_without_any_id_is_known_by_how_its_conversation_began() {
    let world = world().await;
    for (text, later) in [("first", None), ("first", Some("more")), ("second", None)] {
        let mut body = chat(text);
        if let Some(later) = later {
            let messages = body["messages"].as_array_mut().unwrap();
            messages.push(json!({"role": "assistant", "content": "pong"}));
            messages.push(json!({"role": "user", "content": later}));
        }
        assert_eq!(world.call(CHAT, &body).send().await.unwrap().status(), 200);
    }
    world.daemon.herd.flush().await;
    let page = world.daemon.herd.store().records(remuda_store::RecordQuery::default()).await.unwrap();
    let mut sessions: Vec<String> = page.records.into_iter().filter_map(|r| r.session).map(|s| s.0).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert!(sessions.iter().all(|s| s.starts_with("pi:opening-")), "{sessions:?}");
    world.end().await;
}

#[tokio::test]
async fn who_speaks_another_protocol_is_passed_over_with_a_reason() {
    let mut world = World::with(Config::default(), Host::Codex).await;
    world.chatgpt("plan").await;
    let response = world.call(RESPONSES, &turn("hi")).send().await.unwrap();
    assert_eq!(response.status(), 400, "Codex shows the text of no other error");
    let text = response.text().await.unwrap();
    assert!(text.contains("plan does not speak the protocol"), "{text}");
    assert_eq!(world.record().await.skipped[0].reason, remuda_core::route::SkipReason::OtherProtocol);
    world.end().await;
}

#[tokio::test]
async fn a_spent_budget_is_told_in_openais_words() {
    let world = world().await;
    for name in ["work", "home"] {
        world.vendor.script(name, [Fault::refuse(OpenAiRefusal::InsufficientQuota)]);
    }
    let response = world.call(RESPONSES, &turn("hi")).send().await.unwrap();
    assert_eq!(response.status(), 429);
    let json: Value = response.json().await.unwrap();
    assert_eq!(json["error"]["type"], "rate_limit_error");
    assert!(json["error"]["message"].as_str().unwrap().contains("Remuda: "), "{json}");
    let classes: Vec<Class> = world
        .record()
        .await
        .attempts
        .iter()
        .filter_map(|a| if let AttemptEnd::Refused { verdict, .. } = &a.ended { Some(verdict.class) } else { None })
        .collect();
    assert_eq!(classes, [Class::Billing, Class::Billing]);
    world.end().await;
}
