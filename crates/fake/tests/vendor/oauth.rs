use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use remuda_fake::{Browser, Config, Fault, Point, Refusal};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Answer, Client, ask, bearer, start, start_with};

const CLIENT_ID: &str = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const LOOPBACK: &str = "http://localhost:53692/callback";

fn authorize_path(redirect: &str, more: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let redirect = redirect.replace(':', "%3A").replace('/', "%2F");
    format!(
        "/oauth/authorize?code=true&client_id={CLIENT_ID}&response_type=code&redirect_uri={redirect}\
         &scope=user%3Aprofile+user%3Ainference&code_challenge={challenge}&code_challenge_method=S256&state=st%26te{more}"
    )
}

async fn code(client: &Client, redirect: &str) -> String {
    let answer = client.get(&authorize_path(redirect, ""), &[]).await;
    assert_eq!(answer.status, 302);
    let location = answer.header("location").unwrap();
    let (_, query) = location.split_once("?code=").unwrap();
    query.split_once('&').unwrap().0.to_owned()
}

fn exchange_body(code: &str, redirect: &str) -> Value {
    json!({"grant_type": "authorization_code", "code": code, "state": "st&te", "client_id": CLIENT_ID,
        "redirect_uri": redirect, "code_verifier": VERIFIER})
}

fn refresh_body(token: &str) -> Value {
    json!({"grant_type": "refresh_token", "refresh_token": token, "client_id": CLIENT_ID})
}

async fn token(client: &Client, body: &Value) -> Answer {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    client.post("/v1/oauth/token", &headers, body).await
}

#[tokio::test]
async fn a_login_goes_from_the_page_by_the_callback_to_a_token_that_works() {
    let client = start().await;
    let account = client.subscription("a");
    let answer = client.get(&authorize_path(LOOPBACK, ""), &[]).await;
    let location = answer.header("location").unwrap();
    assert!(location.starts_with("http://localhost:53692/callback?code=") && location.ends_with("&state=st%26te"));
    let granted = token(&client, &exchange_body(&code(&client, LOOPBACK).await, LOOPBACK)).await;
    assert_eq!(granted.status, 200);
    let granted = granted.json();
    assert!(granted["access_token"].as_str().unwrap().starts_with("sk-ant-oat01-"));
    assert!(granted["refresh_token"].as_str().unwrap().starts_with("sk-ant-ort01-"));
    assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("Bearer"), &json!(28_800)));
    assert_eq!(granted["scope"], "user:profile user:inference");
    assert_eq!(granted["account"], json!({"uuid": account.account_uuid(), "email_address": "a@example.com"}));
    assert_eq!(granted["organization"]["uuid"], account.organization_uuid());
    let auth = bearer(granted["access_token"].as_str().unwrap());
    assert_eq!(client.message(&auth, &ask("x")).await.status, 200);
    let profile = client.get("/api/oauth/profile", &auth).await.json();
    assert_eq!(profile["account"]["email"], "a@example.com");
    assert_eq!(profile["organization"]["rate_limit_tier"], "default_claude_max_20x");
    assert_eq!(
        client.get("/api/oauth/claude_cli/roles", &auth).await.json()["organization_name"],
        profile["organization"]["name"]
    );
}

#[tokio::test]
async fn the_copy_code_page_shows_code_and_state() {
    let client = start().await;
    client.subscription("a");
    for redirect in ["https://platform.claude.com/oauth/code/callback".to_owned(), client.vendor.copy_code_redirect()] {
        let answer = client.get(&authorize_path(&redirect, ""), &[]).await;
        let location = answer.header("location").unwrap();
        let path = location.strip_prefix(&client.vendor.base_url()).expect("our own page, never the real one");
        let page = client.get(path, &[]).await.text();
        let (_, shown) = page.split_once("<code id=\"code\">").unwrap();
        let shown = shown.split_once("</code>").unwrap().0.replace("&amp;", "&");
        let (code, state) = shown.split_once('#').unwrap();
        assert_eq!(state, "st&te");
        assert_eq!(token(&client, &exchange_body(code, &redirect)).await.status, 200);
    }
}

