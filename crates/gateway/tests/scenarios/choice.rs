//! `use`, pins and pools, as they act on running conversations.

use remuda_core::SessionKey;
use remuda_core::snapshot::Target;
use remuda_fake::Window;
use remuda_store::Edit;

use crate::world::World;

#[tokio::test]
async fn use_acts_in_the_middle_of_a_conversation() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.answer("s", "one").await;
    world.activate("home").await;
    world.answer("s", "two").await;
    assert_eq!(world.asked(), ["work", "home"]);
    world.end().await;
}

#[tokio::test]
async fn a_chosen_account_gets_one_real_attempt_although_it_is_believed_to_rest() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    world.subscription("home").await;
    world.chain("work", &["home"]).await;
    work.set_window(Window::FiveHour, 100.0, 3600);
    world.answer("s", "one").await;
    work.set_window(Window::FiveHour, 0.0, 3600);
    world.activate("work").await;
    world.answer("s", "two").await;
    world.answer("s", "three").await;
    assert_eq!(world.asked(), ["work", "home", "work", "work"], "and its success ends the rest");
    world.end().await;
}

#[tokio::test]
async fn a_session_pin_concerns_only_that_session() {
    let mut world = World::new().await;
    world.subscription("work").await;
    world.subscription("home").await;
    world.answer("s1", "one").await;
    let pin = Edit::PinSession(SessionKey("claude:s1".to_owned()), Some(Target::Account(world.id("home"))));
    world.edit(pin).await;
    world.answer("s1", "two").await;
    world.answer("s2", "three").await;
    assert_eq!(world.asked(), ["work", "home", "work"]);
    world.end().await;
}

#[tokio::test]
async fn the_first_member_of_a_pool_that_can_serve_takes_a_new_session() {
    let mut world = World::new().await;
    let a = world.subscription("a").await;
    world.subscription("b").await;
    world.pool("both", &["a", "b"]).await;
    world.edit(Edit::Active(Some(Target::Pool("both".to_owned())))).await;
    world.answer("s1", "one").await;
    a.set_window(Window::FiveHour, 100.0, 3600);
    world.answer("s1", "two").await;
    world.answer("s2", "three").await;
    assert_eq!(world.asked(), ["a", "a", "b", "b"]);
    world.end().await;
}
