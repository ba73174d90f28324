//! When the store fails: nothing is sent that could not be written down, nothing is taken for empty, and what was
//! obtained is not lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

mod live;

use std::sync::Arc;
use std::time::Duration;

use live::{ACCOUNT, add_expired, keeper, now, open, refreshes, status, stored_pair};
use remuda_core::AccountStatus;
use remuda_credentials::TokenError;
use remuda_fake::{AccountSpec, Config, Fake};
use remuda_store::{Places, SqliteStore};
use secrecy::ExposeSecret;
use tempfile::TempDir;

async fn scene() -> (TempDir, Fake, Arc<SqliteStore>) {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let store = Arc::new(open(home.path()).await);
    add_expired(&*store, ACCOUNT, "main", &account).await;
    (home, vendor, store)
}

/// Runs SQL on the database behind the store's back.
fn behind(home: &TempDir, sql: &str) {
    let db = rusqlite::Connection::open(Places::in_home(home.path()).database()).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    db.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_store_that_cannot_be_written_sends_no_refresh_token() {
    let (home, vendor, store) = scene().await;
    behind(&home, "CREATE TRIGGER broken BEFORE UPDATE ON credential BEGIN SELECT RAISE(ABORT, 'no writing'); END");
    let keeper = keeper(store.clone(), &vendor.token_url());
    let error = keeper.token(ACCOUNT).await.unwrap_err();
    assert!(matches!(&error, TokenError::Store { .. }), "{error}");
    assert_eq!(refreshes(&vendor).len(), 0);

    behind(&home, "DROP TRIGGER broken");
    keeper.token(ACCOUNT).await.unwrap();
    assert_eq!(stored_pair(&*store, ACCOUNT).await.1, 2);
}

#[tokio::test]
async fn a_full_disk_after_the_exchange_costs_nothing() {
    let (_home, vendor, store) = scene().await;
    store.fail_persists(1).await.unwrap();
    let keeper = keeper(store.clone(), &vendor.token_url());
    let token = keeper.token(ACCOUNT).await.unwrap();
    assert!(live::works(&vendor, token.secret()).await);
    assert_eq!(token.generation(), 2);
    // Stored as soon as there is room, and the end waits for that.
    assert!(keeper.shutdown(Duration::from_secs(20)).await);
    let (pair, generation) = stored_pair(&*store, ACCOUNT).await;
    assert_eq!((pair.access.expose_secret(), generation), (token.secret().expose_secret(), 2));
    assert_eq!(refreshes(&vendor).len(), 1);
}

#[tokio::test]
async fn another_process_does_not_show_the_spent_token_while_the_new_one_waits_for_room() {
    let (home, vendor, store) = scene().await;
    store.fail_persists(2).await.unwrap();
    let first = keeper(store.clone(), &vendor.token_url());
    let token = first.token(ACCOUNT).await.unwrap();
    let other = keeper(Arc::new(open(home.path()).await), &vendor.token_url());
    // Waits for the lock until the pair is stored (two pauses later), and adopts it.
    let adopted = other.token(ACCOUNT).await.unwrap();
    assert_eq!(adopted.secret().expose_secret(), token.secret().expose_secret());
    assert_eq!(refreshes(&vendor).len(), 1);
    assert_eq!(vendor.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_is_an_error_and_is_left_as_it_is() {
    let (home, vendor, store) = scene().await;
    behind(&home, "UPDATE credential SET sealed = x'0011'");
    let error = keeper(store.clone(), &vendor.token_url()).token(ACCOUNT).await.unwrap_err();
    assert!(matches!(&error, TokenError::Store { .. }), "{error}");
    assert_eq!(refreshes(&vendor).len(), 0);
    assert_eq!(status(&*store, ACCOUNT).await, AccountStatus::Ready, "not taken for logged out");
    let db = rusqlite::Connection::open(Places::in_home(home.path()).database()).unwrap();
    let sealed: Vec<u8> = db.query_row("SELECT sealed FROM credential", [], |row| row.get(0)).unwrap();
    assert_eq!(sealed, [0x00, 0x11]);
}

#[tokio::test]
async fn an_account_that_cannot_be_read_does_not_hide_the_others() {
    let (home, vendor, store) = scene().await;
    let second = remuda_core::AccountId(uuid::Uuid::from_u128(2));
    let account = vendor.add_account(AccountSpec::subscription("second")).unwrap();
    add_expired(&*store, second, "second", &account).await;
    behind(
        &home,
        "UPDATE credential SET sealed = x'0011' WHERE account = (SELECT id FROM account WHERE label = 'main')",
    );
    let keeper = keeper(store.clone(), &vendor.token_url());
    keeper.resync().await.unwrap();
    assert!(keeper.token(ACCOUNT).await.is_err());
    assert!(keeper.token(second).await.unwrap().expires_at().unwrap() > now());
}
