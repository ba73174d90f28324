//! The Codex backend over HTTP: who comes in, what is taken, what it tells of quota.

use std::io::Write;

use remuda_fake::{AccountSpec, ChatGpt, FakeAccount, Fault, OpenAiRefusal, Point, Slots, Window};
use rstest::rstest;
use serde_json::{Value, json};

use crate::client::{Answer, Client, start, with};

pub(crate) const RESPONSES: &str = "/chatgpt/backend-api/codex/responses";

/// How an agent with this token asks.
pub(crate) fn agent(token: &str, account: &FakeAccount) -> Vec<(String, String)> {
    [
        ("authorization", format!("Bearer {token}").as_str()),
        ("chatgpt-account-id", account.chatgpt_account_id()),
        ("originator", "codex_exec"),
        ("user-agent", "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)"),
        ("session-id", "01a1f88a-54dc-74b3-97f5-9002738f2fbd"),
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
    ]
    .iter()
    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
    .collect()
}

/// A one-message prompt as Codex 0.169 sends it.
pub(crate) fn ask(text: &str) -> Value {
    json!({
        "model": "gpt-5.5",
        "stream": true,
        "store": false,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "medium"},
        "parallel_tool_calls": true,
        "tool_choice": "auto",
        "prompt_cache_key": "01a1f88a-54dc-74b3-97f5-9002738f2fbd",
        "client_metadata": {"turn_id": "t"},
        "tools": crate::openai::shell(),
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are Codex."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>\n</environment_context>"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]},
        ],
    })
}

async fn account() -> (Client, FakeAccount, Vec<(String, String)>) {
    let client = start().await;
    let account = client.vendor.add_account(AccountSpec::chatgpt("plus")).unwrap();
    let auth = agent(&account.issue_tokens().access_token, &account);
    (client, account, auth)
}

fn without(headers: &[(String, String)], name: &str) -> Vec<(String, String)> {
    headers.iter().filter(|(known, _)| known != name).cloned().collect()
}

fn and(headers: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let mut all = without(headers, name);
    all.push((name.to_owned(), value.to_owned()));
    all
}

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_answer_streams_and_its_headers_tell_of_both_windows() {
    let (client, account, auth) = account().await;
    account.set_window(Window::FiveHour, 41.9, 7200);
    let answer = client.post(RESPONSES, &auth, &ask("hello")).await;
    let (name, data) = answer.events().pop().unwrap();
    assert_eq!(name, "response.completed");
    assert_eq!(data["response"]["output"][0]["content"][0]["text"], "pong hello");
    for (header, value) in [
        ("x-codex-primary-used-percent", "42"),
        ("x-codex-primary-window-minutes", "300"),
        ("x-codex-primary-reset-after-seconds", "7200"),
        ("x-codex-secondary-used-percent", "0.02"),
        ("x-codex-secondary-window-minutes", "10080"),
        ("x-codex-plan-type", "plus"),
        ("x-codex-credits-has-credits", "False"),
        ("openai-model", "gpt-5.5"),
    ] {
        assert_eq!(answer.header(header), Some(value), "{header}");
    }
    assert!(answer.header("x-oai-request-id").is_some());
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn bodies_come_packed_with_zstd() {
    let (client, _, auth) = account().await;
    let packed = zstd::encode_all(ask("hello").to_string().as_bytes(), 3).unwrap();
    let answer = client.send("POST", RESPONSES, &and(&auth, "content-encoding", "zstd"), packed.clone()).await.unwrap();
    assert_eq!(answer.status, 200);
    let seen = client.vendor.requests().pop().unwrap();
    assert_eq!((seen.body.as_ref(), seen.model.as_deref()), (packed.as_slice(), Some("gpt-5.5")));
    let mut broken = Vec::new();
    broken.write_all(b"no zstd").unwrap();
    assert_eq!(
        client.send("POST", RESPONSES, &and(&auth, "content-encoding", "zstd"), broken).await.unwrap().status,
        400
    );
}

#[rstest]
#[case(json!({"store": true}), "Store must be set to false")]
#[case(json!({"stream": false}), "Stream must be set to true")]
#[case(json!({"input": "hello"}), "Input must be a list")]
#[case(json!({"input": [{"role": "user", "content": "x"}]}), "Instructions are required")]
#[case(json!({"input": [{"role": "system", "content": "x"}]}), "System messages are not allowed")]
#[case(json!({"max_output_tokens": 100}), "Unsupported parameter: max_output_tokens")]
#[case(json!({"temperature": 1}), "Unsupported parameter: temperature")]
#[case(json!({"metadata": {}}), "Unsupported parameter: metadata")]
#[case(json!({"previous_response_id": "resp_x"}), "Unsupported parameter: previous_response_id")]
#[case(json!({"model": "gpt-5-codex"}), "The 'gpt-5-codex' model is not supported when using Codex with a ChatGPT account.")]
#[tokio::test]
async fn a_body_that_the_backend_does_not_take_is_refused_in_detail(#[case] fields: Value, #[case] said: &str) {
    let (client, _, auth) = account().await;
    let answer = client.post(RESPONSES, &auth, &with(ask("x"), fields)).await;
    assert_eq!((answer.status, detail(&answer).as_str()), (400, said));
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("x-codex-")));
}

