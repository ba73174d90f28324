//! Alibaba's plans: two protocols, its own shapes of errors, failures inside of streams.

use remuda_core::record::AttemptEnd;
use remuda_core::{Class, Host};
use remuda_fake::{Config, Fault, Point, QwenPlan, QwenRefusal};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::World;

const CHAT: &str = "/qwen/v1/chat/completions";
const MESSAGES: &str = "/qwen/anthropic/v1/messages";

async fn world() -> World {
    let mut world = World::with(Config::default(), Host::Qwen).await;
    world.qwen("coding", QwenPlan::Coding).await;
    world.qwen("token", QwenPlan::Token).await;
    world.chain("coding", &["token"]).await;
    world
}

fn chat(text: &str) -> Value {
    json!({
        "model": "qwen3-coder-plus", "messages": [{"role": "user", "content": text}], "stream": true,
        "stream_options": {"include_usage": true},
    })
}

fn message(text: &str) -> Value {
    json!({
        "model": "qwen3-coder-plus", "max_tokens": 1000, "messages": [{"role": "user", "content": text}],
        "stream": true,
    })
}

#[rstest]
#[case::chat(CHAT, chat("hi"))]
#[case::messages(MESSAGES, message("hi"))]
#[tokio::test]
async fn a_turn_is_streamed_on_either_protocol(#[case] path: &str, #[case] body: Value) {
    let world = world().await;
    let response = world.call(path, &body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    assert!(response.text().await.unwrap().contains("pong"));
    let record = world.record().await;
    assert_eq!(record.attempts[0].ended, AttemptEnd::Served);
    assert!(record.tokens.output.unwrap() > 0, "{:?}", record.tokens);
    world.end().await;
}

#[rstest]
#[case::chat(CHAT, chat("hi"))]
#[case::messages(MESSAGES, message("hi"))]
#[tokio::test]
async fn a_failure_inside_of_a_stream_moves_on_before_content(#[case] path: &str, #[case] body: Value) {
    let world = world().await;
    let fault = Fault::error_event(QwenRefusal::Arrearage, Point::AfterHandshake);
    world.vendor.script("coding", [fault]);
    let response = world.call(path, &body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    let text = response.text().await.unwrap();
    assert!(text.contains("pong") && !text.contains("Arrearage"), "{text}");
    assert_eq!(world.asked(), ["coding", "token"]);
    let AttemptEnd::Refused { verdict, in_stream: true } = &world.record().await.attempts[0].ended else {
        panic!("no refusal in the stream")
    };
    assert_eq!(verdict.class, Class::Billing);
    world.end().await;
}

#[tokio::test]
async fn what_the_endpoint_does_not_count_is_said_so_without_asking() {
    let world = world().await;
    let body = json!({"model": "qwen3-coder-plus", "messages": [{"role": "user", "content": "hi"}]});
    let response = world.call("/qwen/anthropic/v1/messages/count_tokens", &body).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["type"], "not_found_error");
    assert!(world.vendor.requests().is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_wait_is_told_in_portions_that_qwen_code_heeds() {
    let world = world().await;
    for name in ["coding", "token"] {
        world.vendor.script(name, [Fault::spent(remuda_fake::Window::FiveHour, 7200)]);
    }
    let response = world.call(CHAT, &chat("hi")).send().await.unwrap();
    assert_eq!(response.status(), 429);
    let told: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(told <= 60, "{told}");
    world.end().await;
}
