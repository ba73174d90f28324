//! A rest whose end was only a guess ends with a single probe.

use remuda_core::account::Cooldown;
use remuda_core::request::{PinScope, RequestKind};
use remuda_core::route::{Action, Answer, Outcome, SkipReason};
use remuda_core::{Class, RequestFacts, Verdict};
use rstest::rstest;

use crate::herd::{Herd, MODEL, NOW, guess, id, refused, rest, spent, verdict};

fn herd() -> Herd {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    herd.account("a").cooling = Some(guess(900, 0));
    herd
}

fn sends_to(action: &Action, label: &str) -> bool {
    matches!(action, Action::Send { account, .. } if *account == id(label))
}

#[test]
fn one_request_probes_and_the_others_go_on_until_it_is_answered() {
    let mut herd = herd();
    let mut probe = herd.begin(herd.request("1"));
    assert!(sends_to(&herd.next(&mut probe), "a"));

    let told = herd.ask("2", &[]);
    assert_eq!(told.tried, ["b"]);
    assert_eq!(told.skipped("a"), Some(SkipReason::Probing));

    herd.answer(&mut probe, Answer::Served);
    assert_eq!(herd.account("a").cooling, None, "success ends the rest");
    assert_eq!(herd.ask("3", &[]).tried, ["a"]);
}

#[test]
fn a_refused_probe_doubles_the_rest_up_to_an_hour() {
    let mut herd = herd();
    for (length, served_by) in [(1_800, "b"), (3_600, "b"), (3_600, "b")] {
        assert_eq!(herd.ask("s", &[("a", &[spent(None)])]).served_by().as_deref(), Some(served_by));
        let renewed = herd.account("a").cooling.clone().unwrap();
        assert_eq!((renewed.until - herd.now, renewed.stated, renewed.probing_until), (length, false, None));
        assert_eq!(herd.ask("s", &[]).skipped("a"), Some(SkipReason::Cooling));
        herd.now = renewed.until;
    }
}

#[test]
fn a_refused_probe_with_a_stated_time_rests_until_then() {
    let mut herd = herd();
    herd.ask("s", &[("a", &[spent(Some(77))])]);
    let renewed = herd.account("a").cooling.clone().unwrap();
    assert_eq!((renewed.until, renewed.stated), (NOW + 77, true));
    herd.now = NOW + 77;
    let mut one = herd.begin(herd.request("1"));
    let mut other = herd.begin(herd.request("2"));
    assert!(sends_to(&herd.next(&mut one), "a"));
    assert!(sends_to(&herd.next(&mut other), "a"), "a stated time needs no probe");
}

#[rstest]
#[case::about_the_request(refused(Class::RequestFault))]
#[case::passing(refused(Class::Transient))]
#[case::too_fast_without_a_time(refused(Class::Burst))]
fn an_answer_that_says_nothing_about_the_rest_leaves_the_probe_to_the_next(#[case] answer: Answer) {
    let mut herd = herd();
    herd.ask("1", &[("a", &[answer])]);
    assert_eq!(herd.account("a").cooling, Some(guess(900, 0)));
    assert_eq!(herd.ask("2", &[]).tried, ["a"]);
    assert_eq!(herd.account("a").cooling, None);
}

#[test]
fn a_probe_is_kept_while_the_same_account_is_asked_again() {
    let mut herd = herd();
    let mut probe = herd.begin(herd.request("1"));
    herd.next(&mut probe);
    herd.answer(&mut probe, refused(Class::Transient));
    assert_eq!(herd.next(&mut probe), Action::Wait { seconds: 1.0 });
    assert_eq!(herd.ask("2", &[]).skipped("a"), Some(SkipReason::Probing));
    assert!(sends_to(&herd.next(&mut probe), "a"), "its own probe does not hold it back");
    herd.answer(&mut probe, Answer::Served);
    assert_eq!(herd.account("a").cooling, None);
}

#[test]
fn a_probe_that_is_given_up_is_free_at_once() {
    let mut herd = herd();
    let mut probe = herd.begin(herd.request("1"));
    herd.next(&mut probe);
    let changes = probe.stop(&herd.snapshot, herd.now);
    herd.apply(&changes);
    assert_eq!(herd.next(&mut probe), Action::Finish(Outcome::Error { from: None, class: None, retry_after_s: None }));
    assert_eq!(herd.ask("2", &[]).tried, ["a"]);
}

#[test]
fn a_probe_that_is_never_answered_keeps_others_waiting_for_a_minute_only() {
    let mut herd = herd();
    let mut probe = herd.begin(herd.request("1"));
    herd.next(&mut probe);
    herd.now = NOW + 59;
    assert_eq!(herd.ask("2", &[]).skipped("a"), Some(SkipReason::Probing));
    herd.now = NOW + 60;
    assert_eq!(herd.ask("3", &[]).tried, ["a"]);
    // The late answer of the first changes nothing any more.
    let late = herd.answer(&mut probe, Answer::Served);
    assert!(late.is_empty(), "{late:?}");
}

