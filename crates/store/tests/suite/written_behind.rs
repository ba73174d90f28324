use std::sync::Arc;

use remuda_core::request::Home;
use remuda_core::route::StateChange;
use remuda_core::snapshot::{Pool, SpendRule};
use remuda_core::{Account, AccountStatus, Reading, ReadingSource, UnixSeconds, Window};
use remuda_store::store::{MAX_SESSIONS, ORIGIN_AGE_S, SESSION_AGE_S};
use remuda_store::{Batch, Edit, Mark, Origin, SessionBinding, Store};

use super::Place;
use super::make::*;

async fn learn(store: &Arc<dyn Store>, changes: Vec<StateChange>, now: UnixSeconds) {
    store.apply(Arc::new(Batch { changes, ..Batch::default() }), now).await.unwrap();
}

async fn loaded(store: &Arc<dyn Store>, n: u128) -> Account {
    store.load(NOW).await.unwrap().snapshot.accounts.remove(&id(n)).unwrap()
}

pub(crate) async fn findings_come_back(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 2).await;
    let changes = vec![
        StateChange::Cooling(id(1), Some(cooldown(NOW + 60))),
        StateChange::ModelCooling(id(1), "opus".to_owned(), Some(cooldown(NOW + 90))),
        StateChange::ModelCooling(id(1), "haiku".to_owned(), Some(cooldown(NOW + 95))),
        StateChange::Status(id(2), AccountStatus::Disabled),
    ];
    let readings = vec![
        (id(1), Window::FiveHour, reading(40.5, NOW)),
        (id(1), Window::Model("opus".to_owned()), reading(1.0, NOW)),
    ];
    store.apply(Arc::new(Batch { changes, readings: readings.clone(), ..Batch::default() }), NOW).await.unwrap();

    let account = loaded(&store, 1).await;
    assert_eq!(account.cooling, Some(cooldown(NOW + 60)));
    let resting = [("haiku".to_owned(), cooldown(NOW + 95)), ("opus".to_owned(), cooldown(NOW + 90))];
    assert_eq!(account.model_cooling, resting.into());
    assert_eq!(account.readings, readings.into_iter().map(|(_, window, reading)| (window, reading)).collect());
    assert_eq!(loaded(&store, 2).await.status, AccountStatus::Disabled);

    learn(
        &store,
        vec![StateChange::Cooling(id(1), None), StateChange::ModelCooling(id(1), "opus".to_owned(), None)],
        NOW,
    )
    .await;
    let account = loaded(&store, 1).await;
    assert_eq!(account.cooling, None);
    assert_eq!(account.model_cooling, [("haiku".to_owned(), cooldown(NOW + 95))].into());
}

pub(crate) async fn a_rest_that_is_over_is_still_known(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    learn(&store, vec![StateChange::Cooling(id(1), Some(cooldown(NOW - 5)))], NOW).await;
    assert_eq!(loaded(&store, 1).await.cooling, Some(cooldown(NOW - 5)), "its end may need a probe");
}

pub(crate) async fn a_finding_never_wakes_what_its_owner_paused(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.edit(vec![Edit::Status(id(1), AccountStatus::Paused)], NOW).await.unwrap();
    for status in [AccountStatus::Ready, AccountStatus::NeedsLogin] {
        learn(&store, vec![StateChange::Status(id(1), status)], NOW).await;
        assert_eq!(loaded(&store, 1).await.status, AccountStatus::Paused);
    }
}

pub(crate) async fn what_concerns_a_removed_account_is_dropped(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 2).await;
    store.remove_account(id(1)).await.unwrap();
    let changes = vec![
        StateChange::Cooling(id(1), Some(cooldown(NOW))),
        StateChange::ModelCooling(id(1), "m".to_owned(), Some(cooldown(NOW))),
        StateChange::Status(id(1), AccountStatus::Ready),
        StateChange::Bind(session("s1"), home(1)),
        StateChange::Bind(session("s2"), home(2)),
    ];
    let batch = Batch {
        changes,
        readings: vec![(id(1), Window::FiveHour, reading(1.0, NOW))],
        touched: vec![(session("s1"), NOW)],
        spent: vec![(id(1), NOW, 1.0)],
        keys_used: vec![],
        origins: vec![Origin { mark: Mark([1; 16]), account: id(1), at: NOW }],
    };
    store.apply(Arc::new(batch), NOW).await.unwrap();
    let homes = [SessionBinding { session: session("s2"), home: home(2), touched_at: NOW }];
    assert_eq!(store.sessions(NOW).await.unwrap(), homes);
    assert_eq!(store.origins(NOW).await.unwrap(), []);
}

