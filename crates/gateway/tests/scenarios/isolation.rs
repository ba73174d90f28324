//! A request is served only by the account it was sent to or by one on that account's chain, whatever kind it is.

use remuda_core::Host;
use remuda_core::snapshot::Target;
use remuda_fake::Window;
use rstest::rstest;
use secrecy::ExposeSecret;

use crate::world::World;

#[tokio::test]
async fn without_a_chain_a_limit_is_the_end_and_an_idle_account_is_not_touched() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    world.subscription("home").await;
    work.set_window(Window::FiveHour, 100.0, 3600);
    assert_eq!(world.ask("s", "hi").send().await.unwrap().status(), 429);
    assert_eq!(world.asked(), ["work"]);
    world.end().await;
}

#[tokio::test]
async fn enterprise_may_fall_back_to_personal_and_personal_never_touches_enterprise() {
    let mut world = World::new().await;
    let enterprise = world.subscription("enterprise").await;
    let personal = world.subscription("personal").await;
    world.chain("enterprise", &["personal"]).await;
    enterprise.set_window(Window::FiveHour, 100.0, 3600);
    world.answer("e", "hi").await;
    assert_eq!(world.asked(), ["enterprise", "personal"]);
    world.activate("personal").await;
    personal.set_window(Window::FiveHour, 100.0, 3600);
    enterprise.set_window(Window::FiveHour, 0.0, 3600);
    assert_eq!(world.ask("p", "hi").send().await.unwrap().status(), 429);
    assert_eq!(world.asked(), ["enterprise", "personal", "personal"]);
    world.end().await;
}

#[tokio::test]
async fn chains_are_not_transitive() {
    let mut world = World::new().await;
    for name in ["a", "b", "c"] {
        world.subscription(name).await.set_window(Window::FiveHour, 100.0, 3600);
    }
    world.chain("a", &["b"]).await;
    world.chain("b", &["c"]).await;
    assert_eq!(world.ask("s", "hi").send().await.unwrap().status(), 429);
    assert_eq!(world.asked(), ["a", "b"]);
    world.end().await;
}

#[rstest]
#[case("POST", "/anthropic/v1/messages/count_tokens")]
#[case("GET", "/anthropic/v1/models")]
#[tokio::test]
async fn counting_and_listing_are_isolated_too(#[case] method: &str, #[case] path: &str) {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    world.subscription("home").await;
    work.revoke_all();
    let request = world
        .http
        .request(method.parse().unwrap(), format!("{}{path}", world.url))
        .bearer_auth(world.key.expose_secret())
        .header("anthropic-version", "2023-06-01")
        .body(r#"{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"hi"}]}"#);
    let status = request.send().await.unwrap().status();
    assert!(status != 401 && status != 403, "{status}");
    assert!(world.vendor.requests().iter().all(|r| r.account.as_deref() != Some("home")));
    world.end().await;
}

#[tokio::test]
async fn a_key_pinned_to_an_account_reaches_no_other() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.key = world.client_key(Host::Claude, Some(Target::Account(world.id("home")))).await;
    world.answer("s", "hi").await;
    world.activate("work").await;
    world.answer("s", "again").await;
    assert_eq!(world.asked(), ["home", "home"]);
    world.daemon.herd.remove_account(world.id("home")).await.unwrap();
    let refused = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(refused.status(), 429, "a pin is never replaced by a guess");
    assert_eq!(world.asked().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn a_subscription_serves_its_vendors_own_host_unless_its_owner_granted_more() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.key = world.client_key(Host::Pi, None).await;
    let refused = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("--allow-host"));
    assert!(world.asked().is_empty());
    world.end().await;
}
