//! Many at once: nobody falls on the next account before it has shown what it can carry, and an owner's limit holds.

use std::time::Duration;

use remuda_core::{AccountLimits, Load};
use remuda_fake::{Fault, Window};

use crate::world::World;

/// Dozens of conversations, all at home on the same account.
async fn settled(world: &World, conversations: usize) {
    for n in 0..conversations {
        world.answer(&format!("s{n}"), "first").await;
    }
}

async fn all_at_once(world: &World, conversations: usize) -> Vec<u16> {
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..conversations {
        let request = world.ask(&format!("s{n}"), "again");
        asking.spawn(async move {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            response.bytes().await.unwrap();
            status
        });
    }
    asking.join_all().await
}

#[tokio::test]
async fn a_storm_that_loses_its_account_does_not_burn_the_next_one() {
    const MANY: usize = 40;
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    let home = world.subscription("home").await;
    world.subscription("lab").await;
    world.chain("work", &["home", "lab"]).await;
    settled(&world, MANY).await;
    work.set_window(Window::FiveHour, 100.0, 3600);
    home.set_window(Window::FiveHour, 100.0, 3600);
    assert_eq!(all_at_once(&world, MANY).await, vec![200; MANY]);
    let asked = world.asked();
    let on = |name: &str| asked.iter().filter(|who| *who == name).count();
    assert!(on("home") <= Load::RAMP_START as usize, "{} have asked the second one", on("home"));
    assert_eq!(on("lab"), MANY);
    world.end().await;
}

#[tokio::test]
async fn an_account_carries_no_more_at_once_than_its_owner_lets_it() {
    const MANY: usize = 12;
    let mut world = World::new().await;
    world.subscription("work").await;
    settled(&world, MANY).await;
    world.limits(Some("work"), AccountLimits { at_once: Some(3), ..AccountLimits::default() }).await;
    world.vendor.script("work", [Fault::serve().delayed(Duration::from_millis(40)).times(MANY as u32)]);
    let asking = all_at_once(&world, MANY);
    let watching = async {
        let mut most = 0;
        for _ in 0..100 {
            let id = world.id("work");
            most = most.max(world.daemon.herd.look(|snapshot, _| snapshot.live.load(id).in_flight));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        most
    };
    let (answers, most) = tokio::join!(asking, watching);
    assert_eq!(answers, vec![200; MANY]);
    assert_eq!(most, 3);
    assert_eq!(world.asked().len(), 2 * MANY);
    world.end().await;
}
