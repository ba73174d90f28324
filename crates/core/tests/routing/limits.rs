//! Reserves by purpose: interactive work before subagents, subagents before work in the background.

use remuda_core::route::SkipReason;
use remuda_core::snapshot::{Strategy, UnknownQuota};
use remuda_core::{AccountLimits, RequestFacts, RequestKind, Window};
use rstest::rstest;

use crate::herd::{Herd, id, target};

/// 30 % of the five hours are left; 25 % are kept from subagents, 40 % from the background.
fn herd() -> Herd {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    herd.used("a", Window::FiveHour, 70.0, Some(3_600));
    let limits = &mut herd.snapshot.limits.everyone;
    limits.subagents.insert(Window::FiveHour, 25.0);
    limits.background.insert(Window::FiveHour, 40.0);
    herd.used("b", Window::FiveHour, 0.0, None);
    herd
}

#[rstest]
#[case(RequestKind::Main, "a")]
#[case(RequestKind::Subagent, "a")]
#[case(RequestKind::Background, "b")]
#[case(RequestKind::CountTokens, "a")]
fn what_is_kept_for_more_urgent_work_is_not_used(#[case] kind: RequestKind, #[case] asked: &str) {
    let mut herd = herd();
    let request = RequestFacts { kind, ..herd.request("s") };
    assert_eq!(herd.walk(request, &[]).tried, [asked]);
}

#[test]
fn exactly_the_reserve_may_still_be_used() {
    let mut herd = herd();
    herd.used("a", Window::FiveHour, 75.0, Some(3_600));
    let request = herd.subagent("s", "1");
    assert_eq!(herd.walk(request, &[]).tried, ["a"]);
    herd.used("a", Window::FiveHour, 75.1, Some(3_600));
    let request = herd.subagent("s", "1");
    let told = herd.walk(request, &[]);
    assert_eq!((told.tried, told.skipped), (vec!["b".to_owned()], vec![("a".to_owned(), SkipReason::Reserved)]));
}

#[test]
fn a_reserve_is_kept_even_if_nobody_else_can_serve() {
    let mut herd = herd();
    herd.snapshot.chains.clear();
    let request = RequestFacts { kind: RequestKind::Background, ..herd.request("s") };
    let told = herd.walk(request, &[]);
    assert!(told.tried.is_empty());
    let back = remuda_core::route::Outcome::Error { from: None, class: None, retry_after_s: Some(3_600.0) };
    assert_eq!(told.outcome, back, "and it is told when that changes");
}

#[test]
fn an_account_can_keep_more_or_nothing() {
    let mut herd = herd();
    let none = AccountLimits { background: [(Window::FiveHour, 0.0)].into(), ..AccountLimits::default() };
    herd.snapshot.limits.accounts.insert(id("a"), none);
    let request = RequestFacts { kind: RequestKind::Background, ..herd.request("s") };
    assert_eq!(herd.walk(request, &[]).tried, ["a"], "25 % are kept from subagents, and 30 % are left");
}

#[test]
fn unknown_quota_is_treated_as_everywhere() {
    let mut herd = herd();
    herd.account("a").readings.clear();
    let request = herd.subagent("s", "1");
    assert_eq!(herd.walk(request, &[]).skipped("a"), Some(SkipReason::Reserved));
    herd.snapshot.minimum.unknown = UnknownQuota::Open;
    let request = herd.subagent("s", "1");
    assert_eq!(herd.walk(request, &[]).tried, ["a"]);
}

#[test]
fn no_subagent_is_placed_where_it_could_not_serve() {
    let mut herd = herd();
    herd.pool_by(Strategy::Ordered, "p", &["a", "b"]);
    herd.snapshot.active = Some(target("@p"));
    assert_eq!(herd.ask("s", &[]).tried, ["a"]);
    herd.used("a", Window::FiveHour, 80.0, Some(3_600));
    let request = herd.subagent("s", "1");
    assert_eq!(herd.walk(request, &[]).tried, ["b"]);
    assert_eq!(herd.ask("s", &[]).tried, ["a"], "its parent stays");
}
