//! A store that cannot be read is never an empty store: every damage is refused, named, and left as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod local;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use local::*;
use remuda_core::request::Home;
use remuda_core::route::StateChange;
use remuda_core::{AccountId, Protocol, SessionKey};
use remuda_store::{AuthHeader, Batch, Credential, Places, Rotation, Store, StoreError, quarantine};
use rstest::rstest;
use rusqlite::Connection;
use secrecy::SecretString;
use tempfile::TempDir;
use uuid::Uuid;

/// A closed store with one account.
async fn closed_store() -> (TempDir, Places) {
    let directory = tempfile::tempdir().unwrap();
    let places = places(&directory);
    let store = open(&places).await.unwrap();
    store.add_account(account(ID, "one", Credential::Oauth(pair(1))), NOW).await.unwrap();
    store.close().await;
    (directory, places)
}

fn overwrite(path: &Path, from: usize, with: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    bytes[from..from + with.len()].copy_from_slice(with);
    fs::write(path, bytes).unwrap();
}

fn not_a_database(path: &Path) {
    fs::write(path, b"accounts: [one, two]\nthis is somebody's text file\n").unwrap();
}

fn empty(path: &Path) {
    fs::write(path, b"").unwrap();
}

fn a_few_bytes(path: &Path) {
    fs::write(path, b"SQLite").unwrap();
}

fn cut_in_half(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn header_alone(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..100]).unwrap();
}

/// The page in which the schema itself is.
fn first_page_scribbled(path: &Path) {
    overwrite(path, 100, &[0xa5; 64]);
}

fn every_later_page_scribbled(path: &Path) {
    let pages = fs::read(path).unwrap().len() / 4096;
    for page in 1..pages {
        overwrite(path, page * 4096, &[0xa5; 512]);
    }
}

fn of_another_program(path: &Path) {
    fs::remove_file(path).unwrap();
    Connection::open(path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
}

#[rstest]
#[case(not_a_database)]
#[case(empty)]
#[case(a_few_bytes)]
#[case(cut_in_half)]
#[case(header_alone)]
#[case(first_page_scribbled)]
#[case(of_another_program)]
#[tokio::test]
async fn damage_is_refused_and_left_as_it_is_until_it_is_put_into_quarantine(
    #[case] harm: fn(&Path),
    #[values(Places::database, Places::ledger)] which: fn(&Places) -> PathBuf,
) {
    let (_directory, places) = closed_store().await;
    let path = which(&places);
    harm(&path);
    let harmed = fs::read(&path).unwrap();

    for _ in 0..2 {
        let refused = open(&places).await.unwrap_err();
        assert!(
            matches!(&refused, StoreError::Corrupt { path: named, .. } | StoreError::NotADatabase { path: named } if *named == path),
            "{refused:?}"
        );
        assert!(fs::read(&path).unwrap() == harmed, "a refused file is not touched");
    }

    let sound: Vec<PathBuf> = [places.database(), places.ledger()].into_iter().filter(|other| *other != path).collect();
    let before: Vec<Vec<u8>> = sound.iter().map(|path| fs::read(path).unwrap()).collect();
    let moved = quarantine(&places, NOW).unwrap();
    assert_eq!(moved[0].from, path);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(moved[0].to, places.quarantine().join(format!("{name}.{NOW}")));
    assert!(fs::read(&moved[0].to).unwrap() == harmed, "in quarantine it is what it was");
    let after: Vec<Vec<u8>> = sound.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(after == before, "what is sound stays");

    let store = open(&places).await.unwrap();
    let kept = store.load(NOW).await.unwrap().snapshot.accounts.len();
    assert_eq!(kept, usize::from(path != places.database()));
}

#[tokio::test]
async fn damage_deep_in_the_herd_is_found_at_once() {
    let (_directory, places) = closed_store().await;
    let sound = fs::read(places.database()).unwrap();
    for page in 1..sound.len() / 4096 {
        fs::write(places.database(), &sound).unwrap();
        overwrite(&places.database(), page * 4096, &[0xa5; 64]);
        let refused = open(&places).await.unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "page {page}: {refused:?}");
    }
}

