//! Where a pool places a new conversation, by strategy. Whatever the strategy, only new conversations are placed.

use remuda_core::account::AccountStatus;
use remuda_core::route::{Because, SkipReason};
use remuda_core::snapshot::Strategy::{self, Balanced, Headroom, Ordered, RoundRobin, SoonestReset};
use remuda_core::{Class, Window};
use rstest::rstest;

use crate::herd::{Herd, id, label, rest, spent, target};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

fn herd(strategy: Strategy) -> Herd {
    let mut herd = Herd::of(&["a", "b", "c"]);
    herd.pool_by(strategy, "p", &["a", "b", "c"]);
    herd.snapshot.active = Some(target("@p"));
    herd
}

/// Where each of these new conversations begins.
fn placed(herd: &mut Herd, sessions: &[&str]) -> Vec<String> {
    sessions.iter().map(|session| herd.ask(session, &[]).tried[0].clone()).collect()
}

#[rstest]
fn a_live_conversation_stays_whatever_the_strategy_thinks_now(
    #[values(Ordered, Headroom, SoonestReset, Balanced, RoundRobin)] strategy: Strategy,
) {
    let mut herd = herd(strategy);
    for (n, member) in ["a", "b", "c"].into_iter().enumerate() {
        herd.used(member, Window::SevenDay, 10.0 + n as f64, Some(DAY));
    }
    let home = herd.ask("s", &[]).tried[0].clone();
    herd.used(&home, Window::SevenDay, 96.0, Some(6 * DAY));
    herd.snapshot.live.sent(id(&home));
    for _ in 0..3 {
        assert_eq!(herd.ask("s", &[]).tried, std::slice::from_ref(&home));
    }
}

#[rstest]
fn members_that_cannot_serve_are_no_place(
    #[values(Ordered, Headroom, SoonestReset, Balanced, RoundRobin)] strategy: Strategy,
) {
    let mut herd = herd(strategy);
    herd.account("a").cooling = Some(rest(60, Class::WindowExhausted));
    herd.account("b").status = AccountStatus::NeedsLogin;
    let told = herd.ask("s", &[]);
    assert_eq!(told.tried, ["c"]);
    assert_eq!(told.skipped("a"), Some(SkipReason::Cooling));
    assert_eq!(told.skipped("b"), Some(SkipReason::NeedsLogin));
}

#[rstest]
fn the_others_stand_in_in_the_owners_order_whatever_the_strategy(
    #[values(Ordered, Headroom, SoonestReset, Balanced, RoundRobin)] strategy: Strategy,
) {
    let mut herd = herd(strategy);
    herd.used("b", Window::FiveHour, 50.0, Some(HOUR));
    herd.home("s", "c", Some("p"));
    let told = herd.ask("s", &[("c", &[spent(Some(9))]), ("a", &[spent(Some(9))])]);
    assert_eq!(told.tried, ["c", "a", "b"]);
}

#[test]
fn headroom_takes_the_untouched_then_the_least_used_of_its_fullest_window() {
    let mut herd = herd(Headroom);
    herd.used("a", Window::FiveHour, 5.0, Some(HOUR));
    herd.used("a", Window::SevenDay, 60.0, Some(DAY));
    herd.used("b", Window::FiveHour, 50.0, Some(HOUR));
    herd.used("b", Window::SevenDay, 10.0, Some(DAY));
    herd.used("c", Window::FiveHour, 0.0, None);
    herd.used("c", Window::SevenDay, 0.0, None);
    assert_eq!(placed(&mut herd, &["1"]), ["c"]);
    herd.used("c", Window::FiveHour, 55.0, Some(HOUR));
    assert_eq!(placed(&mut herd, &["2"]), ["b"], "a's week is fuller than b's five hours");
}

#[test]
fn a_window_whose_reset_has_passed_is_untouched_again() {
    let mut herd = herd(Headroom);
    herd.used("a", Window::FiveHour, 40.0, Some(HOUR));
    herd.used("b", Window::FiveHour, 100.0, Some(-1));
    herd.used("c", Window::FiveHour, 30.0, Some(HOUR));
    assert_eq!(placed(&mut herd, &["1"]), ["b"]);
}

#[test]
fn an_account_of_which_nothing_was_read_comes_behind_the_untouched_and_before_the_used() {
    let mut herd = herd(Headroom);
    herd.used("a", Window::FiveHour, 1.0, Some(HOUR));
    herd.used("c", Window::FiveHour, 0.0, None);
    assert_eq!(placed(&mut herd, &["1"]), ["c"]);
    herd.used("c", Window::FiveHour, 2.0, Some(HOUR));
    assert_eq!(placed(&mut herd, &["2"]), ["b"]);
}

#[test]
fn equally_free_members_share_what_is_under_way() {
    let mut herd = herd(Headroom);
    for member in ["a", "b", "c"] {
        herd.used(member, Window::FiveHour, 0.0, None);
    }
    let mut places = Vec::new();
    for session in ["1", "2", "3", "4"] {
        let place = placed(&mut herd, &[session]).remove(0);
        herd.snapshot.live.sent(id(&place));
        places.push(place);
    }
    assert_eq!(places, ["a", "b", "c", "a"]);
}