#[tokio::test]
async fn the_account_header_must_be_the_tokens() {
    let (client, _, auth) = account().await;
    let other = client.vendor.add_account(AccountSpec::chatgpt("other")).unwrap();
    assert_eq!(client.post(RESPONSES, &without(&auth, "chatgpt-account-id"), &ask("x")).await.status, 400);
    let crossed = and(&auth, "chatgpt-account-id", other.chatgpt_account_id());
    assert_eq!(client.post(RESPONSES, &crossed, &ask("x")).await.status, 401);
    let violations = client.vendor.violations();
    assert!(violations[0].contains("chatgpt-account-id is missing beside the token of \"plus\""), "{violations:?}");
    assert!(violations[1].contains("names another account than the token of \"plus\""), "{violations:?}");
}

#[tokio::test]
async fn a_tokens_end_is_told_by_its_kind() {
    let (client, account, _) = account().await;
    let auth = || agent(&account.issue_tokens().access_token, &account);
    let key = client.vendor.add_account(AccountSpec::openai_key("key")).unwrap();
    let code = async |auth: &[(String, String)]| {
        let answer = client.post(RESPONSES, auth, &ask("x")).await;
        (answer.status, answer.code())
    };
    let (first, second) = (auth(), auth());
    account.expire_access();
    assert_eq!(code(&first).await, (401, "token_expired".to_owned()));
    account.revoke_access();
    assert_eq!(code(&second).await, (401, "token_revoked".to_owned()));
    let foreign = client.post(RESPONSES, &agent(key.key(), &account), &ask("x")).await;
    assert_eq!((foreign.status, detail(&foreign).as_str()), (401, "Unauthorized"));
    account.set_disabled(true);
    assert_eq!(code(&auth()).await, (401, "account_deactivated".to_owned()));
}

#[tokio::test]
async fn a_spent_window_refuses_with_its_reset_until_then() {
    let (client, account, auth) = account().await;
    account.set_window(Window::FiveHour, 100.0, 600);
    account.set_window(Window::SevenDay, 100.0, 9000);
    let refused = client.post(RESPONSES, &auth, &ask("x")).await;
    let error = refused.json()["error"].clone();
    assert_eq!(
        (refused.status, &error["type"], &error["plan_type"]),
        (429, &json!("usage_limit_reached"), &json!("plus"))
    );
    assert_eq!(error["resets_at"].as_i64().unwrap(), client.vendor.now() + 9000);
    assert_eq!(error["resets_in_seconds"], 9000);
    assert_eq!(refused.header("x-codex-secondary-used-percent"), Some("100"));
    assert_eq!(refused.header("x-codex-rate-limit-reached-type"), Some("rate_limit_reached"));
    client.vendor.advance(9001);
    assert_eq!(client.post(RESPONSES, &auth, &ask("x")).await.status, 200);
}

#[tokio::test]
async fn a_model_window_refuses_its_model_alone() {
    let (client, account, auth) = account().await;
    account.set_window(Window::Model("bengalfox".to_owned()), 100.0, 600);
    let spark = with(ask("x"), json!({"model": "gpt-5.3-codex-spark"}));
    let refused = client.post(RESPONSES, &auth, &spark).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-codex-bengalfox-primary-used-percent"), Some("100"));
    assert_eq!(refused.header("x-codex-bengalfox-limit-name"), Some("GPT-5.3-Codex-Spark"));
    assert_eq!(refused.header("x-codex-primary-used-percent"), Some("0"));
    assert_eq!(client.post(RESPONSES, &auth, &ask("x")).await.status, 200);
}

