//! Rules in their interplay, beyond what single cases show.

use remuda_core::account::{AccountStatus, Identity, Vendor};
use remuda_core::request::{Host, PinScope, RequestFacts};
use remuda_core::route::{Action, Answer, Outcome, Refreshed, SkipReason};
use remuda_core::snapshot::UnknownQuota;
use remuda_core::{Class, Verdict, Window};
use rstest::rstest;

use crate::herd::{Herd, MODEL, NOW, id, reading, refused, rest, spent, verdict};

/// Every reason, in the order in which it is checked, with what lifts it.
#[test]
fn the_first_check_that_fails_is_the_reason_told() {
    let mut herd = Herd::of(&["a", "b", "twin"]);
    herd.chain("a", &["twin", "b"]);
    herd.snapshot.policy.max_hops = 1;
    herd.snapshot.policy.overloaded_retries = 0;
    herd.account("twin").identity = Some(Identity("u1".to_owned()));
    herd.snapshot.kill_switch.enabled = true;
    herd.snapshot.kill_switch.accounts.insert(id("b"), [(Window::SevenDay, 5.0)].into());

    let b = herd.snapshot.accounts.remove(&id("b")).unwrap();
    let told = |herd: &mut Herd| {
        let mut at_this_moment = Herd { snapshot: herd.snapshot.clone(), ..Herd::of(&[]) };
        let twin = if herd.snapshot.policy.max_hops == 1 { Class::Billing } else { Class::Overloaded };
        at_this_moment.ask("s", &[("a", &[spent(None)]), ("twin", &[refused(twin)])]).skipped("b")
    };
    assert_eq!(told(&mut herd), Some(SkipReason::Unknown));
    herd.snapshot.accounts.insert(id("b"), b);

    // From here on everything else is wrong with b, and is mended one by one.
    {
        let b = herd.account("b");
        b.vendor = Vendor::OpenAi;
        b.readings.insert(Window::SevenDay, reading(96.0, 60));
        b.status = AccountStatus::Paused;
        b.identity = Some(Identity("u1".to_owned()));
        b.model_cooling.insert(MODEL.to_owned(), rest(60, Class::ModelExhausted));
        b.min_remaining.insert(Window::FiveHour, 10.0);
        b.readings.insert(Window::FiveHour, reading(96.0, 60));
    }
    herd.account("b").cost = remuda_core::CostClass::Metered;
    assert_eq!(told(&mut herd), Some(SkipReason::NotGranted));
    herd.account("b").allowed_hosts = vec![Host::Claude];
    assert_eq!(told(&mut herd), Some(SkipReason::KillSwitch));
    herd.account("b").readings.insert(Window::SevenDay, reading(50.0, 60));
    assert_eq!(told(&mut herd), Some(SkipReason::Paused));
    for status in [AccountStatus::NeedsLogin, AccountStatus::Disabled] {
        herd.account("b").status = status;
        let expected = if status == AccountStatus::Disabled { SkipReason::Disabled } else { SkipReason::NeedsLogin };
        assert_eq!(told(&mut herd), Some(expected));
    }
    herd.account("b").status = AccountStatus::Ready;
    assert_eq!(told(&mut herd), Some(SkipReason::SameIdentity));
    herd.account("b").identity = None;
    herd.account("b").cooling = Some(rest(60, Class::Burst));
    assert_eq!(told(&mut herd), Some(SkipReason::Cooling));
    let over = remuda_core::Cooldown { stated: false, probing_until: Some(NOW + 9), ..rest(0, Class::Burst) };
    herd.account("b").cooling = Some(over);
    assert_eq!(told(&mut herd), Some(SkipReason::Probing));
    herd.account("b").cooling = None;
    assert_eq!(told(&mut herd), Some(SkipReason::ModelCooling));
    herd.account("b").model_cooling.clear();
    assert_eq!(told(&mut herd), Some(SkipReason::OtherVendor));
    herd.account("b").vendor = Vendor::Anthropic;
    herd.snapshot.policy.max_hops = 2;
    assert_eq!(told(&mut herd), Some(SkipReason::VendorOverloaded));
    herd.snapshot.policy.max_hops = 1;
    assert_eq!(told(&mut herd), Some(SkipReason::Metered));
    herd.account("b").cost = remuda_core::CostClass::Free;
    assert_eq!(told(&mut herd), Some(SkipReason::BelowMinimum));
    herd.account("b").readings.remove(&Window::FiveHour);
    assert_eq!(told(&mut herd), Some(SkipReason::UnknownQuota));
    herd.account("b").readings.insert(Window::FiveHour, reading(50.0, 60));
    assert_eq!(told(&mut herd), Some(SkipReason::HopLimit));
    herd.snapshot.policy.max_hops = 3;
    herd.snapshot.policy.overloaded_retries = 2;
    herd.snapshot.chains.insert(id("a"), herd.snapshot.chains[&id("a")][1..].to_vec());
    assert_eq!(told(&mut herd), None);
}

