use std::sync::Arc;

use remuda_core::Host;
use remuda_core::snapshot::Target;
use remuda_store::{Batch, ClientKey, KeyHash, KeyId, KeyScope};
use uuid::Uuid;

use super::Place;
use super::make::*;

fn key(n: u8) -> ClientKey {
    ClientKey {
        id: KeyId(Uuid::from_u128(n.into())),
        hash: KeyHash([n; 32]),
        prefix: format!("rmd_{n}"),
        purpose: "remuda run claude".to_owned(),
        scope: KeyScope::Agent,
        host: Host::Claude,
        pin: None,
        pinned_by_project: false,
        project: None,
        hold_s: None,
        expires_at: Some(NOW + i64::from(n)),
        created_at: NOW,
        last_used_at: None,
    }
}

pub(crate) async fn a_key_comes_back_as_a_hash_with_its_scope(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let keys = [
        ClientKey {
            pin: Some(Target::Account(id(1))),
            pinned_by_project: true,
            project: Some("/home/ann/shop".to_owned()),
            ..key(1)
        },
        ClientKey { pin: Some(Target::Pool("p".to_owned())), host: Host::OpenCode, created_at: NOW - 1, ..key(2) },
        ClientKey { scope: KeyScope::Admin, expires_at: None, last_used_at: Some(NOW), created_at: NOW - 2, ..key(3) },
    ];
    for key in keys.iter().rev() {
        store.add_client_key(key.clone()).await.unwrap();
    }
    assert_eq!(store.client_keys().await.unwrap(), keys);
}

pub(crate) async fn a_revoked_key_is_gone(place: &impl Place) {
    let store = place.open().await;
    store.add_client_key(key(1)).await.unwrap();
    assert!(store.revoke_client_key(key(1).id).await.unwrap());
    assert!(!store.revoke_client_key(key(1).id).await.unwrap());
    assert!(store.client_keys().await.unwrap().is_empty());
}

pub(crate) async fn pruning_takes_what_has_expired(place: &impl Place) {
    let store = place.open().await;
    for n in 1..=3 {
        store.add_client_key(key(n)).await.unwrap();
    }
    let lasting = ClientKey { expires_at: None, ..key(4) };
    store.add_client_key(lasting.clone()).await.unwrap();
    assert_eq!(store.prune_client_keys(NOW + 2).await.unwrap(), 2, "a key is over at its second");
    assert_eq!(store.client_keys().await.unwrap(), [lasting, key(3)]);
}

pub(crate) async fn the_same_key_twice_is_refused(place: &impl Place) {
    let store = place.open().await;
    store.add_client_key(key(1)).await.unwrap();
    store.add_client_key(ClientKey { id: key(2).id, ..key(1) }).await.unwrap_err();
    assert_eq!(store.client_keys().await.unwrap(), [key(1)]);
}

pub(crate) async fn use_is_noted_and_never_runs_backwards(place: &impl Place) {
    let store = place.open().await;
    store.add_client_key(key(1)).await.unwrap();
    for at in [NOW + 5, NOW + 3] {
        let batch = Batch { keys_used: vec![(key(1).id, at), (key(9).id, at)], ..Batch::default() };
        store.apply(Arc::new(batch), NOW).await.unwrap();
    }
    assert_eq!(store.client_keys().await.unwrap(), [ClientKey { last_used_at: Some(NOW + 5), ..key(1) }]);
}
