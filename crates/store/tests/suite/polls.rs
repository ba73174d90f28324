use remuda_core::poll::{PollEnd, PollState};
use remuda_core::{Vendor, Window};
use remuda_store::store::POLL_LEASE_S;
use remuda_store::{Batch, Credential, Login, PollClaim, Profile};
use std::sync::Arc;

use super::Place;
use super::make::*;

fn asked_at(at: i64) -> PollState {
    PollState::default().after(&PollEnd::Answered, at)
}

fn login(n: u32) -> Login {
    Login {
        credential: Credential::Oauth(pair(n)),
        kind: remuda_core::CredentialKind::Subscription,
        identity: None,
        profile: Profile::default(),
    }
}

pub(crate) async fn one_account_of_a_vendor_is_asked_about_at_a_time(place: &impl Place) {
    let (one, other) = (place.open().await, place.open().await);
    herd_of(&one, 2).await;
    let mut codex = account(3);
    codex.account.vendor = Vendor::OpenAi;
    one.add_account(codex, NOW).await.unwrap();
    assert_eq!(one.claim_poll(id(1), None, NOW).await.unwrap(), PollClaim::Granted(PollState::default()));
    for busy in [id(1), id(2)] {
        let claim = other.claim_poll(busy, None, NOW + 5).await.unwrap();
        assert_eq!(claim, PollClaim::Busy { until: NOW + POLL_LEASE_S });
    }
    assert!(matches!(other.claim_poll(id(3), None, NOW).await.unwrap(), PollClaim::Granted(_)), "of another vendor");
    one.end_poll(id(1), asked_at(NOW + 6)).await.unwrap();
    assert!(matches!(other.claim_poll(id(2), None, NOW + 6).await.unwrap(), PollClaim::Granted(_)));
    assert!(one.claim_poll(id(9), None, NOW).await.is_err(), "there is no such account");
}

pub(crate) async fn what_another_process_has_asked_is_not_asked_again(place: &impl Place) {
    let (one, other) = (place.open().await, place.open().await);
    herd_of(&one, 1).await;
    one.claim_poll(id(1), None, NOW).await.unwrap();
    one.end_poll(id(1), asked_at(NOW)).await.unwrap();
    let later = other.claim_poll(id(1), None, NOW + 60).await.unwrap();
    assert_eq!(later, PollClaim::Later(asked_at(NOW)), "it did not know that");
    assert!(matches!(other.claim_poll(id(1), Some(NOW), NOW + 60).await.unwrap(), PollClaim::Granted(_)));
    assert_eq!(other.load(NOW).await.unwrap().polls, [(id(1), asked_at(NOW))].into());
}

pub(crate) async fn a_back_off_holds_for_every_process(place: &impl Place) {
    let (one, other) = (place.open().await, place.open().await);
    herd_of(&one, 1).await;
    one.claim_poll(id(1), None, NOW).await.unwrap();
    let busy = PollEnd::Busy { retry_after_s: Some(120.0), why: "429".to_owned() };
    let state = PollState::default().after(&busy, NOW);
    one.end_poll(id(1), state.clone()).await.unwrap();
    assert_eq!(other.claim_poll(id(1), Some(NOW), NOW + 119).await.unwrap(), PollClaim::Later(state.clone()));
    assert_eq!(other.claim_poll(id(1), Some(NOW), NOW + 120).await.unwrap(), PollClaim::Granted(state));
}

pub(crate) async fn a_login_forgets_readings_and_polls(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 2).await;
    for n in [1, 2] {
        let readings = vec![(id(n), Window::FiveHour, reading(50.0, NOW + 1))];
        store.apply(Arc::new(Batch { readings, ..Batch::default() }), NOW + 1).await.unwrap();
        store.claim_poll(id(n), None, NOW).await.unwrap();
        store.end_poll(id(n), asked_at(NOW)).await.unwrap();
    }
    store.login(id(1), login(2), NOW + 10).await.unwrap();
    let herd = store.load(NOW).await.unwrap();
    assert!(herd.snapshot.accounts[&id(1)].readings.is_empty());
    assert_eq!(herd.snapshot.accounts[&id(2)].readings.len(), 1, "another account's stay");
    assert_eq!(herd.polls, [(id(2), asked_at(NOW))].into());
}

pub(crate) async fn what_was_found_out_before_a_login_is_dropped(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.claim_poll(id(1), None, NOW).await.unwrap();
    store.login(id(1), login(2), NOW + 10).await.unwrap();
    store.end_poll(id(1), asked_at(NOW + 11)).await.unwrap();
    let late = vec![(id(1), Window::FiveHour, reading(50.0, NOW + 9))];
    store.apply(Arc::new(Batch { readings: late, ..Batch::default() }), NOW + 11).await.unwrap();
    let herd = store.load(NOW).await.unwrap();
    assert!(herd.polls.is_empty() && herd.snapshot.accounts[&id(1)].readings.is_empty(), "another credential's");
    let own = vec![(id(1), Window::FiveHour, reading(50.0, NOW + 10))];
    store.apply(Arc::new(Batch { readings: own, ..Batch::default() }), NOW + 11).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap().snapshot.accounts[&id(1)].readings.len(), 1);
}

pub(crate) async fn an_abandoned_lease_ends_by_itself(place: &impl Place) {
    let (one, other) = (place.open().await, place.open().await);
    herd_of(&one, 1).await;
    one.claim_poll(id(1), None, NOW).await.unwrap();
    let claim = other.claim_poll(id(1), None, NOW + POLL_LEASE_S).await.unwrap();
    assert_eq!(claim, PollClaim::Granted(PollState::default()));
}
