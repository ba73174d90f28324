//! ChatGPT subscriptions on the Codex backend, over HTTP.

use remuda_core::record::AttemptEnd;
use remuda_core::{Host, ReadingSource, Window};
use remuda_fake::{Config, Fault, OpenAiRefusal};
use serde_json::{Value, json};

use crate::openai::turn;
use crate::world::World;

const PATH: &str = "/codex/responses";

async fn world() -> World {
    let mut world = World::with(Config::default(), Host::Codex).await;
    world.chatgpt("work").await;
    world.chatgpt("home").await;
    world.chain("work", &["home"]).await;
    world
}

fn ask(world: &World, body: &Value) -> reqwest::RequestBuilder {
    world
        .call(PATH, body)
        .header("session-id", "s1")
        .header("thread-id", "s1")
        .header("x-client-request-id", "s1")
        .header("originator", "codex_exec")
        .header("chatgpt-account-id", "the-clients-own")
}

#[tokio::test]
async fn a_turn_goes_to_the_plans_own_backend_with_its_account() {
    let world = world().await;
    let response = ask(&world, &turn("hi")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("pong"));
    let seen = world.vendor.requests().pop().unwrap();
    assert_eq!(seen.path, "/chatgpt/backend-api/codex/responses");
    assert_eq!(seen.header("originator"), Some("codex_exec"), "the agent keeps its name");
    let record = world.record().await;
    assert_eq!(record.session.unwrap().0, "codex:s1");
    assert_eq!(record.attempts[0].ended, AttemptEnd::Served);
    world.end().await;
}

#[tokio::test]
async fn quota_is_learned_from_headers_and_events() {
    let world = world().await;
    ask(&world, &turn("hi")).send().await.unwrap().text().await.unwrap();
    world.daemon.herd.look(|snapshot, _| {
        let readings = &snapshot.accounts[&world.id("work")].readings;
        assert!(readings.contains_key(&Window::FiveHour) && readings.contains_key(&Window::SevenDay), "{readings:?}");
        assert!(readings.values().all(|r| r.source != ReadingSource::Usage));
    });
    world.end().await;
}

#[tokio::test]
async fn a_compressed_body_is_understood_and_passed_on_as_it_came() {
    let world = world().await;
    let packed = zstd::stream::encode_all(turn("hi there").to_string().as_bytes(), 3).unwrap();
    let response =
        ask(&world, &json!(null)).header("content-encoding", "zstd").body(packed.clone()).send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    let seen = world.vendor.requests().pop().unwrap();
    assert_eq!(seen.body, packed, "byte for byte");
    assert_eq!(seen.header("content-encoding"), Some("zstd"));
    assert_eq!(world.record().await.model, "gpt-5.5");
    world.end().await;
}

