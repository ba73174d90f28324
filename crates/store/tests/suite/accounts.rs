use remuda_core::{AccountStatus, CredentialKind, Host, Identity, Vendor};
use remuda_store::{Credential, Edit, Herd, Login, Profile, StoreError};

use super::Place;
use super::make::*;

pub(crate) async fn a_new_store_is_empty(place: &impl Place) {
    let store = place.open().await;
    assert_eq!(store.load(NOW).await.unwrap(), Herd::default());
    assert!(store.sessions(NOW).await.unwrap().is_empty());
    assert!(store.client_keys().await.unwrap().is_empty());
    assert!(store.records(remuda_store::RecordQuery::default()).await.unwrap().records.is_empty());
}

pub(crate) async fn an_account_comes_back_as_it_was_added(place: &impl Place) {
    let store = place.open().await;
    let new = full_account(1);
    store.add_account(new.clone(), NOW).await.unwrap();
    let herd = store.load(NOW).await.unwrap();
    let mut expected = new.account;
    expected.allowed_hosts = vec![Host::Pi];
    assert_eq!(herd.snapshot.accounts.get(&id(1)), Some(&expected));
    let expected = Profile { added_at: NOW, last_login_at: NOW, ..new.profile };
    assert_eq!(herd.profiles.get(&id(1)), Some(&expected));
    assert_eq!(herd.snapshot.order, [id(1)]);
}

pub(crate) async fn the_store_sets_the_times_of_a_profile(place: &impl Place) {
    let store = place.open().await;
    let mut new = account(1);
    new.profile.added_at = 7;
    new.profile.last_login_at = 8;
    store.add_account(new, NOW).await.unwrap();
    let profile = store.load(NOW).await.unwrap().profiles.remove(&id(1)).unwrap();
    assert_eq!((profile.added_at, profile.last_login_at), (NOW, NOW));
}

pub(crate) async fn allowed_hosts_are_those_that_were_granted(place: &impl Place) {
    let store = place.open().await;
    let mut new = account(1);
    new.account.allowed_hosts = vec![Host::Codex];
    new.profile.grants = vec![grant(Host::OpenCode, NOW)];
    store.add_account(new, NOW).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap().snapshot.accounts[&id(1)].allowed_hosts, [Host::OpenCode]);
}

pub(crate) async fn a_label_is_refused_in_any_case_with_the_label_that_holds_it(place: &impl Place) {
    let store = place.open().await;
    let mut first = account(1);
    first.account.label = label("Ärger");
    store.add_account(first, NOW).await.unwrap();
    let mut second = account(2);
    second.account.label = label("äRGER");
    let refused = store.add_account(second, NOW).await.unwrap_err();
    assert!(matches!(&refused, StoreError::LabelTaken { label } if label.as_str() == "Ärger"), "{refused}");
}

pub(crate) async fn an_identity_is_refused_with_the_label_that_holds_it(place: &impl Place) {
    let store = place.open().await;
    store.add_account(full_account(1), NOW).await.unwrap();
    let mut second = full_account(2);
    second.account.identity = full_account(1).account.identity;
    let refused = store.add_account(second, NOW).await.unwrap_err();
    assert!(matches!(&refused, StoreError::IdentityTaken { label } if label.as_str() == "account 1"), "{refused}");
}

pub(crate) async fn one_identity_at_two_vendors_is_two_accounts(place: &impl Place) {
    let store = place.open().await;
    store.add_account(full_account(1), NOW).await.unwrap();
    let mut second = full_account(2);
    second.account.identity = full_account(1).account.identity;
    second.account.vendor = Vendor::OpenAi;
    store.add_account(second, NOW).await.unwrap();
}

pub(crate) async fn a_refused_account_leaves_nothing_behind(place: &impl Place) {
    let store = place.open().await;
    store.add_account(account(1), NOW).await.unwrap();
    let before = store.load(NOW).await.unwrap();
    let mut second = account(2);
    second.account.label = label("account 1");
    store.add_account(second, NOW).await.unwrap_err();
    assert_eq!(store.load(NOW).await.unwrap(), before);
    assert!(matches!(store.credential(id(2)).await, Err(StoreError::UnknownAccount(_))));
}

