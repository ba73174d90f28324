use remuda_fake::{Config, Fault, Point, Refusal};
use rstest::rstest;
use serde_json::json;

use crate::client::{ask, bearer, key, start, start_with, streaming, with};

#[rstest]
#[case::own_header("x-remuda-key", "abc", "a header of the gateway reached the vendor: x-remuda-key")]
#[case::client_key(
    "x-app",
    "rmd_0123456789abcdefABCD",
    "a client key of the gateway reached the vendor in the header x-app"
)]
#[case::hop_by_hop("proxy-connection", "keep-alive", "a hop-by-hop header was forwarded: proxy-connection")]
#[case::connection("connection", "keep-alive, x-private", "a connection option was forwarded: x-private")]
#[case::te("te", "gzip", "a hop-by-hop header was forwarded: te")]
#[case::cookie("cookie", "session=1", "a cookie reached the vendor")]
#[case::origin("origin", "http://localhost", "an Origin header reached the vendor")]
#[case::agent("user-agent", "remuda/0.1", "the gateway's user agent stands in place of the agent's: remuda/0.1")]
#[tokio::test]
async fn a_header_that_must_not_arrive_is_noticed(#[case] name: &str, #[case] value: &str, #[case] violation: &str) {
    let client = start().await;
    let account = client.api_key("k");
    let mut headers = key(account.key());
    headers.retain(|(known, _)| known != name);
    headers.push((name.to_owned(), value.to_owned()));
    client.message(&headers, &ask("x")).await;
    assert_eq!(client.vendor.violations(), [violation]);
}

#[tokio::test]
async fn an_honest_request_breaks_nothing() {
    let client = start().await;
    let (account, paid) = (client.subscription("a"), client.api_key("k"));
    for auth in [bearer(&account.issue_tokens().access_token), key(paid.key()), bearer(account.key())] {
        client.message(&auth, &streaming(ask("the prefix rmd_ alone is no key"))).await;
    }
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn foreign_and_several_credentials_and_leaked_keys_are_noticed() {
    let client = start().await;
    let account = client.subscription("a");
    client.message(&key("sk-ant-api03-of-somebody-else"), &ask("x")).await;
    assert_eq!(client.vendor.violations(), ["a credential that this vendor never issued was sent"]);
    let mut both = bearer(&account.issue_tokens().access_token);
    both.push(("x-api-key".to_owned(), "k".to_owned()));
    client.message(&both, &ask("x")).await;
    assert_eq!(client.vendor.violations()[1], "more than one credential was sent");
    client.message(&bearer(account.key()), &ask("my key is rmd_0123456789abcdefABCD")).await;
    assert_eq!(client.vendor.violations()[2], "a client key of the gateway reached the vendor in the body or address");
    assert_eq!(client.vendor.violations().len(), 3);
}

#[tokio::test]
async fn the_identity_in_the_body_must_be_the_credentials() {
    let client = start().await;
    let (a, b) = (client.subscription("a"), client.subscription("b"));
    let body = |uuid: &str| {
        let user = json!({"device_id": "d", "account_uuid": uuid, "session_id": "s"}).to_string();
        with(ask("x"), json!({"metadata": {"user_id": user}}))
    };
    let auth = bearer(&b.issue_tokens().access_token);
    client.message(&auth, &body("")).await;
    client.message(&auth, &body(b.account_uuid())).await;
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
    client.message(&auth, &body(a.account_uuid())).await;
    assert!(
        client.vendor.violations()[0]
            .starts_with("metadata.user_id names another account than the credential of \"b\"")
    );
}

#[tokio::test]
async fn changed_bytes_are_noticed_once_bodies_are_registered() {
    let client = start().await;
    let account = client.api_key("k");
    let body = ask("x").to_string();
    client.vendor.expect_body(body.as_bytes());
    client.send("POST", "/v1/messages", &key(account.key()), body.clone()).await.unwrap();
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
    client.send("POST", "/v1/messages", &key(account.key()), body.replace(':', ": ")).await.unwrap();
    assert_eq!(client.vendor.violations(), ["the body is none of those the agent sent: its bytes were changed"]);
}

/// The request that is sent again may have another account, model or signature: it is the same turn.
#[tokio::test]
async fn a_request_sent_again_after_content_is_a_replay_on_any_account() {
    let client = start().await;
    let (a, b) = (client.subscription("a"), client.subscription("b"));
    let (a_auth, b_auth) = (bearer(&a.issue_tokens().access_token), bearer(&b.issue_tokens().access_token));
    let body = streaming(ask("one two"));
    client.vendor.script(
        &a,
        [Fault::error_event(Refusal::Overloaded, Point::AfterHandshake), Fault::truncate(Point::AfterContent, true)],
    );
    client.message(&a_auth, &body).await;
    client.message(&a_auth, &body).await;
    assert_eq!(client.vendor.violations(), Vec::<String>::new(), "nothing had been delivered by the first");
    let spliced = with(body.clone(), json!({"model": "claude-opus-5"}));
    client.message(&b_auth, &spliced).await;
    assert_eq!(client.vendor.violations(), ["a request was sent again after content of its answer had been delivered"]);
}

#[tokio::test]
async fn the_agents_own_retry_is_no_replay() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let body = streaming(ask("one two"));
    client.vendor.script(&account, [Fault::truncate(Point::AfterContent, true)]);
    client.message(&auth, &body).await;
    let mut retry = auth.clone();
    retry.push(("x-stainless-retry-count".to_owned(), "1".to_owned()));
    client.message(&retry, &body).await;
    client.message(&auth, &ask("one two")).await; // falls back to an answer in one piece
    client.message(&auth, &streaming(ask("something else"))).await;
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
}

