use std::io::Write;

use remuda_fake::AccountSpec;
use rstest::rstest;
use serde_json::{Value, json};

use crate::client::{ask, bearer, key, start, with};

type Headers = Vec<(String, String)>;

fn without(headers: &Headers, name: &str) -> Headers {
    headers.iter().filter(|(known, _)| known != name).cloned().collect()
}

fn and(headers: &Headers, name: &str, value: &str) -> Headers {
    let mut headers = without(headers, name);
    headers.push((name.to_owned(), value.to_owned()));
    headers
}

#[tokio::test]
async fn the_door_is_strict() {
    let client = start().await;
    let account = client.subscription("a");
    let paid = client.api_key("k");
    let auth = bearer(&account.issue_tokens().access_token);
    for (headers, status, message) in [
        (without(&auth, "authorization"), 401, "x-api-key header is required"),
        (without(&auth, "anthropic-version"), 400, "anthropic-version: header is required"),
        (
            and(&auth, "anthropic-version", "2020-01-01"),
            400,
            "anthropic-version: \"2020-01-01\" is not a valid version",
        ),
        (without(&auth, "anthropic-beta"), 401, "OAuth authentication is currently not supported."),
        (and(&auth, "x-api-key", paid.key()), 400, "Only one of x-api-key and authorization may be given"),
        (and(&auth, "authorization", "Bearer sk-ant-oat01-made-up"), 401, "Invalid bearer token"),
        (and(&auth, "authorization", &format!("Bearer {}", paid.key())), 401, "Invalid bearer token"),
        (key("sk-ant-api03-made-up"), 401, "invalid x-api-key"),
        (key(&account.issue_tokens().access_token), 401, "invalid x-api-key"),
        (
            and(&auth, "origin", "http://localhost:3000"),
            401,
            "CORS requests are not allowed for this Organization because of its data retention settings.",
        ),
    ] {
        let answer = client.message(&headers, &ask("x")).await;
        assert_eq!((answer.status, answer.message().as_str()), (status, message), "{headers:?}");
        let json = answer.json();
        assert_eq!(json["type"], "error");
        assert_eq!(json["request_id"].as_str(), answer.header("request-id"));
    }
}

#[tokio::test]
async fn the_long_lived_token_infers_and_sees_nothing_else() {
    let client = start().await;
    let account = client.vendor.add_account(AccountSpec::static_token("s")).unwrap();
    let auth = bearer(account.key());
    assert_eq!(client.message(&auth, &ask("x")).await.status, 200);
    let usage = client.get("/api/oauth/usage", &auth).await;
    assert_eq!(
        (usage.status, usage.message().as_str()),
        (403, "OAuth token does not meet scope requirement user:profile")
    );
}

#[tokio::test]
async fn what_is_taken_away_stays_away() {
    let client = start().await;
    let (account, paid) = (client.subscription("a"), client.api_key("k"));
    let auth = bearer(&account.issue_tokens().access_token);
    account.expire_access();
    assert_eq!(client.message(&auth, &ask("x")).await.status, 401);
    let auth = bearer(&account.issue_tokens().access_token);
    account.revoke_access();
    assert_eq!(client.message(&auth, &ask("x")).await.status, 403);
    account.set_disabled(true);
    let auth = bearer(&account.issue_tokens().access_token);
    let closed = client.message(&auth, &ask("x")).await;
    assert_eq!((closed.status, closed.message().as_str()), (400, "This organization has been disabled."));
    account.set_disabled(false);
    assert_eq!(client.message(&auth, &ask("x")).await.status, 200);
    paid.revoke_all();
    assert_eq!(client.message(&key(paid.key()), &ask("x")).await.status, 401);
}

#[rstest]
#[case::no_model(json!({"model": null}), "model: Input should be a valid string")]
#[case::no_tokens(json!({"max_tokens": 0}), "max_tokens: Input should be greater than or equal to 1")]
#[case::no_messages(json!({"messages": []}), "messages: at least one message is required")]
#[case::role(json!({"messages": [{"role": "tool", "content": "x"}]}), "messages.0.role: Input should be 'user' or 'assistant'")]
#[case::empty_text(json!({"messages": [{"role": "user", "content": ""}]}), "messages: text content blocks must be non-empty")]
#[case::prefill(json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}),
    "This model does not support assistant message prefill. The conversation must end with a user message.")]
#[case::small_budget(json!({"thinking": {"type": "enabled", "budget_tokens": 1}}),
    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")]
#[case::same_tool_twice(json!({"tools": [{"name": "t"}, {"name": "t"}]}), "tools: Tool names must be unique.")]
#[tokio::test]
async fn a_malformed_prompt_is_refused_in_the_vendors_words(#[case] fields: Value, #[case] message: &str) {
    let client = start().await;
    let account = client.api_key("k");
    let answer = client.message(&key(account.key()), &with(ask("x"), fields)).await;
    assert_eq!((answer.status, answer.error_type().as_str()), (400, "invalid_request_error"));
    assert_eq!(answer.message(), message);
}