#[test]
fn the_refusal_under_another_label_is_told_before_the_rest_of_the_label() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    for label in ["a", "b"] {
        herd.account(label).identity = Some(Identity("u1".to_owned()));
    }
    herd.account("b").cooling = Some(rest(60, Class::Burst));
    let told = herd.walk(herd.pinned("s", "a", PinScope::Session, true), &[("a", &[refused(Class::Transient)])]);
    assert_eq!(told.skipped, [("b".to_owned(), SkipReason::SameIdentity)]);
}

#[test]
fn the_model_of_a_chain_step_is_what_rests() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b=small"]);
    let told = herd.ask("s", &[("a", &[spent(None)]), ("b", &[refused(Class::ModelExhausted)])]);
    assert_eq!(told.tried, ["a", "b"]);
    assert_eq!(herd.account("b").model_cooling.keys().collect::<Vec<_>>(), ["small"]);
    assert_eq!(herd.ask("s", &[]).skipped("b"), Some(SkipReason::ModelCooling));
}

#[test]
fn each_class_has_its_own_retries_on_one_account() {
    let mut herd = Herd::of(&["a"]);
    let script = [refused(Class::Transient), refused(Class::Burst), refused(Class::Overloaded), Answer::Served];
    let told = herd.ask("s", &[("a", &script)]);
    assert_eq!(told.tried, ["a"; 4]);
    assert_eq!(told.waits, [1.0, 5.0, 5.0]);
}

#[rstest]
#[case::burst(Class::Burst)]
#[case::transient(Class::Transient)]
#[case::overloaded(Class::Overloaded)]
fn a_wait_beyond_the_policy_is_not_waited_out(#[case] class: Class) {
    let mut herd = Herd::of(&["a"]);
    let long = Verdict { retry_same_after_s: Some(60.5), ..verdict(class) };
    let told = herd.ask("s", &[("a", &[Answer::Refused(long)])]);
    assert_eq!((told.tried.len(), told.waits.len()), (1, 0));
}

#[test]
fn overload_that_passes_to_another_refusal_does_not_keep_the_vendor_out() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    let told = herd.ask("s", &[("a", &[refused(Class::Overloaded), spent(Some(60))])]);
    assert_eq!(told.tried, ["a", "a", "b"]);
}

#[test]
fn a_refreshed_token_that_is_refused_again_condemns_the_login() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    let told = herd.ask("s", &[("a", &[refused(Class::CredentialStale)])]);
    assert_eq!(told.tried, ["a", "a", "b"]);
    assert_eq!(herd.account("a").status, AccountStatus::NeedsLogin);
}

#[test]
fn a_refresh_happens_once_in_a_request() {
    let mut herd = Herd::of(&["a"]);
    let script = [refused(Class::CredentialStale), refused(Class::Transient), refused(Class::CredentialStale)];
    let told = herd.ask("s", &[("a", &script)]);
    assert_eq!(told.tried, ["a"; 3]);
    assert_eq!(herd.account("a").status, AccountStatus::NeedsLogin);
    assert_eq!(
        told.outcome,
        Outcome::Error { from: Some(id("a")), class: Some(Class::CredentialStale), retry_after_s: None }
    );
}

#[test]
fn a_refresh_that_does_not_work_this_time_condemns_nobody() {
    let mut herd = Herd::of(&["a"]);
    herd.refresh = Refreshed::Transient;
    let told = herd.ask("s", &[("a", &[refused(Class::CredentialStale)])]);
    assert_eq!(told.tried, ["a"]);
    assert_eq!(herd.account("a").status, AccountStatus::Ready);
}

