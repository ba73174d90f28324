//! Pools: as the place of new sessions, and as stand-ins on a chain.

use remuda_core::Class;
use remuda_core::account::{AccountStatus, Vendor};
use remuda_core::request::{PinScope, RequestFacts};
use remuda_core::route::{Outcome, SkipReason};

use crate::herd::{Herd, NOW, refused, rest, spent, target};

fn herd() -> Herd {
    let mut herd = Herd::of(&["a", "b", "c", "x"]);
    herd.pool("p", &["a", "b", "c"]);
    herd.snapshot.active = Some(target("@p"));
    herd
}

#[test]
fn a_new_session_is_placed_on_the_first_member_that_can_serve_and_lives_there() {
    let mut herd = herd();
    herd.account("a").cooling = Some(rest(60, Class::Burst));
    let told = herd.ask("s", &[]);
    assert_eq!(told.tried, ["b"]);
    assert_eq!(told.skipped, [("a".to_owned(), SkipReason::Cooling)]);
    assert_eq!(herd.home_of("s"), Some(("b".to_owned(), Some("p".to_owned()))));
    // It stays there although the first member is back.
    herd.now = NOW + 61;
    assert_eq!(herd.ask("s", &[]).tried, ["b"]);
    assert_eq!(herd.ask("t", &[]).tried, ["a"]);
}

#[test]
fn a_member_below_its_minimum_is_no_place_for_a_new_session() {
    let mut herd = herd();
    herd.low("a");
    assert_eq!(herd.ask("s", &[]).tried, ["b"]);
}

#[test]
fn members_stand_in_for_each_other_and_then_the_homes_own_chain() {
    let mut herd = herd();
    herd.chain("b", &["x"]);
    herd.chain("a", &["y"]);
    herd.home("s", "b", Some("p"));
    let told = herd.ask("s", &[("b", &[spent(Some(9))]), ("a", &[spent(Some(9))]), ("c", &[spent(Some(9))])]);
    assert_eq!(told.tried, ["b", "a", "c", "x"]);
    assert_eq!(herd.home_of("s"), Some(("b".to_owned(), Some("p".to_owned()))), "a detour does not move the session");
}

#[test]
fn a_session_that_came_to_a_member_by_itself_has_nothing_to_do_with_the_pool() {
    let mut herd = herd();
    herd.home("s", "b", None);
    let told = herd.ask("s", &[("b", &[spent(Some(9))])]);
    assert_eq!(told.tried, ["b"]);
    let chosen = herd.pinned("t", "b", PinScope::Session, true);
    let told = herd.walk(chosen, &[("b", &[spent(Some(9))])]);
    assert_eq!(told.tried, ["b"]);
}

#[test]
fn a_home_that_has_left_its_pool_stays_but_the_others_no_longer_stand_in() {
    let mut herd = herd();
    herd.home("s", "b", Some("p"));
    herd.pool("p", &["a", "c"]);
    assert_eq!(herd.ask("s", &[("b", &[spent(Some(9))])]).tried, ["b"]);
    herd.snapshot.pools.clear();
    assert_eq!(herd.ask("s", &[("b", &[spent(Some(9))])]).tried, Vec::<String>::new(), "it rests now");
}

#[test]
fn a_pinned_pool_keeps_a_session_that_already_lives_on_a_member() {
    let mut herd = herd();
    herd.home("s", "c", None);
    let pinned = herd.pinned("s", "@p", PinScope::Process, true);
    let told = herd.walk(pinned, &[("c", &[spent(Some(9))])]);
    assert_eq!(told.tried, ["c", "a"]);
    assert_eq!(herd.home_of("s"), Some(("c".to_owned(), Some("p".to_owned()))));
}

#[test]
fn a_pinned_pool_moves_a_session_that_lives_elsewhere() {
    let mut herd = herd();
    herd.home("s", "x", None);
    let pinned = herd.pinned("s", "@p", PinScope::Session, false);
    assert_eq!(herd.walk(pinned, &[]).tried, ["a"]);
    assert_eq!(herd.home_of("s"), Some(("a".to_owned(), Some("p".to_owned()))));
}

