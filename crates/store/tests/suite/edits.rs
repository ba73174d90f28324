use remuda_core::snapshot::{ChainStep, KillSwitch, Minimum, Pool, SpendRule, Strategy, Target, UnknownQuota};
use remuda_core::{AccountId, AccountStatus, Class, CostClass, Host, Protocol, SessionKey, Window};
use remuda_store::store::{MAX_CHAIN, MAX_POOLS, MAX_SESSION_PINS};
use remuda_store::{Acknowledgement, AuthHeader, Edit, Endpoint, StoreError};

use super::Place;
use super::make::*;

fn step(n: u128) -> ChainStep {
    ChainStep { target: Target::Account(id(n)), model: None }
}

fn pool(members: &[u128]) -> Pool {
    Pool { strategy: Strategy::Ordered, members: members.iter().map(|n| id(*n)).collect() }
}

pub(crate) async fn every_edit_comes_back(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 3).await;
    let to_pool = ChainStep { target: Target::Pool("spare".to_owned()), model: Some("gpt-x".to_owned()) };
    let rule = SpendRule { after: vec![Class::WindowExhausted], daily_limit_usd: 2.5, spent_today_usd: 99.0 };
    let switch = KillSwitch {
        enabled: true,
        everyone: [(Window::FiveHour, 5.0)].into(),
        accounts: [(id(2), [(Window::SevenDay, 20.0)].into())].into(),
    };
    let minimum = Minimum { everyone: [(Window::FiveHour, 8.0)].into(), unknown: UnknownQuota::Open };
    let acknowledged = Acknowledgement { text_version: "v1".to_owned(), at: NOW };
    let elsewhere = Endpoint {
        bases: [(Protocol::Messages, "https://example.test".to_owned())].into(),
        auth_header: AuthHeader::XApiKey,
        models: [(Endpoint::ANY_MODEL.to_owned(), "own-x".to_owned())].into(),
        ..Endpoint::default()
    };
    store
        .edit(
            vec![
                Edit::Rename(id(1), label("work")),
                Edit::Status(id(1), AccountStatus::Paused),
                Edit::Cost(id(1), CostClass::Metered),
                Edit::MinRemaining(id(1), [(Window::Other(60), 10.0)].into()),
                Edit::UnknownQuota(id(1), Some(UnknownQuota::Open)),
                Edit::Minimum(minimum.clone()),
                Edit::Endpoint(id(1), elsewhere.clone()),
                Edit::Terms(id(1), acknowledged.clone()),
                Edit::Grant(id(1), grant(Host::Pi, NOW)),
                Edit::Grant(id(1), grant(Host::Codex, NOW)),
                Edit::Revoke(id(1), Host::Pi),
                Edit::Pool("spare".to_owned(), pool(&[3, 2])),
                Edit::Active(Some(Target::Pool("spare".to_owned()))),
                Edit::Chain(id(1), vec![step(3), to_pool.clone(), step(2)]),
                Edit::SpendRule(id(1), Some(rule.clone())),
                Edit::KillSwitch(switch.clone()),
                Edit::PinSession(session("s"), Some(Target::Account(id(2)))),
            ],
            NOW,
        )
        .await
        .unwrap();

    let herd = store.load(NOW).await.unwrap();
    let account = &herd.snapshot.accounts[&id(1)];
    assert_eq!(account.label.as_str(), "work");
    assert_eq!(account.status, AccountStatus::Paused);
    assert_eq!(account.cost, CostClass::Metered);
    assert_eq!(account.min_remaining, [(Window::Other(60), 10.0)].into());
    assert_eq!(account.speaks, Protocol::Messages.into());
    assert_eq!(account.allowed_hosts, [Host::Codex]);
    let profile = &herd.profiles[&id(1)];
    assert_eq!(profile.endpoint, elsewhere);
    assert_eq!(profile.terms, Some(acknowledged));
    assert_eq!(profile.grants, [grant(Host::Codex, NOW)]);
    assert_eq!(herd.snapshot.pools, [("spare".to_owned(), pool(&[3, 2]))].into());
    assert_eq!(herd.snapshot.active, Some(Target::Pool("spare".to_owned())));
    assert_eq!(herd.snapshot.chains, [(id(1), vec![step(3), to_pool, step(2)])].into());
    assert_eq!(herd.snapshot.spend_rules, [(id(1), SpendRule { spent_today_usd: 0.0, ..rule })].into());
    assert_eq!(herd.snapshot.kill_switch, switch);
    assert_eq!(herd.snapshot.minimum, minimum);
    assert_eq!(account.unknown_quota, Some(UnknownQuota::Open));
    assert_eq!(herd.session_pins, [(session("s"), Target::Account(id(2)))].into());

    store
        .edit(vec![Edit::Active(None), Edit::SpendRule(id(1), None), Edit::KillSwitch(KillSwitch::default())], NOW)
        .await
        .unwrap();
    let herd = store.load(NOW).await.unwrap();
    assert_eq!(herd.snapshot.active, None);
    assert!(herd.snapshot.spend_rules.is_empty());
    assert_eq!(herd.snapshot.kill_switch, KillSwitch::default());
}

