//! Alibaba: three offers with keys and hosts of their own, two protocols, three shapes of errors.

use remuda_fake::{AccountSpec, Buckets, Endpoint, FakeAccount, Fault, Point, QwenPlan, QwenRefusal, Region, Window};
use rstest::rstest;
use serde_json::{Value, json};

use crate::client::{Answer, Client, key, start, with};
use crate::openai::bearer;

fn chat(text: &str) -> Value {
    json!({"model": "qwen3-coder-plus", "messages": [{"role": "user", "content": text}]})
}

fn streamed(text: &str) -> Value {
    with(chat(text), json!({"stream": true, "stream_options": {"include_usage": true}}))
}

fn message(text: &str) -> Value {
    json!({"model": "qwen3-coder-plus", "max_tokens": 1000, "messages": [{"role": "user", "content": text}]})
}

async fn account(plan: QwenPlan) -> (Client, FakeAccount) {
    let client = start().await;
    let account = client.vendor.add_account(AccountSpec::qwen("key", plan)).unwrap();
    (client, account)
}

impl Client {
    /// The path of a host's base, OpenAI-compatible or Anthropic-compatible.
    fn base(&self, plan: QwenPlan, region: Region, anthropic: bool) -> String {
        let (openai, messages) = self.vendor.qwen_urls(plan, region);
        let url = if anthropic { messages } else { openai };
        url.strip_prefix(&self.vendor.base_url()).unwrap().to_owned()
    }

    async fn chat(&self, plan: QwenPlan, token: &str, json: &Value) -> Answer {
        let path = format!("{}/chat/completions", self.base(plan, Region::China, false));
        self.post(&path, &bearer(token), json).await
    }

    async fn claude(&self, plan: QwenPlan, token: &str, json: &Value) -> Answer {
        let path = format!("{}/v1/messages", self.base(plan, Region::China, true));
        self.post(&path, &bearer(token), json).await
    }
}

const ALL: [QwenPlan; 3] = [QwenPlan::PayAsYouGo, QwenPlan::Coding, QwenPlan::Token];

#[test]
fn addresses_are_the_real_ones_behind_a_prefix() {
    let urls = [
        (QwenPlan::PayAsYouGo, Region::International, "/qwen/dashscope-intl/compatible-mode/v1"),
        (QwenPlan::Coding, Region::China, "/qwen/coding/v1"),
        (QwenPlan::Token, Region::International, "/qwen/token-plan-intl/compatible-mode/v1"),
    ];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(start());
    for (plan, region, path) in urls {
        assert_eq!(client.base(plan, region, false), path);
        assert!(client.base(plan, region, true).ends_with("/apps/anthropic"));
    }
}

