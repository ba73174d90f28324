//! Cache marks on the wire: only what its owner asks for, only on conversations, listed in the decision record.

use std::collections::BTreeMap;

use remuda_core::{CostClass, Host};
use remuda_gateway::{CacheMode, CacheModes};
use serde_json::{Value, json};

use crate::world::World;

fn turns() -> Value {
    json!({
        "model": "claude-sonnet-4-6", "max_tokens": 64, "stream": true, "system": "You are terse.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ],
    })
}

fn everywhere(mode: CacheMode) -> CacheModes {
    CacheModes { everywhere: mode, ..CacheModes::default() }
}

async fn sent(world: &World, body: &Value) -> Value {
    let response = world.post("s", body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();
    serde_json::from_slice(&world.vendor.requests().pop().unwrap().body).unwrap()
}

#[tokio::test]
async fn marks_are_the_agents_own_unless_a_mode_says_otherwise_and_a_mode_holds_at_once() {
    let mut world = World::new().await;
    world.api_key("work", CostClass::Included).await;
    world.activate("work").await;
    assert_eq!(sent(&world, &turns()).await, turns());

    world.daemon.gateway.marking().set(everywhere(CacheMode::Hybrid));
    let marked = sent(&world, &turns()).await;
    let hour = json!({"type": "ephemeral", "ttl": "1h"});
    assert_eq!(marked["system"], json!([{"type": "text", "text": "You are terse.", "cache_control": hour}]));
    assert_eq!(marked["messages"][0]["content"][0]["cache_control"], hour);
    assert_eq!(marked["messages"][2]["content"][0]["cache_control"], hour);
    let changes = world.record().await.attempts.pop().unwrap().changes;
    assert!(changes.contains(&"cache_control: marks set by mode hybrid, 4 in all".to_owned()), "{changes:?}");
    world.end().await;
}

#[tokio::test]
async fn a_move_marks_by_the_mode_of_the_account_that_serves() {
    let mut world = World::new().await;
    let work = world.api_key("work", CostClass::Included).await;
    world.api_key("personal", CostClass::Included).await;
    world.activate("work").await;
    world.chain("work", &["personal"]).await;
    let accounts = BTreeMap::from([("work".to_owned(), CacheMode::Explicit)]);
    let hosts = BTreeMap::from([(Host::Claude, CacheMode::Automatic)]);
    world.daemon.gateway.marking().set(CacheModes { accounts, hosts, everywhere: CacheMode::Off });
    world.vendor.script(&work, [remuda_fake::Fault::refuse(remuda_fake::Refusal::CreditTooLow)]);
    let marked = sent(&world, &turns()).await;
    assert_eq!(world.asked(), ["work", "personal"]);
    assert_eq!(marked["cache_control"], json!({"type": "ephemeral", "ttl": "1h"}), "automatic, as for the agent");
    assert_eq!(
        marked["messages"],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "one"}]},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ])
    );
    world.end().await;
}

#[tokio::test]
async fn counting_tokens_is_left_alone() {
    let mut world = World::new().await;
    world.api_key("work", CostClass::Included).await;
    world.activate("work").await;
    world.daemon.gateway.marking().set(everywhere(CacheMode::Hybrid));
    let mut body = turns();
    for field in ["max_tokens", "stream"] {
        body.as_object_mut().unwrap().remove(field);
    }
    let response = world
        .call("/anthropic/v1/messages/count_tokens", &body)
        .header("anthropic-version", "2023-06-01")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    let seen: Value = serde_json::from_slice(&world.vendor.requests().pop().unwrap().body).unwrap();
    assert_eq!(seen, body);
    world.end().await;
}
