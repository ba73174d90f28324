use remuda_fake::Config;
use serde_json::{Value, json};

use crate::client::{Client, ask, bearer, start_with, with};

const SHORT: &str = "ephemeral";

async fn start() -> Client {
    start_with(Config { cache_min_tokens: 10, ..Config::default() }).await
}

/// A conversation of so many turns after a long system prompt, with marks on the system prompt and the newest message.
fn conversation(turns: usize, mark: &Value) -> Value {
    let mut messages: Vec<Value> = (0..turns)
        .map(|at| {
            let role = if at % 2 == 0 { "user" } else { "assistant" };
            json!({"role": role, "content": [{"type": "text", "text": format!("turn {at} {}", "x".repeat(400))}]})
        })
        .collect();
    messages.last_mut().unwrap()["content"][0]["cache_control"] = mark.clone();
    let system = json!([{"type": "text", "text": "s".repeat(4000), "cache_control": mark}]);
    with(ask("x"), json!({"system": system, "messages": messages}))
}

fn usage(answer: &Value) -> (u64, u64, u64) {
    let usage = &answer["usage"];
    let number = |name: &str| usage[name].as_u64().unwrap();
    (number("cache_read_input_tokens"), number("cache_creation_input_tokens"), number("input_tokens"))
}

#[tokio::test]
async fn a_growing_conversation_reads_what_the_turn_before_wrote() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let mark = json!({"type": SHORT});
    let (read, written, rest) = usage(&client.message(&auth, &conversation(1, &mark)).await.json());
    assert_eq!((read, rest), (0, 0));
    assert!(written > 1000);
    let second = client.message(&auth, &conversation(3, &mark)).await.json();
    let (read, fresh, _) = usage(&second);
    assert_eq!(read, written, "everything of the first turn");
    assert!(fresh > 0);
    assert_eq!(second["usage"]["cache_creation"]["ephemeral_5m_input_tokens"], fresh);
}

#[tokio::test]
async fn another_account_or_model_has_nothing_cached() {
    let client = start().await;
    let (a, b) = (client.subscription("a"), client.subscription("b"));
    let mark = json!({"type": SHORT});
    let body = conversation(1, &mark);
    let a = bearer(&a.issue_tokens().access_token);
    client.message(&a, &body).await;
    assert_eq!(usage(&client.message(&bearer(&b.issue_tokens().access_token), &body).await.json()).0, 0);
    let other_model = with(body.clone(), json!({"model": "claude-opus-5"}));
    assert_eq!(usage(&client.message(&a, &other_model).await.json()).0, 0);
    assert!(usage(&client.message(&a, &body).await.json()).0 > 0);
}

#[tokio::test]
async fn a_changed_prefix_loses_the_cache_and_a_moved_mark_does_not() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let body = conversation(3, &json!({"type": SHORT}));
    let (_, written, _) = usage(&client.message(&auth, &body).await.json());
    let mut moved = body.clone();
    moved["messages"][2]["content"][0].as_object_mut().unwrap().remove("cache_control");
    let (read, ..) = usage(&client.message(&auth, &moved).await.json());
    assert!(read > 0 && read < written, "only the system prompt is marked now");
    let mut changed = body.clone();
    changed["system"][0]["text"] = json!(format!("{}!", "s".repeat(4000)));
    assert_eq!(usage(&client.message(&auth, &changed).await.json()).0, 0);
}

#[tokio::test]
async fn cached_prefixes_live_as_long_as_their_mark_says_and_reading_prolongs() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let short = conversation(1, &json!({"type": SHORT}));
    let read = async |body: &Value| usage(&client.message(&auth, body).await.json()).0;
    read(&short).await;
    for _ in 0..3 {
        client.vendor.advance(299);
        assert!(read(&short).await > 0);
    }
    client.vendor.advance(301);
    assert_eq!(read(&short).await, 0);
    let long = with(conversation(1, &json!({"type": SHORT, "ttl": "1h"})), json!({"model": "claude-opus-5"}));
    let first = client.message(&auth, &long).await.json();
    assert!(first["usage"]["cache_creation"]["ephemeral_1h_input_tokens"].as_u64().unwrap() > 0);
    client.vendor.advance(3500);
    assert!(read(&long).await > 0);
    client.vendor.advance(3601);
    assert_eq!(read(&long).await, 0);
}

#[tokio::test]
async fn short_prefixes_are_not_cached() {
    let client = start_with(Config::default()).await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let mut body = ask("hello");
    body["messages"][0]["content"] = json!([{"type": "text", "text": "hello", "cache_control": {"type": SHORT}}]);
    let (read, written, rest) = usage(&client.message(&auth, &body).await.json());
    assert_eq!((read, written), (0, 0));
    assert!(rest > 0);
}

#[tokio::test]
async fn five_marks_and_a_long_life_after_a_short_one_are_refused() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let block = |ttl: &str| json!({"type": "text", "text": "t", "cache_control": {"type": SHORT, "ttl": ttl}});
    let ask_with = |blocks: Vec<Value>| with(ask("x"), json!({"messages": [{"role": "user", "content": blocks}]}));
    let five = client.message(&auth, &ask_with(vec![block("5m"); 5])).await;
    assert_eq!(
        (five.status, five.message().as_str()),
        (400, "A maximum of 4 blocks with cache_control may be provided. Found 5.")
    );
    let order = client.message(&auth, &ask_with(vec![block("5m"), block("1h")])).await;
    assert_eq!(order.status, 400);
    assert!(order.message().starts_with(
        "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block"
    ));
    // Tools and system come before messages, wherever they stand in the body.
    let mut across = ask_with(vec![block("1h")]);
    across["tools"] = json!([{"name": "t", "input_schema": {}, "cache_control": {"type": SHORT}}]);
    assert_eq!(client.message(&auth, &across).await.status, 400);
    assert_eq!(client.message(&auth, &ask_with(vec![block("1h"), block("5m")])).await.status, 200);
}