#[tokio::test]
async fn every_offer_answers_by_both_protocols() {
    for plan in ALL {
        let (client, account) = account(plan).await;
        let answer = client.chat(plan, account.key(), &streamed("hello")).await;
        let chunks = answer.chunks();
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(chunks[1]["choices"][0]["delta"]["content"], "pong ");
        assert!(chunks.last().unwrap()["usage"]["prompt_tokens"].is_u64());
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
        assert!(answer.headers.keys().all(|name| !name.as_str().contains("ratelimit")), "nothing is told of quota");
        let message = client.claude(plan, account.key(), &with(message("hello"), json!({"stream": true}))).await;
        assert_eq!(message.event_names().last().map(String::as_str), Some("message_stop"));
        let models =
            client.get(&format!("{}/models", client.base(plan, Region::China, false)), &bearer(account.key())).await;
        assert!(models.json()["data"].as_array().unwrap().iter().any(|model| model["id"] == "qwen3-coder-plus"));
        let seen = client.vendor.requests();
        assert_eq!((seen[0].endpoint, seen[1].endpoint), (Endpoint::ChatCompletions, Endpoint::Messages));
        assert_eq!((seen[0].site, seen[1].site), (account.site(), account.site()));
        assert_eq!(client.vendor.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn keys_of_the_three_offers_do_not_fit_each_others_hosts() {
    let client = start().await;
    let add = |name: &str, plan| client.vendor.add_account(AccountSpec::qwen(name, plan)).unwrap();
    let by_use = add("by use", QwenPlan::PayAsYouGo);
    let (coding, token) = (add("coding", QwenPlan::Coding), add("token", QwenPlan::Token));
    let abroad = AccountSpec::qwen("abroad", QwenPlan::PayAsYouGo).in_region(Region::International);
    let abroad = client.vendor.add_account(abroad).unwrap();
    assert!(coding.key().starts_with("sk-sp-") && !token.key().starts_with("sk-sp-"));
    for (key, plan, status, said) in [
        (by_use.key(), QwenPlan::Coding, 401, "invalid access token or token expired"),
        (by_use.key(), QwenPlan::Token, 401, "invalid access token or token expired"),
        (coding.key(), QwenPlan::Token, 401, "invalid access token or token expired"),
        (coding.key(), QwenPlan::PayAsYouGo, 403, "invalid api-key"),
        (token.key(), QwenPlan::PayAsYouGo, 403, "invalid api-key"),
        (abroad.key(), QwenPlan::PayAsYouGo, 401, "Incorrect API key provided."),
        ("sk-nobody", QwenPlan::PayAsYouGo, 401, "Incorrect API key provided."),
        ("sk-sp-nobody", QwenPlan::Coding, 401, "invalid access token or token expired"),
    ] {
        let answer = client.chat(plan, key, &chat("x")).await;
        assert_eq!(
            (answer.status, answer.message().as_str(), answer.code().as_str()),
            (status, said, "invalid_api_key")
        );
    }
    let path = format!("{}/chat/completions", client.base(QwenPlan::PayAsYouGo, Region::International, false));
    assert_eq!(client.post(&path, &bearer(abroad.key()), &chat("x")).await.status, 200);
}

#[tokio::test]
async fn a_lapsed_plan_says_what_a_wrong_key_does_and_an_overdue_account_is_in_arrears() {
    for plan in [QwenPlan::Coding, QwenPlan::Token] {
        let (client, account) = account(plan).await;
        account.set_lapsed(true);
        let answer = client.chat(plan, account.key(), &chat("x")).await;
        assert_eq!((answer.status, answer.message().as_str()), (401, "invalid access token or token expired"));
    }
    let (client, account) = account(QwenPlan::PayAsYouGo).await;
    account.set_disabled(true);
    let native = client.claude(QwenPlan::PayAsYouGo, account.key(), &message("x")).await;
    assert_eq!((native.status, &native.json()["code"]), (400, &json!("Arrearage")));
}

#[tokio::test]
async fn the_shape_of_an_error_is_that_of_the_path() {
    let (client, account) = account(QwenPlan::Token).await;
    client.vendor.script(
        &account,
        [
            Fault::refuse(QwenRefusal::RateQuota),
            Fault::refuse(QwenRefusal::RateQuota),
            Fault::error_event(QwenRefusal::RateQuota, Point::AfterHandshake),
            Fault::error_event(QwenRefusal::TokenPlanWeek, Point::AfterContent),
        ],
    );
    let compatible = client.chat(QwenPlan::Token, account.key(), &chat("x")).await;
    let request_id = compatible.header("x-request-id").unwrap().to_owned();
    assert_eq!((compatible.status, compatible.code().as_str()), (429, "limit_requests"));
    assert_eq!(compatible.json()["request_id"], request_id);
    assert_eq!(compatible.json()["id"], format!("chatcmpl-{request_id}"));
    let native = client.claude(QwenPlan::Token, account.key(), &message("x")).await;
    let request_id = native.header("x-request-id").unwrap();
    let text = "Requests rate limit exceeded, please try again later.";
    assert_eq!(native.json(), json!({"code": "Throttling.RateQuota", "message": text, "request_id": request_id}));
    let streamed = client.chat(QwenPlan::Token, account.key(), &streamed("x")).await;
    assert_eq!(streamed.status, 200);
    let (_, failure) = streamed.text().split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(
        failure.starts_with("id:2\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling.RateQuota\","),
        "{failure}"
    );
    let ask = with(message("x"), json!({"stream": true}));
    let messages = client.claude(QwenPlan::Token, account.key(), &ask).await.text();
    assert!(messages.contains("content_block_delta"));
    assert!(
        messages.contains("event:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling.AllocationQuota\""),
        "{messages}"
    );
}

#[tokio::test]
async fn spent_windows_are_told_in_the_words_of_their_plan() {
    let (client, account) = account(QwenPlan::Coding).await;
    for (window, said) in [
        (Window::FiveHour, "hour allocated quota exceeded."),
        (Window::SevenDay, "week allocated quota exceeded."),
        (Window::Month, "month allocated quota exceeded."),
    ] {
        account.set_window(window.clone(), 100.0, 100);
        let refused = client.chat(QwenPlan::Coding, account.key(), &chat("x")).await;
        assert_eq!(
            (refused.status, refused.message().as_str(), refused.code().as_str()),
            (429, said, "insufficient_quota")
        );
        client.vendor.advance(101);
        assert_eq!(client.chat(QwenPlan::Coding, account.key(), &chat("x")).await.status, 200);
    }
    let plan = client.vendor.add_account(AccountSpec::qwen("token", QwenPlan::Token)).unwrap();
    let at = |ahead: i64| jiff::Timestamp::from_second(client.vendor.now() + ahead).unwrap();
    plan.set_window(Window::SevenDay, 100.0, 9000);
    let reset = at(9000).strftime("%m-%d %H:%M:%S").to_string();
    let said = client.claude(QwenPlan::Token, plan.key(), &message("x")).await.json();
    assert_eq!(
        said["message"],
        format!("Your token-plan 1-week quota has been exhausted. The quota will reset at {reset} UTC.")
    );
    plan.set_window(Window::SevenDay, 0.0, 9000);
    client.vendor.script(&plan, [Fault::spent(Window::Month, 60)]);
    let said = client.chat(QwenPlan::Token, plan.key(), &chat("x")).await;
    assert_eq!(said.message(), "Your token-plan quota has been exhausted.");
}

#[tokio::test]
async fn pay_as_you_go_is_throttled_by_the_minute() {
    let client = start().await;
    let buckets = Buckets { requests: 1, input_tokens: 100, output_tokens: 0 };
    let account =
        client.vendor.add_account(AccountSpec { buckets, ..AccountSpec::qwen("k", QwenPlan::PayAsYouGo) }).unwrap();
    assert_eq!(client.chat(QwenPlan::PayAsYouGo, account.key(), &chat("x")).await.status, 200);
    let refused = client.chat(QwenPlan::PayAsYouGo, account.key(), &chat("x")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, None));
    assert!(refused.message().starts_with("Requests rate limit exceeded"));
}

#[rstest]
#[case(json!({"model": "Qwen3-Coder-Plus"}), 404, "model 'Qwen3-Coder-Plus' is not supported")]
#[case(json!({"messages": [{"role": "developer", "content": "x"}]}), 400, "developer is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.0.role'")]
#[case(json!({"model": "qwen3.6-plus"}), 400, "parameter.enable_thinking must be set to false for non-streaming calls")]
#[tokio::test]
async fn a_wrong_request_is_refused(#[case] fields: Value, #[case] status: u16, #[case] said: &str) {
    let (client, account) = account(QwenPlan::Coding).await;
    let answer = client.chat(QwenPlan::Coding, account.key(), &with(chat("x"), fields)).await;
    assert_eq!((answer.status, answer.message().as_str()), (status, said));
}

#[tokio::test]
async fn thinking_models_show_their_thoughts_and_some_answer_in_streams_only() {
    let (client, account) = account(QwenPlan::PayAsYouGo).await;
    let ask = with(streamed("think about it"), json!({"model": "qwen3.6-plus"}));
    let chunks = client.chat(QwenPlan::PayAsYouGo, account.key(), &ask).await.chunks();
    assert_eq!(chunks[1]["choices"][0]["delta"]["reasoning_content"], "The ");
    let told_not_to = with(ask.clone(), json!({"enable_thinking": false, "stream": false}));
    let whole = client.chat(QwenPlan::PayAsYouGo, account.key(), &told_not_to).await.json();
    assert!(whole["choices"][0]["message"].get("reasoning_content").is_none());
    let only = with(chat("x"), json!({"model": "qwq-plus", "enable_thinking": false}));
    let refused = client.chat(QwenPlan::PayAsYouGo, account.key(), &only).await;
    assert!(refused.message().starts_with("This model only support stream mode"), "{}", refused.text());
}

#[tokio::test]
async fn token_plans_do_not_look_for_x_api_key_and_wrong_paths_are_empty() {
    let (client, account) = account(QwenPlan::Token).await;
    let path = format!("{}/v1/messages", client.base(QwenPlan::Token, Region::China, true));
    let refused = client.post(&path, &key(account.key()), &message("x")).await;
    assert_eq!((refused.status, refused.json()["message"].clone()), (401, json!("No API-key provided.")));
    let coding = client.vendor.add_account(AccountSpec::qwen("coding", QwenPlan::Coding)).unwrap();
    let path = format!("{}/v1/messages", client.base(QwenPlan::Coding, Region::China, true));
    assert_eq!(client.post(&path, &key(coding.key()), &message("x")).await.status, 200);
    for wrong in
        ["/qwen/coding/compatible-mode/v1/chat/completions", "/qwen/coding/apps/anthropic/v1/messages/count_tokens"]
    {
        let answer = client.post(wrong, &bearer(coding.key()), &chat("x")).await;
        assert_eq!((answer.status, answer.text().as_str()), (404, ""), "{wrong}");
    }
}

#[tokio::test]
async fn some_hosts_speak_responses_too() {
    let (client, account) = account(QwenPlan::Token).await;
    let ask = json!({
        "model": "qwen3-coder-plus", "stream": true, "store": false, "instructions": "You are Qwen Code.",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}],
    });
    let path = format!("{}/responses", client.base(QwenPlan::Token, Region::China, false));
    let answer = client.post(&path, &bearer(account.key()), &ask).await;
    assert_eq!(answer.event_names().last().map(String::as_str), Some("response.completed"));
    let wrong = client.post(&path, &bearer(account.key()), &with(ask, json!({"input": 7}))).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "invalid_parameter_error"));
}
