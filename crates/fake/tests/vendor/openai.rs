//! API keys at OpenAI: Responses, Chat Completions, counting, models, limits.

use remuda_fake::{AccountSpec, Buckets, Config, FakeAccount, Fault, OpenAiRefusal, Point, Reply};
use rstest::rstest;
use serde_json::{Value, json};

use crate::client::{Answer, Client, start, with};

pub(crate) fn bearer(token: &str) -> Vec<(String, String)> {
    let pairs = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A one-message prompt.
pub(crate) fn input(text: &str) -> Value {
    json!({"model": "gpt-5.5", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}]})
}

fn stream(text: &str) -> Value {
    with(input(text), json!({"stream": true, "store": false, "include": ["reasoning.encrypted_content"]}))
}

fn chat(text: &str) -> Value {
    json!({"model": "gpt-5.5", "messages": [{"role": "user", "content": text}]})
}

pub(crate) fn shell() -> Value {
    json!([
        {"type": "function", "name": "shell", "parameters": {"type": "object"}},
        {"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}},
        {"type": "namespace", "name": "mcp", "tools": [{"type": "function", "name": "look"}, {"type": "custom", "name": "exec"}]},
    ])
}

async fn account() -> (Client, FakeAccount) {
    let client = start().await;
    let account = client.vendor.add_account(AccountSpec::openai_key("key")).unwrap();
    (client, account)
}

impl Client {
    async fn respond(&self, account: &FakeAccount, json: &Value) -> Answer {
        self.post("/openai/v1/responses", &bearer(account.key()), json).await
    }

    async fn complete(&self, account: &FakeAccount, json: &Value) -> Answer {
        self.post("/openai/v1/chat/completions", &bearer(account.key()), json).await
    }
}

/// The item that an event or response brings at this place.
fn item(answer: &Answer, at: usize) -> Value {
    let (_, completed) = answer.events().pop().unwrap();
    completed["response"]["output"][at].clone()
}

#[tokio::test]
async fn a_response_streams_in_the_vendors_order_and_numbers_its_events() {
    let (client, account) = account().await;
    let answer = client.respond(&account, &stream("hello there")).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let deltas = ["response.output_text.delta"; 3];
    let begin =
        ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"];
    let end =
        ["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed"];
    assert_eq!(answer.event_names(), [&begin[..], &deltas[..], &end[..]].concat());
    for (at, (name, data)) in answer.events().into_iter().enumerate() {
        assert_eq!((data["type"].as_str(), data["sequence_number"].as_u64()), (Some(name.as_str()), Some(at as u64)));
    }
    assert!(
        answer
            .text()
            .starts_with("event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,")
    );
    let (_, completed) = answer.events().pop().unwrap();
    assert_eq!(completed["response"]["output"][0]["content"][0]["text"], "pong hello there");
    assert_eq!(completed["response"]["status"], "completed");
    assert!(completed["response"]["usage"]["input_tokens"].as_u64().unwrap() > 0);
    assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
}

#[tokio::test]
async fn a_response_comes_in_one_piece_too_and_a_later_one_goes_on_from_it() {
    let (client, account) = account().await;
    let other = client.vendor.add_account(AccountSpec::openai_key("other")).unwrap();
    let first = client
        .respond(&account, &with(input("use tool shell with {\"command\":[\"ls\"]}"), json!({"tools": shell()})))
        .await;
    let json = first.json();
    assert_eq!((first.status, &json["object"], &json["error"]), (200, &json!("response"), &Value::Null));
    let call = json["output"][1].clone();
    assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!("shell")));
    assert_eq!(call["arguments"], "{\"command\":[\"ls\"]}");
    let result = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "a.txt\nb.txt"});
    let next = json!({"model": "gpt-5.5", "input": [result], "previous_response_id": json["id"]});
    assert_eq!(client.respond(&account, &next).await.json()["output"][0]["content"][0]["text"], "tool result: a.txt");
    let elsewhere = client.respond(&other, &next).await;
    assert_eq!((elsewhere.status, elsewhere.code().as_str()), (400, "previous_response_not_found"));
    let unstored = client.respond(&account, &with(input("x"), json!({"store": false}))).await.json();
    let next = with(input("y"), json!({"previous_response_id": unstored["id"]}));
    assert_eq!(client.respond(&account, &next).await.code(), "previous_response_not_found");
}

