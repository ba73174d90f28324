//! Subagents go where their parent goes, but where a pool has placed the parent they are spread over the pool.

use remuda_core::Class;
use remuda_core::record::SourceReason;
use remuda_core::request::PinScope;
use remuda_core::snapshot::Strategy;

use crate::herd::{Herd, refused, spent, target};

#[test]
fn a_fan_out_is_not_pinned_to_the_account_of_its_parent() {
    let mut herd = Herd::of(&["a", "b", "c"]);
    herd.pool_by(Strategy::RoundRobin, "p", &["a", "b", "c"]);
    herd.snapshot.active = Some(target("@p"));
    assert_eq!(herd.ask("s", &[]).tried, ["a"]);
    let mut places = Vec::new();
    for agent in ["1", "2", "3"] {
        let request = herd.subagent("s", agent);
        places.extend(herd.walk(request, &[]).tried);
    }
    assert_eq!(places, ["b", "c", "a"]);
    let again = herd.subagent("s", "1");
    assert_eq!(herd.walk(again, &[]).tried, ["b"], "each is a conversation and stays");
    assert_eq!(herd.ask("s", &[]).tried, ["a"], "and so is its parent");
}

#[test]
fn the_subagent_of_a_conversation_that_no_pool_has_placed_goes_where_its_parent_lives_at_the_time() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.snapshot.active = Some(target("a"));
    herd.home("s", "b", None);
    let request = herd.subagent("s", "1");
    let route = herd.begin(request);
    assert_eq!(route.source(), Some(crate::herd::id("b")));
    assert_eq!(route.source_reason(), SourceReason::Parent);
    herd.home("s", "a", None);
    let request = herd.subagent("s", "1");
    assert_eq!(herd.walk(request, &[]).tried, ["a"], "it has no home of its own");
}

#[test]
fn the_chain_of_the_parents_home_holds_for_its_subagents() {
    let mut herd = Herd::of(&["a", "b", "c"]);
    herd.chain("b", &["c"]);
    herd.chain("a", &["c"]);
    herd.home("s", "b", None);
    let request = herd.subagent("s", "1");
    assert_eq!(herd.walk(request, &[("b", &[spent(None)])]).tried, ["b", "c"]);
}

#[test]
fn a_subagent_whose_parent_is_not_known_is_a_new_conversation() {
    let mut herd = Herd::of(&["a", "b"]);
    let request = herd.subagent("s", "1");
    assert_eq!(herd.walk(request, &[]).tried, ["a"]);
}

#[test]
fn a_pin_holds_for_subagents_too() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.home("s", "a", None);
    let pin = herd.pinned("s", "b", PinScope::Process, false).pin;
    let request = remuda_core::RequestFacts { pin, ..herd.subagent("s", "1") };
    assert_eq!(herd.walk(request, &[]).tried, ["b"]);
}

#[test]
fn a_subagent_moves_away_from_a_dead_login_by_itself() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.pool("p", &["a", "b"]);
    herd.snapshot.active = Some(target("@p"));
    herd.ask("s", &[]);
    let request = herd.subagent("s", "1");
    assert_eq!(herd.walk(request, &[("a", &[refused(Class::CredentialDead)])]).tried, ["a", "b"]);
    assert_eq!(herd.home_of("s>1"), Some(("b".to_owned(), Some("p".to_owned()))));
    assert_eq!(herd.home_of("s"), Some(("a".to_owned(), Some("p".to_owned()))));
}
