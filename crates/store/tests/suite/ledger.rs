use std::sync::Arc;

use remuda_core::record::{Attempt, AttemptEnd, Record, Skipped, Tokens};
use remuda_core::route::{Outcome, SkipReason};
use remuda_core::{Class, RequestId, Scope, Verdict};
use remuda_store::{RecordQuery, Store};
use uuid::Uuid;

use super::Place;
use super::make::*;

async fn append(store: &Arc<dyn Store>, records: Vec<Record>) {
    store.append(records.into(), NOW).await.unwrap();
}

async fn listed(store: &Arc<dyn Store>, query: RecordQuery) -> Vec<u128> {
    let page = store.records(query).await.unwrap();
    page.records.iter().map(|record| record.id.0.as_u128()).collect()
}

pub(crate) async fn a_record_comes_back_as_it_was(place: &impl Place) {
    let store = place.open().await;
    let verdict = Verdict {
        class: Class::WindowExhausted,
        scope: Scope::Account,
        fail_over: true,
        retry_same_after_s: Some(1.5),
        until: Some(NOW + 60),
        evidence: "429".to_owned(),
    };
    let whole = Record {
        skipped: vec![Skipped {
            account: id(2),
            label: "two".to_owned(),
            reason: SkipReason::Cooling,
            until: Some(NOW + 60),
        }],
        attempts: vec![Attempt {
            account: id(1),
            label: "one".to_owned(),
            model: None,
            waited_ms: 0,
            refreshed: None,
            status: Some(429),
            upstream_request_id: Some("req_1".to_owned()),
            started_ms: 1,
            head_ms: Some(20),
            ended: AttemptEnd::Refused { verdict, in_stream: true },
            changes: vec!["authorization replaced".to_owned()],
            relayed: None,
        }],
        tokens: Tokens { input: Some(1), ..Tokens::default() },
        ..record(1, NOW)
    };
    append(&store, vec![whole.clone()]).await;
    assert_eq!(store.record(whole.id).await.unwrap(), Some(whole));
    assert_eq!(store.record(RequestId(Uuid::from_u128(2))).await.unwrap(), None);
}

pub(crate) async fn records_are_listed_newest_first(place: &impl Place) {
    let store = place.open().await;
    append(&store, vec![record(3, NOW), record(1, NOW + 2), record(2, NOW)]).await;
    assert_eq!(listed(&store, RecordQuery::default()).await, [1, 3, 2]);
    assert_eq!(listed(&store, RecordQuery { limit: 1, ..RecordQuery::default() }).await, [1], "the last one");
}

pub(crate) async fn pages_join_without_gap_or_double_while_records_come(place: &impl Place) {
    let store = place.open().await;
    append(&store, (0..25).map(|n| record(n, NOW + i64::try_from(n / 3).unwrap())).collect()).await;
    let mut seen = Vec::new();
    let mut query = RecordQuery { limit: 4, ..RecordQuery::default() };
    loop {
        let page = store.records(query.clone()).await.unwrap();
        seen.extend(page.records.iter().map(|record| record.id.0.as_u128()));
        append(&store, vec![record(1_000 + seen.len() as u128, NOW + 100)]).await;
        match page.next {
            Some(next) => query.before = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).rev().collect::<Vec<_>>());
}