#[tokio::test]
async fn tools_are_called_as_the_request_declares_them() {
    let (client, account) = account().await;
    client.vendor.reply(Reply::call("mend it", "apply_patch", json!("*** Begin Patch")));
    client.vendor.reply(Reply::call("look there", "look", json!({"at": 1})));
    let ask = |text: &str| with(stream(text), json!({"tools": shell()}));
    let patch = client.respond(&account, &ask("mend it, please")).await;
    assert!(patch.event_names().contains(&"response.custom_tool_call_input.delta".to_owned()));
    let call = item(&patch, 1);
    assert_eq!((&call["type"], &call["input"]), (&json!("custom_tool_call"), &json!("*** Begin Patch")));
    let look = client.respond(&account, &ask("look there")).await;
    assert!(look.event_names().contains(&"response.function_call_arguments.done".to_owned()));
    assert_eq!((&item(&look, 1)["namespace"], &item(&look, 1)["name"]), (&json!("mcp"), &json!("look")));
    let exec = item(&client.respond(&account, &ask("use tool exec with \"text(1)\"")).await, 1);
    assert_eq!((&exec["namespace"], &exec["input"]), (&json!("mcp"), &json!("text(1)")));
    let without = client.respond(&account, &stream("mend it, please")).await;
    assert_eq!(item(&without, 0)["type"], "message", "a tool that is not offered is not called");
}

#[tokio::test]
async fn encrypted_reasoning_is_good_for_the_organisation_that_made_it() {
    let (client, account) = account().await;
    let other = client.vendor.add_account(AccountSpec::openai_key("other")).unwrap();
    let summed = with(stream("think about it"), json!({"reasoning": {"effort": "medium", "summary": "auto"}}));
    let first = client.respond(&account, &summed).await;
    assert!(first.event_names().contains(&"response.reasoning_summary_text.delta".to_owned()));
    let reasoning = item(&first, 0);
    assert!(reasoning["encrypted_content"].as_str().unwrap().starts_with("gAAAAA"));
    let again = |reasoning: &Value| {
        let user = json!({"role": "user", "content": [{"type": "input_text", "text": "go on"}]});
        with(stream(""), json!({"input": [reasoning, item(&first, 1), user]}))
    };
    assert_eq!(client.respond(&account, &again(&reasoning)).await.status, 200);
    let foreign = client.respond(&other, &again(&reasoning)).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (400, "invalid_encrypted_content"));
    assert!(
        foreign.message().ends_with("organization_id did not match the target organization."),
        "{}",
        foreign.message()
    );
    let altered = with(reasoning.clone(), json!({"encrypted_content": "gAAAAAnonsense"}));
    assert!(client.respond(&account, &again(&altered)).await.message().ends_with("could not be decrypted or parsed."));
    let emptied = with(reasoning, json!({"encrypted_content": null}));
    assert_eq!(client.respond(&account, &again(&emptied)).await.status, 404, "nothing is persisted without store");
}

#[rstest]
#[case(json!({"foo": 1}), "unknown_parameter", "foo")]
#[case(json!({"max_tokens": 100}), "unknown_parameter", "max_tokens")]
#[case(json!({"temperature": 0.5}), "unsupported_parameter", "temperature")]
#[case(json!({"stream": "yes"}), "invalid_type", "stream")]
#[case(json!({"input": 7}), "invalid_type", "input")]
#[case(json!({"max_output_tokens": 3}), "integer_below_min_value", "max_output_tokens")]
#[case(json!({"stream_options": {}}), "invalid_value", "stream_options")]
#[case(json!({"input": [{"role": "robot", "content": "x"}]}), "invalid_value", "input[0].role")]
#[case(json!({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}), "invalid_value", "input[0].content[0].type")]
#[case(json!({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}), "invalid_value", "input[0].content[0].type")]
#[case(json!({"input": [{"type": "function_call", "name": "x", "arguments": "{}"}]}), "missing_required_parameter", "input[0].call_id")]
#[case(json!({"input": [{"type": "function_call", "call_id": "c", "name": "x", "arguments": "{}"}]}), "invalid_request", "input")]
#[case(json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}), "invalid_request", "input")]
#[tokio::test]
async fn a_wrong_request_is_refused_by_its_parameter(#[case] fields: Value, #[case] code: &str, #[case] param: &str) {
    let (client, account) = account().await;
    let answer = client.respond(&account, &with(input("x"), fields)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, code), "{}", answer.text());
    assert_eq!(answer.json()["error"]["param"], param);
}