#[tokio::test]
async fn an_agent_may_put_in_a_word_of_its_own_but_not_begin_with_it() {
    let client = start().await;
    let account = client.api_key("k");
    let (person, agent) = (json!({"role": "user", "content": "x"}), json!({"role": "system", "content": "y"}));
    let after = client.message(&key(account.key()), &with(ask("x"), json!({"messages": [person, agent]}))).await;
    assert_eq!((after.status, after.json()["content"][0]["text"].as_str()), (200, Some("pong x")));
    let before = client.message(&key(account.key()), &with(ask("x"), json!({"messages": [agent, person]}))).await;
    assert_eq!(before.message(), "messages.0.role: Input should be 'user' or 'assistant'");
}

#[tokio::test]
async fn calls_and_results_come_in_pairs() {
    let client = start().await;
    let account = client.api_key("k");
    let call =
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_7", "name": "t", "input": {}}]});
    let user = |content: Value| json!({"role": "user", "content": content});
    let orphan = json!([{"type": "tool_result", "tool_use_id": "toolu_8", "content": "x"}]);
    let body = |messages: Value| with(ask("x"), json!({"messages": messages}));
    let open = client.message(&key(account.key()), &body(json!([user("a".into()), call, user("b".into())]))).await;
    assert!(
        open.message().starts_with(
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_7"
        )
    );
    let alone = client.message(&key(account.key()), &body(json!([user("a".into()), user(orphan)]))).await;
    assert!(
        alone
            .message()
            .starts_with("messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_8")
    );
}

#[tokio::test]
async fn models_are_listed_in_pages_and_unknown_ones_are_not_found() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let all = client.get("/v1/models?limit=1000", &auth).await.json();
    let ids: Vec<_> = all["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    for id in ["claude-opus-5", "claude-sonnet-4-6", "claude-haiku-4-5-20251001"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    assert_eq!(all["has_more"], false);
    let mut paged: Vec<String> = Vec::new();
    let mut path = "/v1/models?limit=3".to_owned();
    loop {
        let page = client.get(&path, &auth).await.json();
        paged.extend(page["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()));
        if page["has_more"] == false {
            break;
        }
        path = format!("/v1/models?limit=3&after_id={}", page["last_id"].as_str().unwrap());
    }
    assert_eq!(paged, ids);
    assert_eq!(client.get("/v1/models/claude-haiku-4-5", &auth).await.json()["id"], "claude-haiku-4-5-20251001");
    let unknown = client.message(&auth, &with(ask("x"), json!({"model": "claude-opus-9"}))).await;
    assert_eq!((unknown.status, unknown.message().as_str()), (404, "model: claude-opus-9"));
    assert_eq!(client.get("/v1/models?limit=0", &auth).await.status, 400);
}

#[tokio::test]
async fn hello_needs_nobody_and_other_paths_are_not_there() {
    let client = start().await;
    assert_eq!(client.send("HEAD", "/api/hello", &[], "").await.unwrap().status, 200);
    assert_eq!(client.get("/v1/nothing", &[]).await.status, 404);
    assert_eq!(client.get("/v1/messages", &[]).await.status, 405);
}

#[tokio::test]
async fn compressed_bodies_are_read() {
    let client = start().await;
    let account = client.api_key("k");
    let plain = ask("squeezed").to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(plain.as_bytes()).unwrap();
    let zstd = zstd::stream::encode_all(plain.as_bytes(), 3).unwrap();
    for (encoding, body) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd)] {
        let headers = and(&key(account.key()), "content-encoding", encoding);
        let answer = client.send("POST", "/v1/messages", &headers, body.clone()).await.unwrap();
        assert_eq!(answer.json()["content"][0]["text"], "pong squeezed", "{encoding}");
        assert_eq!(client.vendor.requests().last().unwrap().body, body, "the log has what was on the wire");
    }
    let headers = and(&key(account.key()), "content-encoding", "zstd");
    assert_eq!(client.send("POST", "/v1/messages", &headers, plain).await.unwrap().status, 400);
}

#[tokio::test]
async fn more_than_32_mb_is_too_large_also_after_decompression() {
    let client = start().await;
    let account = client.api_key("k");
    let large = vec![b' '; 32 * 1024 * 1024 + 1];
    let squeezed = zstd::stream::encode_all(large.as_slice(), 1).unwrap();
    let answer = client.send("POST", "/v1/messages", &key(account.key()), large).await.unwrap();
    assert_eq!((answer.status, answer.error_type().as_str()), (413, "request_too_large"));
    let headers = and(&key(account.key()), "content-encoding", "zstd");
    assert_eq!(client.send("POST", "/v1/messages", &headers, squeezed).await.unwrap().status, 413);
}
