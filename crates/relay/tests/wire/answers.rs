//! The vendor's answer is the vendor's: status, headers, bytes. The relay's own errors are told apart from it.

use std::time::Duration;

use remuda_relay::client::{Failure, Transport};
use remuda_relay::code::Code;
use rstest::rstest;

use crate::world::{World, body, client, eventually, read};

#[rstest]
#[tokio::test]
async fn status_and_headers_are_the_vendors_and_so_is_a_refusal(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let (answer, text) = world.ask(&body(3), "status=429").await;
    assert_eq!(answer.response.status(), 429);
    let headers = answer.response.headers();
    assert_eq!(headers["retry-after"], "7");
    // The Worker's runtime joins headers of one name, which means the same.
    let values: Vec<_> = headers.get_all("x-two").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(values.join(", "), "a, b");
    assert!(!headers.contains_key("x-remuda-relay"), "nothing of the relay's own");
    assert!(text.starts_with("{\"got\":"));

    let asked = world.vendor.asked.lock()[0].clone();
    assert_eq!(asked.headers["authorization"], "Bearer sk-vendor");
    assert_eq!(asked.headers["x-own"].as_bytes(), "ü".as_bytes(), "one character of the message, one byte");
    let mut names: Vec<_> = asked.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["authorization", "content-length", "host", "x-do", "x-own"], "the relay adds nothing");
}

#[rstest]
#[tokio::test]
async fn a_stream_comes_piece_by_piece_as_the_vendor_sends_it(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    use http_body_util::BodyExt;
    let world = World::new(transport).await;
    let mut answer = world.send(&body(3), "stream=5,10,300").await.unwrap();
    let begun = tokio::time::Instant::now();
    let first = answer.response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "0000000000");
    assert!(begun.elapsed() < Duration::from_millis(900), "not held back: {:?}", begun.elapsed());
    let rest = read(answer.response.body_mut()).await.unwrap();
    assert_eq!(rest, "0000000001000000000200000000030000000004");
}

#[rstest]
#[tokio::test]
async fn what_the_relay_refuses_never_reaches_the_vendor_and_says_so(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let refused = |result: Result<_, Failure>| match result {
        Err(Failure::NotCalled { code, .. }) => code,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("answered"),
    };
    let stranger = client(&world.way, transport, "rly_another_token_0000000002");
    let result = stranger.send("s", world.request(&body(3), "")).await.map(drop);
    assert_eq!(refused(result), Some(Code::Unauthorized));

    let mut elsewhere = world.request(&body(3), "");
    elsewhere.url = "http://127.0.0.1:9/v1/messages".to_owned();
    assert_eq!(refused(world.client.send("s", elsewhere).await.map(drop)), Some(Code::UpstreamNotAllowed));
    assert!(world.vendor.bodies().is_empty());
    assert!(world.send(&body(3), "").await.is_ok(), "the next one is served");
}

#[rstest]
#[tokio::test]
async fn a_vendor_that_dies_is_no_refusal_and_is_not_asked_again(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let died = world.send(&body(3), "die").await.map(drop);
    assert!(matches!(died, Err(Failure::Unknown { .. })), "{died:?}");
    let mut answer = world.send(&body(3), "break=3").await.unwrap();
    assert!(read(answer.response.body_mut()).await.is_err(), "a broken answer does not end cleanly");
    assert_eq!(world.vendor.bodies().len(), 2);
}

#[rstest]
#[tokio::test]
async fn a_vendor_that_cannot_be_reached_was_not_called(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    use crate::world::settings;
    let mut world = World::new(transport).await;
    // The listed address of a vendor that is gone.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    world.vendor.address = gone;
    world.restart(settings()).await;
    let result = world.send(&body(3), "").await.map(drop);
    if world.relay().is_some() {
        assert!(matches!(result, Err(Failure::NotCalled { code: Some(Code::VendorUnreachable), .. })), "{result:?}");
    } else {
        // The Worker's runtime does not tell this from a connection that broke, so it claims less.
        assert!(matches!(result, Err(Failure::Unknown { .. })), "{result:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_client_that_leaves_hangs_up_on_the_vendor_and_its_lane_goes_on(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    world.ask(&body(50), "").await;
    let answer = world.send(&body(51), "stream=1000000,10,5").await.unwrap();
    drop(answer);
    let hung_up = &world.vendor.hung_up;
    eventually("the vendor is hung up on", || hung_up.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    eventually("the lane rests", || world.client.resting() == 1).await;
    let (answer, _) = world.ask(&body(52), "").await;
    assert!(answer.sent.delta, "what was taken stays taken");

    // Before the head of the answer.
    let waiting = tokio::time::timeout(Duration::from_millis(300), world.send(&body(53), "wait=60000")).await;
    assert!(waiting.is_err());
    if let Some(relay) = world.relay() {
        eventually("nothing is under way", || relay.held().calls == 0).await;
    }
}