#[rstest]
#[case(Slots::WeekFirst, "10080", Some("300"))]
#[case(Slots::WeekOnly, "10080", None)]
#[tokio::test]
async fn windows_stand_in_other_slots_on_some_plans(
    #[case] slots: Slots,
    #[case] first: &str,
    #[case] second: Option<&str>,
) {
    let client = start().await;
    let chatgpt = ChatGpt { plan: "pro".to_owned(), slots, credits: Some("12.5".to_owned()), ..ChatGpt::default() };
    let account = client.vendor.add_account(AccountSpec { chatgpt, ..AccountSpec::chatgpt("pro") }).unwrap();
    let auth = agent(&account.issue_tokens().access_token, &account);
    let answer = client.post(RESPONSES, &auth, &ask("x")).await;
    assert_eq!(answer.header("x-codex-primary-window-minutes"), Some(first));
    assert_eq!(answer.header("x-codex-secondary-window-minutes"), second);
    assert_eq!(answer.header("x-codex-credits-balance"), Some("12.5"));
}

#[tokio::test]
async fn the_usage_endpoint_tells_the_same_in_seconds_and_costs_nothing() {
    let (client, account, auth) = account().await;
    account.set_window(Window::FiveHour, 15.4, 7200);
    account.set_window(Window::Model("bengalfox".to_owned()), 40.0, 600);
    let usage = client.get("/chatgpt/backend-api/wham/usage", &auth).await.json();
    let main = &usage["rate_limit"];
    let now = client.vendor.now();
    assert_eq!(
        main["primary_window"],
        json!({"used_percent": 15, "limit_window_seconds": 18_000, "reset_after_seconds": 7200, "reset_at": now + 7200})
    );
    assert_eq!((&main["allowed"], &main["limit_reached"]), (&json!(true), &json!(false)));
    assert_eq!(main["secondary_window"]["limit_window_seconds"], 604_800);
    assert_eq!(usage["additional_rate_limits"][0]["limit_name"], "GPT-5.3-Codex-Spark");
    assert_eq!((&usage["plan_type"], &usage["email"]), (&json!("plus"), &json!("plus@example.com")));
    assert_eq!(account.windows()[0].used_percent, 15.4);
    account.set_window(Window::SevenDay, 100.0, 7200);
    let usage = client.get("/chatgpt/backend-api/wham/usage", &auth).await.json();
    assert_eq!(usage["rate_limit"]["limit_reached"], true);
    assert_eq!(usage["rate_limit_reached_type"]["type"], "rate_limit_reached");
    let check = client.get("/chatgpt/backend-api/wham/accounts/check", &auth).await.json();
    assert_eq!(check["default_account_id"], account.chatgpt_account_id());
    assert_eq!(check["accounts"][0]["workspace_backend_origin"], "https://chatgpt.com");
}

#[tokio::test]
async fn models_are_listed_and_a_conversation_is_packed_for_its_account() {
    let (client, _, auth) = account().await;
    let other = client.vendor.add_account(AccountSpec::chatgpt("other")).unwrap();
    let other_auth = agent(&other.issue_tokens().access_token, &other);
    let models = client.get("/chatgpt/backend-api/codex/models?client_version=0.169.0", &auth).await.json();
    assert!(models["models"].as_array().unwrap().iter().any(|model| model["slug"] == "gpt-5.5"));
    let packed = client.post(&format!("{RESPONSES}/compact"), &auth, &ask("long story")).await.json();
    let items = packed["output"].as_array().unwrap().clone();
    assert_eq!(items.last().unwrap()["type"], "compaction");
    let next = |items: &[Value]| {
        let mut input = ask("go on")["input"].as_array().unwrap().clone();
        input.splice(1..1, items.iter().cloned());
        with(ask(""), json!({"input": input}))
    };
    assert_eq!(client.post(RESPONSES, &auth, &next(&items)).await.status, 200);
    assert_eq!(client.post(RESPONSES, &other_auth, &next(&items)).await.code(), "invalid_encrypted_content");
    let trigger =
        with(ask("x"), json!({"input": [{"role": "developer", "content": "x"}, {"type": "compaction_trigger"}]}));
    let (_, done) = client.post(RESPONSES, &auth, &trigger).await.events().pop().unwrap();
    assert_eq!(done["response"]["output"][0]["type"], "compaction");
}