#[rstest]
#[case::limit(spent(Some(40)), Some(40.0))]
#[case::limit_without_a_time(spent(None), Some(900.0))]
#[case::stale(refused(Class::CredentialStale), None)]
#[case::passing(refused(Class::Transient), None)]
fn a_body_that_cannot_be_sent_again_ends_with_the_first_answer(#[case] answer: Answer, #[case] returns: Option<f64>) {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    let Answer::Refused(Verdict { class, .. }) = answer.clone() else { unreachable!() };
    let once = RequestFacts { replayable: false, ..herd.request("s") };
    let told = herd.walk(once, &[("a", &[answer])]);
    assert_eq!(told.tried, ["a"]);
    assert_eq!(told.outcome, Outcome::Error { from: Some(id("a")), class: Some(class), retry_after_s: returns });
}

#[test]
fn a_body_that_cannot_be_sent_again_goes_to_the_first_account_that_may_take_it() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    herd.account("a").cooling = Some(rest(60, Class::Burst));
    let once = RequestFacts { replayable: false, ..herd.request("s") };
    let told = herd.walk(once, &[("b", &[spent(Some(7))])]);
    assert_eq!(told.tried, ["b"]);
    assert_eq!(
        told.outcome,
        Outcome::Error { from: Some(id("b")), class: Some(Class::WindowExhausted), retry_after_s: Some(7.0) }
    );
}

#[test]
fn a_limit_that_must_not_be_evaded_ends_the_request_whatever_its_class() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    let strict = Verdict { fail_over: false, ..verdict(Class::Burst) };
    assert_eq!(herd.ask("s", &[("a", &[Answer::Refused(strict)])]).tried, ["a"]);
}

#[test]
fn content_that_was_released_is_never_followed_by_another_try() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    let mut route = herd.begin(herd.request("s"));
    herd.next(&mut route);
    herd.answer(&mut route, Answer::Served);
    assert!(matches!(herd.next(&mut route), Action::Finish(Outcome::Served { .. })));
    let limit = Verdict { until: Some(NOW + 50), ..verdict(Class::WindowExhausted) };
    herd.answer(&mut route, Answer::BrokeOff(limit));
    let over = Outcome::StreamError { from: id("a"), class: Class::WindowExhausted };
    assert_eq!(herd.next(&mut route), Action::Finish(over.clone()));
    assert_eq!(herd.account("a").cooling.as_ref().map(|rest| rest.until), Some(NOW + 50));
    // Reports that nobody waits for change nothing.
    assert!(herd.answer(&mut route, Answer::Served).is_empty());
    assert!(route.refreshed(Refreshed::Permanent, &herd.snapshot, herd.now).is_empty());
    assert_eq!(herd.next(&mut route), Action::Finish(over));
}

#[test]
fn a_route_repeats_itself_until_it_is_told_what_came() {
    let mut herd = Herd::of(&["a"]);
    let mut route = herd.begin(herd.request("s"));
    let first = herd.next(&mut route);
    assert_eq!(herd.next(&mut route), first);
    assert_eq!(route.tried().len(), 1);
    herd.answer(&mut route, refused(Class::CredentialStale));
    assert_eq!(herd.next(&mut route), Action::Refresh { account: id("a") });
    assert_eq!(herd.next(&mut route), Action::Refresh { account: id("a") });
}

#[test]
fn the_kill_switch_that_trips_during_a_wait_is_obeyed() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    herd.snapshot.kill_switch.enabled = true;
    herd.snapshot.kill_switch.accounts.insert(id("a"), [(Window::FiveHour, 5.0)].into());
    herd.account("a").readings.insert(Window::FiveHour, reading(90.0, 600));
    let mut route = herd.begin(herd.request("s"));
    herd.next(&mut route);
    let burst = Verdict { until: Some(NOW + 5), ..verdict(Class::Burst) };
    herd.answer(&mut route, Answer::Refused(burst));
    assert!(matches!(herd.next(&mut route), Action::Wait { .. }));
    herd.account("a").readings.insert(Window::FiveHour, reading(96.0, 600));
    assert_eq!(herd.next(&mut route), Action::Send { account: id("b"), model: None });
    assert_eq!(route.tried(), [id("a"), id("b")]);
    assert_eq!(herd.account("a").cooling.as_ref().map(|rest| rest.until), Some(NOW + 5), "the burst is remembered");
}

