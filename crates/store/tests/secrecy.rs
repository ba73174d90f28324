//! Secrets are nowhere in the clear, and what holds them is for its owner alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

#[expect(dead_code, reason = "shared with other tests, which use the rest")]
mod local;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use local::*;
use remuda_core::{AccountId, CredentialKind};
use remuda_store::permissions::{ModeState, check};
use remuda_store::{Credential, Login, OauthPair, Profile, Rotation, Store, StoredCredential};
use secrecy::SecretString;
use uuid::Uuid;

const CANARY: &str = "canary-7f3a91c2";

fn planted(n: u32) -> OauthPair {
    OauthPair {
        access: SecretString::from(format!("{CANARY}-access-{n}")),
        refresh: SecretString::from(format!("{CANARY}-refresh-{n}")),
        ..pair(n)
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn no_file_holds_a_secret_in_the_clear() {
    let directory = tempfile::tempdir().unwrap();
    let places = places(&directory);
    let store = open(&places).await.unwrap();
    let secret = |what: &str| SecretString::from(format!("{CANARY}-{what}"));
    let kinds = [
        Credential::Oauth(planted(1)),
        Credential::Static { token: secret("static") },
        Credential::Key { key: secret("key") },
        Credential::Borrowed { access: secret("borrowed"), expires_at: None, source: "auth.json".to_owned() },
    ];
    for (n, credential) in (1..).zip(kinds) {
        let new = account(AccountId(Uuid::from_u128(n)), &format!("visible label {n}"), credential);
        store.add_account(new, NOW).await.unwrap();
    }
    store.rotate(ID, secret("refresh-1"), planted(2)).await.unwrap();
    let newer = StoredCredential { credential: Credential::Oauth(planted(3)), generation: 9 };
    store.advance(ID, newer).await.unwrap();
    store.begin_refresh(ID, 9, NOW).await.unwrap();
    let key = fs::read(places.key_file()).unwrap();

    let look = |when: &str| {
        let files = bytes_below(directory.path());
        for (path, bytes) in &files {
            assert!(!holds(bytes, CANARY), "{when}: {}", path.display());
            if *path != places.key_file() {
                let found = bytes.windows(key.len()).any(|window| window == key);
                assert!(!found, "{when}: the key is in {}", path.display());
            }
        }
        assert!(files.values().any(|bytes| holds(bytes, "visible label")), "{when}: the search would find a text");
    };
    look("open");
    store.close().await;
    look("closed");
}

#[tokio::test]
async fn nothing_that_holds_a_secret_prints_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&places(&directory)).await.unwrap();
    let new = account(ID, "one", Credential::Oauth(planted(1)));
    let login = Login {
        credential: Credential::Key { key: SecretString::from(CANARY) },
        kind: CredentialKind::ApiKey,
        identity: None,
        profile: Profile::default(),
    };
    let mut printed = vec![format!("{new:?} {new:#?} {login:?} {:?} {store:?}", planted(2))];
    store.add_account(new, NOW).await.unwrap();
    printed.push(format!("{:?}", store.credential(ID).await.unwrap()));
    let wrong = SecretString::from(format!("{CANARY}-wrong"));
    let conflict = store.rotate(ID, wrong.clone(), planted(2)).await.unwrap();
    assert!(matches!(conflict, Rotation::Conflict { .. }));
    printed.push(format!("{conflict:?}"));
    store.fail_persists(1).await.unwrap();
    let full = store.rotate(ID, wrong.clone(), planted(2)).await.unwrap_err();
    printed.push(format!("{full} {full:?}"));
    rusqlite::Connection::open(places(&directory).database())
        .unwrap()
        .execute_batch("UPDATE credential SET sealed = x'00'; DROP TABLE session; PRAGMA user_version = 1")
        .unwrap();
    for error in [
        store.rotate(ID, wrong, planted(2)).await.unwrap_err(),
        store.login(AccountId(Uuid::nil()), login, NOW).await.unwrap_err(),
        store.forget_sessions().await.unwrap_err(),
    ] {
        printed.push(format!("{error} {error:?}"));
    }
    for text in printed {
        assert!(!text.contains(CANARY), "{text}");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[tokio::test]
async fn everything_is_made_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let places = places(&directory);
    let store = open(&places).await.unwrap();
    store.add_account(account(ID, "one", Credential::Oauth(pair(1))), NOW).await.unwrap();
    let files = bytes_below(directory.path());
    for name in ["state/remuda.db", "state/remuda.db-wal", "state/ledger.db", "state/locks/open.lock", "config/key"] {
        assert!(files.contains_key(&directory.path().join(name)), "{name}");
    }
    for path in files.keys() {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    for path in [&places.state, &places.config, &places.locks()] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    assert_eq!(store.permissions().await.unwrap(), []);
    assert!(check(&places).unwrap().iter().all(|found| found.state == ModeState::Right));
}

#[tokio::test]
async fn modes_that_are_too_open_are_seen_corrected_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let places = places(&directory);
    open(&places).await.unwrap().close().await;
    let opened =
        [(&places.state, 0o755), (&places.key_file(), 0o640), (&places.database(), 0o666), (&places.ledger(), 0o444)];
    for (path, mode) in opened {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let too_open: Vec<_> = check(&places).unwrap().into_iter().filter(|f| f.state == ModeState::TooOpen).collect();
    assert_eq!(too_open.len(), 4, "looking changes nothing");

    let store = open(&places).await.unwrap();
    let told = store.permissions().await.unwrap();
    for (path, found) in opened {
        let entry = told.iter().find(|entry| entry.path == *path).unwrap();
        assert_eq!((entry.found, entry.state), (found, ModeState::Corrected));
        assert_eq!(mode(path), found & entry.wanted);
    }
}

#[tokio::test]
async fn a_directory_that_is_shared_on_purpose_is_not_closed() {
    let directory = tempfile::tempdir().unwrap();
    let places = places(&directory);
    fs::create_dir(&places.state).unwrap();
    fs::set_permissions(&places.state, Permissions::from_mode(0o1777)).unwrap();
    let store = open(&places).await.unwrap();
    assert_eq!(mode(&places.state), 0o1777);
    let told = store.permissions().await.unwrap();
    assert!(told.iter().any(|entry| entry.path == places.state && entry.state == ModeState::Shared), "{told:?}");
}

#[tokio::test]
async fn what_belongs_to_another_user_is_told_and_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut places = places(&directory);
    open(&places).await.unwrap().close().await;
    // Root can give a file away; everybody else has a directory of root's at hand.
    let owner = if fs::metadata(directory.path()).unwrap().uid() == 0 {
        chown(places.ledger(), Some(65_534), None).unwrap();
        65_534
    } else {
        places.config = "/usr".into();
        0
    };
    let found = check(&places).unwrap();
    assert!(found.iter().any(|entry| entry.state == ModeState::Foreign { owner }), "{found:?}");
}