#[tokio::test]
async fn codes_are_single_use_and_bound_to_everything() {
    let client = start().await;
    client.subscription("a");
    let once = code(&client, LOOPBACK).await;
    assert_eq!(token(&client, &exchange_body(&once, LOOPBACK)).await.status, 200);
    assert_eq!(token(&client, &exchange_body(&once, LOOPBACK)).await.json()["error"], "invalid_grant");
    assert_eq!(client.vendor.violations().len(), 1, "a code used twice is our mistake");
    for (field, wrong, error) in [
        ("code_verifier", "x".repeat(43), "invalid_grant"),
        ("state", "other".to_owned(), "invalid_grant"),
        ("redirect_uri", "http://localhost:1/callback".to_owned(), "invalid_grant"),
        ("client_id", "other".to_owned(), "invalid_client"),
        ("code", "unknown".to_owned(), "invalid_grant"),
        ("code", String::new(), "invalid_request"),
        ("grant_type", "password".to_owned(), "unsupported_grant_type"),
    ] {
        let mut body = exchange_body(&code(&client, LOOPBACK).await, LOOPBACK);
        body[field] = json!(wrong);
        let answer = token(&client, &body).await;
        assert_eq!((answer.status, answer.json()["error"].as_str().unwrap()), (400, error), "{field}");
        assert!(answer.json()["error_description"].is_string());
    }
}

