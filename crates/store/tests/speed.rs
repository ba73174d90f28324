//! How long the large calls take. Not part of the tests: a loaded machine would decide them.
//! `cargo test -p remuda-store --release --test speed -- --ignored --nocapture`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

#[expect(dead_code, reason = "shared with other tests, which use the rest")]
#[path = "suite/make.rs"]
mod make;

use std::sync::Arc;
use std::time::{Duration, Instant};

use make::{NOW, full_account, id, pair, reading, record, secret, session};
use remuda_core::record::Record;
use remuda_core::request::Home;
use remuda_core::route::StateChange;
use remuda_core::{Window, snapshot};
use remuda_store::store::MAX_SESSIONS;
use remuda_store::{Batch, Edit, KeySource, Places, RecordQuery, SqliteOptions, SqliteStore, Store};

/// The best of five, as other work on the machine only ever adds.
async fn best<F: Future>(mut run: impl FnMut(u32) -> F) -> Duration {
    let mut best = Duration::MAX;
    for round in 0..5 {
        let start = Instant::now();
        run(round).await;
        best = best.min(start.elapsed());
    }
    best
}

#[tokio::test]
#[ignore = "a measurement"]
async fn large_calls_are_quick() {
    let directory = tempfile::tempdir().unwrap();
    let options =
        || SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(Places::in_home(directory.path())) };
    let store = SqliteStore::open(options(), NOW).await.unwrap();

    for n in 1..=500 {
        store.add_account(full_account(n), NOW).await.unwrap();
    }
    let chain = |n: u128| {
        let step = |target| snapshot::ChainStep { target: snapshot::Target::Account(id(target)), model: None };
        Edit::Chain(id(n), vec![step(n % 500 + 1), step((n + 1) % 500 + 1)])
    };
    store.edit((1..=500).map(chain).collect(), NOW).await.unwrap();
    let readings = (1..=500)
        .flat_map(|n| [(id(n), Window::FiveHour, reading(1.0, NOW)), (id(n), Window::SevenDay, reading(2.0, NOW))]);
    store.apply(Arc::new(Batch { readings: readings.collect(), ..Batch::default() }), NOW).await.unwrap();

    let load = best(|_| async { store.load(NOW).await.unwrap() }).await;
    let append = best(|round| {
        let from = u128::from(round) * 10_000;
        let records: Vec<Record> = (from..from + 10_000).map(|n| record(n, NOW)).collect();
        async { store.append(records.into(), NOW).await.unwrap() }
    })
    .await;
    let rare = RecordQuery { model: Some("none".to_owned()), ..RecordQuery::default() };
    let scan = best(|_| async { store.records(rare.clone()).await.unwrap() }).await;
    let last =
        best(|_| async { store.records(RecordQuery { limit: 1, ..RecordQuery::default() }).await.unwrap() }).await;
    let binds = (0..MAX_SESSIONS)
        .map(|n| StateChange::Bind(session(&format!("claude:{n:036}")), Home { account: id(1), pool: None }));
    let changes = Arc::new(Batch { changes: binds.collect(), ..Batch::default() });
    let bind = best(|_| async { store.apply(Arc::clone(&changes), NOW).await.unwrap() }).await;
    let sessions = best(|_| async { store.sessions(NOW).await.unwrap() }).await;
    let rotate = best(|round| {
        let (store, sent) = (&store, secret(&format!("rt{}", round + 1)));
        async move { store.rotate(id(1), sent, pair(round + 2)).await.unwrap() }
    })
    .await;
    let small = Arc::new(Batch { touched: vec![(session("claude:1"), NOW)], ..Batch::default() });
    let apply = best(|_| async { store.apply(Arc::clone(&small), NOW).await.unwrap() }).await;
    store.close().await;
    let open = best(|_| async { SqliteStore::open(options(), NOW).await.unwrap().close().await }).await;
    let empty = tempfile::tempdir().unwrap();
    let fresh = || SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(Places::in_home(empty.path())) };
    let first = Instant::now();
    SqliteStore::open(fresh(), NOW).await.unwrap().close().await;
    let first = first.elapsed();
    let small = best(|_| async { SqliteStore::open(fresh(), NOW).await.unwrap().close().await }).await;

    println!("load 500 accounts with chains and readings   {load:?}   (at most 20 ms)");
    println!("append 10 000 records                         {append:?}   (at most 150 ms)");
    println!("scan 20 000 records for a rare one            {scan:?}");
    println!("the last record                               {last:?}");
    println!("bind 50 000 sessions                          {bind:?}");
    println!("list 50 000 sessions                          {sessions:?}");
    println!("rotate, flushed                               {rotate:?}");
    println!("apply one touch                               {apply:?}");
    println!("open (500 accounts, 50 000 sessions) + close  {open:?}");
    println!("open and close a small store                  {small:?}");
    println!("make a new store                              {first:?}");
    if !cfg!(debug_assertions) {
        assert!(load < Duration::from_millis(20));
        assert!(append < Duration::from_millis(150));
    }
}