#[test]
fn stopping_hands_on_the_best_error_so_far_and_remembers_what_was_learned() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    let mut route = herd.begin(herd.request("s"));
    herd.next(&mut route);
    let burst = Verdict { until: Some(NOW + 5), ..verdict(Class::Burst) };
    herd.answer(&mut route, Answer::Refused(burst));
    herd.next(&mut route);
    let changes = route.stop(&herd.snapshot, herd.now);
    herd.apply(&changes);
    let error = Outcome::Error { from: Some(id("a")), class: Some(Class::Burst), retry_after_s: Some(5.0) };
    assert_eq!(herd.next(&mut route), Action::Finish(error));
    assert!(route.stop(&herd.snapshot, herd.now).is_empty());
}

#[test]
fn two_labels_of_one_real_account_rest_together_until_the_later_end() {
    let mut herd = Herd::of(&["a", "b", "c"]);
    for label in ["a", "c"] {
        herd.account(label).identity = Some(Identity("u1".to_owned()));
    }
    herd.account("a").cooling = Some(rest(10, Class::Burst));
    herd.account("c").cooling = Some(rest(500, Class::WindowExhausted));
    let told = herd.ask("s", &[]);
    assert_eq!(told.outcome, Outcome::Error { from: None, class: None, retry_after_s: Some(500.0) });
}

#[test]
fn an_account_is_back_when_all_that_holds_it_back_is_over() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    herd.account("a").status = AccountStatus::NeedsLogin;
    herd.account("b").cooling = Some(rest(10, Class::Burst));
    herd.account("b").model_cooling.insert(MODEL.to_owned(), rest(70, Class::ModelExhausted));
    let returns = |herd: &mut Herd| match herd.ask("s", &[]).outcome {
        Outcome::Error { retry_after_s, .. } => retry_after_s,
        other => panic!("{other:?}"),
    };
    assert_eq!(returns(&mut herd), Some(70.0));
    herd.low("b");
    assert_eq!(returns(&mut herd), Some(3_600.0));
    herd.account("b").readings.get_mut(&Window::FiveHour).unwrap().resets_at = None;
    assert_eq!(returns(&mut herd), None, "a low window that names no reset has no known return");
}

#[test]
fn the_minimum_of_a_source_delays_no_return_because_it_is_its_own_last_resort() {
    let mut herd = Herd::of(&["a"]);
    herd.low("a");
    let told = herd.ask("s", &[("a", &[spent(Some(20))])]);
    assert!(matches!(told.outcome, Outcome::Error { retry_after_s: Some(20.0), .. }), "{:?}", told.outcome);
}

#[test]
fn a_source_as_the_last_resort_is_no_move() {
    let mut herd = Herd::of(&["a", "b", "c"]);
    herd.chain("a", &["b", "c"]);
    herd.low("a");
    herd.snapshot.policy.max_hops = 1;
    let told = herd.ask("s", &[("b", &[spent(Some(20))])]);
    assert_eq!(told.tried, ["b", "a"]);
    assert_eq!(told.skipped, [("c".to_owned(), SkipReason::HopLimit)]);
}

#[test]
fn a_source_as_the_last_resort_still_obeys_what_came_up_meanwhile() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    herd.low("a");
    let told = herd.ask("s", &[("b", &[refused(Class::Overloaded)])]);
    assert_eq!(told.tried, ["b"; 3]);
    assert_eq!(told.skipped, [("a".to_owned(), SkipReason::VendorOverloaded)]);
}