#[test]
fn while_no_member_can_serve_the_session_gets_no_home() {
    let mut herd = herd();
    for (member, seconds) in [("a", 90), ("b", 30), ("c", 60)] {
        herd.account(member).cooling = Some(rest(seconds, Class::WindowExhausted));
    }
    herd.chain("a", &["x"]);
    assert_eq!(herd.ask("s", &[]).tried, ["x"], "the chain of the first member stands in");
    assert_eq!(herd.home_of("s"), None);
    herd.now = NOW + 30;
    assert_eq!(herd.ask("s", &[]).tried, ["b"]);
    assert_eq!(herd.home_of("s"), Some(("b".to_owned(), Some("p".to_owned()))));
}

#[test]
fn a_pool_where_all_are_low_uses_the_first_as_its_last_resort() {
    let mut herd = herd();
    herd.low("a");
    herd.low("b");
    herd.account("c").status = AccountStatus::NeedsLogin;
    let told = herd.ask("s", &[]);
    assert_eq!(told.tried, ["a"]);
    assert_eq!(told.skipped("b"), Some(SkipReason::BelowMinimum));
    assert_eq!(told.skipped("a"), None);
}

#[test]
fn a_pool_that_rests_names_the_earliest_return_of_any_member() {
    let mut herd = herd();
    for (member, seconds) in [("a", 90), ("b", 30), ("c", 60)] {
        herd.account(member).cooling = Some(rest(seconds, Class::WindowExhausted));
    }
    let told = herd.ask("s", &[]);
    assert_eq!(told.outcome, Outcome::Error { from: None, class: None, retry_after_s: Some(30.0) });
    let all: Vec<&str> = told.skipped.iter().map(|(who, _)| who.as_str()).collect();
    assert_eq!(all, ["a", "b", "c"], "each once");
}

#[test]
fn a_dead_login_moves_the_session_within_its_pool() {
    let mut herd = herd();
    herd.home("s", "a", Some("p"));
    assert_eq!(herd.ask("s", &[("a", &[refused(Class::CredentialDead)])]).tried, ["a", "b"]);
    assert_eq!(herd.home_of("s"), Some(("b".to_owned(), Some("p".to_owned()))));
}

#[test]
fn a_pool_never_places_a_request_on_another_vendors_account() {
    let mut herd = herd();
    herd.account("a").vendor = Vendor::OpenAi;
    herd.account("a").allowed_hosts = vec![remuda_core::Host::Claude];
    let told = herd.ask("s", &[]);
    assert_eq!(told.tried, ["b"]);
    assert_eq!(told.skipped("a"), Some(SkipReason::OtherVendor));
}

#[test]
fn a_pool_on_a_chain_stands_in_with_its_members_in_order_each_account_once() {
    let mut herd = Herd::of(&["s", "a", "b", "c", "x"]);
    herd.pool("p", &["b", "s", "a"]);
    herd.chain("s", &["a", "@p", "@gone", "c"]);
    herd.chain("b", &["x"]);
    let no = [spent(Some(9))];
    let told = herd.ask("1", &[("s", &no), ("a", &no), ("b", &no), ("c", &no)]);
    assert_eq!(told.tried, ["s", "a", "b", "c"]);
}

#[test]
fn a_missing_pin_is_never_replaced_by_a_guess() {
    let mut herd = herd();
    for missing in ["@gone", "gone"] {
        let pinned = herd.pinned("s", missing, PinScope::Project, false);
        let told = herd.walk(pinned, &[]);
        assert_eq!(told.outcome, Outcome::Error { from: None, class: None, retry_after_s: None }, "{missing}");
        assert!(told.tried.is_empty());
    }
}

#[test]
fn without_an_active_target_nobody_is_asked() {
    let mut herd = herd();
    herd.snapshot.active = None;
    let told = herd.ask("s", &[]);
    assert_eq!(told.outcome, Outcome::Error { from: None, class: None, retry_after_s: None });
    assert_eq!(herd.home_of("s"), None);
}

#[test]
fn the_route_tells_which_pool_was_meant() {
    let mut herd = herd();
    let request = RequestFacts { session: None, ..herd.request("s") };
    let route = herd.begin(request);
    assert_eq!(route.source_pool(), Some("p"));
    assert_eq!(route.source(), Some(crate::herd::id("a")));
}
