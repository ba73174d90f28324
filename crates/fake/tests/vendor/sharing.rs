//! Shared plans ("Sign in with ChatGPT"): the login that issues a client id, and the API with fewer rights than a key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use remuda_fake::{AccountSpec, FakeAccount, Window};
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Answer, Client, start, with};
use crate::openai::bearer;

const LOOPBACK: &str = "http://127.0.0.1:4000/auth/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
const RESOURCE: &str = "https://api.openai.com/v1";

fn authorize() -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    format!(
        "/openai-auth/api/accounts/authorize?client_id=dynamic_agent_client&agent_name_hint=Remuda&ext_agent_host_id=urn%3A\
         uuid%3A0190b4e0-0000-7000-8000-000000000000&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A4000%2Fauth%2F\
         callback&resource=https%3A%2F%2Fapi.openai.com%2Fv1&scope=openid%20profile%20email%20offline_access%20\
         resource.invoke%20chatgpt.tokens.use.direct&state=st&nonce=n&code_challenge={challenge}&code_challenge_method=S256"
    )
}

async fn account() -> (Client, FakeAccount) {
    let client = start().await;
    let account = client.vendor.add_account(AccountSpec::chatgpt("ann")).unwrap();
    (client, account)
}

impl Client {
    async fn shared_token(&self, pairs: &[(&str, &str)]) -> Answer {
        let escaped = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
        let body: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let kind = [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        self.send("POST", "/openai-auth/api/accounts/oauth/token", &kind, body.join("&")).await.unwrap()
    }

    async fn renew_shared(&self, client_id: &str, token: &str) -> Answer {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", token),
            ("resource", RESOURCE),
        ];
        self.shared_token(&pairs).await
    }
}

/// A request as shared plans may make it.
fn ask(text: &str) -> Value {
    let input = json!([{"role": "user", "content": [{"type": "input_text", "text": text}]}]);
    json!({"model": "gpt-5.5", "stream": true, "store": false, "instructions": "x", "input": input})
}

#[tokio::test]
async fn the_first_login_issues_a_client_id_that_belongs_to_the_tokens() {
    let (client, account) = account().await;
    let location = client.get(&authorize(), &[]).await.header("location").unwrap().to_owned();
    let parameter =
        |name: &str| location.split_once(&format!("{name}=")).unwrap().1.split('&').next().unwrap().to_owned();
    let (code, issued) = (parameter("code"), parameter("client_id"));
    assert!(issued.starts_with("oaiapp_") && parameter("state") == "st", "{location}");
    let exchange = |client_id: &'static str, code: String| (client_id, code);
    let (wrong, code) = exchange("dynamic_agent_client", code);
    let pairs = |client_id: &'_ str, code: &'_ str| {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", LOOPBACK.to_owned()),
            ("client_id", client_id.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
            ("resource", RESOURCE.to_owned()),
        ]
    };
    let send = async |pairs: [(&str, String); 6]| {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.shared_token(&pairs).await
    };
    assert_eq!(send(pairs(wrong, &code)).await.code(), "invalid_client");
    let granted = send(pairs(&issued, &code)).await.json();
    assert_eq!(granted["expires_in"], 3600);
    assert_eq!(granted["earliest_refresh_at"].as_i64().unwrap(), client.vendor.now() + 3240);
    assert!(granted["scope"].as_str().unwrap().contains("chatgpt.tokens.use.direct"));
    let claims = crate::openai_auth::claims(granted["access_token"].as_str().unwrap());
    assert_eq!(claims["https://api.openai.com/auth"]["chatgpt_account_id"], account.chatgpt_account_id());
    let again = client.get(&authorize(), &[]).await.header("location").unwrap().to_owned();
    assert!(again.contains(&issued), "the same installation gets the same id");
}

#[rstest]
#[case("&nonce=n", "", "invalid_request")]
#[case("resource=https%3A%2F%2Fapi.openai.com%2Fv1", "resource=x", "invalid_request")]
#[case("agent_name_hint=Remuda&", "", "invalid_request")]
#[case("urn%3Auuid%3A", "", "invalid_request")]
#[case("chatgpt.tokens.use.direct", "admin", "invalid_scope")]
#[tokio::test]
async fn the_page_refuses_a_wrong_parameter(#[case] good: &str, #[case] bad: &str, #[case] error: &str) {
    let (client, _) = account().await;
    let answer = client.get(&authorize().replace(good, bad), &[]).await;
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(&format!("{LOOPBACK}?error={error}&")), "{location}");
    let stranger = authorize().replace("http%3A%2F%2F127.0.0.1%3A4000", "http%3A%2F%2Flocalhost%3A4000");
    assert_eq!(client.get(&stranger, &[]).await.status, 400);
}

