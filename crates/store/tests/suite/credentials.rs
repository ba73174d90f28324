use std::collections::BTreeSet;

use remuda_core::CredentialKind;
use remuda_store::{Credential, Login, OauthPair, Profile, Rotation, StoreError, StoredCredential};
use tokio::task::JoinSet;

use super::Place;
use super::make::*;

pub(crate) async fn each_kind_comes_back(place: &impl Place) {
    let store = place.open().await;
    let odd = OauthPair { access: secret("a\"\\\u{1}ü"), earliest_refresh_at: Some(NOW + 1), ..pair(1) };
    let kinds = [
        (Credential::Oauth(odd), "a\"\\\u{1}ü rt1 generation 1"),
        (Credential::Static { token: secret("long") }, "static long generation 1"),
        (Credential::Key { key: secret("sk") }, "key sk generation 1"),
        (
            Credential::Borrowed { access: secret("b"), expires_at: Some(NOW), source: "/home/x/auth.json".to_owned() },
            "borrowed b Some(1795168800) /home/x/auth.json generation 1",
        ),
    ];
    for (n, (credential, expected)) in (1..).zip(kinds) {
        let mut new = account(n);
        new.credential = credential;
        store.add_account(new, NOW).await.unwrap();
        assert_eq!(stored(&store, n).await, expected);
    }
    let Credential::Oauth(odd) = store.credential(id(1)).await.unwrap().credential else { panic!("no pair") };
    assert_eq!((odd.expires_at, odd.last_refresh_at, odd.earliest_refresh_at), (NOW + 3600, Some(NOW), Some(NOW + 1)));
}

pub(crate) async fn the_first_generation_is_one(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    assert_eq!(store.credential(id(1)).await.unwrap().generation, 1);
}

pub(crate) async fn a_rotation_raises_the_generation(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    for n in 1..4 {
        let rotation = store.rotate(id(1), secret(&format!("rt{n}")), pair(n + 1)).await.unwrap();
        assert!(matches!(rotation, Rotation::Stored { generation } if generation == u64::from(n) + 1), "{rotation:?}");
    }
    assert_eq!(stored(&store, 1).await, "at4 rt4 generation 4");
}

pub(crate) async fn a_rotation_with_a_token_that_is_no_longer_stored_returns_what_is(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    store.rotate(id(1), secret("rt1"), pair(2)).await.unwrap();
    let Rotation::Conflict { current } = store.rotate(id(1), secret("rt1"), pair(3)).await.unwrap() else {
        panic!("an old token overwrote a newer pair");
    };
    assert_eq!(told(&current), "at2 rt2 generation 2");
    assert_eq!(stored(&store, 1).await, "at2 rt2 generation 2");
}

pub(crate) async fn rotating_again_with_the_same_pair_finds_its_own_work(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    for _ in 0..2 {
        let rotation = store.rotate(id(1), secret("rt1"), pair(2)).await.unwrap();
        assert!(matches!(rotation, Rotation::Stored { generation: 2 }), "{rotation:?}");
    }
    // Also where the vendor does not rotate the refresh token.
    let unrotated = OauthPair { refresh: secret("rt2"), ..pair(3) };
    for _ in 0..2 {
        let rotation = store.rotate(id(1), secret("rt2"), unrotated.clone()).await.unwrap();
        assert!(matches!(rotation, Rotation::Stored { generation: 3 }), "{rotation:?}");
    }
}

pub(crate) async fn what_is_no_pair_cannot_be_rotated(place: &impl Place) {
    let store = place.open().await;
    let mut new = account(1);
    new.credential = Credential::Static { token: secret("rt1") };
    store.add_account(new, NOW).await.unwrap();
    let rotation = store.rotate(id(1), secret("rt1"), pair(2)).await.unwrap();
    assert!(matches!(rotation, Rotation::Conflict { .. }), "{rotation:?}");
    assert_eq!(stored(&store, 1).await, "static rt1 generation 1");
}

pub(crate) async fn of_many_rotations_of_one_token_exactly_one_is_stored(place: &impl Place) {
    let stores = [place.open().await, place.open().await, place.open().await];
    herd_of(&stores[0], 1).await;
    for round in 0..5 {
        let Credential::Oauth(current) = stores[0].credential(id(1)).await.unwrap().credential else {
            panic!("no pair");
        };
        let mut racers = JoinSet::new();
        for n in 0..12_u32 {
            let (store, sent) = (stores[n as usize % 3].clone(), current.refresh.clone());
            racers.spawn(async move { store.rotate(id(1), sent, pair((round + 1) * 100 + n)).await.unwrap() });
        }
        let results = racers.join_all().await;
        let stored_generations: Vec<u64> = results
            .iter()
            .filter_map(|result| match result {
                Rotation::Stored { generation } => Some(*generation),
                Rotation::Conflict { .. } => None,
            })
            .collect();
        assert_eq!(stored_generations, [u64::from(round) + 2]);
        let winner = stored(&stores[1], 1).await;
        let seen: BTreeSet<String> = results
            .iter()
            .filter_map(|result| match result {
                Rotation::Stored { .. } => None,
                Rotation::Conflict { current } => Some(told(current)),
            })
            .collect();
        assert_eq!(seen, [winner].into(), "every loser is shown the winner");
    }
}

pub(crate) async fn a_newer_generation_is_taken_and_an_older_one_is_not(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let at = |generation| StoredCredential { credential: Credential::Oauth(pair(9)), generation };
    let advanced = store.advance(id(1), at(4)).await.unwrap();
    assert!(matches!(advanced, Rotation::Stored { generation: 4 }), "{advanced:?}");
    for not_newer in [3, 4] {
        let credential = StoredCredential { credential: Credential::Oauth(pair(5)), generation: not_newer };
        let refused = store.advance(id(1), credential).await.unwrap();
        assert!(matches!(refused, Rotation::Conflict { .. }), "{refused:?}");
    }
    assert_eq!(stored(&store, 1).await, "at9 rt9 generation 4");
    assert!(matches!(store.advance(id(2), at(9)).await, Err(StoreError::UnknownAccount(_))));
}

pub(crate) async fn a_login_between_exchange_and_rotation_wins(place: &impl Place) {
    let store = place.open().await;
    herd_of(&store, 1).await;
    let login = Login {
        credential: Credential::Oauth(pair(9)),
        kind: CredentialKind::Subscription,
        identity: None,
        profile: Profile::default(),
    };
    store.login(id(1), login, NOW).await.unwrap();
    let Rotation::Conflict { current } = store.rotate(id(1), secret("rt1"), pair(2)).await.unwrap() else {
        panic!("a refresh overwrote a login");
    };
    assert_eq!(told(&current), "at9 rt9 generation 2");
}

pub(crate) async fn an_unknown_account_has_no_credential(place: &impl Place) {
    let store = place.open().await;
    assert!(matches!(store.credential(id(1)).await, Err(StoreError::UnknownAccount(_))));
    assert!(matches!(store.rotate(id(1), secret("rt1"), pair(2)).await, Err(StoreError::UnknownAccount(_))));
    assert!(matches!(store.refresh_state(id(1)).await, Err(StoreError::UnknownAccount(_))));
    assert!(matches!(store.begin_refresh(id(1), 1, NOW).await, Err(StoreError::UnknownAccount(_))));
}
