use std::sync::Arc;

use remuda_core::record::{Attempt, AttemptEnd, Record, Tokens};
use remuda_core::route::Outcome;
use remuda_core::usage::UsageSum;
use remuda_core::{CostClass, Host, RequestKind};
use remuda_store::{RecordQuery, Store, UsageGroup, UsageKey, UsageQuery};

use super::Place;
use super::make::*;

const QUARTER: i64 = 900;

fn used(n: u128, at: i64, account: u128, upstream: &str) -> Record {
    let attempt = Attempt {
        account: id(account),
        label: format!("label-{account}"),
        model: None,
        waited_ms: 0,
        refreshed: None,
        status: Some(200),
        upstream_request_id: Some(upstream.to_owned()),
        started_ms: 0,
        head_ms: Some(1),
        ended: AttemptEnd::Served,
        changes: Vec::new(),
        relayed: None,
    };
    Record {
        attempts: vec![attempt],
        outcome: Outcome::Served { account: id(account), model: None },
        tokens: Tokens { input: Some(10), output: Some(20), cache_read: Some(30), ..Tokens::default() },
        cost_usd: Some(0.5),
        cost_class: Some(CostClass::Metered),
        cache_saved_usd: Some(0.25),
        ..record(n, at)
    }
}

async fn append(store: &Arc<dyn Store>, records: Vec<Record>) {
    store.append(records.into(), NOW).await.unwrap();
}

async fn sums(store: &Arc<dyn Store>, bounds: &[i64], by: UsageKey) -> Vec<UsageGroup> {
    let bounds = bounds.to_vec();
    store.usage(UsageQuery { bounds, by, account: None, project: None, model: None, host: None }).await.unwrap()
}

/// Around everything.
const ALL: [i64; 2] = [0, NOW + 10 * QUARTER];

pub(crate) async fn usage_is_added_up_by_whatever_is_asked(place: &impl Place) {
    let store = place.open().await;
    let other = Record {
        project: Some("/home/ann/shop".to_owned()),
        host: Host::Pi,
        model: "claude-y".to_owned(),
        cost_usd: None,
        cache_saved_usd: None,
        source: Some(id(1)),
        ..used(2, NOW, 2, "req_2")
    };
    append(&store, vec![used(1, NOW, 1, "req_1"), other, used(3, NOW, 1, "req_3")]).await;
    let all = sums(&store, &ALL, UsageKey::All).await;
    assert_eq!(all.len(), 1);
    let expected = UsageSum {
        requests: 3,
        moved: 1,
        input: 30,
        output: 60,
        cache_read: 90,
        cost_usd: 1.0,
        metered_usd: 1.0,
        unpriced: 1,
        cache_saved_usd: 0.5,
        ..UsageSum::default()
    };
    assert_eq!(all[0].sum, expected, "what has no price is counted and is in no sum");
    let names =
        |groups: Vec<UsageGroup>| groups.into_iter().map(|g| (g.key, g.label, g.sum.requests)).collect::<Vec<_>>();
    assert_eq!(
        names(sums(&store, &ALL, UsageKey::Account).await),
        [(id(1).to_string(), Some("label-1".to_owned()), 2), (id(2).to_string(), Some("label-2".to_owned()), 1)]
    );
    let two = |a: &str, b: &str| [(a.to_owned(), None, 2), (b.to_owned(), None, 1)];
    assert_eq!(names(sums(&store, &ALL, UsageKey::Project).await), two("", "/home/ann/shop"));
    assert_eq!(names(sums(&store, &ALL, UsageKey::Model).await), two("claude-x", "claude-y"));
    assert_eq!(names(sums(&store, &ALL, UsageKey::Host).await), two("claude", "pi"));
    let only = UsageQuery {
        bounds: ALL.to_vec(),
        by: UsageKey::All,
        account: Some(id(2)),
        project: Some("/home/ann/shop".to_owned()),
        model: Some("claude-y".to_owned()),
        host: Some(Host::Pi),
    };
    assert_eq!(store.usage(only.clone()).await.unwrap()[0].sum.requests, 1);
    assert!(store.usage(UsageQuery { host: Some(Host::Codex), ..only }).await.unwrap().is_empty());
}

pub(crate) async fn a_request_of_the_vendor_counts_once(place: &impl Place) {
    let store = place.open().await;
    let record = used(1, NOW, 1, "req_1");
    append(&store, vec![record.clone()]).await;
    append(&store, vec![record.clone(), used(2, NOW, 1, "req_1")]).await;
    let nameless = |n| {
        let mut record = used(n, NOW, 1, "");
        record.attempts[0].upstream_request_id = None;
        record
    };
    append(&store, vec![nameless(3), nameless(4), nameless(3)]).await;
    assert_eq!(sums(&store, &ALL, UsageKey::All).await[0].sum.requests, 3, "one with an id, two without");
}

