//! Login of ChatGPT accounts: browser, device code, refresh, revocation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use remuda_fake::{AccountSpec, Browser, ChatGpt, Config, Endpoint, FakeAccount, Fault, OpenAiRefusal, Point};
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Answer, Client, start, start_with};

const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";
const LOOPBACK: &str = "http://localhost:1455/auth/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";

fn authorize() -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    format!(
        "/openai-auth/oauth/authorize?response_type=code&client_id={CLIENT_ID}&redirect_uri=http%3A%2F%2Flocalhost%3A1455\
         %2Fauth%2Fcallback&scope=openid%20profile%20email%20offline_access&code_challenge={challenge}\
         &code_challenge_method=S256&id_token_add_organizations=true&codex_cli_simplified_flow=true&state=st\
         &originator=remuda"
    )
}

fn form(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace(':', "%3A").replace('/', "%2F").replace(' ', "%20");
    pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&")
}

fn typed(kind: &str) -> Vec<(String, String)> {
    vec![("content-type".to_owned(), kind.to_owned())]
}

impl Client {
    fn chatgpt(&self, name: &str) -> FakeAccount {
        self.vendor.add_account(AccountSpec::chatgpt(name)).unwrap()
    }

    async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let kind = typed("application/x-www-form-urlencoded");
        self.send("POST", &format!("/openai-auth{path}"), &kind, form(pairs)).await.unwrap()
    }

    async fn auth(&self, path: &str, json: &Value) -> Answer {
        self.post(&format!("/openai-auth{path}"), &typed("application/json"), json).await
    }

    async fn exchange(&self, code: &str, redirect_uri: &str, verifier: &str) -> Answer {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("client_id", CLIENT_ID),
            ("code_verifier", verifier),
        ];
        self.form("/oauth/token", &pairs).await
    }

    async fn renew(&self, token: &str) -> Answer {
        self.auth(
            "/oauth/token",
            &json!({"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": token}),
        )
        .await
    }

    /// The code that the authorize page sends back.
    async fn code(&self) -> String {
        let location = self.get(&authorize(), &[]).await.header("location").unwrap().to_owned();
        location.split_once("code=").unwrap().1.split_once('&').unwrap().0.to_owned()
    }
}

pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_browser_login_brings_tokens_that_tell_who_it_is() {
    let client = start().await;
    let account = client.chatgpt("ann");
    let page = client.get(&authorize(), &[]).await;
    let location = page.header("location").unwrap();
    assert!(page.status == 302 && location.starts_with(&format!("{LOOPBACK}?code=ac_")), "{location}");
    assert!(location.ends_with("&state=st"));
    let granted = client.exchange(&client.code().await, LOOPBACK, VERIFIER).await.json();
    assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("Bearer"), &json!(864_000)));
    assert!(granted["refresh_token"].as_str().unwrap().starts_with("rt_"));
    for token in ["access_token", "id_token"] {
        let claims = claims(granted[token].as_str().unwrap());
        let auth = &claims["https://api.openai.com/auth"];
        assert_eq!(auth["chatgpt_account_id"], account.chatgpt_account_id());
        assert_eq!(auth["chatgpt_user_id"], account.chatgpt_user_id());
        assert_eq!(auth["chatgpt_plan_type"], "plus");
        assert!(claims["exp"].as_i64().unwrap() > client.vendor.now());
    }
    let access = claims(granted["access_token"].as_str().unwrap());
    assert_eq!(access["https://api.openai.com/profile"]["email"], "ann@example.com");
    assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 864_000);
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
    assert_eq!(client.vendor.requests().last().unwrap().account.as_deref(), Some("ann"));
}

#[rstest]
#[case("S256", "plain", "invalid_request")]
#[case("&state=st", "", "invalid_request")]
#[case("&originator=remuda", "", "invalid_request")]
#[case("id_token_add_organizations=true", "id_token_add_organizations=false", "invalid_request")]
#[case("codex_cli_simplified_flow=true&", "", "invalid_request")]
#[case("openid%20", "", "invalid_scope")]
#[case("offline_access", "admin", "invalid_scope")]
#[case("response_type=code", "response_type=token", "unsupported_response_type")]
#[case("&state=st", "&state=st&allowed_workspace_id=another", "access_denied")]
#[tokio::test]
async fn the_page_refuses_a_wrong_parameter(#[case] good: &str, #[case] bad: &str, #[case] error: &str) {
    let client = start().await;
    client.chatgpt("ann");
    let answer = client.get(&authorize().replace(good, bad), &[]).await;
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(&format!("{LOOPBACK}?error={error}&error_description=")), "{location}");
}