#[tokio::test]
async fn damage_deep_in_the_ledger_is_found_by_the_check_and_harms_no_credential() {
    let (_directory, places) = closed_store().await;
    every_later_page_scribbled(&places.ledger());
    let store = open(&places).await.unwrap();
    assert_eq!(stored(&store).await, "at1 rt1 generation 1");
    let refused = store.check().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Corrupt { path, .. } if *path == places.ledger()), "{refused:?}");
}

#[tokio::test]
async fn an_index_that_lies_and_a_reference_to_nothing_are_found_by_the_check() {
    for harm in [
        "PRAGMA foreign_keys = OFF; INSERT INTO spend_rule VALUES (zeroblob(16), '[]', 1.0)",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'touched_at)', 'touched_at DESC)')
             WHERE name = 'session_touched_at'",
    ] {
        let (_directory, places) = closed_store().await;
        let store = open(&places).await.unwrap();
        let binds = (0..20).map(|n| StateChange::Bind(SessionKey(format!("s{n}")), Home { account: ID, pool: None }));
        for (at, bind) in (NOW..).zip(binds) {
            store.apply(Arc::new(Batch { changes: vec![bind], ..Batch::default() }), at).await.unwrap();
        }
        store.check().await.unwrap();
        store.close().await;
        Connection::open(places.database()).unwrap().execute_batch(harm).unwrap();
        let refused = open(&places).await.unwrap().check().await.unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{harm}: {refused:?}");
    }
}

#[tokio::test]
async fn what_is_in_quarantine_is_never_overwritten() {
    let (_directory, places) = closed_store().await;
    for n in 0..3_u8 {
        fs::write(places.database(), [n; 50]).unwrap();
        quarantine(&places, NOW).unwrap();
    }
    let mut kept: Vec<Vec<u8>> = bytes_below(&places.quarantine()).into_values().collect();
    kept.sort();
    assert_eq!(kept, [[0; 50], [1; 50], [2; 50]]);
}

#[tokio::test]
async fn quarantine_moves_nothing_that_is_sound() {
    let (_directory, places) = closed_store().await;
    assert_eq!(quarantine(&places, NOW).unwrap(), []);
    assert_eq!(stored(&open(&places).await.unwrap()).await, "at1 rt1 generation 1");
}