#[tokio::test]
async fn a_reasoning_model_that_does_not_reason_takes_a_temperature() {
    let (client, account) = account().await;
    let cool = json!({"temperature": 0.5, "reasoning": {"effort": "none"}});
    assert_eq!(client.respond(&account, &with(input("x"), cool)).await.status, 200);
    let plain = with(input("x"), json!({"model": "gpt-4.1", "temperature": 0.5}));
    assert_eq!(client.respond(&account, &plain).await.status, 200);
    let reasoning = with(plain, json!({"reasoning": {"effort": "low"}}));
    assert_eq!(client.respond(&account, &reasoning).await.code(), "unsupported_parameter");
}

#[tokio::test]
async fn max_output_tokens_ends_a_response_as_incomplete() {
    let (client, account) = account().await;
    let answer = client.respond(&account, &with(stream("count to 500"), json!({"max_output_tokens": 16}))).await;
    let (name, data) = answer.events().pop().unwrap();
    assert_eq!(name, "response.incomplete");
    assert_eq!(data["response"]["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(data["response"]["usage"]["output_tokens"], 16);
}

#[tokio::test]
async fn long_prefixes_are_cached_by_account_and_key() {
    let (client, account) = account().await;
    let other = client.vendor.add_account(AccountSpec::openai_key("other")).unwrap();
    let long = with(input("go"), json!({"instructions": "x".repeat(8000), "prompt_cache_key": "s"}));
    let cached = async |account: &FakeAccount, json: &Value| {
        client.respond(account, json).await.json()["usage"]["input_tokens_details"]["cached_tokens"].as_u64().unwrap()
    };
    assert_eq!(cached(&account, &long).await, 0);
    assert_eq!(cached(&account, &with(long.clone(), input("other words"))).await, 1920);
    assert_eq!(cached(&other, &long).await, 0);
    assert_eq!(cached(&account, &with(long.clone(), json!({"prompt_cache_key": "t"}))).await, 0);
}

#[tokio::test]
async fn a_completion_streams_with_the_role_first_usage_when_asked_and_done_last() {
    let (client, account) = account().await;
    let ask = with(chat("hello"), json!({"stream": true, "stream_options": {"include_usage": true}}));
    let answer = client.complete(&account, &ask).await;
    let chunks = answer.chunks();
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": "", "refusal": null}));
    assert_eq!(chunks[1]["choices"][0]["delta"]["content"], "pong ");
    let [.., finish, usage] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!((&finish["choices"][0]["finish_reason"], &finish["usage"]), (&json!("stop"), &Value::Null));
    assert_eq!((&usage["choices"], usage["usage"]["total_tokens"].is_u64()), (&json!([]), true));
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    let plain = client.complete(&account, &with(chat("hello"), json!({"stream": true}))).await;
    assert!(plain.chunks().iter().all(|chunk| chunk.get("usage").is_none()));
}

#[tokio::test]
async fn a_completion_calls_tools_and_takes_their_results() {
    let (client, account) = account().await;
    let tools = json!([{"type": "function", "function": {"name": "read", "parameters": {}}}]);
    let ask = with(chat("use tool read with {\"path\":\"a\"}"), json!({"tools": tools}));
    let first = client.complete(&account, &ask).await.json();
    let message = &first["choices"][0]["message"];
    assert_eq!(first["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(message["tool_calls"][0]["function"], json!({"name": "read", "arguments": "{\"path\":\"a\"}"}));
    let result = json!({"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "text of a"});
    let next = with(ask.clone(), json!({"messages": [ask["messages"][0], message, result]}));
    assert_eq!(
        client.complete(&account, &next).await.json()["choices"][0]["message"]["content"],
        "tool result: text of a"
    );
    let unanswered = with(ask.clone(), json!({"messages": [ask["messages"][0], message]}));
    assert_eq!(client.complete(&account, &unanswered).await.status, 400);
    let stray = with(ask.clone(), json!({"messages": [ask["messages"][0], result]}));
    assert!(client.complete(&account, &stray).await.message().contains("must be a response to a preceeding message"));
}

#[rstest]
#[case(json!({"max_tokens": 5}), 400, "unsupported_parameter")]
#[case(json!({"max_output_tokens": 50}), 400, "unknown_parameter")]
#[case(json!({"messages": []}), 400, "empty_array")]
#[case(json!({"messages": [{"role": "robot", "content": "x"}]}), 400, "invalid_value")]
#[case(json!({"model": "gpt-9"}), 404, "model_not_found")]
#[tokio::test]
async fn a_wrong_completion_is_refused(#[case] fields: Value, #[case] status: u16, #[case] code: &str) {
    let (client, account) = account().await;
    let answer = client.complete(&account, &with(chat("x"), fields)).await;
    assert_eq!((answer.status, answer.code().as_str()), (status, code));
}

#[tokio::test]
async fn limits_per_minute_stand_on_every_answer_and_refuse_when_they_are_empty() {
    let client = start().await;
    let buckets = Buckets { requests: 2, input_tokens: 60_000, output_tokens: 0 };
    let account = client.vendor.add_account(AccountSpec { buckets, ..AccountSpec::openai_key("key") }).unwrap();
    let first = client.respond(&account, &input("x")).await;
    assert_eq!(first.header("x-ratelimit-limit-requests"), Some("2"));
    assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("1"));
    assert_eq!(first.header("x-ratelimit-reset-requests"), Some("30s"));
    assert_eq!(first.header("x-ratelimit-limit-tokens"), Some("60000"));
    assert!(first.header("openai-organization").unwrap().starts_with("org-"));
    client.respond(&account, &input("x")).await;
    let refused = client.respond(&account, &input("x")).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limit_exceeded"));
    assert_eq!(refused.json()["error"]["type"], "requests");
    assert!(refused.message().contains("Limit 2, Used 2, Requested 1. Please try again in "), "{}", refused.message());
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() <= 30);
    client.vendor.advance(31);
    assert_eq!(client.respond(&account, &input("x")).await.status, 200);
}

#[tokio::test]
async fn input_tokens_are_counted_and_models_listed() {
    let (client, account) = account().await;
    let auth = bearer(account.key());
    let counted = client.post("/openai/v1/responses/input_tokens", &auth, &input("x")).await.json();
    let spent = client.respond(&account, &input("x")).await.json();
    assert_eq!(counted["object"], "response.input_tokens");
    assert_eq!(counted["input_tokens"], spent["usage"]["input_tokens"]);
    let models = client.get("/openai/v1/models", &auth).await.json();
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "gpt-5.5"));
    assert_eq!(client.get("/openai/v1/models/gpt-5.5", &auth).await.json()["object"], "model");
    assert_eq!(client.get("/openai/v1/models/gpt-9", &auth).await.code(), "model_not_found");
    assert_eq!(client.get("/openai/v1/embeddings", &auth).await.status, 404);
    assert_eq!(client.get("/openai/v1/chat/completions", &auth).await.status, 405);
}