#[tokio::test]
async fn the_page_sends_nobody_to_strangers() {
    let client = start_with(Config { chatgpt_redirect_ports: vec![1457, 50_123], ..Config::default() }).await;
    client.chatgpt("ann");
    let status = async |path: String| client.get(&path, &[]).await.status;
    for strange in ["localhost%3A1455", "localhost%3A9999", "127.0.0.1%3A1457", "evil.example"] {
        assert_eq!(status(authorize().replace("localhost%3A1455", strange)).await, 400, "{strange}");
    }
    assert_eq!(status(authorize().replace("1455", "50123").replace(CLIENT_ID, "app_x")).await, 400);
    assert_eq!(status(authorize().replace("1455", "50123")).await, 302);
}

#[tokio::test]
async fn a_plan_without_codex_and_a_person_who_declines_are_told_apart() {
    let client = start().await;
    let chatgpt = ChatGpt { entitled: false, plan: "free".to_owned(), ..ChatGpt::default() };
    client.vendor.add_account(AccountSpec { chatgpt, ..AccountSpec::chatgpt("free") }).unwrap();
    let location = async || client.get(&authorize(), &[]).await.header("location").unwrap().to_owned();
    assert!(location().await.contains("error=access_denied&error_description=missing_codex_entitlement"));
    client.vendor.set_browser(Browser::Declines);
    assert!(location().await.contains("error=access_denied&error_description=The%20user%20denied"));
}

