//! When the account cannot serve, the request moves before the first word; after it, never.

use remuda_core::record::AttemptEnd;
use remuda_core::route::Outcome;
use remuda_core::{Class, CostClass};
use remuda_fake::{Effect, Ending, Fault, Point, Refusal, Window};
use rstest::rstest;

use crate::world::{World, body, spoken};

#[tokio::test]
async fn a_spent_account_hands_over_to_its_chain_before_the_first_word() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    assert!(world.answer("s", "one").await.starts_with("pong one"));
    work.set_window(Window::FiveHour, 100.0, 3600);
    assert!(world.answer("s", "two").await.starts_with("pong two"));
    assert_eq!(world.asked(), ["work", "work", "home"]);
    let record = world.record().await;
    assert!(matches!(&record.attempts[0].ended, AttemptEnd::Refused { verdict, .. }
        if verdict.class == Class::WindowExhausted && verdict.until.is_some()));
    assert!(matches!(record.outcome, Outcome::Served { account, .. } if world.name(account) == "home"));
    // It rests now: the next turn does not knock again.
    assert!(world.answer("s", "three").await.starts_with("pong three"));
    assert_eq!(world.asked().last().unwrap(), "home");
    assert_eq!(world.asked().len(), 4);
    world.end().await;
}

#[tokio::test]
async fn a_session_returns_home_when_its_account_is_ready_again() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    work.set_window(Window::FiveHour, 100.0, 3600);
    world.answer("s", "one").await;
    work.set_window(Window::FiveHour, 10.0, 3600);
    world.daemon.herd.end_rests().await;
    world.answer("s", "two").await;
    assert_eq!(world.asked(), ["work", "home", "work"]);
    world.end().await;
}

#[rstest]
#[case::overloaded(Refusal::Overloaded)]
#[case::rate_limit(Refusal::RateLimit)]
#[case::api_error(Refusal::ApiError)]
#[tokio::test]
async fn a_failure_inside_a_200_stream_before_content_is_never_seen(#[case] refusal: Refusal) {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    let fault = Effect::ErrorEvent { refusal: refusal.into(), at: Point::AfterHandshake };
    world.vendor.script("work", [Fault::new(fault)]);
    let text = world.ask("s", "hi").send().await.unwrap().text().await.unwrap();
    assert!(spoken(&text).starts_with("pong hi"), "{text}");
    assert_eq!(text.matches("event: message_start").count(), 1, "no trace of the first try");
    world.end().await;
}

#[tokio::test]
async fn overload_is_waited_out_on_the_same_account_and_nobody_is_blamed() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    world.vendor.script("work", [Fault::new(Effect::Refuse(Refusal::Overloaded.into())).retry_after("0.01")]);
    assert!(world.answer("s", "hi").await.starts_with("pong"));
    assert_eq!(world.asked(), ["work", "work"]);
    world.daemon.herd.look(|snapshot, _| {
        assert!(snapshot.accounts.values().all(|a| a.cooling.is_none()));
    });
    world.end().await;
}

#[tokio::test]
async fn after_content_there_is_no_retry_and_the_failure_is_seen() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    let fault = Effect::ErrorEvent { refusal: Refusal::Overloaded.into(), at: Point::AfterContent };
    world.vendor.script("work", [Fault::new(fault)]);
    let text = world.ask("s", "count to 20").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("event: error"), "{text}");
    assert_eq!(world.asked(), ["work"]);
    let record = world.record().await;
    assert!(matches!(record.outcome, Outcome::StreamError { class: Class::Overloaded, .. }), "{record:?}");
    world.end().await;
}

#[tokio::test]
async fn a_cut_stream_is_cut_for_the_client_too_and_never_ended_cleanly() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.vendor.script("work", [Fault::new(Effect::Reset { at: Point::AfterContent })]);
    let response = world.ask("s", "count to 20").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err(), "the client notices");
    assert!(matches!(world.record().await.attempts[0].ended, AttemptEnd::BrokeOff { .. }));
    world.end().await;
}

#[tokio::test]
async fn a_stream_without_its_last_event_is_noticed() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.vendor.script("work", [Fault::new(Effect::Truncate { at: Point::AfterContent, clean: true })]);
    world.ask("s", "count to 20").send().await.unwrap().bytes().await.unwrap();
    let record = world.record().await;
    assert!(record.truncated, "{record:?}");
    world.end().await;
}

#[rstest]
#[case::reset(Effect::Reset { at: Point::BeforeHeaders })]
#[case::cut(Effect::Truncate { at: Point::AfterHandshake, clean: false })]
#[case::ended(Effect::Truncate { at: Point::AfterHandshake, clean: true })]
#[case::server_error(Effect::Refuse(Refusal::ApiError.into()))]
#[tokio::test]
async fn a_passing_fault_is_tried_once_more_and_then_the_chain(#[case] effect: Effect) {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    world.vendor.script("work", [Fault::new(effect).times(2)]);
    assert!(world.answer("s", "hi").await.starts_with("pong hi"));
    assert_eq!(world.asked(), ["work", "work", "home"]);
    world.end().await;
}