pub(crate) async fn edits_are_made_all_or_none(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 2).await;
    let before = store.load(NOW).await.unwrap();
    let edits =
        vec![Edit::Rename(id(1), label("new")), Edit::Chain(id(1), vec![step(2)]), Edit::Active(Some(unknown()))];
    store.edit(edits, NOW).await.unwrap_err();
    assert_eq!(store.load(NOW).await.unwrap(), before);
}

fn unknown() -> Target {
    Target::Account(id(404))
}

pub(crate) async fn what_an_edit_names_must_be_there(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let to_unknown = ChainStep { target: unknown(), model: None };
    let no_pool = Target::Pool("none".to_owned());
    let rule = SpendRule { after: vec![], daily_limit_usd: 1.0, spent_today_usd: 0.0 };
    let switch = KillSwitch { accounts: [(id(404), [].into())].into(), ..KillSwitch::default() };
    for edit in [
        Edit::Rename(id(404), label("x")),
        Edit::Status(id(404), AccountStatus::Ready),
        Edit::Cost(id(404), CostClass::Free),
        Edit::MinRemaining(id(404), [].into()),
        Edit::Endpoint(id(404), Endpoint::default()),
        Edit::Grant(id(404), grant(Host::Pi, NOW)),
        Edit::Revoke(id(404), Host::Pi),
        Edit::Order(vec![id(404)]),
        Edit::Active(Some(unknown())),
        Edit::Chain(id(404), vec![step(1)]),
        Edit::Chain(id(1), vec![to_unknown]),
        Edit::Pool("p".to_owned(), pool(&[404])),
        Edit::SpendRule(id(404), Some(rule)),
        Edit::KillSwitch(switch),
        Edit::PinSession(session("s"), Some(unknown())),
    ] {
        let refused = store.edit(vec![edit.clone()], NOW).await.unwrap_err();
        assert!(matches!(refused, StoreError::UnknownAccount(AccountId(_))), "{edit:?}: {refused}");
    }
    let refused = store.edit(vec![Edit::Active(Some(no_pool))], NOW).await.unwrap_err();
    assert!(matches!(&refused, StoreError::UnknownPool(name) if name == "none"), "{refused}");
}

pub(crate) async fn renaming_to_a_taken_label_is_refused_and_changing_its_case_is_not(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 2).await;
    let refused = store.edit(vec![Edit::Rename(id(1), label("ACCOUNT 2"))], NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::LabelTaken { .. }), "{refused}");
    store.edit(vec![Edit::Rename(id(1), label("ACCOUNT 1"))], NOW).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap().snapshot.accounts[&id(1)].label.as_str(), "ACCOUNT 1");
    store.edit(vec![Edit::Rename(id(1), label("x")), Edit::Rename(id(2), label("account 1"))], NOW).await.unwrap();
}

pub(crate) async fn order_takes_the_rest_along(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 4).await;
    store.edit(vec![Edit::Order(vec![id(3), id(1), id(3)])], NOW).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap().snapshot.order, [id(3), id(1), id(2), id(4)]);
    store.add_account(account(5), NOW).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap().snapshot.order, [id(3), id(1), id(2), id(4), id(5)]);
}