pub(crate) async fn each_filter_filters(place: &impl Place) {
    let store = place.open().await;
    let failed = Outcome::Error { from: None, class: Some(Class::Billing), retry_after_s: None };
    let broken = Outcome::StreamError { from: id(2), class: Class::Transient };
    let unroutable = Outcome::Error { from: None, class: None, retry_after_s: None };
    append(
        &store,
        vec![
            record(1, NOW),
            Record { session: Some(session("s2")), ..record(2, NOW + 1) },
            Record { model: "other".to_owned(), ..record(3, NOW + 2) },
            Record { outcome: failed, session: None, ..record(4, NOW + 3) },
            Record { outcome: broken, ..record(5, NOW + 4) },
            Record { outcome: unroutable, ..record(6, NOW + 5) },
        ],
    )
    .await;
    let all = RecordQuery::default;
    assert_eq!(listed(&store, RecordQuery { session: Some(session("s2")), ..all() }).await, [2]);
    assert_eq!(listed(&store, RecordQuery { model: Some("other".to_owned()), ..all() }).await, [3]);
    assert_eq!(listed(&store, RecordQuery { class: Some(Class::Billing), ..all() }).await, [4]);
    assert_eq!(listed(&store, RecordQuery { class: Some(Class::Transient), ..all() }).await, [5]);
    assert_eq!(listed(&store, RecordQuery { served_by: Some(id(2)), ..all() }).await, [5]);
    assert_eq!(listed(&store, RecordQuery { served_by: Some(id(1)), ..all() }).await, [3, 2, 1]);
    assert_eq!(listed(&store, RecordQuery { since: Some(NOW + 4), ..all() }).await, [6, 5]);
    let both = RecordQuery { served_by: Some(id(1)), since: Some(NOW + 1), ..all() };
    assert_eq!(listed(&store, both).await, [3, 2]);
}

pub(crate) async fn an_id_can_be_shortened(place: &impl Place) {
    let store = place.open().await;
    let uuid = |text: &str| Uuid::parse_str(text).unwrap().as_u128();
    let one = uuid("019a9b3c-0000-7000-8000-0000000000ff");
    let two = uuid("019a9b3d-0000-7000-8000-000000000000");
    append(&store, vec![record(one, NOW), record(two, NOW + 1)]).await;
    for (prefix, expected) in [
        ("019a9b3c", vec![one]),
        ("019A9B3C-00", vec![one]),
        ("019a9b3c-0000-7000-8000-0000000000ff", vec![one]),
        ("019a9b3", vec![two, one]),
        ("0", vec![two, one]),
        ("1", vec![]),
        ("", vec![]),
        ("-", vec![]),
        ("019x", vec![]),
        ("%", vec![]),
        ("019a9b3c-0000-7000-8000-0000000000ff0", vec![]),
    ] {
        let found = store.records_by_prefix(prefix).await.unwrap();
        assert_eq!(found.iter().map(|record| record.id.0.as_u128()).collect::<Vec<_>>(), expected, "{prefix:?}");
    }
    append(&store, (0..30).map(|n| record(two + 1 + n, NOW)).collect()).await;
    assert_eq!(store.records_by_prefix("019a9b3d").await.unwrap().len(), 10);
}

pub(crate) async fn appending_again_replaces(place: &impl Place) {
    let store = place.open().await;
    append(&store, vec![record(1, NOW), record(2, NOW)]).await;
    let later = Record { model: "other".to_owned(), ..record(1, NOW + 5) };
    append(&store, vec![later.clone()]).await;
    assert_eq!(listed(&store, RecordQuery::default()).await, [1, 2]);
    assert_eq!(store.record(later.id).await.unwrap(), Some(later));
}

pub(crate) async fn a_limit_of_nothing_or_too_much_is_moved_into_bounds(place: &impl Place) {
    let store = place.open().await;
    append(&store, (0..1_100).map(|n| record(n, NOW)).collect()).await;
    assert_eq!(listed(&store, RecordQuery { limit: 0, ..RecordQuery::default() }).await.len(), 1);
    let most = RecordQuery { limit: u32::MAX, ..RecordQuery::default() };
    assert_eq!(listed(&store, most).await.len(), RecordQuery::MAX_LIMIT as usize);
}

pub(crate) async fn records_too_old_are_dropped(place: &impl Place) {
    let store = place.open().await;
    let age = remuda_store::Retention::default().max_age_s;
    append(&store, vec![record(1, NOW - age - 1), record(2, NOW - age), record(3, NOW)]).await;
    assert_eq!(listed(&store, RecordQuery::default()).await, [3, 2]);
}