#[tokio::test]
async fn the_token_endpoint_takes_json_only() {
    let client = start().await;
    let account = client.subscription("a");
    let form = format!(
        "grant_type=refresh_token&client_id={CLIENT_ID}&refresh_token={}",
        account.issue_tokens().refresh_token
    );
    let headers = [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let answer = client.send("POST", "/v1/oauth/token", &headers, form).await.unwrap();
    assert_eq!((answer.status, answer.json()["error"].as_str().unwrap()), (400, "invalid_request"));
}

#[tokio::test]
async fn a_used_refresh_token_ends_the_whole_family_and_is_held_against_us() {
    let client = start().await;
    let account = client.subscription("a");
    let first = account.issue_tokens();
    let second = token(&client, &refresh_body(&first.refresh_token)).await.json();
    let (access, refresh) = (second["access_token"].as_str().unwrap(), second["refresh_token"].as_str().unwrap());
    assert_ne!(refresh, first.refresh_token);
    assert_eq!(client.message(&bearer(access), &ask("x")).await.status, 200);
    assert_eq!(client.message(&bearer(&first.access_token), &ask("y")).await.status, 200, "until it runs out");
    assert_eq!(client.vendor.violations(), Vec::<String>::new());

    let again = token(&client, &refresh_body(&first.refresh_token)).await;
    assert_eq!((again.status, again.json()["error"].as_str().unwrap()), (400, "invalid_grant"));
    assert!(client.vendor.violations()[0].contains("refresh token of \"a\" was used again"));
    assert_eq!(token(&client, &refresh_body(refresh)).await.status, 400, "the family is revoked");
    let revoked = client.message(&bearer(access), &ask("z")).await;
    assert_eq!((revoked.status, revoked.error_type().as_str()), (403, "permission_error"));
    assert_eq!(revoked.json()["error"]["details"]["error_visibility"], "user_facing");
}

#[tokio::test]
async fn of_two_refreshes_at_once_exactly_one_succeeds() {
    let client = start().await;
    let account = client.subscription("a");
    let body = refresh_body(&account.issue_tokens().refresh_token);
    let (one, two) = tokio::join!(token(&client, &body), token(&client, &body));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_exchange_has_burned_the_token() {
    let client = start().await;
    let account = client.subscription("a");
    let body = refresh_body(&account.issue_tokens().refresh_token);
    let on_token = |fault: Fault| fault.on(remuda_fake::Endpoint::Token);
    client.vendor.script(
        &account,
        [on_token(Fault::reset(Point::BeforeHeaders)), on_token(Fault::reset(Point::BeforeHeaders)).after_effect()],
    );
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    assert!(client.send("POST", "/v1/oauth/token", &headers, body.to_string()).await.is_err());
    assert!(client.send("POST", "/v1/oauth/token", &headers, body.to_string()).await.is_err());
    assert_eq!(client.vendor.violations(), Vec::<String>::new(), "the first try did not arrive at the exchange");
    assert_eq!(token(&client, &body).await.status, 400);
    assert_eq!(client.vendor.violations().len(), 1);
}

#[tokio::test]
async fn the_token_endpoint_fails_in_its_own_shapes() {
    let client = start().await;
    let account = client.subscription("a");
    let body = refresh_body(&account.issue_tokens().refresh_token);
    let scripted =
        [Refusal::TokenRateLimited, Refusal::PlainForbidden, Refusal::GrantExpired, Refusal::OauthNotSupported];
    client.vendor.script(&account, scripted.map(|refusal| Fault::refuse(refusal).on(remuda_fake::Endpoint::Token)));
    let limited = token(&client, &body).await;
    assert_eq!(
        (limited.status, limited.json()),
        (429, json!({"error": {"type": "rate_limit_error", "message": "Rate limited. Please try again later."}}))
    );
    let edge = token(&client, &body).await;
    assert_eq!(
        (edge.status, edge.text().as_str(), edge.header("content-type")),
        (403, "Forbidden", Some("text/plain"))
    );
    let dead = token(&client, &body).await;
    assert_eq!(
        (dead.status, dead.json()),
        (400, json!({"error": "invalid_grant", "error_description": "Refresh token expired"}))
    );
    assert_eq!(token(&client, &body).await.status, 401);
    assert_eq!(token(&client, &body).await.status, 200, "none of these used the token up");
}

#[tokio::test]
async fn access_tokens_run_out_by_the_vendors_clock() {
    let client = start_with(Config { access_token_life_s: 60, ..Config::default() }).await;
    let account = client.subscription("a");
    let tokens = account.issue_tokens();
    assert_eq!(tokens.expires_in, 60);
    client.vendor.advance(61);
    let answer = client.message(&bearer(&tokens.access_token), &ask("x")).await;
    assert_eq!((answer.status, answer.error_type().as_str()), (401, "authentication_error"));
    assert_eq!(answer.message(), "OAuth token has expired. Please obtain a new token or refresh your existing token.");
    assert_eq!(token(&client, &refresh_body(&tokens.refresh_token)).await.status, 200);
    assert_eq!(client.vendor.violations(), Vec::<String>::new(), "an expired token is nobody's fault");
}

#[tokio::test]
async fn the_page_refuses_what_it_must() {
    let client = start().await;
    client.subscription("a");
    let good = authorize_path(LOOPBACK, "");
    let location = async |path: String| {
        let answer = client.get(&path, &[]).await;
        (answer.status, answer.header("location").unwrap_or_default().to_owned())
    };
    for (bad, error) in [
        (good.replace("S256", "plain"), "invalid_request"),
        (good.replace("code=true&", ""), "invalid_request"),
        (good.replace("&state=st%26te", ""), "invalid_request"),
        (good.replace("user%3Aprofile", "admin"), "invalid_scope"),
        (good.replace("response_type=code", "response_type=token"), "unsupported_response_type"),
    ] {
        let (status, location) = location(bad.clone()).await;
        assert_eq!(status, 302, "{bad}");
        assert!(location.starts_with(&format!("{LOOPBACK}?error={error}&error_description=")), "{location}");
    }
    for bad in [
        good.replace(CLIENT_ID, "other"),
        authorize_path("http://evil.example/callback", ""),
        authorize_path("http://localhost:1/other", ""),
    ] {
        assert_eq!(location(bad).await, (400, String::new()), "no redirect to strangers");
    }
}

#[tokio::test]
async fn who_is_signed_in_can_be_chosen() {
    let client = start().await;
    client.subscription("a");
    let b = client.subscription("b");
    let email = async |more: &str| {
        let answer = client.get(&authorize_path(LOOPBACK, more), &[]).await;
        let location = answer.header("location").unwrap_or_default().to_owned();
        let Some((_, query)) = location.split_once("?code=") else { return location };
        let code = query.split_once('&').unwrap().0;
        token(&client, &exchange_body(code, LOOPBACK)).await.json()["account"]["email_address"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(email("").await, "a@example.com");
    assert_eq!(email("&login_hint=b%40example.com").await, "b@example.com");
    client.vendor.set_browser(Browser::User(b.name().to_owned()));
    assert_eq!(email("").await, "b@example.com");
    client.vendor.set_browser(Browser::Declines);
    assert!(email("").await.starts_with("http://localhost:53692/callback?error=access_denied"));
    client.vendor.set_browser(Browser::Person);
    let page = client.get(&authorize_path(LOOPBACK, ""), &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("login_hint=b\">b (b@example.com"), "{}", page.text());
}