#[test]
fn a_source_of_another_vendor_than_the_request_leaves_it_to_its_chain() {
    let mut herd = Herd::of(&["x", "b"]);
    herd.account("x").vendor = Vendor::OpenAi;
    herd.account("x").allowed_hosts = vec![Host::Claude];
    herd.chain("x", &["b"]);
    let told = herd.ask("s", &[]);
    assert_eq!(told.tried, ["b"]);
    assert_eq!(told.skipped("x"), Some(SkipReason::OtherVendor));
    let chosen = herd.walk(herd.pinned("s", "x", PinScope::Session, true), &[]);
    assert_eq!(chosen.tried, ["b"], "not even by choice: it does not speak the protocol");
}

#[rstest]
#[case::closed(UnknownQuota::Closed, None, Some(SkipReason::KillSwitch))]
#[case::open(UnknownQuota::Open, None, None)]
#[case::at_the_age_limit(UnknownQuota::Closed, Some(600), None)]
#[case::too_old(UnknownQuota::Closed, Some(601), Some(SkipReason::KillSwitch))]
fn the_kill_switch_takes_a_reading_that_is_young_enough(
    #[case] unknown: UnknownQuota,
    #[case] age: Option<i64>,
    #[case] reason: Option<SkipReason>,
) {
    let mut herd = Herd::of(&["a"]);
    herd.snapshot.minimum.unknown = unknown;
    herd.snapshot.kill_switch.enabled = true;
    herd.snapshot.kill_switch.everyone.insert(Window::FiveHour, 5.0);
    if let Some(age) = age {
        let read = remuda_core::Reading { read_at: NOW - age, ..reading(50.0, 60) };
        herd.account("a").readings.insert(Window::FiveHour, read);
    }
    assert_eq!(herd.ask("s", &[]).skipped("a"), reason);
}

#[test]
fn own_floors_replace_the_general_one_of_the_same_window_only() {
    let mut herd = Herd::of(&["a"]);
    let switch = &mut herd.snapshot.kill_switch;
    switch.enabled = true;
    switch.everyone = [(Window::FiveHour, 20.0), (Window::SevenDay, 20.0)].into();
    switch.accounts.insert(id("a"), [(Window::FiveHour, 5.0)].into());
    herd.account("a").readings.insert(Window::FiveHour, reading(90.0, 60));
    herd.account("a").readings.insert(Window::SevenDay, reading(70.0, 60));
    assert_eq!(herd.ask("s", &[]).tried, ["a"]);
    herd.account("a").readings.insert(Window::SevenDay, reading(90.0, 60));
    assert_eq!(herd.ask("s", &[]).skipped("a"), Some(SkipReason::KillSwitch));
    herd.snapshot.kill_switch.enabled = false;
    assert_eq!(herd.ask("s", &[]).tried, ["a"]);
}

#[test]
fn a_window_that_has_started_anew_is_full_again() {
    let mut herd = Herd::of(&["a"]);
    herd.snapshot.kill_switch.enabled = true;
    herd.snapshot.kill_switch.everyone.insert(Window::FiveHour, 5.0);
    herd.account("a").readings.insert(Window::FiveHour, reading(99.0, 60));
    let told = herd.ask("s", &[]);
    assert_eq!(told.outcome, Outcome::Error { from: None, class: None, retry_after_s: Some(60.0) });
    herd.now = NOW + 60;
    assert_eq!(herd.ask("s", &[]).tried, ["a"], "as was promised");
}

#[rstest]
#[case::header_family("model:7d_opus", true)]
#[case::family("model:opus", true)]
#[case::full_name("model:claude-opus-5", true)]
#[case::other_family("model:fable", false)]
fn a_model_window_holds_back_that_model_only(#[case] window: &str, #[case] concerned: bool) {
    let mut herd = Herd::of(&["a"]);
    let window = Window::try_from(window.to_owned()).unwrap();
    herd.snapshot.kill_switch.enabled = true;
    herd.snapshot.kill_switch.everyone.insert(window.clone(), 5.0);
    herd.account("a").readings.insert(window, reading(99.0, 60));
    assert_eq!(herd.ask("s", &[]).skipped("a"), concerned.then_some(SkipReason::KillSwitch));
}

#[test]
fn a_floor_of_zero_asks_for_nothing() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.chain("a", &["b"]);
    herd.account("b").min_remaining.insert(Window::FiveHour, 0.0);
    assert_eq!(herd.ask("s", &[("a", &[spent(None)])]).tried, ["a", "b"]);
}