#[tokio::test]
async fn only_keys_of_this_vendor_come_in() {
    let (client, account) = account().await;
    let claude = client.api_key("claude");
    let chatgpt = client.vendor.add_account(AccountSpec::chatgpt("plus")).unwrap().issue_tokens().access_token;
    let ask = async |token: &str, path: &str| client.post(path, &bearer(token), &chat("x")).await;
    for token in ["sk-proj-nobody", claude.key()] {
        let answer = ask(token, "/openai/v1/responses").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"));
    }
    assert_eq!(
        client
            .post("/openai/v1/responses", &[("content-type".into(), "application/json".into())], &input("x"))
            .await
            .status,
        401
    );
    let scopes = ask(&chatgpt, "/openai/v1/responses").await;
    assert!(scopes.status == 403 && scopes.message().contains("Missing scopes: api.responses.write"));
    assert_eq!(ask(&chatgpt, "/openai/v1/chat/completions").await.code(), "insufficient_quota");
    assert!(client.get("/openai/v1/models", &bearer(&chatgpt)).await.message().contains("api.model.read"));
    let mut named = bearer(account.key());
    named.push(("openai-organization".to_owned(), "org-another".to_owned()));
    assert_eq!(client.post("/openai/v1/responses", &named, &input("x")).await.code(), "mismatched_organization");
    account.set_disabled(true);
    assert_eq!(ask(account.key(), "/openai/v1/responses").await.code(), "account_deactivated");
}