#[tokio::test]
async fn turn_state_belongs_to_its_account() {
    let (client, _, auth) = account().await;
    let other = client.vendor.add_account(AccountSpec::chatgpt("other")).unwrap();
    let other_auth = agent(&other.issue_tokens().access_token, &other);
    let first = client.post(RESPONSES, &auth, &ask("x")).await;
    let state = first.header("x-codex-turn-state").unwrap();
    let second = client.post(RESPONSES, &and(&auth, "x-codex-turn-state", state), &ask("x")).await;
    assert_eq!((second.status, second.header("x-codex-turn-state")), (200, None));
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
    client.post(RESPONSES, &and(&other_auth, "x-codex-turn-state", state), &ask("x")).await;
    assert_eq!(client.vendor.violations(), ["x-codex-turn-state of another account came with the token of \"other\""]);
}

#[tokio::test]
async fn a_stream_can_begin_with_the_quota_over_http_too() {
    let client = start().await;
    let chatgpt = ChatGpt { rate_limit_events: true, ..ChatGpt::default() };
    let account = client.vendor.add_account(AccountSpec { chatgpt, ..AccountSpec::chatgpt("plus") }).unwrap();
    account.set_window(Window::SevenDay, 50.0, 600);
    let auth = agent(&account.issue_tokens().access_token, &account);
    let events = client.post(RESPONSES, &auth, &ask("x")).await.events();
    assert_eq!((events[0].0.as_str(), events[1].0.as_str()), ("codex.rate_limits", "response.created"));
    assert_eq!(events[0].1["rate_limits"]["secondary"]["used_percent"], 50.02);
    assert_eq!(events[1].1["sequence_number"], 0);
}

#[tokio::test]
async fn scripted_limits_carry_what_the_vendor_would_say() {
    let (client, account, auth) = account().await;
    client.vendor.script(
        &account,
        [
            Fault::refuse(OpenAiRefusal::UsageLimitReached),
            Fault::spent(Window::SevenDay, 90_000),
            Fault::error_event(OpenAiRefusal::UsageLimitReached, Point::AfterHandshake),
            Fault::refuse(OpenAiRefusal::UsageNotIncluded),
            Fault::refuse(OpenAiRefusal::ModelAtCapacity),
        ],
    );
    let now = client.vendor.now();
    let refused = client.post(RESPONSES, &auth, &ask("x")).await;
    assert!((refused.json()["error"]["resets_at"].as_i64().unwrap() - now - 3600).abs() <= 5);
    let spent = client.post(RESPONSES, &auth, &ask("x")).await;
    assert_eq!(spent.header("x-codex-secondary-used-percent"), Some("100"));
    assert_eq!(spent.json()["error"]["resets_in_seconds"], 90_000);
    assert!(account.windows().iter().all(|window| window.used_percent < 1.0), "untouched");
    let (name, failed) = client.post(RESPONSES, &auth, &ask("x")).await.events().pop().unwrap();
    assert_eq!(
        (name.as_str(), &failed["response"]["error"]["code"]),
        ("response.failed", &json!("usage_limit_reached"))
    );
    assert!(failed["response"]["error"]["resets_at"].is_i64());
    let plan = client.post(RESPONSES, &auth, &ask("x")).await;
    assert_eq!((plan.status, plan.error_type().as_str()), (429, "usage_not_included"));
    let capacity = client.post(RESPONSES, &auth, &ask("x")).await;
    assert_eq!((capacity.status, detail(&capacity).starts_with("Selected model is at capacity")), (503, true));
}

#[tokio::test]
async fn a_reset_is_never_redeemed_by_a_gateway() {
    let (client, account, auth) = account().await;
    let path = "/chatgpt/backend-api/wham/rate-limit-reset-credits/consume";
    client.post(path, &auth, &json!({"redeem_request_id": "x"})).await;
    assert_eq!(client.vendor.violations(), ["a reset that belongs to the person was redeemed"]);
    account.set_lapsed(true);
    assert_eq!(client.post(RESPONSES, &auth, &ask("x")).await.error_type(), "usage_not_included");
}
