//! Waiting instead of failing, as far as the owner allows.

use remuda_core::route::{Action, Answer, Outcome, SkipReason};
use remuda_core::{AccountLimits, Class, RequestFacts, RequestKind};

use crate::herd::{Herd, NOW, id, refused, rest, spent, target};

fn herd(hold_s: i64) -> Herd {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    herd.snapshot.limits.accounts.insert(id("a"), AccountLimits { hold_s: Some(hold_s), ..AccountLimits::default() });
    herd
}

fn spent_both(herd: &mut Herd, a: i64, b: i64) {
    herd.account("a").cooling = Some(rest(a, Class::WindowExhausted));
    herd.account("b").cooling = Some(rest(b, Class::WindowExhausted));
}

#[test]
fn when_everyone_is_spent_a_request_waits_for_the_first_who_is_back() {
    let mut herd = herd(3_600);
    spent_both(&mut herd, 900, 600);
    let told = herd.ask("s", &[]);
    assert_eq!(told.holds, [600]);
    assert_eq!(told.served_by().as_deref(), Some("b"));
}

#[test]
fn refusals_of_the_same_request_lead_to_a_hold_too() {
    let mut herd = herd(3_600);
    let told = herd.ask("s", &[("a", &[spent(Some(300)), Answer::Served]), ("b", &[spent(Some(900))])]);
    assert_eq!(told.holds, [300]);
    assert_eq!(told.tried, ["a", "b", "a"]);
    assert_eq!(herd.home_of("s"), Some(("a".to_owned(), None)));
}

#[test]
fn without_leave_nobody_waits() {
    let mut herd = herd(0);
    spent_both(&mut herd, 60, 60);
    let told = herd.ask("s", &[]);
    assert_eq!((told.holds.len(), told.tried.len()), (0, 0));
    assert_eq!(told.outcome, Outcome::Error { from: None, class: None, retry_after_s: Some(60.0) });
}

#[test]
fn a_reset_beyond_the_limit_is_not_waited_for() {
    let mut herd = herd(599);
    spent_both(&mut herd, 900, 600);
    assert!(herd.ask("s", &[]).holds.is_empty());
}

#[test]
fn the_leave_of_the_process_goes_before_that_of_the_chain() {
    let mut herd = herd(3_600);
    spent_both(&mut herd, 600, 600);
    let mut impatient = herd.request("s");
    impatient.conversation.patience_s = Some(0);
    assert!(herd.walk(impatient, &[]).holds.is_empty());
    herd.snapshot.limits.accounts.clear();
    let mut patient = herd.request("s");
    patient.conversation.patience_s = Some(600);
    assert_eq!(herd.walk(patient, &[]).holds, [600]);
}

#[test]
fn the_limit_counts_from_the_first_moment_of_the_hold() {
    let mut herd = herd(1_000);
    spent_both(&mut herd, 900, 900);
    // Back, but refused again, for longer than what is left of the thousand seconds.
    let told = herd.ask("s", &[("a", &[spent(Some(1_100))]), ("b", &[spent(Some(1_100))])]);
    assert_eq!(told.holds, [900]);
    assert_eq!(
        told.outcome,
        Outcome::Error { from: Some(id("a")), class: Some(Class::WindowExhausted), retry_after_s: Some(200.0) }
    );
}

#[test]
fn moves_are_counted_over_all_holds() {
    let mut herd = herd(1_000_000);
    herd.snapshot.policy.max_hops = 2;
    // Each time the rest is over, it turns out to have been a mistake.
    let liar = |n: i64| spent(Some(n));
    let answers: Vec<Answer> = (1..100).map(|n| liar(n * 10)).collect();
    let told = herd.ask("s", &[("a", &answers), ("b", &answers)]);
    assert_eq!(told.tried.iter().filter(|who| *who == "b").count(), 2);
    assert!(matches!(told.outcome, Outcome::Error { .. }));
}

#[test]
fn holds_end_even_if_every_return_is_a_false_hope() {
    let mut herd = herd(1_000_000);
    herd.snapshot.chains.clear();
    let answers: Vec<Answer> = (1..100).map(|n| spent(Some(n * 10))).collect();
    let told = herd.ask("s", &[("a", &answers)]);
    assert_eq!(told.holds.len(), 10);
    assert!(matches!(told.outcome, Outcome::Error { .. }));
}