pub(crate) async fn an_older_reading_does_not_replace_a_newer(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    for (percent, at) in [(50.0, NOW), (10.0, NOW - 1), (55.0, NOW)] {
        let readings = vec![(id(1), Window::FiveHour, reading(percent, at))];
        store.apply(Arc::new(Batch { readings, ..Batch::default() }), NOW).await.unwrap();
    }
    assert_eq!(loaded(&store, 1).await.readings, [(Window::FiveHour, reading(55.0, NOW))].into());
}

pub(crate) async fn of_two_readings_of_one_second_the_usage_endpoint_counts(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let from = |source, percent| Reading { source, ..reading(percent, NOW) };
    for next in [from(ReadingSource::Headers, 1.0), from(ReadingSource::Usage, 2.0), from(ReadingSource::Headers, 3.0)]
    {
        let readings = vec![(id(1), Window::FiveHour, next)];
        store.apply(Arc::new(Batch { readings, ..Batch::default() }), NOW).await.unwrap();
    }
    assert_eq!(loaded(&store, 1).await.readings, [(Window::FiveHour, from(ReadingSource::Usage, 2.0))].into());
}

pub(crate) async fn a_reading_that_is_no_number_is_no_reading(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let readings =
        vec![(id(1), Window::FiveHour, reading(f64::NAN, NOW)), (id(1), Window::SevenDay, reading(7.0, NOW))];
    let spent = vec![(id(1), NOW, f64::NAN), (id(1), NOW, -3.0)];
    store.apply(Arc::new(Batch { readings, spent, ..Batch::default() }), NOW).await.unwrap();
    assert_eq!(loaded(&store, 1).await.readings, [(Window::SevenDay, reading(7.0, NOW))].into());
}

pub(crate) async fn readings_and_resting_models_have_bounds(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let count = Account::MAX_MODEL_COOLDOWNS + 10;
    let changes = (0..count)
        .map(|n| StateChange::ModelCooling(id(1), format!("m{n}"), Some(cooldown(NOW + i64::try_from(n).unwrap()))));
    let readings = (0..count).map(|n| {
        let at = NOW + i64::try_from(n).unwrap();
        (id(1), Window::Model(format!("m{n}")), reading(1.0, at))
    });
    let batch = Batch { changes: changes.collect(), readings: readings.collect(), ..Batch::default() };
    store.apply(Arc::new(batch), NOW).await.unwrap();
    let account = loaded(&store, 1).await;
    assert_eq!(account.model_cooling.len(), Account::MAX_MODEL_COOLDOWNS);
    assert!(account.model_cooling.contains_key(&format!("m{}", count - 1)), "the longest rest stays");
    assert_eq!(account.readings.len(), Account::MAX_READINGS);
    assert!(account.readings.contains_key(&Window::Model(format!("m{}", count - 1))), "the newest reading stays");
}

pub(crate) async fn spending_is_added_up_by_utc_day(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let midnight = NOW - NOW % 86_400;
    let spent = vec![
        (id(1), midnight - 1, 100.0),
        (id(1), midnight, 1.0),
        (id(1), midnight + 86_399, 0.5),
        (id(1), midnight + 86_400, 7.0),
    ];
    let batch = Arc::new(Batch { spent, ..Batch::default() });
    store.apply(batch, NOW).await.unwrap();
    let rule = |daily_limit_usd| SpendRule { after: vec![], daily_limit_usd, spent_today_usd: 0.0 };
    for limit in [5.0, 6.0] {
        store.edit(vec![Edit::SpendRule(id(1), Some(rule(limit)))], NOW).await.unwrap();
        for (now, expected) in
            [(midnight - 1, 100.0), (midnight, 1.5), (midnight + 86_399, 1.5), (midnight + 86_400, 7.0)]
        {
            let rules = store.load(now).await.unwrap().snapshot.spend_rules;
            assert_eq!(rules[&id(1)], SpendRule { spent_today_usd: expected, ..rule(limit) });
        }
    }
}

fn homes(bindings: &[SessionBinding]) -> Vec<(&str, UnixSeconds)> {
    bindings.iter().map(|binding| (binding.session.0.as_str(), binding.touched_at)).collect()
}

