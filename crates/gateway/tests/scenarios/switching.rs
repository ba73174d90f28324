//! The price of a switch, as a person sees it: who is asked, and what the record says of it.

use remuda_core::record::Tokens;
use remuda_core::route::Decided;
use remuda_core::snapshot::Target;
use remuda_core::{Class, SessionKey};
use remuda_fake::{Fault, Window};
use remuda_gateway::warmth::Turn;

use crate::world::World;

/// Ninety thousand tokens of this conversation are in the account's cache.
fn warm(world: &World, account: &str, away: bool, cost_usd: f64) {
    let tokens = Tokens { input: Some(10), cache_read: Some(90_000), ..Tokens::default() };
    let turn =
        Turn { account: world.id(account), model: "claude-opus-5", tokens: &tokens, cost_usd: Some(cost_usd), away };
    let now = world.daemon.herd.clock().now();
    world.daemon.herd.warmed(&SessionKey("claude:s".to_owned()), &turn, now);
}

#[tokio::test]
async fn a_detour_goes_on_until_it_has_paid_for_the_way_back() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    world.answer("s", "one").await;
    warm(&world, "home", false, 0.1);
    world.answer("s", "two").await;
    assert_eq!(world.asked(), ["work", "home"], "writing 90,000 tokens anew costs 0.52 USD");
    let weighed = world.record().await.weighed.unwrap();
    assert_eq!((weighed.weighing.decided, weighed.label.as_str()), (Decided::StayAway, "home"));
    assert!(weighed.weighing.price_usd > 0.5 && weighed.weighing.against_usd < 0.1);
    warm(&world, "home", true, 0.6);
    world.answer("s", "three").await;
    assert_eq!(world.asked(), ["work", "home", "work"]);
    assert_eq!(world.record().await.weighed.unwrap().weighing.decided, Decided::GoBack);
    world.end().await;
}

#[tokio::test]
async fn a_second_is_waited_rather_than_moving_a_large_prompt() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    world.answer("s", "one").await;
    warm(&world, "work", false, 0.1);
    world.vendor.script("work", [Fault::spent(Window::FiveHour, 1)]);
    world.answer("s", "two").await;
    assert_eq!(world.asked(), ["work", "work", "work"]);
    let record = world.record().await;
    assert_eq!(record.weighed.unwrap().weighing.decided, Decided::Wait);
    assert!(record.held_ms > 500, "{}", record.held_ms);
    world.end().await;
}

#[tokio::test]
async fn what_a_choice_would_cost_is_known_before_it_is_made() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    warm(&world, "work", false, 0.1);
    let herd = &world.daemon.herd;
    let now = herd.clock().now();
    let price = herd.price_of_switch(Some(&Target::Account(world.id("home"))), None, now);
    assert_eq!((price.sessions, price.tokens, price.unknown), (1, 90_010, 0));
    assert!(price.usd > 0.5);
    let stays = herd.price_of_switch(Some(&Target::Account(world.id("work"))), None, now);
    assert_eq!(stays.sessions, 0);
    world.end().await;
}

#[tokio::test]
async fn a_day_begins_with_nothing_spent_and_no_reading_of_the_store_forgets_what_was() {
    let mut world = World::new().await;
    world.subscription("plan").await;
    world.api_key("key", remuda_core::CostClass::Metered).await;
    world.spend("key", vec![Class::WindowExhausted], 5.0).await;
    let (herd, key) = (&world.daemon.herd, world.id("key"));
    let now = herd.clock().now();
    let spent = || herd.look(|snapshot, _| snapshot.spend_rules[&key].spent_today_usd);
    herd.spent(key, 1.25, now);
    assert!((spent() - 1.25).abs() < 1e-9);
    herd.refresh_from_store().await.unwrap();
    assert!((spent() - 1.25).abs() < 1e-9, "also before it is on the disk");
    herd.spent(key, 0.5, now + 86_400);
    assert!((spent() - 0.5).abs() < 1e-9, "another day");
    world.end().await;
}