#[tokio::test]
async fn an_early_401_means_one_refresh_and_one_retry_on_the_same_account() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    work.expire_access();
    assert!(world.answer("s", "hi").await.starts_with("pong hi"));
    let names: Vec<_> = world.vendor.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(names, ["/v1/messages", "/v1/oauth/token", "/v1/messages"]);
    world.end().await;
}

#[tokio::test]
async fn a_dead_login_moves_on_and_the_hosts_own_login_is_never_in_doubt() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    work.revoke_all();
    let alone = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(alone.status(), 429, "no 401 and no 403");
    assert_eq!(alone.headers()["x-should-retry"], "false");
    assert!(alone.text().await.unwrap().contains("needs a login"));
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    assert!(world.answer("s", "hi").await.starts_with("pong hi"));
    world.end().await;
}

#[tokio::test]
async fn nobody_left_is_said_in_the_vendors_shape_with_the_true_time() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    work.set_window(Window::FiveHour, 100.0, 7200);
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.status(), 429);
    let retry_after: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((7190..=7200).contains(&retry_after), "{retry_after}");
    assert!(response.headers().keys().all(|n| !n.as_str().starts_with("anthropic-ratelimit-unified")));
    let json: serde_json::Value = response.json().await.unwrap();
    assert_eq!(json["error"]["type"], "rate_limit_error");
    let message = json["error"]["message"].as_str().unwrap();
    assert!(message.contains("work has used up its plan window"), "{message}");
    assert!(message.contains("in 2 h") || message.contains("in 1 h 60 min"), "{message}");
    world.end().await;
}

#[tokio::test]
async fn a_short_limit_is_told_so_that_claude_code_waits() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    work.set_window(Window::FiveHour, 100.0, 100);
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "20");
    world.end().await;
}

#[rstest]
#[case::too_long(Refusal::PromptTooLong, 400)]
#[case::terms(Refusal::ThirdPartyApps, 400)]
#[tokio::test]
async fn what_the_request_itself_is_refused_for_passes_unchanged_and_blames_nobody(
    #[case] refusal: Refusal,
    #[case] status: u16,
) {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    world.vendor.script("work", [Fault::new(Effect::Refuse(refusal.into()))]);
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.status(), status);
    assert_eq!(world.asked(), ["work"]);
    world.daemon.herd.look(|snapshot, _| assert!(snapshot.accounts.values().all(|a| a.cooling.is_none())));
    world.end().await;
}

#[tokio::test]
async fn at_most_five_moves() {
    let mut world = World::new().await;
    let names = ["a0", "a1", "a2", "a3", "a4", "a5", "a6"];
    for name in names {
        let account = world.subscription(name).await;
        account.set_window(Window::FiveHour, 100.0, 3600);
    }
    world.chain("a0", &names[1..]).await;
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1", "an account was left out only by the limit of moves");
    assert_eq!(world.asked(), names[..6]);
    world.end().await;
}

#[tokio::test]
async fn a_model_window_benches_only_that_model() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    work.set_window(Window::Model("opus".to_owned()), 100.0, 3600);
    let mut opus = body("hi", true);
    opus["model"] = "claude-opus-5".into();
    assert_eq!(world.post("s1", &opus).send().await.unwrap().status(), 200);
    world.answer("s2", "hi").await;
    assert_eq!(world.asked(), ["work", "home", "work"]);
    world.end().await;
}

#[tokio::test]
async fn money_is_spent_only_by_rule_or_by_choice() {
    let mut world = World::new().await;
    let plan = world.subscription("plan").await;
    world.api_key("key", CostClass::Metered).await;
    world.chain("plan", &["key"]).await;
    plan.set_window(Window::FiveHour, 100.0, 3600);
    let refused = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(refused.status(), 429, "standing on a chain is not consent");
    world.spend("key", vec![Class::WindowExhausted], 5.0).await;
    assert!(world.answer("s", "hi").await.starts_with("pong hi"));
    let record = world.record().await;
    assert!(record.cost_usd.is_some_and(|usd| usd > 0.0), "{record:?}");
    world.end().await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_vendors_work() {
    let config = remuda_fake::Config { event_delay: std::time::Duration::from_millis(20), ..Default::default() };
    let mut world = World::with(config, remuda_core::Host::Claude).await;
    world.subscription("work").await;
    let mut response = world.ask("s", "count to 10000").send().await.unwrap();
    response.chunk().await.unwrap();
    drop(response);
    let gone = || world.vendor.requests().iter().any(|r| r.ending == Ending::ClientGone);
    tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while !gone() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the vendor's connection is closed");
    assert!(matches!(world.record().await.attempts[0].ended, AttemptEnd::Abandoned));
    world.end().await;
}
