use std::sync::Arc;
use std::time::Duration;

use remuda_core::{AccountStatus, CredentialKind, Vendor};
use remuda_store::{
    Backoff, Condemned, Credential, Edit, Intent, Login, Profile, RefreshEnd, RefreshState, Sentence, Store,
    StoreError, StoredCredential,
};

use super::Place;
use super::make::*;

fn condemned() -> RefreshEnd {
    RefreshEnd::Condemned { at: NOW + 1, sentence: Sentence::LoginNeeded, code: "invalid_grant".to_owned() }
}

fn backoff() -> Backoff {
    Backoff { until: NOW + 60, failures: 1 }
}

async fn status(store: &Arc<dyn Store>) -> AccountStatus {
    store.load(NOW).await.unwrap().snapshot.accounts[&id(1)].status
}

pub(crate) async fn an_intent_is_found_by_the_next_process(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    assert_eq!(store.refresh_state(id(1)).await.unwrap(), RefreshState::default());
    assert!(store.begin_refresh(id(1), 1, NOW).await.unwrap());
    let next = place.open().await;
    let intent = Some(Intent { generation: 1, since: NOW });
    assert_eq!(next.refresh_state(id(1)).await.unwrap(), RefreshState { intent, ..RefreshState::default() });
}

pub(crate) async fn an_intent_for_an_old_generation_is_refused(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.rotate(id(1), secret("rt1"), pair(2)).await.unwrap();
    assert!(!store.begin_refresh(id(1), 1, NOW).await.unwrap());
    assert_eq!(store.refresh_state(id(1)).await.unwrap(), RefreshState::default());
}

pub(crate) async fn a_new_pair_clears_intent_verdict_and_back_off(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.end_refresh(id(1), 1, condemned()).await.unwrap();
    store.end_refresh(id(1), 1, RefreshEnd::Backoff(backoff())).await.unwrap();
    store.begin_refresh(id(1), 1, NOW).await.unwrap();
    store.rotate(id(1), secret("rt1"), pair(2)).await.unwrap();
    assert_eq!(store.refresh_state(id(1)).await.unwrap(), RefreshState::default());
    assert_eq!(status(&store).await, AccountStatus::Ready);
}

pub(crate) async fn a_newer_secret_from_elsewhere_clears_them_too(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.end_refresh(id(1), 1, condemned()).await.unwrap();
    let newer = StoredCredential { credential: Credential::Oauth(pair(3)), generation: 3 };
    store.advance(id(1), newer).await.unwrap();
    assert_eq!(store.refresh_state(id(1)).await.unwrap(), RefreshState::default());
    assert_eq!(status(&store).await, AccountStatus::Ready);
}

pub(crate) async fn a_login_clears_verdict_and_back_off(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.end_refresh(id(1), 1, condemned()).await.unwrap();
    store.end_refresh(id(1), 1, RefreshEnd::Backoff(backoff())).await.unwrap();
    let login = Login {
        credential: Credential::Oauth(pair(3)),
        kind: CredentialKind::Subscription,
        identity: None,
        profile: Profile::default(),
    };
    store.login(id(1), login, NOW).await.unwrap();
    assert_eq!(store.refresh_state(id(1)).await.unwrap(), RefreshState::default());
    assert_eq!(status(&store).await, AccountStatus::Ready);
}

pub(crate) async fn a_verdict_asks_for_a_login(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.begin_refresh(id(1), 1, NOW).await.unwrap();
    assert!(store.end_refresh(id(1), 1, condemned()).await.unwrap());
    let verdict =
        Condemned { generation: 1, at: NOW + 1, sentence: Sentence::LoginNeeded, code: "invalid_grant".to_owned() };
    let state = RefreshState { condemned: Some(verdict), ..RefreshState::default() };
    assert_eq!(store.refresh_state(id(1)).await.unwrap(), state);
    assert_eq!(status(&store).await, AccountStatus::NeedsLogin);
}