pub(crate) async fn usage_is_told_by_time(place: &impl Place) {
    let store = place.open().await;
    let start = NOW.div_euclid(QUARTER) * QUARTER - 4 * QUARTER;
    let at = |n: u128, at| used(n, at, 1, &format!("req_{n}"));
    append(&store, vec![at(1, start), at(2, start + QUARTER - 1), at(3, start + QUARTER), at(4, start + 3 * QUARTER)])
        .await;
    let bounds: Vec<i64> = (0..=3).map(|n| start + n * QUARTER).collect();
    let found: Vec<_> =
        sums(&store, &bounds, UsageKey::All).await.into_iter().map(|g| (g.from - start, g.sum.requests)).collect();
    assert_eq!(found, [(0, 2), (QUARTER, 1)], "a bucket begins with its bound and ends before the next");
}

pub(crate) async fn listing_and_counting_use_nothing(place: &impl Place) {
    let store = place.open().await;
    let of = |n, kind| Record { kind, ..used(n, NOW, 1, &format!("req_{n}")) };
    append(&store, vec![of(1, RequestKind::CountTokens), of(2, RequestKind::Models)]).await;
    assert!(sums(&store, &ALL, UsageKey::All).await.is_empty());
}

pub(crate) async fn absurd_counts_harm_no_sum(place: &impl Place) {
    let store = place.open().await;
    let tokens = Tokens { input: Some(u64::MAX), output: Some(u64::MAX), ..Tokens::default() };
    let records = (1..=20).map(|n| Record { tokens, ..used(n, NOW, 1, &format!("req_{n}")) }).collect();
    append(&store, records).await;
    assert_eq!(sums(&store, &ALL, UsageKey::All).await[0].sum.requests, 20);
}

pub(crate) async fn records_are_found_by_what_a_person_remembers(place: &impl Place) {
    let store = place.open().await;
    let failed = Record {
        outcome: Outcome::Error { from: None, class: None, retry_after_s: None },
        host: Host::Codex,
        project: Some("/home/ann/Shop".to_owned()),
        ..record(2, NOW)
    };
    append(&store, vec![used(1, NOW, 7, "req_abc"), failed]).await;
    let found = async |query: RecordQuery| -> Vec<u128> {
        store.records(query).await.unwrap().records.iter().map(|record| record.id.0.as_u128()).collect()
    };
    let search = |text: &str| RecordQuery { search: Some(text.to_owned()), ..RecordQuery::default() };
    assert_eq!(found(search("REQ_ABC")).await, [1]);
    assert_eq!(found(search("label-7")).await, [1]);
    assert_eq!(found(search("ann/shop")).await, [2]);
    assert_eq!(found(search("served")).await, [0_u128; 0], "not in the names of fields");
    assert_eq!(found(search("100%")).await, [0_u128; 0]);
    assert_eq!(found(RecordQuery { failed: Some(true), ..RecordQuery::default() }).await, [2]);
    assert_eq!(found(RecordQuery { failed: Some(false), ..RecordQuery::default() }).await, [1]);
    assert_eq!(found(RecordQuery { host: Some(Host::Codex), ..RecordQuery::default() }).await, [2]);
    let there = RecordQuery { project: Some("/home/ann/Shop".to_owned()), ..RecordQuery::default() };
    assert_eq!(found(there).await, [2]);
    assert_eq!(found(RecordQuery { until: Some(NOW), ..RecordQuery::default() }).await, [0_u128; 0]);
    assert_eq!(found(RecordQuery { until: Some(NOW + 1), ..RecordQuery::default() }).await, [2, 1]);
}

pub(crate) async fn stopped_conversations_stay_stopped(place: &impl Place) {
    let store = place.open().await;
    let halt = |why: Option<&str>| vec![remuda_store::Edit::Halt(session("claude:s1"), why.map(str::to_owned))];
    store.edit(halt(Some("a loop")), NOW).await.unwrap();
    let halts = store.load(NOW).await.unwrap().halts;
    let expected = remuda_store::Halt { why: "a loop".to_owned(), at: NOW };
    assert_eq!(halts, [(session("claude:s1"), expected)].into());
    store.edit(halt(None), NOW).await.unwrap();
    assert!(store.load(NOW).await.unwrap().halts.is_empty());
}