#[test]
fn a_window_of_another_model_does_not_count() {
    let mut herd = herd(Headroom);
    herd.used("a", Window::Model("7d_fable".to_owned()), 99.0, Some(DAY));
    herd.used("a", Window::FiveHour, 10.0, Some(HOUR));
    herd.used("b", Window::Model("7d_opus".to_owned()), 40.0, Some(DAY));
    herd.used("c", Window::FiveHour, 20.0, Some(HOUR));
    assert_eq!(placed(&mut herd, &["1"]), ["a"]);
}

#[test]
fn soonest_reset_spends_first_what_would_be_lost_first() {
    let mut herd = herd(SoonestReset);
    herd.used("a", Window::SevenDay, 10.0, Some(5 * DAY));
    herd.used("b", Window::SevenDay, 70.0, Some(2 * DAY));
    herd.used("b", Window::FiveHour, 20.0, Some(4 * HOUR));
    herd.used("c", Window::SevenDay, 10.0, Some(6 * DAY));
    herd.used("c", Window::FiveHour, 20.0, Some(HOUR));
    assert_eq!(placed(&mut herd, &["1"]), ["b"], "the week counts, not the five hours");
    herd.used("c", Window::SevenDay, 0.0, None);
    herd.used("c", Window::FiveHour, 0.0, None);
    assert_eq!(placed(&mut herd, &["2"]), ["c"], "the untouched one comes first");
}

#[test]
fn no_conversation_begins_where_hardly_anything_is_left_while_others_have_more() {
    let mut herd = herd(SoonestReset);
    herd.used("a", Window::SevenDay, 98.0, Some(HOUR));
    herd.used("b", Window::SevenDay, 40.0, Some(5 * DAY));
    herd.used("c", Window::SevenDay, 40.0, Some(6 * DAY));
    assert_eq!(placed(&mut herd, &["1"]), ["b"]);
    for member in ["b", "c"] {
        herd.account(member).cooling = Some(rest(60, Class::WindowExhausted));
    }
    assert_eq!(placed(&mut herd, &["2"]), ["a"], "but it is better than nobody");
}

#[test]
fn balanced_splits_by_what_can_be_spent_an_hour() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.pool_by(Balanced, "p", &["a", "b"]);
    herd.snapshot.active = Some(target("@p"));
    // 13 % in 132 hours against 98 % in 91 hours: one to eleven.
    for (member, five_hour, week, model, hours) in [("a", 3.0, 49.0, 87.0, 132), ("b", 0.0, 1.0, 2.0, 91)] {
        herd.used(member, Window::FiveHour, five_hour, Some(5 * HOUR));
        herd.used(member, Window::SevenDay, week, Some(hours * HOUR));
        herd.used(member, Window::Model("opus".to_owned()), model, Some(hours * HOUR));
    }
    let mut places = Vec::new();
    for n in 0..12 {
        let place = placed(&mut herd, &[&n.to_string()]).remove(0);
        herd.snapshot.live.sent(id(&place));
        places.push(place);
    }
    assert_eq!(places.iter().filter(|place| *place == "a").count(), 1, "{places:?}");
}

#[test]
fn what_was_sent_since_the_reading_counts_against_a_member() {
    let mut herd = herd(Balanced);
    for member in ["a", "b", "c"] {
        herd.used(member, Window::SevenDay, 20.0, Some(DAY));
    }
    for member in ["a", "c"] {
        herd.snapshot.live.sent(id(member));
        herd.snapshot.live.ended(id(member), 1_000_000);
    }
    assert_eq!(placed(&mut herd, &["1"]), ["b"]);
    herd.snapshot.live.read(id("a"));
    herd.snapshot.live.sent(id("b"));
    assert_eq!(placed(&mut herd, &["2"]), ["a"]);
}

#[test]
fn what_is_reserved_cannot_be_spent() {
    let mut herd = herd(Balanced);
    herd.snapshot.policy.quota_max_age_s = 1_000_000;
    herd.used("a", Window::SevenDay, 50.0, Some(DAY));
    herd.used("b", Window::SevenDay, 60.0, Some(DAY));
    herd.used("c", Window::SevenDay, 95.0, Some(DAY));
    herd.account("a").min_remaining.insert(Window::SevenDay, 40.0);
    let told = herd.ask("1", &[]);
    assert_eq!(told.tried, ["b"], "ten percent above its reserve is less than forty");
}

#[test]
fn round_robin_takes_one_after_the_other_and_leaves_out_who_cannot() {
    let mut herd = herd(RoundRobin);
    assert_eq!(placed(&mut herd, &["1", "2", "3", "4"]), ["a", "b", "c", "a"]);
    herd.account("b").cooling = Some(rest(60, Class::Burst));
    assert_eq!(placed(&mut herd, &["5", "6"]), ["c", "a"]);
}

#[test]
fn the_route_tells_how_the_pool_chose() {
    let mut herd = herd(Headroom);
    herd.used("a", Window::SevenDay, 60.0, Some(DAY));
    herd.used("b", Window::SevenDay, 10.0, Some(DAY));
    herd.account("c").status = AccountStatus::Paused;
    let request = herd.request("s");
    let route = herd.begin(request);
    let placement = route.placement().unwrap();
    assert_eq!(placement.strategy, Headroom);
    assert_eq!(label(placement.on.account), "b");
    assert_eq!(placement.on.because, Because::Used { window: Window::SevenDay, used_percent: 10.0 });
    assert_eq!(placement.others.len(), 1, "c could not have taken it");
    let request = herd.request("s");
    assert_eq!(herd.begin(request).placement(), None, "it lives there now");
}
