//! Connections that break at any moment: no wrong body, no second call, no lost answer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use remuda_relay::client::{Failure, Transport};
use rstest::rstest;

use crate::world::{World, body, read, settings};

#[rstest]
#[tokio::test]
async fn an_answer_goes_on_where_the_connection_broke(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let mut answer = world.send(&body(3), "stream=40,10,20").await.unwrap();
    let mut text = answer.response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
    world.way.cut();
    text.extend_from_slice(&answer.response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap());
    world.way.cut();
    text.extend_from_slice(read(answer.response.body_mut()).await.unwrap().as_bytes());
    let whole: String = (0..40).map(|number| format!("{number:0>10}")).collect();
    assert_eq!(String::from_utf8(text).unwrap(), whole);
    assert_eq!(world.vendor.bodies().len(), 1, "asked once");
}

#[rstest]
#[tokio::test]
async fn a_message_whose_answer_is_lost_before_its_head_is_not_sent_to_the_vendor_again(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let meant = body(30);
    let sending = world.send(&meant, "wait=1200");
    let cutting = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        world.way.cut();
    };
    let (answer, ()) = tokio::join!(sending, cutting);
    let text = read(answer.unwrap().response.body_mut()).await.unwrap();
    assert!(text.starts_with("{\"got\":"));
    assert_eq!(world.vendor.bodies().len(), 1, "asked once");
}

#[rstest]
#[tokio::test]
async fn an_upload_that_breaks_is_sent_again_and_taken_once(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let sending = async {
        // The first connection breaks in the middle of the message, the next ones do not.
        world.way.up_limit.store(4_000, Ordering::SeqCst);
        world.ask(&body(400), "").await
    };
    let mending = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        world.way.up_limit.store(0, Ordering::SeqCst);
    };
    let ((answer, _), ()) = tokio::join!(sending, mending);
    assert_eq!(answer.sent.body_bytes, body(400).len() as u64);
    assert_eq!(world.vendor.bodies(), [body(400)]);
}

#[rstest]
#[tokio::test]
async fn a_relay_that_forgot_everything_gets_the_whole_body_once(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let mut world = World::new(transport).await;
    world.ask(&body(50), "").await;
    world.restart(settings()).await;
    let (answer, _) = world.ask(&body(51), "").await;
    assert!(!answer.sent.delta);
    let (answer, _) = world.ask(&body(52), "").await;
    assert!(answer.sent.delta);
    assert_eq!(world.vendor.bodies(), [body(50), body(51), body(52)]);
}

#[rstest]
#[tokio::test]
async fn a_relay_that_is_restarted_under_a_request_loses_it_and_nobody_asks_again(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let mut world = World::new(transport).await;
    let request = world.request(&body(30), "wait=60000");
    let client = world.client.clone();
    let asking = tokio::task::JoinSet::from_iter([async move { client.send("s", request).await.map(drop) }]);
    crate::world::eventually("the vendor is asked", || world.vendor.bodies().len() == 1).await;
    world.way.cut();
    world.restart(settings()).await;
    let lost = asking.join_all().await;
    assert!(matches!(lost[..], [Err(Failure::Unknown { .. })]), "{lost:?}");
    assert_eq!(world.vendor.bodies().len(), 1);
    let (answer, _) = world.ask(&body(30), "").await;
    assert!(!answer.sent.delta, "and the next request is served");
}

#[rstest]
#[tokio::test]
async fn wherever_connections_break_bodies_stay_right_and_nothing_is_asked_twice(
    #[values(Transport::Http, Transport::WebSocket)] transport: Transport,
) {
    let world = World::new(transport).await;
    let (mut answered, mut state) = (0, 7u64);
    for turn in 0..30 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (down, up) = ((state >> 33) as usize % 3000, (state >> 43) as usize % 3000);
        // Most connections break somewhere; every third turn is quiet, so that something is served.
        let quiet = turn % 3 == 0;
        world.way.down_limit.store(if quiet { 0 } else { down + 200 }, Ordering::SeqCst);
        world.way.up_limit.store(if quiet || turn % 2 == 0 { 0 } else { up + 400 }, Ordering::SeqCst);
        let sending = async {
            let mut answer = world.send(&body(20 + turn), "stream=60,20,0").await.ok()?;
            read(answer.response.body_mut()).await.ok()
        };
        let mending = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            world.way.down_limit.store(0, Ordering::SeqCst);
            world.way.up_limit.store(0, Ordering::SeqCst);
        };
        if let (Some(text), ()) = tokio::join!(sending, mending) {
            let whole: String = (0..60).map(|number| format!("{number:0>20}")).collect();
            assert_eq!(text, whole, "turn {turn}");
            answered += 1;
        }
    }
    let meant: Vec<_> = (0..30).map(|turn| body(20 + turn)).collect();
    let mut asked = world.vendor.bodies();
    assert!(asked.iter().all(|body| meant.contains(body)), "no wrong body");
    let count = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), count, "none asked twice");
    assert!(answered >= 25, "{answered} of 30 answered");
}