#[tokio::test]
async fn a_log_without_its_database_is_no_new_store() {
    let (_directory, places) = closed_store().await;
    let store = open(&places).await.unwrap();
    store.rotate(ID, SecretString::from("rt1"), pair(2)).await.unwrap();
    let log = places.state.join("remuda.db-wal");
    let written = fs::read(&log).unwrap();
    assert!(!written.is_empty());
    fs::remove_file(places.database()).unwrap();
    drop(store);
    fs::write(&log, &written).unwrap();

    let refused = open(&places).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    assert!(!places.database().exists());
    quarantine(&places, NOW).unwrap();
    let kept = fs::read(places.quarantine().join(format!("remuda.db-wal.{NOW}"))).unwrap();
    assert!(kept == written, "the log is kept as it was");
    open(&places).await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_not_a_matter_for_quarantine() {
    let (_directory, places) = closed_store().await;
    Connection::open(places.database()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for refused in [open(&places).await.unwrap_err(), quarantine(&places, NOW).unwrap_err()] {
        assert!(matches!(refused, StoreError::NewerSchema { found: 99, .. }), "{refused:?}");
    }
    assert!(places.database().exists());
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_damage_and_not_absence() {
    for harm in [
        "UPDATE account SET profile = '{'",
        "UPDATE account SET vendor = 'acme'",
        "UPDATE account SET label = '-x'",
        "UPDATE account SET min_remaining = '{\"sometimes\": 1}'",
    ] {
        let (_directory, places) = closed_store().await;
        Connection::open(places.database()).unwrap().execute_batch(harm).unwrap();
        let refused = open(&places).await.unwrap().load(NOW).await.unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{harm}: {refused:?}");
    }
}

#[rstest]
#[case::changed(
    "UPDATE credential SET sealed = CAST(substr(sealed, 1, 40) || zeroblob(8) || substr(sealed, 49) AS BLOB)"
)]
#[case::cut_off("UPDATE credential SET sealed = substr(sealed, 1, 20)")]
#[case::empty("UPDATE credential SET sealed = x''")]
#[case::of_another_generation("UPDATE credential SET generation = 7")]
#[tokio::test]
async fn an_unreadable_credential_concerns_its_account_only_until_its_owner_logs_in(#[case] harm: &str) {
    let (_directory, places) = closed_store().await;
    let other = AccountId(Uuid::from_u128(2));
    let store = open(&places).await.unwrap();
    let key = Credential::Key { key: SecretString::from("sk") };
    store.add_account(account(other, "two", key), NOW).await.unwrap();
    let harm = format!("{harm} WHERE account = x'00000000000000000000000000000001'");
    Connection::open(places.database()).unwrap().execute_batch(&harm).unwrap();

    for refused in [
        store.credential(ID).await.unwrap_err(),
        store.rotate(ID, SecretString::from("rt1"), pair(2)).await.unwrap_err(),
        store.check().await.unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::CredentialUnreadable(ID)), "{refused:?}");
    }
    store.credential(other).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap().snapshot.accounts.len(), 2);

    let login = remuda_store::Login {
        credential: Credential::Oauth(pair(3)),
        kind: remuda_core::CredentialKind::Subscription,
        identity: None,
        profile: remuda_store::Profile::default(),
    };
    let generation = store.login(ID, login, NOW).await.unwrap();
    assert_eq!(stored(&store).await, format!("at3 rt3 generation {generation}"));
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_secret_does_not_open_in_another_accounts_row() {
    let (_directory, places) = closed_store().await;
    let other = AccountId(Uuid::from_u128(2));
    let store = open(&places).await.unwrap();
    store.add_account(account(other, "two", Credential::Oauth(pair(2))), NOW).await.unwrap();
    Connection::open(places.database())
        .unwrap()
        .execute_batch("UPDATE credential SET sealed = (SELECT sealed FROM credential ORDER BY account LIMIT 1)")
        .unwrap();
    assert_eq!(stored(&store).await, "at1 rt1 generation 1");
    assert!(matches!(store.credential(other).await, Err(StoreError::CredentialUnreadable(_))));
}

#[tokio::test]
async fn another_key_is_refused_and_the_right_one_put_back_opens() {
    let (_directory, places) = closed_store().await;
    let key = fs::read(places.key_file()).unwrap();
    fs::write(places.key_file(), [7; 32]).unwrap();
    let refused = open(&places).await.unwrap_err();
    assert!(matches!(refused, StoreError::WrongKey { .. }), "{refused:?}");
    fs::write(places.key_file(), key).unwrap();
    assert_eq!(stored(&open(&places).await.unwrap()).await, "at1 rt1 generation 1");
}

#[tokio::test]
async fn a_missing_or_broken_key_is_never_replaced_by_a_new_one() {
    let (_directory, places) = closed_store().await;
    let key = fs::read(places.key_file()).unwrap();
    fs::write(places.key_file(), &key[..31]).unwrap();
    let refused = open(&places).await.unwrap_err();
    assert!(matches!(refused, StoreError::KeyMissing { .. }), "{refused:?}");
    fs::remove_file(places.key_file()).unwrap();
    let refused = open(&places).await.unwrap_err();
    assert!(matches!(refused, StoreError::KeyMissing { .. }), "{refused:?}");
    assert!(!places.key_file().exists());
}