/// Claude Code sends the very same request again, with the same retry count.
#[tokio::test]
async fn an_agent_that_is_known_to_retry_is_not_accused() {
    let client = start_with(Config { agent_retries: true, ..Config::default() }).await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    client.vendor.script(&account, [Fault::truncate(Point::AfterContent, true)]);
    client.message(&auth, &streaming(ask("one two"))).await;
    client.message(&auth, &streaming(ask("one two"))).await;
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn tool_results_are_answered_once() {
    let client = start().await;
    let account = client.api_key("k");
    let body = json!({"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}]},
    ]});
    client.vendor.script(&account, [Fault::refuse(Refusal::Overloaded)]);
    assert_eq!(client.message(&key(account.key()), &body).await.status, 529);
    assert_eq!(client.message(&key(account.key()), &body).await.status, 200);
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
    client.message(&key(account.key()), &body).await;
    assert_eq!(client.vendor.violations(), ["tool results were sent again after their answer: tools run twice"]);
}

/// The same of every protocol; reasoning that was dropped on the way makes no other turn of it.
#[tokio::test]
async fn replays_are_noticed_in_every_protocol() {
    let client = start().await;
    let account = client.vendor.add_account(remuda_fake::AccountSpec::openai_key("k")).unwrap();
    let auth = crate::openai::bearer(account.key());
    let cut = || [Fault::truncate(Point::AfterContent, true)];
    let said = "a request was sent again after content of its answer had been delivered";
    let chat = json!({"model": "gpt-5.5", "stream": true, "messages": [{"role": "user", "content": "one two"}]});
    client.vendor.script(&account, cut());
    client.post("/openai/v1/chat/completions", &auth, &chat).await;
    client.post("/openai/v1/chat/completions", &auth, &chat).await;
    assert_eq!(client.vendor.violations(), [said]);
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "summary": []});
    let input = |items: serde_json::Value| with(crate::openai::input("x"), json!({"stream": true, "input": items}));
    let user = json!({"role": "user", "content": "one two"});
    client.vendor.script(&account, cut());
    client.post("/openai/v1/responses", &auth, &input(json!([reasoning, user]))).await;
    client.post("/openai/v1/responses", &auth, &input(json!([user]))).await;
    assert_eq!(client.vendor.violations(), [said, said]);
    let call = json!({"type": "function_call", "call_id": "c", "name": "t", "arguments": "{}"});
    let results = input(json!([user, call, {"type": "function_call_output", "call_id": "c", "output": "x"}]));
    client.post("/openai/v1/responses", &auth, &results).await;
    client.post("/openai/v1/responses", &auth, &results).await;
    assert_eq!(client.vendor.violations()[2..], ["tool results were sent again after their answer: tools run twice"]);
}