pub(crate) async fn a_session_has_the_home_it_was_given_last(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 2).await;
    learn(&store, vec![StateChange::Bind(session("s"), home(1))], NOW).await;
    learn(&store, vec![StateChange::Bind(session("s"), home(2))], NOW + 1).await;
    let expected = [SessionBinding { session: session("s"), home: home(2), touched_at: NOW + 1 }];
    assert_eq!(store.sessions(NOW).await.unwrap(), expected);
}

pub(crate) async fn sessions_unseen_for_thirty_days_have_no_home(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let bind = |name: &str| StateChange::Bind(session(name), home(1));
    learn(&store, vec![bind("old"), bind("seen")], NOW).await;
    let touched = vec![(session("seen"), NOW + SESSION_AGE_S)];
    store.apply(Arc::new(Batch { touched, ..Batch::default() }), NOW).await.unwrap();
    let later = NOW + SESSION_AGE_S + 1;
    assert_eq!(homes(&store.sessions(later).await.unwrap()), [("seen", NOW + SESSION_AGE_S)]);
    learn(&store, vec![bind("new")], later).await;
    assert_eq!(store.sessions(NOW).await.unwrap().len(), 2, "the old one is not kept either");
}

pub(crate) async fn sessions_are_listed_by_when_they_were_seen(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        let at = NOW + i64::try_from(n).unwrap();
        learn(&store, vec![StateChange::Bind(session(name), home(1))], at).await;
    }
    let touched = vec![(session("a"), NOW + 9), (session("c"), NOW - 9), (session("unbound"), NOW)];
    store.apply(Arc::new(Batch { touched, ..Batch::default() }), NOW).await.unwrap();
    assert_eq!(homes(&store.sessions(NOW).await.unwrap()), [("a", NOW + 9), ("c", NOW + 2), ("b", NOW + 1)]);
}

pub(crate) async fn the_session_unseen_for_longest_gives_way(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let bind = |n: usize| StateChange::Bind(session(&format!("s{n}")), home(1));
    learn(&store, vec![bind(0)], NOW - 1).await;
    learn(&store, (1..=MAX_SESSIONS).map(bind).collect(), NOW).await;
    let kept = store.sessions(NOW).await.unwrap();
    assert_eq!(kept.len(), MAX_SESSIONS);
    assert!(kept.iter().all(|binding| binding.session != session("s0")));
}

pub(crate) async fn a_session_remembers_the_pool_that_placed_it_while_there_is_one(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.edit(vec![Edit::Pool("p".to_owned(), Pool { members: vec![id(1)], ..Pool::default() })], NOW).await.unwrap();
    let placed = |pool: &str| Home { pool: Some(pool.to_owned()), ..home(1) };
    let bind = |name: &str, pool: &str| StateChange::Bind(session(name), placed(pool));
    learn(&store, vec![bind("b", "removed meanwhile"), bind("a", "p")], NOW).await;
    let pools = async || {
        let mut bindings = store.sessions(NOW).await.unwrap();
        bindings.sort_by(|a, b| a.session.cmp(&b.session));
        bindings.into_iter().map(|binding| binding.home).collect::<Vec<_>>()
    };
    assert_eq!(pools().await, [placed("p"), home(1)]);
    store.remove_pool("p").await.unwrap();
    assert_eq!(pools().await, [home(1), home(1)]);
}

pub(crate) async fn homes_can_be_forgotten(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    learn(&store, vec![StateChange::Bind(session("s"), home(1))], NOW).await;
    assert_eq!(store.forget_sessions().await.unwrap(), 1);
    assert!(store.sessions(NOW).await.unwrap().is_empty());
}

pub(crate) async fn who_gave_out_what_is_known_for_thirty_days(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 2).await;
    let origin = |mark: u8, account, at| Origin { mark: Mark([mark; 16]), account: id(account), at };
    let origins =
        vec![origin(1, 1, NOW - ORIGIN_AGE_S - 1), origin(2, 1, NOW - 5), origin(3, 2, NOW), origin(4, 404, NOW)];
    store.apply(Arc::new(Batch { origins, ..Batch::default() }), NOW).await.unwrap();
    assert_eq!(store.origins(NOW).await.unwrap(), [origin(3, 2, NOW), origin(2, 1, NOW - 5)]);

    let moved = vec![origin(2, 2, NOW + 1)];
    store.apply(Arc::new(Batch { origins: moved, ..Batch::default() }), NOW + 1).await.unwrap();
    assert_eq!(store.origins(NOW + 1).await.unwrap(), [origin(2, 2, NOW + 1), origin(3, 2, NOW)]);
    store.remove_account(id(2)).await.unwrap();
    assert_eq!(store.origins(NOW + 1).await.unwrap(), []);
}