#[rstest]
#[case(OpenAiRefusal::InsufficientQuota, 429, "insufficient_quota")]
#[case(OpenAiRefusal::ProjectSpendLimit, 429, "project_spend_limit_exceeded")]
#[case(OpenAiRefusal::SlowDown, 429, "slow_down")]
#[case(OpenAiRefusal::ServerIsOverloaded, 503, "server_is_overloaded")]
#[case(OpenAiRefusal::ContextLengthExceeded, 400, "context_length_exceeded")]
#[case(OpenAiRefusal::UnsupportedCountry, 403, "unsupported_country_region_territory")]
#[tokio::test]
async fn a_row_comes_as_a_status_or_inside_a_stream(
    #[case] refusal: OpenAiRefusal,
    #[case] status: u16,
    #[case] code: &str,
) {
    let (client, account) = account().await;
    client.vendor.script(&account, [Fault::refuse(refusal), Fault::error_event(refusal, Point::AfterHandshake)]);
    let refused = client.respond(&account, &stream("x")).await;
    assert_eq!((refused.status, refused.code().as_str()), (status, code));
    let failed = client.respond(&account, &stream("x")).await;
    assert_eq!(failed.event_names(), ["response.created", "response.in_progress", "response.failed"]);
    let (_, data) = failed.events().pop().unwrap();
    assert_eq!((&data["response"]["status"], &data["response"]["error"]["code"]), (&json!("failed"), &json!(code)));
    assert_eq!(data["sequence_number"], 2);
    let (_, created) = failed.events().remove(0);
    assert_eq!(data["response"]["id"], created["response"]["id"]);
}

#[tokio::test]
async fn other_ways_to_end_a_stream() {
    let (client, account) = account().await;
    client.vendor.script(
        &account,
        [
            Fault::error_event(OpenAiRefusal::ErrorEvent, Point::AfterContent),
            Fault::error_event(OpenAiRefusal::ContentFilter, Point::AfterContent),
            Fault::truncate(Point::AfterContent, true),
            Fault::error_event(OpenAiRefusal::ServerError, Point::AfterHandshake),
            Fault::truncate(Point::AfterHandshake, true),
        ],
    );
    let (name, data) = client.respond(&account, &stream("x")).await.events().pop().unwrap();
    assert_eq!((name.as_str(), &data["code"]), ("error", &json!("server_error")));
    let (name, data) = client.respond(&account, &stream("x")).await.events().pop().unwrap();
    assert_eq!(
        (name.as_str(), &data["response"]["incomplete_details"]["reason"]),
        ("response.incomplete", &json!("content_filter"))
    );
    let cut = client.respond(&account, &stream("x")).await;
    assert_eq!(cut.event_names().pop().unwrap(), "response.output_text.delta");
    let ask = with(chat("x"), json!({"stream": true}));
    let failed = client.complete(&account, &ask).await;
    assert_eq!(failed.chunks()[1]["error"]["type"], "server_error");
    let cut = client.complete(&account, &ask).await;
    assert_eq!((cut.chunks().len(), cut.text().contains("[DONE]")), (1, false), "the role alone");
}

#[tokio::test]
async fn strange_things_stand_between_the_events_and_nothing_is_lost() {
    let (client, account) = account().await;
    client.vendor.script(&account, [Fault::serve().with_novelties(), Fault::serve().with_novelties()]);
    let strange = client.respond(&account, &stream("x")).await.text();
    assert!(strange.contains(": a comment\n") && strange.contains("\r\ndata: \"response.herd_notice\""));
    assert!(strange.contains("\"type\":\"response.completed\""));
    assert_eq!(client.respond(&account, &input("x")).await.json()["herd"]["size"], 3);
}

#[tokio::test]
async fn nothing_honest_is_held_against_anybody() {
    let client = crate::client::start_with(Config::default()).await;
    let account = client.vendor.add_account(AccountSpec::openai_key("key")).unwrap();
    client.respond(&account, &stream("x")).await;
    client.complete(&account, &chat("x")).await;
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
    let seen = client.vendor.requests();
    assert_eq!((seen[0].account.as_deref(), seen[0].model.as_deref()), (Some("key"), Some("gpt-5.5")));
    assert_eq!(seen[0].path, "/openai/v1/responses");
    assert!(seen[0].content && seen[1].content);
    let foreign = client.post("/openai/v1/responses", &bearer(client.api_key("c").key()), &input("x")).await;
    assert_eq!(foreign.status, 401);
    let mut crossed = bearer(account.key());
    crossed.push(("chatgpt-account-id".to_owned(), "someone".to_owned()));
    client.post("/openai/v1/responses", &crossed, &input("other words")).await;
    assert_eq!(
        client.vendor.violations(),
        [
            "a credential that this vendor never issued was sent",
            "chatgpt-account-id belongs to the Codex backend and reached another site",
        ]
    );
}
