use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use remuda_core::route::StateChange;
use remuda_core::snapshot::{ChainStep, KillSwitch, Pool, SpendRule, Strategy as PoolStrategy, Target};
use remuda_core::{Class, Host, Window};
use remuda_store::{Batch, ClientKey, Edit, Herd, KeyHash, KeyId, KeyScope, Removed, Store, StoreError};
use uuid::Uuid;

use super::Place;
use super::make::*;

fn to_account(n: u128) -> Target {
    Target::Account(id(n))
}

fn to_pool() -> Target {
    Target::Pool("p".to_owned())
}

fn step(target: Target) -> ChainStep {
    ChainStep { target, model: None }
}

/// Accounts 1 to 3, where everything names 2 and the pool.
async fn entangled(store: &Arc<dyn Store>) {
    herd_of(store, 3).await;
    let rule = SpendRule { after: vec![Class::Billing], daily_limit_usd: 1.0, spent_today_usd: 0.0 };
    let reserves = [(id(2), [(Window::FiveHour, 1.0)].into())].into();
    let edits = vec![
        Edit::Pool("p".to_owned(), Pool { strategy: PoolStrategy::Ordered, members: vec![id(2), id(3)] }),
        Edit::Active(Some(to_account(2))),
        Edit::Chain(id(1), vec![step(to_account(2)), step(to_pool()), step(to_account(3))]),
        Edit::Chain(id(2), vec![step(to_account(2)), step(to_account(1))]),
        Edit::SpendRule(id(2), Some(rule)),
        Edit::KillSwitch(KillSwitch { enabled: true, accounts: reserves, ..KillSwitch::default() }),
        Edit::PinSession(session("one"), Some(to_account(2))),
        Edit::PinSession(session("two"), Some(to_pool())),
    ];
    store.edit(edits, NOW).await.unwrap();
    let changes = vec![
        StateChange::Bind(session("one"), home(2)),
        StateChange::ModelCooling(id(2), "m".to_owned(), Some(cooldown(NOW))),
    ];
    let readings = vec![(id(2), Window::FiveHour, reading(1.0, NOW))];
    let batch = Batch { changes, readings, spent: vec![(id(2), NOW, 1.0)], ..Batch::default() };
    store.apply(Arc::new(batch), NOW).await.unwrap();
}

pub(crate) async fn removing_an_account_removes_every_mention_and_tells(place: &impl Place) {
    let store = place.open().await;
    entangled(&store).await;
    let removed = store.remove_account(id(2)).await.unwrap();
    let expected = Removed {
        chains: vec![id(1)],
        pools: vec!["p".to_owned()],
        was_active: true,
        own_chain: true,
        spend_rule: true,
        session_pins: 1,
        sessions: 1,
    };
    assert_eq!(removed, expected);

    let herd = store.load(NOW).await.unwrap();
    assert_eq!(mentioned(&herd, 2), Vec::<&str>::new());
    assert_eq!(herd.snapshot.chains, [(id(1), vec![step(to_pool()), step(to_account(3))])].into());
    assert_eq!(herd.snapshot.pools["p"].members, [id(3)]);
    assert!(store.sessions(NOW).await.unwrap().is_empty());
    assert!(matches!(store.credential(id(2)).await, Err(StoreError::UnknownAccount(_))));
    store.check().await.unwrap();

    store.add_account(account(2), NOW).await.unwrap();
    let again = &store.load(NOW).await.unwrap().snapshot.accounts[&id(2)];
    assert_eq!(*again, account(2).account, "nothing of the old one is left");
}

pub(crate) async fn removing_a_pool_removes_every_mention_and_tells(place: &impl Place) {
    let store = place.open().await;
    entangled(&store).await;
    store.edit(vec![Edit::Active(Some(to_pool()))], NOW).await.unwrap();
    let removed = store.remove_pool("p").await.unwrap();
    assert_eq!(removed, Removed { chains: vec![id(1)], was_active: true, session_pins: 1, ..Removed::default() });
    let snapshot = store.load(NOW).await.unwrap().snapshot;
    assert!(snapshot.pools.is_empty());
    assert_eq!(snapshot.active, None);
    assert_eq!(snapshot.chains[&id(1)], [step(to_account(2)), step(to_account(3))]);
    assert_eq!(snapshot.accounts.len(), 3);
}

pub(crate) async fn removing_what_is_not_there_is_an_error(place: &impl Place) {
    let store = place.open().await;
    assert!(matches!(store.remove_account(id(1)).await, Err(StoreError::UnknownAccount(_))));
    assert!(matches!(store.remove_pool("p").await, Err(StoreError::UnknownPool(_))));
}