pub(crate) async fn an_empty_chain_is_no_chain(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 2).await;
    store.edit(vec![Edit::Chain(id(1), vec![step(2)])], NOW).await.unwrap();
    store.edit(vec![Edit::Chain(id(1), vec![])], NOW).await.unwrap();
    assert!(store.load(NOW).await.unwrap().snapshot.chains.is_empty());
}

pub(crate) async fn a_pool_names_each_member_once(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 3).await;
    store.edit(vec![Edit::Pool("p".to_owned(), pool(&[3, 1, 3]))], NOW).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap().snapshot.pools["p"], pool(&[3, 1]));
    store.edit(vec![Edit::Pool("p".to_owned(), pool(&[2]))], NOW).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap().snapshot.pools["p"], pool(&[2]));
}

pub(crate) async fn numbers_that_are_none_are_refused(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    for number in [f64::NAN, f64::INFINITY, -1.0] {
        let rule = SpendRule { after: vec![], daily_limit_usd: number, spent_today_usd: 0.0 };
        let switch = KillSwitch { everyone: [(Window::FiveHour, number)].into(), ..KillSwitch::default() };
        for edit in [
            Edit::MinRemaining(id(1), [(Window::FiveHour, number)].into()),
            Edit::SpendRule(id(1), Some(rule)),
            Edit::KillSwitch(switch),
        ] {
            let refused = store.edit(vec![edit.clone()], NOW).await.unwrap_err();
            assert!(matches!(refused, StoreError::Invalid(_)), "{edit:?}: {refused}");
        }
        let mut new = account(2);
        new.account.min_remaining = [(Window::FiveHour, number)].into();
        assert!(matches!(store.add_account(new, NOW).await, Err(StoreError::Invalid(_))));
    }
}

pub(crate) async fn granting_twice_keeps_the_newer_grant(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    for at in [NOW, NOW + 9] {
        store.edit(vec![Edit::Grant(id(1), grant(Host::Pi, at))], NOW).await.unwrap();
    }
    assert_eq!(store.load(NOW).await.unwrap().profiles[&id(1)].grants, [grant(Host::Pi, NOW + 9)]);
}

pub(crate) async fn session_pins_can_be_let_go_one_by_one_and_all(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let pin = |name: &str| Edit::PinSession(session(name), Some(Target::Account(id(1))));
    store.edit(vec![pin("a"), pin("b"), pin("c")], NOW).await.unwrap();
    store.edit(vec![Edit::PinSession(session("b"), None)], NOW).await.unwrap();
    let pinned: Vec<SessionKey> = store.load(NOW).await.unwrap().session_pins.into_keys().collect();
    assert_eq!(pinned, [session("a"), session("c")]);
    store.edit(vec![Edit::UnpinSessions], NOW).await.unwrap();
    assert!(store.load(NOW).await.unwrap().session_pins.is_empty());
}

pub(crate) async fn the_oldest_session_pin_gives_way(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let pin = |n: usize| Edit::PinSession(session(&format!("s{n}")), Some(Target::Account(id(1))));
    store.edit(vec![pin(0)], NOW - 1).await.unwrap();
    store.edit((1..=MAX_SESSION_PINS).map(pin).collect(), NOW).await.unwrap();
    let pins = store.load(NOW).await.unwrap().session_pins;
    assert_eq!(pins.len(), MAX_SESSION_PINS);
    assert!(!pins.contains_key(&session("s0")));
}

pub(crate) async fn chains_and_pools_have_bounds(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let long = Edit::Chain(id(1), vec![step(1); MAX_CHAIN + 1]);
    let many = (0..=MAX_POOLS).map(|n| Edit::Pool(format!("p{n}"), pool(&[]))).collect();
    let nameless = Edit::Pool(String::new(), pool(&[]));
    assert!(matches!(store.edit(vec![long], NOW).await, Err(StoreError::LimitReached { .. })));
    assert!(matches!(store.edit(many, NOW).await, Err(StoreError::LimitReached { .. })));
    assert!(matches!(store.edit(vec![nameless], NOW).await, Err(StoreError::Invalid(_))));
}
