//! The key in a real Secret Service. Needs one, and leaves its entry there, so it runs only where a throw-away one is:
//!
//! ```text
//! HOME=$(mktemp -d) dbus-run-session -- sh -c 'printf pw | gnome-keyring-daemon --unlock --components=secrets &&
//!     cargo test -p remuda-store --features keyring --test keyring -- --ignored'
//! ```
#![cfg(all(feature = "keyring", not(target_os = "macos")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

#[expect(dead_code, reason = "shared with other tests, which use the rest")]
mod local;

use local::*;
use remuda_store::{Credential, KeySource, SqliteOptions, SqliteStore, Store};

#[tokio::test]
#[ignore = "needs a Secret Service of its own"]
async fn the_key_goes_into_the_keyring_and_is_found_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let places = places(&directory);
    let options = || SqliteOptions { key_source: KeySource::Auto, ..SqliteOptions::new(places.clone()) };
    let store = SqliteStore::open(options(), NOW).await.unwrap();
    store.add_account(account(ID, "one", Credential::Oauth(pair(1))), NOW).await.unwrap();
    assert_eq!(store.check().await.unwrap().key_place, "the OS keyring");
    store.close().await;
    assert!(!places.key_file().exists());

    let store = SqliteStore::open(options(), NOW).await.unwrap();
    assert_eq!(stored(&store).await, "at1 rt1 generation 1");
    store.close().await;
    // The store knows where its key is, whatever is chosen for new ones.
    let store = open(&places).await.unwrap();
    assert_eq!(stored(&store).await, "at1 rt1 generation 1");
}

#[tokio::test]
#[ignore = "needs a Secret Service of its own"]
async fn a_chosen_key_file_stays_out_of_the_keyring() {
    let directory = tempfile::tempdir().unwrap();
    let places = places(&directory);
    let store = open(&places).await.unwrap();
    assert_eq!(store.check().await.unwrap().key_place, places.key_file().display().to_string());
}