#[test]
fn only_work_that_somebody_waits_for_is_held() {
    let mut herd = herd(3_600);
    spent_both(&mut herd, 60, 60);
    for (kind, held) in [
        (RequestKind::Main, true),
        (RequestKind::Subagent, true),
        (RequestKind::CountTokens, false),
        (RequestKind::Background, false),
    ] {
        let request = RequestFacts { kind, ..herd.request("s") };
        herd.now = NOW;
        assert_eq!(!herd.walk(request, &[]).holds.is_empty(), held, "{kind:?}");
    }
}

#[test]
fn what_nobody_knows_the_end_of_is_not_waited_for() {
    let mut herd = herd(3_600);
    herd.snapshot.chains.clear();
    assert!(herd.ask("s", &[("a", &[refused(Class::CredentialDead)])]).holds.is_empty());
    assert!(herd.ask("s", &[("a", &[refused(Class::RequestFault)])]).holds.is_empty());
}

#[test]
fn a_held_request_that_is_let_go_ends_with_what_it_was_held_on() {
    let mut herd = herd(3_600);
    let request = herd.request("s");
    let mut route = herd.begin(request);
    while let Action::Send { .. } = herd.next(&mut route) {
        herd.answer(&mut route, spent(Some(300)));
    }
    assert_eq!(route.held_until(), Some(NOW + 300));
    route.let_go();
    let end = Outcome::Error { from: Some(id("a")), class: Some(Class::WindowExhausted), retry_after_s: Some(300.0) };
    assert_eq!(herd.next(&mut route), Action::Finish(end));
}

#[test]
fn a_held_request_that_is_woken_looks_again_and_otherwise_goes_on_waiting() {
    let mut herd = herd(3_600);
    spent_both(&mut herd, 600, 600);
    let request = herd.request("s");
    let mut route = herd.begin(request);
    let hold = herd.next(&mut route);
    assert!(matches!(hold, Action::Hold { until, .. } if until == NOW + 600));
    assert_eq!(herd.next(&mut route), hold, "it repeats itself");
    route.wake();
    assert_eq!(herd.next(&mut route), hold, "nobody is back");
    herd.account("b").cooling = None;
    route.wake();
    assert_eq!(herd.next(&mut route), Action::Send { account: id("b"), model: None });
}

#[test]
fn a_request_that_is_stopped_is_held_no_more() {
    let mut herd = herd(3_600);
    spent_both(&mut herd, 600, 600);
    let request = herd.request("s");
    let mut route = herd.begin(request);
    herd.next(&mut route);
    route.stop(&herd.snapshot, herd.now);
    assert!(matches!(herd.next(&mut route), Action::Finish(Outcome::Error { .. })));
}

#[test]
fn while_a_request_stood_in_line_the_account_may_have_become_unable() {
    let mut herd = herd(0);
    let (first, second) = (herd.request("s"), herd.request("t"));
    let (mut first, mut second) = (herd.begin(first), herd.begin(second));
    herd.next(&mut first);
    herd.next(&mut second);
    herd.answer(&mut first, spent(Some(60)));
    assert!(second.asks_first());
    let changes = second.look_again(&herd.snapshot, herd.now);
    herd.apply(&changes);
    assert_eq!(herd.next(&mut second), Action::Send { account: id("b"), model: None });
    assert_eq!(second.tried(), [id("b")]);
    assert_eq!(second.skipped()[0].reason, SkipReason::Cooling);
    assert!(second.turns_to_another(&herd.snapshot, herd.now));
}

#[test]
fn whoever_finds_an_account_too_busy_goes_on_along_its_chain() {
    let mut herd = herd(0);
    herd.snapshot.active = Some(target("a"));
    let request = herd.request("s");
    let mut route = herd.begin(request);
    herd.next(&mut route);
    assert!(!route.turns_to_another(&herd.snapshot, herd.now), "it is at home");
    route.too_busy();
    assert_eq!(herd.next(&mut route), Action::Send { account: id("b"), model: None });
    route.too_busy();
    assert_eq!(herd.next(&mut route), Action::Finish(Outcome::Error { from: None, class: None, retry_after_s: None }));
    assert_eq!(route.hops(), 0, "nobody was asked");
}
