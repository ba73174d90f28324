//! When nobody can serve and the owner lets it, a request waits instead of failing.

use std::time::Duration;

use remuda_core::route::Outcome;
use remuda_core::{AccountLimits, Host, Protocols};
use remuda_fake::{Config, Fault, Window};
use remuda_gateway::events::Stage;
use remuda_gateway::keep_alive::{self, KeepAlive};

use crate::world::{World, body, spoken};

fn an_hour() -> AccountLimits {
    AccountLimits { hold_s: Some(3_600), ..AccountLimits::default() }
}

/// An agent that waits for nothing.
fn impatient(host: Host, protocol: Protocols) -> KeepAlive {
    KeepAlive { silent: Duration::ZERO, every: Duration::from_millis(5), ..keep_alive::of(host, protocol) }
}

/// One account, whose window is spent for so many seconds.
async fn world(resets_in_s: i64, keep_alive: fn(Host, Protocols) -> KeepAlive) -> World {
    let mut world = World::keeping(Config::default(), Host::Claude, keep_alive).await;
    world.subscription("work").await;
    world.limits(Some("work"), an_hour()).await;
    world.vendor.script("work", [Fault::spent(Window::FiveHour, resets_in_s)]);
    world
}

/// Returns once a request is held.
async fn until_held(world: &World) {
    for _ in 0..2_000 {
        let live = world.daemon.herd.events().live();
        if live.iter().any(|live| matches!(live.progress().stage, Stage::Held { .. })) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody is held");
}

#[tokio::test]
async fn the_agent_sees_nothing_of_the_wait_but_its_length() {
    let world = world(1, keep_alive::of).await;
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(spoken(&text).starts_with("pong hi"), "{text}");
    assert!(
        !text.contains("event: ping\ndata: {\"type\": \"ping\"}\n\nevent: message_start"),
        "no sign of life was needed"
    );
    assert_eq!(world.asked(), ["work", "work"]);
    let record = world.record().await;
    assert!(matches!(record.outcome, Outcome::Served { .. }));
    assert!(record.held_ms >= 900 && record.attempts[1].waited_ms >= 900, "{record:?}");
    world.end().await;
}

#[tokio::test]
async fn an_agent_that_would_give_up_gets_the_beginning_of_an_answer_and_signs_of_life() {
    let world = world(1, impatient).await;
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let (before, answer) = text.split_at(text.find("event: message_start").unwrap());
    assert!(before.matches("event: ping\n").count() >= 2, "{before}");
    assert!(spoken(answer).starts_with("pong hi"), "{answer}");
    let asked = world.vendor.requests();
    assert_eq!(asked.last().unwrap().headers["accept-encoding"], "identity", "the head has promised no coding");
    world.end().await;
}

#[tokio::test]
async fn an_agent_that_expects_no_stream_is_told_before_it_gives_up() {
    let world = world(600, impatient).await;
    let response = world.post("s", &body("hi", false)).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert!(response.text().await.unwrap().contains("work"));
    world.end().await;
}

#[tokio::test]
async fn what_its_owner_lets_go_ends_with_the_refusal_it_was_held_on() {
    let world = world(600, keep_alive::of).await;
    let (response, ()) = tokio::join!(world.ask("s", "hi").send(), async {
        until_held(&world).await;
        let live = world.daemon.herd.events().live();
        live[0].let_go.cancel();
    });
    let response = response.unwrap();
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(world.asked(), ["work"]);
    world.end().await;
}

#[tokio::test]
async fn a_refusal_after_the_beginning_of_an_answer_is_an_event_and_no_clean_end() {
    let world = world(600, impatient).await;
    let mut response = world.ask("s", "hi").send().await.unwrap();
    until_held(&world).await;
    world.daemon.herd.events().live()[0].let_go.cancel();
    let mut text = String::new();
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
            end => break end,
        }
    };
    assert!(end.is_err(), "the client notices that it is not whole: {end:?}");
    assert!(text.contains("event: error\ndata: {"), "{text}");
    world.end().await;
}

#[tokio::test]
async fn an_account_that_is_back_early_is_noticed_at_once() {
    let world = world(3_000, keep_alive::of).await;
    let began = std::time::Instant::now();
    let (response, ()) = tokio::join!(world.ask("s", "hi").send(), async {
        until_held(&world).await;
        world.daemon.herd.end_rests().await;
    });
    assert_eq!(response.unwrap().status(), 200);
    assert!(began.elapsed() < Duration::from_secs(9), "before it would have looked by itself");
    world.end().await;
}

#[tokio::test]
async fn an_account_that_joins_the_chain_meanwhile_takes_over() {
    let mut world = world(3_000, keep_alive::of).await;
    world.subscription("home").await;
    let (response, ()) = tokio::join!(world.ask("s", "hi").send(), async {
        until_held(&world).await;
        world.chain("work", &["home"]).await;
    });
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(world.asked(), ["work", "home"]);
    world.end().await;
}

#[tokio::test]
async fn a_daemon_that_ends_sends_its_held_agents_to_the_next_one() {
    let world = world(3_000, keep_alive::of).await;
    let (response, ()) = tokio::join!(world.ask("s", "hi").send(), async {
        until_held(&world).await;
        world.daemon.herd.events().let_all_go();
    });
    let response = response.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "2");
    world.end().await;
}

#[tokio::test]
async fn a_client_that_leaves_is_held_no_longer() {
    let world = world(3_000, keep_alive::of).await;
    let asking = world.ask("s", "hi").timeout(Duration::from_millis(400)).send();
    assert!(asking.await.unwrap_err().is_timeout());
    for _ in 0..2_000 {
        if world.daemon.herd.events().live().is_empty() {
            return world.end().await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it is still held");
}

#[tokio::test]
async fn without_leave_the_refusal_comes_at_once() {
    let world = world(600, keep_alive::of).await;
    world.limits(Some("work"), AccountLimits::default()).await;
    assert_eq!(world.ask("s", "hi").send().await.unwrap().status(), 429);
    world.end().await;
}
