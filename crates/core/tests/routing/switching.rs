//! The price of a switch: leaving a warm cache against a wait, going back home against what a detour costs.

use remuda_core::request::Warmth;
use remuda_core::route::{Action, Answer, Decided, HoldReason};
use remuda_core::{Class, RequestFacts};

use crate::herd::{Herd, NOW, id, rest, spent, target};

fn herd() -> Herd {
    let mut herd = Herd::of(&["a", "b", "c"]);
    herd.chain("a", &["b", "c"]);
    herd.home("s", "a", None);
    herd
}

/// Its prompt is in the cache of this account for five minutes; writing it anew costs so much.
fn warm(herd: &Herd, account: &str, rewrite_usd: Option<f64>, spent_away_usd: f64) -> RequestFacts {
    let mut request = herd.request("s");
    let until = NOW + 300;
    request.conversation.warm =
        Some(Warmth { account: id(account), tokens: 90_000, until, rewrite_usd, spent_away_usd });
    request
}

fn weighed(herd: &mut Herd, request: RequestFacts) -> Option<(Decided, f64, f64)> {
    let mut route = herd.begin(request);
    herd.next(&mut route);
    route.weighed().map(|weighed| (weighed.decided, weighed.price_usd, weighed.against_usd))
}

#[test]
fn a_short_rest_is_waited_out_where_leaving_costs_more() {
    let mut herd = herd();
    herd.account("a").cooling = Some(rest(60, Class::Burst));
    let request = warm(&herd, "a", Some(0.56), 0.0);
    let told = herd.walk(request, &[]);
    assert_eq!((told.holds, told.tried), (vec![60], vec!["a".to_owned()]));
}

#[test]
fn a_refusal_with_a_short_wait_counts_like_a_rest() {
    let mut herd = herd();
    let request = warm(&herd, "a", Some(0.56), 0.0);
    let told = herd.walk(request, &[("a", &[spent(Some(90)), Answer::Served])]);
    assert_eq!((told.holds, told.tried), (vec![90], vec!["a".to_owned(), "a".to_owned()]));
}

#[test]
fn a_wait_that_is_worth_more_than_the_price_is_not_waited() {
    let mut herd = herd();
    herd.account("a").cooling = Some(rest(60, Class::Burst));
    let request = warm(&herd, "a", Some(0.24), 0.0);
    assert_eq!(herd.walk(request.clone(), &[]).tried, ["b"]);
    assert_eq!(weighed(&mut herd, request), Some((Decided::Leave, 0.24, 0.25)));
}

#[test]
fn nobody_waits_longer_than_set_or_for_a_cache_that_is_cold_by_then() {
    let mut herd = herd();
    herd.account("a").cooling = Some(rest(121, Class::WindowExhausted));
    let request = warm(&herd, "a", Some(9.0), 0.0);
    assert_eq!(herd.walk(request, &[]).tried, ["b"], "two minutes");
    herd.account("a").cooling = Some(rest(60, Class::WindowExhausted));
    let mut request = warm(&herd, "a", Some(9.0), 0.0);
    request.conversation.warm.as_mut().unwrap().until = NOW + 59;
    assert_eq!(herd.walk(request, &[]).tried, ["b"]);
}

#[test]
fn an_unknown_price_is_not_zero_and_not_weighed() {
    let mut herd = herd();
    herd.account("a").cooling = Some(rest(10, Class::Burst));
    for unknown in [None, Some(f64::NAN)] {
        let request = warm(&herd, "a", unknown, 0.0);
        assert_eq!(weighed(&mut herd, request), None);
    }
}

#[test]
fn who_stays_looks_again_and_may_be_let_go() {
    let mut herd = herd();
    herd.account("a").cooling = Some(rest(60, Class::Burst));
    let request = warm(&herd, "a", Some(9.0), 0.0);
    let mut route = herd.begin(request);
    let stay = Action::Hold { until: NOW + 60, why: HoldReason::WarmCache };
    assert_eq!(herd.next(&mut route), stay);
    route.wake();
    assert_eq!(herd.next(&mut route), stay);
    let mut impatient = route.clone();
    impatient.let_go();
    assert_eq!(herd.next(&mut impatient), Action::Send { account: id("b"), model: None }, "it goes on to others");
    // The rest turns out to be longer.
    herd.account("a").cooling = Some(rest(90, Class::Burst));
    route.wake();
    assert_eq!(herd.next(&mut route), Action::Send { account: id("b"), model: None });
}

#[test]
fn a_detour_goes_on_until_it_has_cost_what_going_back_costs() {
    let mut herd = herd();
    for (spent_away, asked, decided) in
        [(0.0, "b", Decided::StayAway), (0.55, "b", Decided::StayAway), (0.56, "a", Decided::GoBack)]
    {
        let request = warm(&herd, "b", Some(0.56), spent_away);
        assert_eq!(weighed(&mut herd, request.clone()), Some((decided, 0.56, spent_away)));
        assert_eq!(herd.walk(request, &[]).tried, [asked]);
    }
    assert_eq!(herd.home_of("s"), Some(("a".to_owned(), None)), "a detour is no new home, however long");
}

#[test]
fn from_a_detour_that_can_no_longer_serve_it_goes_back_at_once() {
    let mut herd = herd();
    let request = warm(&herd, "b", Some(9.0), 0.0);
    assert_eq!(herd.walk(request, &[("b", &[spent(Some(60))])]).tried, ["b", "a"]);
    let request = warm(&herd, "b", Some(9.0), 0.0);
    assert_eq!(herd.walk(request, &[]).tried, ["a"], "it rests now");
}

#[test]
fn an_account_that_costs_money_or_is_low_is_left_at_once() {
    let mut herd = herd();
    herd.metered("b");
    herd.low("c");
    for away in ["b", "c"] {
        let request = warm(&herd, away, Some(9.0), 0.0);
        assert_eq!(weighed(&mut herd, request.clone()), None);
        assert_eq!(herd.walk(request, &[]).tried, ["a"]);
    }
}

#[test]
fn a_cache_beyond_the_chain_is_never_used() {
    let mut herd = Herd::of(&["a", "b", "x"]);
    herd.chain("a", &["b"]);
    herd.chain("b", &["x"]);
    herd.home("s", "a", None);
    let request = warm(&herd, "x", Some(9.0), 0.0);
    assert_eq!(herd.walk(request, &[]).tried, ["a"]);
}

#[test]
fn a_persons_choice_is_not_weighed() {
    let mut herd = herd();
    herd.snapshot.active = Some(target("a"));
    let pin = herd.pinned("s", "a", remuda_core::PinScope::Session, true).pin;
    let request = RequestFacts { pin, ..warm(&herd, "b", Some(9.0), 0.0) };
    assert_eq!(herd.walk(request, &[]).tried, ["a"]);
}

#[test]
fn a_cold_cache_binds_nobody() {
    let mut herd = herd();
    herd.now = NOW + 300;
    let request = warm(&herd, "b", Some(9.0), 0.0);
    assert_eq!(herd.walk(request, &[]).tried, ["a"]);
}