#[tokio::test]
async fn turn_state_and_session_names_never_cross_accounts() {
    let world = world().await;
    let first = ask(&world, &turn("hi")).send().await.unwrap();
    let state = first.headers()["x-codex-turn-state"].to_str().unwrap().to_owned();
    first.text().await.unwrap();

    let again = ask(&world, &turn("more")).header("x-codex-turn-state", &state).send().await.unwrap();
    again.text().await.unwrap();
    let seen = world.vendor.requests().pop().unwrap();
    assert_eq!(seen.header("x-codex-turn-state"), Some(state.as_str()), "its own account gets it back");
    assert_eq!(seen.header("session-id"), Some("s1"));

    world.vendor.script("work", [Fault::refuse(OpenAiRefusal::UsageLimitReached)]);
    let moved = ask(&world, &turn("most")).header("x-codex-turn-state", &state).send().await.unwrap();
    assert_eq!(moved.status(), 200);
    moved.text().await.unwrap();
    let seen = world.vendor.requests().pop().unwrap();
    assert_eq!(seen.account.as_deref(), Some("home"));
    for name in ["x-codex-turn-state", "session-id", "thread-id", "x-client-request-id"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    let changes = world.record().await.attempts[1].changes.join("; ");
    assert!(changes.contains("x-codex-turn-state: removed") && changes.contains("session-id"), "{changes}");
    world.end().await;
}

#[tokio::test]
async fn a_spent_plan_is_told_with_its_reset_and_codex_does_not_wait_for_it() {
    let world = world().await;
    for name in ["work", "home"] {
        world.vendor.script(name, [Fault::spent(remuda_fake::Window::FiveHour, 7200)]);
    }
    let response = ask(&world, &turn("hi")).send().await.unwrap();
    assert_eq!(response.status(), 429);
    let json: Value = response.json().await.unwrap();
    assert_eq!(json["error"]["type"], "usage_limit_reached", "{json}");
    let resets = json["error"]["resets_in_seconds"].as_i64().unwrap();
    assert!((7100..=7300).contains(&resets), "{resets}");
    world.end().await;
}

#[tokio::test]
async fn compaction_and_models_are_served() {
    use secrecy::ExposeSecret as _;
    let world = world().await;
    let mut body = turn("hi");
    body.as_object_mut().unwrap().retain(|name, _| ["model", "input", "instructions"].contains(&name.as_str()));
    let compacted = world.call("/codex/responses/compact", &body).send().await.unwrap();
    assert_eq!(compacted.status(), 200, "{}", compacted.text().await.unwrap());
    let url = format!("{}/codex/models?client_version=0.169.0", world.url);
    let listed = world.http.get(url).bearer_auth(world.key.expose_secret()).send().await.unwrap();
    assert_eq!(listed.status(), 200);
    let seen = world.vendor.requests().pop().unwrap();
    assert_eq!(seen.path, "/chatgpt/backend-api/codex/models?client_version=0.169.0");
    world.end().await;
}

#[tokio::test]
async fn an_agent_that_hangs_up_after_the_last_event_has_been_served() {
    let world = world().await;
    let mut response = ask(&world, &turn("hi")).send().await.unwrap();
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("response.completed") {
        text.extend_from_slice(&response.chunk().await.unwrap().unwrap());
    }
    drop(response);
    let record = world.record().await;
    assert_eq!(record.attempts[0].ended, AttemptEnd::Served);
    assert!(record.tokens.output.unwrap() > 0);
    world.end().await;
}

#[tokio::test]
async fn an_api_key_stands_in_on_its_own_endpoint() {
    let mut world = World::with(Config::default(), Host::Codex).await;
    world.chatgpt("plan").await;
    world.openai_key("key").await;
    world.chain("plan", &["key"]).await;
    world.vendor.script("plan", [Fault::refuse(OpenAiRefusal::UsageLimitReached)]);
    let response = ask(&world, &turn("hi")).send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    response.text().await.unwrap();
    let seen = world.vendor.requests().pop().unwrap();
    assert_eq!((seen.path.as_str(), seen.account.as_deref()), ("/openai/v1/responses", Some("key")));
    assert_eq!(seen.header("chatgpt-account-id"), None);
    world.end().await;
}

#[tokio::test]
async fn a_handshake_that_goes_nowhere_is_let_go_before_the_agent_gives_up() {
    let short = |_, _| remuda_gateway::keep_alive::KeepAlive {
        silent: std::time::Duration::from_millis(1),
        beat: ": x\n\n",
        every: std::time::Duration::from_secs(1),
    };
    let mut world = World::keeping(Config::default(), Host::Codex, short).await;
    world.chatgpt("work").await;
    world.vendor.script("work", [Fault::stall(remuda_fake::Point::AfterHandshake)]);
    let began = std::time::Instant::now();
    let mut response = ask(&world, &turn("hi")).send().await.unwrap();
    assert!(began.elapsed() >= std::time::Duration::from_secs(5), "a stream gets some seconds in any case");
    let text = String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()).into_owned();
    assert!(text.contains("response.created"), "{text}");
    drop(response);
    world.end().await;
}
