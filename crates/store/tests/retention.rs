//! Records are bounded in number, however they come.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

#[expect(dead_code, reason = "shared with other tests, which use the rest")]
#[path = "suite/make.rs"]
mod make;

use make::{NOW, record};
use remuda_core::record::Record;
use remuda_store::{
    KeySource, Places, RecordQuery, Retention, SqliteOptions, SqliteStore, Store, UsageKey, UsageQuery, UsageRetention,
};

async fn store_of(max_records: u32, directory: &tempfile::TempDir) -> SqliteStore {
    let options = SqliteOptions {
        places: Places::in_home(directory.path()),
        key_source: KeySource::File,
        retention: Retention { max_records, ..Retention::default() },
    };
    SqliteStore::open(options, NOW).await.unwrap()
}

async fn listed(store: &SqliteStore) -> Vec<u128> {
    let all = RecordQuery { limit: RecordQuery::MAX_LIMIT, ..RecordQuery::default() };
    store.records(all).await.unwrap().records.iter().map(|record| record.id.0.as_u128()).collect()
}

#[tokio::test]
async fn the_newest_to_arrive_stay() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_of(10, &directory).await;
    for batch in [0..7_u128, 7..8, 8..40, 40..41] {
        let records: Vec<Record> = batch.clone().map(|n| record(n, NOW + i64::try_from(n).unwrap())).collect();
        store.append(records.into(), NOW).await.unwrap();
        let newest: Vec<u128> = (0..batch.end).rev().take(10).collect();
        assert_eq!(listed(&store).await, newest);
    }
}

#[tokio::test]
async fn appending_the_same_records_again_drops_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_of(10, &directory).await;
    for _ in 0..5 {
        let records: Vec<Record> = (0..10).map(|n| record(n, NOW)).collect();
        store.append(records.into(), NOW).await.unwrap();
    }
    assert_eq!(listed(&store).await.len(), 10);
}

#[tokio::test]
async fn a_smaller_bound_takes_effect_with_the_next_record() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_of(100, &directory).await;
    let records: Vec<Record> = (0..50).map(|n| record(n, NOW + i64::try_from(n).unwrap())).collect();
    store.append(records.into(), NOW).await.unwrap();
    store.close().await;
    let store = store_of(5, &directory).await;
    store.append([record(50, NOW + 50)].into(), NOW).await.unwrap();
    assert_eq!(listed(&store).await, [50, 49, 48, 47, 46]);
}

#[tokio::test]
async fn usage_is_bounded_in_age_and_rows_and_outlives_the_records() {
    const DAY: i64 = 86_400;
    let directory = tempfile::tempdir().unwrap();
    let open = async |usage| {
        let options = SqliteOptions {
            places: Places::in_home(directory.path()),
            key_source: KeySource::File,
            retention: Retention { max_records: 1, usage, ..Retention::default() },
        };
        SqliteStore::open(options, NOW).await.unwrap()
    };
    let days = async |store: &SqliteStore| -> Vec<i64> {
        let first = NOW.div_euclid(DAY) * DAY - 500 * DAY;
        let bounds = (0..=510).map(|day| first + day * DAY).collect();
        let query = UsageQuery { bounds, by: UsageKey::All, account: None, project: None, model: None, host: None };
        let today = first + 500 * DAY;
        store.usage(query).await.unwrap().iter().map(|group| (today - group.from) / DAY).collect()
    };
    let store = open(UsageRetention::default()).await;
    let records = [401, 399, 30, 2, 1, 0].map(|ago| record(1_000 - ago, NOW - i64::try_from(ago).unwrap() * DAY));
    store.append(records.into(), NOW).await.unwrap();
    assert_eq!(days(&store).await, [399, 30, 2, 1, 0], "400 days");
    store.close().await;
    let store = open(UsageRetention { max_rows: 3, ..UsageRetention::default() }).await;
    store.append([record(2_000, NOW)].into(), NOW).await.unwrap();
    assert_eq!(days(&store).await, [2, 1, 0], "the newest rows stay");
}