#[cfg(not(any(target_os = "macos", feature = "keyring")))]
#[tokio::test]
async fn a_key_that_is_in_a_keyring_out_of_reach_is_never_replaced_by_a_new_one() {
    let (_directory, places) = closed_store().await;
    Connection::open(places.database())
        .unwrap()
        .execute_batch("UPDATE meta SET value = 'keyring' WHERE name = 'key_place'")
        .unwrap();
    let before = fs::read(places.database()).unwrap();
    let refused = open(&places).await.unwrap_err();
    assert!(matches!(refused, StoreError::KeyMissing { .. }), "{refused:?}");
    assert!(fs::read(places.database()).unwrap() == before);
}

#[tokio::test]
async fn a_file_put_in_place_of_the_open_one_is_noticed_before_anything_is_written() {
    let (_directory, places) = closed_store().await;
    let copy = fs::read(places.database()).unwrap();
    let store = open(&places).await.unwrap();
    fs::remove_file(places.database()).unwrap();
    let refused = store.rotate(ID, SecretString::from("rt1"), pair(2)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Replaced { .. }), "{refused:?}");
    fs::write(places.database(), &copy).unwrap();
    let refused = store.credential(ID).await.unwrap_err();
    assert!(matches!(refused, StoreError::Replaced { .. }), "{refused:?}");
    drop(store);
    assert!(fs::read(places.database()).unwrap() == copy, "closing writes nothing into it either");
}

#[tokio::test]
async fn a_full_disk_is_reported_costs_nothing_and_is_over_when_there_is_room() {
    let (_directory, places) = closed_store().await;
    let store = open(&places).await.unwrap();
    store.limit_pages(1).await.unwrap(); // as many as it has now
    let long = || {
        let access = SecretString::from("a".repeat(100_000));
        remuda_store::OauthPair { access, ..pair(2) }
    };
    let refused = store.rotate(ID, SecretString::from("rt1"), long()).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Full { .. }) && refused.is_passing(), "{refused:?}");
    assert_eq!(stored(&store).await, "at1 rt1 generation 1");
    store.limit_pages(100_000).await.unwrap();
    let rotation = store.rotate(ID, SecretString::from("rt1"), long()).await.unwrap();
    assert!(matches!(rotation, Rotation::Stored { generation: 2 }), "{rotation:?}");
}

#[tokio::test]
async fn a_write_can_be_made_to_fail_so_many_times() {
    let (_directory, places) = closed_store().await;
    let store = open(&places).await.unwrap();
    store.fail_persists(2).await.unwrap();
    for _ in 0..2 {
        let refused = store.rotate(ID, SecretString::from("rt1"), pair(2)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    }
    store.rotate(ID, SecretString::from("rt1"), pair(2)).await.unwrap();
    assert_eq!(stored(&store).await, "at2 rt2 generation 2");
}

#[tokio::test]
async fn a_clock_that_stands_still_does_not_end_a_call() {
    let (_directory, places) = closed_store().await;
    tokio::time::pause();
    let patience = std::time::Duration::from_secs(3600);
    let store = tokio::time::timeout(patience, open(&places)).await.unwrap().unwrap();
    tokio::time::timeout(patience, store.load(NOW)).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_endpoint_from_before_there_were_several_protocols_is_one_of_messages() {
    let (_directory, places) = closed_store().await;
    let file = Connection::open(places.state.join("remuda.db")).unwrap();
    let old = r#"{"base_url":"https://example.test","auth_header":"x-api-key","email":"a@example.test"}"#;
    file.execute("UPDATE account SET profile = ?1", [old]).unwrap();
    // What the third change of the schema did to such a row; later ones have been applied already.
    file.execute_batch(include_str!("../src/sqlite/schema/herd-3.sql")).unwrap();
    drop(file);

    let herd = open(&places).await.unwrap().load(NOW).await.unwrap();
    let profile = &herd.profiles[&ID];
    assert_eq!(profile.endpoint.bases, [(Protocol::Messages, "https://example.test".to_owned())].into());
    assert_eq!(profile.endpoint.auth_header, AuthHeader::XApiKey);
    assert_eq!(profile.email.as_deref(), Some("a@example.test"));
    assert_eq!(herd.snapshot.accounts[&ID].speaks, Protocol::Messages.into());
}