pub(crate) async fn a_verdict_that_the_account_is_closed_disables_it(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.end_refresh(id(1), 1, condemned()).await.unwrap();
    let code = "account_deactivated".to_owned();
    let closed = RefreshEnd::Condemned { at: NOW + 2, sentence: Sentence::AccountClosed, code: code.clone() };
    store.end_refresh(id(1), 1, closed).await.unwrap();
    let expected = Condemned { generation: 1, at: NOW + 2, sentence: Sentence::AccountClosed, code };
    assert_eq!(store.refresh_state(id(1)).await.unwrap().condemned, Some(expected));
    assert_eq!(status(&store).await, AccountStatus::Disabled);
    store.end_refresh(id(1), 1, condemned()).await.unwrap();
    assert_eq!(status(&store).await, AccountStatus::Disabled, "a login would not help");
}

pub(crate) async fn a_verdict_on_an_old_generation_concerns_nobody(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.rotate(id(1), secret("rt1"), pair(2)).await.unwrap();
    assert!(!store.end_refresh(id(1), 1, condemned()).await.unwrap());
    assert_eq!(store.refresh_state(id(1)).await.unwrap(), RefreshState::default());
    assert_eq!(status(&store).await, AccountStatus::Ready);
}

pub(crate) async fn a_verdict_deletes_no_credential(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.end_refresh(id(1), 1, condemned()).await.unwrap();
    assert_eq!(stored(&store, 1).await, "at1 rt1 generation 1");
}

pub(crate) async fn a_verdict_leaves_a_paused_account_paused(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.edit(vec![Edit::Status(id(1), AccountStatus::Paused)], NOW).await.unwrap();
    store.end_refresh(id(1), 1, condemned()).await.unwrap();
    assert_eq!(status(&store).await, AccountStatus::Paused);
    assert!(store.refresh_state(id(1)).await.unwrap().condemned.is_some());
}

pub(crate) async fn a_back_off_is_kept_and_ended(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.begin_refresh(id(1), 1, NOW).await.unwrap();
    store.end_refresh(id(1), 1, RefreshEnd::Backoff(backoff())).await.unwrap();
    let state = RefreshState { backoff: Some(backoff()), ..RefreshState::default() };
    assert_eq!(place.open().await.refresh_state(id(1)).await.unwrap(), state);
    store.rotate(id(1), secret("rt1"), pair(2)).await.unwrap();
    assert_eq!(store.refresh_state(id(1)).await.unwrap().backoff, None);
}

pub(crate) async fn a_withdrawn_intent_is_gone(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.begin_refresh(id(1), 1, NOW).await.unwrap();
    store.end_refresh(id(1), 1, RefreshEnd::Withdrawn).await.unwrap();
    assert_eq!(store.refresh_state(id(1)).await.unwrap(), RefreshState::default());
}

pub(crate) async fn the_lock_excludes_and_is_given_back(place: &impl Place) {
    let (one, other) = (place.open().await, place.open().await);
    let held = one.refresh_lock(Vendor::Anthropic, Duration::ZERO).await.unwrap();
    for store in [&one, &other] {
        let refused = store.refresh_lock(Vendor::Anthropic, Duration::from_millis(20)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Busy { .. }), "{refused}");
    }
    let waiting = other.refresh_lock(Vendor::Anthropic, Duration::from_secs(20));
    let giving_back = async { drop(held) };
    let (taken, ()) = tokio::join!(waiting, giving_back);
    drop(taken.unwrap());
    drop(one.refresh_lock(Vendor::Anthropic, Duration::ZERO).await.unwrap());
}

pub(crate) async fn vendors_do_not_wait_for_each_other(place: &impl Place) {
    let store = place.open().await;
    let _held = store.refresh_lock(Vendor::Anthropic, Duration::ZERO).await.unwrap();
    let _also = store.refresh_lock(Vendor::OpenAi, Duration::ZERO).await.unwrap();
}