pub(crate) async fn a_client_key_limited_to_what_was_removed_stays_limited(place: &impl Place) {
    let store = place.open().await;
    entangled(&store).await;
    let key = |n: u8, pin: Target| ClientKey {
        id: KeyId(Uuid::from_u128(n.into())),
        hash: KeyHash([n; 32]),
        prefix: "rmd_x".to_owned(),
        purpose: String::new(),
        scope: KeyScope::Agent,
        host: Host::Claude,
        pin: Some(pin),
        pinned_by_project: false,
        project: None,
        hold_s: None,
        expires_at: None,
        created_at: NOW,
        last_used_at: None,
    };
    store.add_client_key(key(1, to_account(2))).await.unwrap();
    store.add_client_key(key(2, to_pool())).await.unwrap();
    store.remove_account(id(2)).await.unwrap();
    store.remove_pool("p").await.unwrap();
    assert_eq!(store.client_keys().await.unwrap(), [key(2, to_pool()), key(1, to_account(2))]);
}

/// Where an account that is not there is still named.
fn mentioned(herd: &Herd, n: u128) -> Vec<&'static str> {
    let Herd { snapshot, profiles, session_pins, .. } = herd;
    let target = to_account(n);
    let places = [
        ("accounts", snapshot.accounts.contains_key(&id(n))),
        ("profiles", profiles.contains_key(&id(n))),
        ("order", snapshot.order.contains(&id(n))),
        ("active", snapshot.active.as_ref() == Some(&target)),
        ("chains", snapshot.chains.contains_key(&id(n))),
        ("steps", snapshot.chains.values().flatten().any(|step| step.target == target)),
        ("pools", snapshot.pools.values().any(|pool| pool.members.contains(&id(n)))),
        ("spend rules", snapshot.spend_rules.contains_key(&id(n))),
        ("reserves", snapshot.kill_switch.accounts.contains_key(&id(n))),
        ("pins", session_pins.values().any(|pinned| *pinned == target)),
    ];
    places.into_iter().filter(|(_, there)| *there).map(|(place, _)| place).collect()
}

#[derive(Clone, Debug)]
enum Command {
    Add(u128),
    Remove(u128),
    RemovePool,
    Edit(Edit),
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let account = 1..5_u128;
    let target = prop_oneof![account.clone().prop_map(to_account), Just(to_pool())];
    let members = prop::collection::vec(account.clone().prop_map(id), 0..4);
    let steps = prop::collection::vec(target.clone().prop_map(step), 0..4);
    let rule = SpendRule { after: vec![], daily_limit_usd: 1.0, spent_today_usd: 0.0 };
    let edit = prop_oneof![
        members.prop_map(|members| Edit::Pool("p".to_owned(), Pool { strategy: PoolStrategy::Ordered, members })),
        target.clone().prop_map(|target| Edit::Active(Some(target))),
        (account.clone(), steps).prop_map(|(n, steps)| Edit::Chain(id(n), steps)),
        account.clone().prop_map(move |n| Edit::SpendRule(id(n), Some(rule.clone()))),
        target.prop_map(|target| Edit::PinSession(session("s"), Some(target))),
    ];
    let command = prop_oneof![
        3 => account.clone().prop_map(Command::Add),
        2 => account.prop_map(Command::Remove),
        1 => Just(Command::RemovePool),
        6 => edit.prop_map(Command::Edit),
    ];
    prop::collection::vec(command, 1..20)
}

pub(crate) async fn no_sequence_of_commands_leaves_a_dangling_mention(place: &impl Place) {
    let store = place.open().await;
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    for _ in 0..24 {
        let commands = commands().new_tree(&mut runner).unwrap().current();
        for command in &commands {
            // A command may be refused (its account is gone); it must never half happen.
            let _ = match command.clone() {
                Command::Add(n) => store.add_account(account(n), NOW).await,
                Command::Remove(n) => store.remove_account(id(n)).await.map(drop),
                Command::RemovePool => store.remove_pool("p").await.map(drop),
                Command::Edit(edit) => store.edit(vec![edit], NOW).await,
            };
            let herd = store.load(NOW).await.unwrap();
            for n in (1..5).filter(|n| !herd.snapshot.accounts.contains_key(&id(*n))) {
                assert_eq!(mentioned(&herd, n), Vec::<&str>::new(), "account {n} after {commands:?}");
            }
            if !herd.snapshot.pools.contains_key("p") {
                let named = herd.snapshot.active == Some(to_pool())
                    || herd.snapshot.chains.values().flatten().any(|step| step.target == to_pool())
                    || herd.session_pins.values().any(|pinned| *pinned == to_pool());
                assert!(!named, "the pool after {commands:?}");
            }
            assert!(herd.profiles.keys().eq(herd.snapshot.accounts.keys()));
            assert_eq!(herd.snapshot.order.len(), herd.snapshot.accounts.len());
        }
    }
}