#[tokio::test]
async fn a_code_is_exchanged_once_in_a_form_and_with_what_it_was_asked_with() {
    let client = start().await;
    client.chatgpt("ann");
    let code = client.code().await;
    let json = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": LOOPBACK, "client_id": CLIENT_ID, "code_verifier": VERIFIER});
    assert_eq!(client.auth("/oauth/token", &json).await.code(), "invalid_request", "not in JSON");
    assert_eq!(client.exchange(&code, LOOPBACK, "another").await.code(), "invalid_grant");
    assert_eq!(
        client.exchange(&code, LOOPBACK, VERIFIER).await.code(),
        "invalid_grant",
        "used up by the first attempt"
    );
    let code = client.code().await;
    assert_eq!(client.exchange(&code, "http://localhost:1457/auth/callback", VERIFIER).await.code(), "invalid_grant");
    let code = client.code().await;
    assert_eq!(client.exchange(&code, LOOPBACK, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_login() {
    let client = start().await;
    let account = client.chatgpt("ann");
    let first = account.issue_tokens();
    let second = client.renew(&first.refresh_token).await;
    assert_eq!(second.status, 200);
    let second = second.json()["refresh_token"].as_str().unwrap().to_owned();
    let other_login = account.issue_tokens();
    let reused = client.renew(&first.refresh_token).await;
    assert_eq!((reused.status, reused.code().as_str()), (401, "refresh_token_reused"));
    assert!(reused.message().starts_with("Your refresh token has already been used"));
    assert_eq!(client.renew(&second).await.code(), "refresh_token_invalidated");
    assert_eq!(client.renew(&other_login.refresh_token).await.status, 200);
    assert_eq!(client.vendor.violations(), ["a refresh token of \"ann\" was used again; its login is revoked"]);
    let form = [("grant_type", "refresh_token"), ("refresh_token", "rt_unknown"), ("client_id", CLIENT_ID)];
    assert_eq!(client.form("/oauth/token", &form).await.code(), "invalid_grant");
}

#[rstest]
#[case(json!({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "app_x"}), 401, "invalid_client")]
#[case(json!({"grant_type": "password", "client_id": CLIENT_ID}), 400, "unsupported_grant_type")]
#[case(json!({"grant_type": "refresh_token", "client_id": CLIENT_ID}), 400, "invalid_request")]
#[case(json!([]), 400, "invalid_request")]
#[tokio::test]
async fn a_malformed_exchange_is_our_fault_and_no_verdict(
    #[case] body: Value,
    #[case] status: u16,
    #[case] code: &str,
) {
    let client = start().await;
    let answer = client.auth("/oauth/token", &body).await;
    assert_eq!((answer.status, answer.code().as_str()), (status, code));
}

#[tokio::test]
async fn the_token_endpoint_can_be_scripted_and_a_lost_answer_burns_the_token() {
    let client = start().await;
    let account = client.chatgpt("ann");
    let tokens = account.issue_tokens();
    client.vendor.script(
        &account,
        [
            Fault::refuse(OpenAiRefusal::TokenUnavailable).on(Endpoint::Token),
            Fault::reset(Point::BeforeHeaders).on(Endpoint::Token).after_effect(),
        ],
    );
    assert_eq!(client.renew(&tokens.refresh_token).await.status, 503);
    let body = json!({"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": tokens.refresh_token});
    let lost = client.send("POST", "/openai-auth/oauth/token", &typed("application/json"), body.to_string()).await;
    assert!(lost.is_err());
    assert_eq!(client.renew(&tokens.refresh_token).await.code(), "refresh_token_reused");
}

#[tokio::test]
async fn a_device_code_waits_for_its_person_and_is_not_polled_too_fast() {
    let client = start().await;
    let account = client.chatgpt("ann");
    let code = client.auth("/api/accounts/deviceauth/usercode", &json!({"client_id": CLIENT_ID})).await.json();
    assert_eq!(code["interval"], "5");
    let user_code = code["user_code"].as_str().unwrap().to_owned();
    let poll = async || {
        let body = json!({"device_auth_id": code["device_auth_id"], "user_code": user_code});
        client.auth("/api/accounts/deviceauth/token", &body).await
    };
    let pending = poll().await;
    assert_eq!((pending.status, pending.code().as_str()), (403, "deviceauth_authorization_pending"));
    assert_eq!(poll().await.code(), "slow_down");
    client.vendor.advance(5);
    assert_eq!(client.get("/openai-auth/codex/device?user_code=NONE-00000", &[]).await.status, 404);
    assert_eq!(client.get(&format!("/openai-auth/codex/device?user_code={user_code}"), &[]).await.status, 200);
    let ready = poll().await.json();
    let verifier = ready["code_verifier"].as_str().unwrap();
    assert_eq!(ready["code_challenge"], URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    let code = ready["authorization_code"].as_str().unwrap();
    let granted = client.exchange(code, "https://auth.openai.com/deviceauth/callback", verifier).await;
    let access = claims(granted.json()["access_token"].as_str().unwrap());
    assert_eq!(access["https://api.openai.com/auth"]["chatgpt_account_id"], account.chatgpt_account_id());
    assert_eq!(poll().await.status, 404, "handed over once");
    assert!(!client.vendor.confirm_device(&user_code, &account));
}

#[tokio::test]
async fn a_device_code_ends_after_a_quarter_of_an_hour() {
    let client = start().await;
    let account = client.chatgpt("ann");
    let code = client.auth("/api/accounts/deviceauth/usercode", &json!({"client_id": CLIENT_ID})).await.json();
    client.vendor.advance(900);
    assert!(!client.vendor.confirm_device(code["user_code"].as_str().unwrap(), &account));
    let body = json!({"device_auth_id": code["device_auth_id"], "user_code": code["user_code"]});
    assert_eq!(client.auth("/api/accounts/deviceauth/token", &body).await.code(), "deviceauth_expired");
    let other = client.auth("/api/accounts/deviceauth/usercode", &json!({"client_id": "app_x"})).await;
    assert_eq!(other.code(), "invalid_client");
}

#[tokio::test]
async fn revoking_a_refresh_token_ends_its_login_and_no_other() {
    let client = start().await;
    let account = client.chatgpt("ann");
    let (gone, kept) = (account.issue_tokens(), account.issue_tokens());
    let revoke = async |body: Value| client.auth("/oauth/revoke", &body).await.status;
    assert_eq!(
        revoke(json!({"token": gone.refresh_token, "token_type_hint": "refresh_token"})).await,
        400,
        "client_id"
    );
    let body = json!({"token": gone.refresh_token, "token_type_hint": "refresh_token", "client_id": CLIENT_ID});
    assert_eq!(revoke(body).await, 200);
    assert_eq!(client.renew(&gone.refresh_token).await.code(), "refresh_token_invalidated");
    assert_eq!(client.renew(&kept.refresh_token).await.status, 200);
    assert_eq!(revoke(json!({"token": "unknown", "token_type_hint": "access_token"})).await, 200);
}