fn another_login(identity: Option<&str>) -> Login {
    Login {
        credential: Credential::Key { key: secret("sk-new") },
        kind: CredentialKind::ApiKey,
        identity: identity.map(|text| Identity(text.to_owned())),
        profile: Profile { plan: Some("team".to_owned()), ..Profile::default() },
    }
}

pub(crate) async fn logging_in_again_updates_in_place_and_keeps_what_the_owner_said(place: &impl Place) {
    let store = place.open().await;
    let new = full_account(1);
    store.add_account(new.clone(), NOW).await.unwrap();
    assert_eq!(store.login(id(1), another_login(Some("somebody")), NOW + 50).await.unwrap(), 2);

    let herd = store.load(NOW).await.unwrap();
    let account = &herd.snapshot.accounts[&id(1)];
    assert_eq!(account.label, new.account.label);
    assert_eq!(account.min_remaining, new.account.min_remaining);
    assert_eq!(account.kind, CredentialKind::ApiKey);
    assert_eq!(account.identity, Some(Identity("somebody".to_owned())));
    let expected = Profile {
        plan: Some("team".to_owned()),
        added_at: NOW,
        last_login_at: NOW + 50,
        terms: new.profile.terms,
        grants: new.profile.grants,
        ..Profile::default()
    };
    assert_eq!(herd.profiles[&id(1)], expected);
    assert_eq!(stored(&store, 1).await, "key sk-new generation 2");
}

pub(crate) async fn logging_in_again_as_somebody_else_who_is_here_is_refused(place: &impl Place) {
    let store = place.open().await;
    store.add_account(full_account(1), NOW).await.unwrap();
    store.add_account(full_account(2), NOW).await.unwrap();
    let refused = store.login(id(1), another_login(Some("person 2 at org")), NOW).await.unwrap_err();
    assert!(matches!(&refused, StoreError::IdentityTaken { label } if label.as_str() == "account 2"), "{refused}");
    assert_eq!(stored(&store, 1).await, "at1 rt1 generation 1");
}

pub(crate) async fn a_login_wakes_the_disabled_and_leaves_the_paused_alone(place: &impl Place) {
    let store = place.open().await;
    for (n, before, after) in [
        (1, AccountStatus::NeedsLogin, AccountStatus::Ready),
        (2, AccountStatus::Disabled, AccountStatus::Ready),
        (3, AccountStatus::Paused, AccountStatus::Paused),
    ] {
        store.add_account(account(n), NOW).await.unwrap();
        store.edit(vec![Edit::Status(id(n), before)], NOW).await.unwrap();
        store.login(id(n), another_login(None), NOW).await.unwrap();
        assert_eq!(store.load(NOW).await.unwrap().snapshot.accounts[&id(n)].status, after, "{before:?}");
    }
}

pub(crate) async fn what_one_process_stores_the_other_reads(place: &impl Place) {
    let (one, other) = (place.open().await, place.open().await);
    one.add_account(account(1), NOW).await.unwrap();
    assert_eq!(other.load(NOW).await.unwrap().snapshot.order, [id(1)]);
    other.rotate(id(1), secret("rt1"), pair(2)).await.unwrap();
    assert_eq!(stored(&one, 1).await, "at2 rt2 generation 2");
}

pub(crate) async fn everything_survives_closing(place: &impl Place) {
    let store = place.open().await;
    store.add_account(full_account(1), NOW).await.unwrap();
    let before = store.load(NOW).await.unwrap();
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.load(NOW).await.unwrap(), before);
    assert_eq!(stored(&store, 1).await, "at1 rt1 generation 1");
    store.check().await.unwrap();
}

pub(crate) async fn a_closed_store_says_so(place: &impl Place) {
    let store = place.open().await;
    store.close().await;
    store.close().await;
    assert!(matches!(store.load(NOW).await, Err(StoreError::Closed)));
}