#[test]
fn a_model_that_rests_on_a_guess_is_probed_too_and_others_are_free() {
    let mut herd = herd();
    herd.account("a").cooling = None;
    let guessed = Cooldown { reason: Class::ModelExhausted, ..guess(900, 0) };
    herd.account("a").model_cooling.insert(MODEL.to_owned(), guessed);
    let mut probe = herd.begin(herd.request("1"));
    assert!(sends_to(&herd.next(&mut probe), "a"));
    assert_eq!(herd.ask("2", &[]).skipped("a"), Some(SkipReason::Probing));
    let other_model = RequestFacts { model: "claude-sonnet-5".to_owned(), ..herd.request("3") };
    assert_eq!(herd.walk(other_model, &[]).tried, ["a"]);

    herd.answer(&mut probe, refused(Class::ModelExhausted));
    let renewed = &herd.account("a").model_cooling[MODEL];
    assert_eq!((renewed.until - NOW, renewed.probing_until), (1_800, None));
}

#[test]
fn counting_tokens_proves_nothing_and_waits_for_no_probe() {
    let mut herd = herd();
    let count = |herd: &Herd| RequestFacts { kind: RequestKind::CountTokens, ..herd.request("1") };
    let counted = count(&herd);
    assert_eq!(herd.walk(counted, &[]).tried, ["a"]);
    assert_eq!(herd.account("a").cooling, Some(guess(900, 0)), "the rest is still to be probed");
    let mut probe = herd.begin(herd.request("2"));
    assert!(sends_to(&herd.next(&mut probe), "a"));
    let counted = count(&herd);
    assert_eq!(herd.walk(counted, &[]).tried, ["a"]);
    assert_eq!(herd.ask("3", &[]).skipped("a"), Some(SkipReason::Probing));
}

#[test]
fn a_manual_choice_does_not_wait_for_a_probe() {
    let mut herd = herd();
    let mut probe = herd.begin(herd.request("1"));
    herd.next(&mut probe);
    let chosen = herd.pinned("2", "a", PinScope::Session, true);
    assert_eq!(herd.walk(chosen, &[]).tried, ["a"]);
    assert_eq!(herd.account("a").cooling, None);
}

#[test]
fn a_path_that_waits_for_a_probe_is_back_when_the_probe_must_be_over() {
    let mut herd = herd();
    herd.snapshot.chains.clear();
    let mut probe = herd.begin(herd.request("1"));
    herd.next(&mut probe);
    let told = herd.ask("2", &[]);
    assert_eq!(told.outcome, Outcome::Error { from: None, class: None, retry_after_s: Some(60.0) });
}

#[test]
fn two_refusals_of_the_same_moment_double_nothing() {
    let mut herd = herd();
    herd.account("a").cooling = None;
    let mut routes: Vec<_> = (0..3).map(|n| herd.begin(herd.request(&format!("{n}")))).collect();
    for route in &mut routes {
        assert!(sends_to(&herd.next(route), "a"));
    }
    for route in &mut routes {
        herd.answer(route, spent(None));
    }
    assert_eq!(herd.account("a").cooling.as_ref().map(|rest| rest.until), Some(NOW + 900));
}

#[test]
fn a_stated_rest_is_not_shortened_by_a_guess_that_was_on_its_way() {
    let mut herd = herd();
    herd.account("a").cooling = None;
    let (mut one, mut other) = (herd.begin(herd.request("1")), herd.begin(herd.request("2")));
    herd.next(&mut one);
    herd.next(&mut other);
    herd.now = NOW + 2;
    herd.answer(&mut one, spent(Some(5_000)));
    let burst = Verdict { until: Some(NOW + 90), retry_same_after_s: None, ..verdict(Class::Burst) };
    herd.answer(&mut other, Answer::Refused(burst));
    assert_eq!(herd.account("a").cooling.as_ref().map(|rest| rest.until), Some(NOW + 5_000));
}

#[test]
fn success_does_not_disprove_what_was_learned_after_the_request_was_sent() {
    let mut herd = herd();
    herd.account("a").cooling = Some(rest(500, Class::Billing));
    let mut chosen = herd.begin(herd.pinned("1", "a", PinScope::Session, true));
    herd.next(&mut chosen);
    let newer = Cooldown { since: NOW + 1, ..rest(900, Class::WindowExhausted) };
    herd.account("a").cooling = Some(newer.clone());
    herd.now = NOW + 2;
    herd.answer(&mut chosen, Answer::Served);
    assert_eq!(herd.account("a").cooling, Some(newer));
}