#[tokio::test]
async fn a_refresh_before_its_time_burns_the_token() {
    let (client, account) = account().await;
    let (early, patient) = (account.share_plan("oaiapp_1"), account.share_plan("oaiapp_1"));
    assert_eq!(client.renew_shared("oaiapp_2", &early.refresh_token).await.code(), "invalid_client");
    assert_eq!(client.renew_shared("oaiapp_1", &early.refresh_token).await.code(), "invalid_grant");
    client.vendor.advance(3240);
    assert_eq!(client.renew_shared("oaiapp_1", &early.refresh_token).await.code(), "refresh_token_invalidated");
    assert_eq!(client.renew_shared("oaiapp_1", &patient.refresh_token).await.status, 200);
    assert_eq!(
        client.vendor.violations(),
        ["a shared plan of \"ann\" was refreshed before earliest_refresh_at; it is burned"]
    );
}

#[tokio::test]
async fn a_shared_plan_answers_responses_and_nothing_tells_of_its_windows() {
    let (client, account) = account().await;
    let auth = bearer(&account.share_plan("oaiapp_1").access_token);
    let answer = client.post("/openai/v1/responses", &auth, &ask("hello")).await;
    assert_eq!(answer.event_names().last().map(String::as_str), Some("response.completed"));
    assert!(answer.headers.keys().all(|name| !name.as_str().contains("ratelimit") && !name.as_str().contains("codex")));
    let models = client.get("/openai/v1/models", &auth).await.json();
    assert!(models["models"].as_array().unwrap().iter().all(|model| model["slug"] != "gpt-6.1-sol"));
    let versioned = client.get("/openai/v1/models?client_version=1", &auth).await.json();
    assert!(versioned["models"].as_array().unwrap().iter().any(|model| model["slug"] == "gpt-6.1-sol"));
    account.set_window(Window::SevenDay, 100.0, 60);
    let spent = client.post("/openai/v1/responses", &auth, &ask("hello")).await;
    assert_eq!((spent.status, spent.code().as_str()), (429, "subscription_sharing_usage_limit_exceeded"));
    assert_eq!(spent.header("retry-after"), None);
    account.set_lapsed(true);
    let lapsed = client.post("/openai/v1/responses", &auth, &ask("hello")).await;
    assert_eq!((lapsed.status, lapsed.code().as_str()), (403, "subscription_sharing_user_not_eligible"));
    account.expire_access();
    let expired = client.post("/openai/v1/responses", &auth, &ask("hello")).await;
    assert_eq!((expired.status, expired.json()), (401, json!({"detail": {"error_code": "invalid_token"}})));
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
}

#[rstest]
#[case(json!({"max_output_tokens": 100}), "max_output_tokens")]
#[case(json!({"previous_response_id": "resp_x"}), "previous_response_id")]
#[case(json!({"stream": false}), "stream")]
#[case(json!({"store": true}), "store")]
#[case(json!({"input": "x"}), "input")]
#[case(json!({"tools": [{"type": "file_search"}]}), "tools")]
#[tokio::test]
async fn a_shared_plan_has_fewer_parameters_than_a_key(#[case] fields: Value, #[case] param: &str) {
    let (client, account) = account().await;
    let auth = bearer(&account.share_plan("oaiapp_1").access_token);
    let answer = client.post("/openai/v1/responses", &auth, &with(ask("x"), fields)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "subscription_sharing_unsupported_capability"));
    assert_eq!(answer.json()["error"]["param"], param);
    for path in ["/openai/v1/chat/completions", "/openai/v1/responses/input_tokens"] {
        assert_eq!(client.post(path, &auth, &ask("x")).await.code(), "chatpass_v2_scope_not_authorized");
    }
    let backend = crate::codex::agent(&account.share_plan("oaiapp_1").access_token, &account);
    assert_eq!(client.post(crate::codex::RESPONSES, &backend, &ask("x")).await.status, 401);
}
