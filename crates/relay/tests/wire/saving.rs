//! What the vendor gets is what the client meant; what is uploaded is what changed.

use bytes::Bytes;
use remuda_relay::client::Transport;
use rstest::rstest;

use crate::world::{World, body};

#[rstest]
#[tokio::test]
async fn from_the_second_turn_on_only_what_changed_is_sent_and_the_vendor_gets_every_byte(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let mut meant = Vec::new();
    for turn in 0..6 {
        let body = body(100 + 2 * turn);
        let before = world.way.up.load(std::sync::atomic::Ordering::SeqCst);
        let (answer, text) = world.ask(&body, "").await;
        let up = world.way.up.load(std::sync::atomic::Ordering::SeqCst) - before;
        assert_eq!(text, format!("{{\"got\":{}}}", body.len()));
        assert_eq!((answer.sent.delta, answer.sent.body_bytes), (turn > 0, body.len() as u64));
        if turn > 0 {
            assert!(up * 20 < body.len(), "{up} bytes of {} on the wire", body.len());
            assert!(answer.sent.relay_bytes <= up as u64);
        }
        meant.push(body);
    }
    assert_eq!(world.vendor.bodies(), meant);
    let counts = world.client.counts();
    assert_eq!((counts.requests, counts.deltas), (6, 5));
    assert_eq!(world.client.resting(), 1, "one lane for one conversation");
}

#[rstest]
#[tokio::test]
async fn subagents_beside_the_main_thread_have_lanes_of_their_own(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let side = |turns: usize| Bytes::from(body(turns).iter().rev().copied().filter(u8::is_ascii).collect::<Vec<u8>>());
    for turn in 0..3 {
        let (main, sub) = (body(50 + turn), side(60 + turn));
        let (one, two) = tokio::join!(world.ask(&main, "wait=100"), world.ask(&sub, "wait=100"));
        assert_eq!((one.0.sent.delta, two.0.sent.delta), (turn > 0, turn > 0), "turn {turn}");
    }
    assert_eq!(world.client.resting(), 2);
}

#[rstest]
#[tokio::test]
async fn incompressible_bodies_cost_at_most_one_percent_more(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    // Text, as all of these bodies are, that says something new with every character.
    let noise = |start: u64| -> Bytes {
        let mut state = start;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from_u32(0x4E00 + (state >> 33) as u32 % 0x5000).unwrap()
        };
        (0..40_000).map(|_| next()).collect::<String>().into()
    };
    for start in [1, 2] {
        let body = noise(start);
        let (answer, _) = world.ask(&body, "").await;
        assert!(answer.sent.relay_bytes <= body.len() as u64 * 101 / 100, "{:?}", answer.sent);
    }
}
