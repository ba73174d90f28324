//! What only the account that gave it out can read again stays behind on a move; everything else is as it was.

use remuda_fake::{Fault, Refusal};
use serde_json::{Value, json};

use crate::world::World;

async fn world() -> World {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    world
}

fn question(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn body(messages: &[Value], tools: bool) -> Value {
    let mut body = json!({
        "model": "claude-sonnet-4-6", "max_tokens": 4000, "messages": messages,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    });
    if tools {
        body["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    }
    body
}

async fn say(world: &World, body: &Value) -> Value {
    let response = world.post("s", body).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The body that the vendor got last.
fn sent(world: &World) -> Value {
    serde_json::from_slice(&world.vendor.requests().pop().unwrap().body).unwrap()
}

#[tokio::test]
async fn thinking_of_another_account_is_dropped_before_the_vendor_refuses_it() {
    let world = world().await;
    let first = say(&world, &body(&[question("hi")], false)).await;
    assert_eq!(first["content"][0]["type"], "thinking", "{first}");
    let answer = json!({"role": "assistant", "content": first["content"]});
    let mut messages = vec![question("hi"), answer, question("more")];

    let second = say(&world, &body(&messages, false)).await;
    assert_eq!(sent(&world)["messages"], json!(messages), "its own account gets it back");
    messages.push(json!({"role": "assistant", "content": second["content"]}));
    messages.push(question("most"));

    world.vendor.script("work", [Fault::refuse(Refusal::CreditTooLow)]);
    let third = say(&world, &body(&messages, false)).await;
    assert_eq!(world.asked(), ["work", "work", "work", "home"]);
    for message in messages.iter_mut().filter(|m| m["role"] == "assistant") {
        message["content"].as_array_mut().unwrap().retain(|block| block["type"] != "thinking");
    }
    assert_eq!(sent(&world)["messages"], json!(messages));
    let changes = world.record().await.attempts[1].changes.join("; ");
    assert!(changes.contains("2 pieces of thinking dropped"), "{changes}");

    // Home's own stays from now on, while work's goes on being dropped.
    messages.push(json!({"role": "assistant", "content": third["content"]}));
    messages.push(question("go on"));
    say(&world, &body(&messages, false)).await;
    assert_eq!(sent(&world)["messages"], json!(messages));
    world.end().await;
}

#[tokio::test]
async fn in_the_middle_of_a_tool_call_the_turn_goes_on_without_thinking() {
    let world = world().await;
    let first = say(&world, &body(&[question("use tool look with {}")], true)).await;
    let call = first["content"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(call["type"], "tool_use", "{first}");
    let result =
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "r"}]});
    let messages =
        [question("use tool look with {}"), json!({"role": "assistant", "content": first["content"]}), result];
    world.vendor.script("work", [Fault::refuse(Refusal::CreditTooLow)]);
    say(&world, &body(&messages, true)).await;
    assert_eq!(world.asked(), ["work", "work", "home"]);
    assert_eq!(sent(&world)["thinking"], json!({"type": "disabled"}));
    world.end().await;
}
