//! Every map has a bound, a slow reader slows the vendor down, tokens are counted.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use remuda_relay::client::{Failure, Transport};
use remuda_relay::code::Code;
use remuda_relay::server::Settings;
use rstest::rstest;

use crate::world::{World, body, settings};

#[rstest]
#[tokio::test]
async fn a_client_that_does_not_read_slows_the_vendor_down(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let mut answer = world.send(&body(3), "stream=3000,50000,0").await.unwrap();
    answer.response.body_mut().frame().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    let written = world.vendor.written.load(Ordering::SeqCst);
    // 150 MB are to come; the buffers of the sockets on the way hold a few of them.
    assert!(written < 1500, "{written} pieces of 50 kB were taken off the vendor's hands");
    let mut read = 0;
    while let Some(frame) = answer.response.body_mut().frame().await {
        read += frame.unwrap().into_data().unwrap().len();
    }
    assert!(read > 149_000_000, "{read}");
}

#[tokio::test]
async fn bodies_beyond_the_bound_are_forgotten_the_longest_unused_first_and_the_client_sends_the_whole_one() {
    let world = World::with(Transport::Http, Settings { most_kept: 20_000, ..settings() }).await;
    if world.relay().is_none() {
        return; // Each conversation of the Worker is an object of its own.
    }
    for number in 0..40 {
        let session = format!("session-{number}");
        let mut answer = world.client.send(&session, world.request(&body(20 + number), "")).await.unwrap();
        crate::world::read(answer.response.body_mut()).await.unwrap();
        let Some(relay) = world.relay() else { return };
        let held = relay.held();
        assert!(held.sealed_bytes <= 20_000, "{held:?}");
        assert_eq!(held.conversations, number + 1, "what was taken is remembered, be its body kept or not");
    }
    let mut first = world.client.send("session-0", world.request(&body(21), "")).await.unwrap();
    crate::world::read(first.response.body_mut()).await.unwrap();
    assert!(!first.sent.delta, "forgotten");
    let mut last = world.client.send("session-39", world.request(&body(60), "")).await.unwrap();
    crate::world::read(last.response.body_mut()).await.unwrap();
    assert!(last.sent.delta, "kept");
    assert_eq!(world.vendor.bodies().len(), 42);
}

#[rstest]
#[tokio::test]
async fn a_token_has_a_rate(#[values(Transport::Http, Transport::WebSocket)] transport: Transport) {
    let world = World::with(transport, Settings { per_minute: 12, ..settings() }).await;
    let mut refused = None;
    for _ in 0..12 {
        if let Err(failure) = world.send(&body(3), "").await.map(drop) {
            refused.get_or_insert(failure);
        }
    }
    assert!(matches!(refused, Some(Failure::NotCalled { code: Some(Code::RateLimited), .. })), "{refused:?}");
    let asked = world.vendor.bodies().len();
    assert!((1..=6).contains(&asked), "{asked}");
}

#[rstest]
#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_the_vendor_is_called(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::with(transport, Settings { most_body: 30_000, ..settings() }).await;
    if world.relay().is_none() {
        return; // The bound of the Worker cannot be set.
    }
    let failure = world.send(&body(400), "").await.map(drop);
    assert!(matches!(failure, Err(Failure::NotCalled { code: Some(Code::TooLarge), .. })), "{failure:?}");
    assert!(world.vendor.bodies().is_empty());
    assert!(world.send(&body(3), "").await.is_ok());
}

#[tokio::test]
async fn whoever_has_no_token_gets_no_further_than_the_door() {
    let world = World::new(Transport::Http).await;
    let http = remuda_upstream::Client::new(remuda_upstream::Config::default()).unwrap();
    let origin = format!("http://{}", world.way.address).parse().unwrap();
    for path in
        ["/v1/hello", "/v1/exchange", "/v1/resume", "/v1/cancel", "/", "/v1/hello?token=rly_a_token_of_the_tests_0001"]
    {
        let request = http::Request::post(path).body(http_body_util::Full::<bytes::Bytes>::default()).unwrap();
        let answer = http.send(&origin, request).await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(answer.headers()["x-remuda-relay-error"], "unauthorized");
    }
}

#[tokio::test]
async fn a_relay_elsewhere_is_not_spoken_to_in_the_clear() {
    use remuda_relay::client::{Client, Profile};
    let profile = |url: &str| Profile { url: url.to_owned(), token: "t".into(), transport: Transport::Http };
    let made = |url| Client::new(profile(url), remuda_upstream::Config::default(), crate::world::now_ms());
    assert!(made("http://relay.example").is_err());
    assert!(made("http://localhost.relay.example").is_err());
    for url in ["https://relay.example/prefix/", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost"] {
        assert!(made(url).is_ok(), "{url}");
    }
}

/// Pages of this process that are in memory, in bytes. Zero where that cannot be asked.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_live_on_one_relay_in_bounded_memory() {
    let settings = Settings { most_kept: 512 * 1024, per_minute: 1_000_000, ..settings() };
    let world = World::with(Transport::Http, settings).await;
    let Some(relay) = world.relay() else { return };
    let round = async |turn: usize| {
        let mut asking = tokio::task::JoinSet::new();
        for number in 0..1000 {
            // Some 7 kB each: several times what the relay may keep of them compressed.
            let (client, request) = (world.client.clone(), world.request(&body(10 + number % 7 + turn), ""));
            if asking.len() >= 64 {
                asking.join_next().await.unwrap().unwrap();
            }
            asking.spawn(async move {
                let mut answer = client.send(&format!("session-{number}"), request).await.unwrap();
                crate::world::read(answer.response.body_mut()).await.unwrap();
            });
        }
        asking.join_all().await;
    };
    round(0).await;
    let before = resident();
    round(1).await;
    let held = relay.held();
    assert_eq!((held.conversations, held.calls), (1000, 0));
    assert!(held.sealed_bytes <= 512 * 1024, "{held:?}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes more after another round");
}
