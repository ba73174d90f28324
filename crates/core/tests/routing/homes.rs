//! Where sessions live, and what moves them.

use remuda_core::Class;
use remuda_core::account::{AccountStatus, Identity, Vendor};
use remuda_core::record::SourceReason;
use remuda_core::request::{Host, PinScope, RequestFacts};
use remuda_core::route::StateChange;
use rstest::rstest;

use crate::herd::{Herd, id, refused, rest, spent};

fn herd() -> Herd {
    let mut herd = Herd::of(&["a", "b", "c"]);
    herd.chain("a", &["b"]);
    herd
}

#[rstest]
#[case(PinScope::Process, SourceReason::Process)]
#[case(PinScope::Session, SourceReason::Session)]
#[case(PinScope::Project, SourceReason::Project)]
#[case(PinScope::Global, SourceReason::Active)]
fn a_fresh_choice_moves_the_session_and_is_told(#[case] scope: PinScope, #[case] reason: SourceReason) {
    let mut herd = herd();
    herd.home("s", "a", None);
    let route = herd.begin(herd.pinned("s", "c", scope, true));
    assert_eq!((route.source(), route.source_reason()), (Some(id("c")), reason));
    assert_eq!(herd.home_of("s"), Some(("c".to_owned(), None)));
}

#[test]
fn a_pin_that_had_its_attempt_goes_before_the_home_and_leaves_it() {
    let mut herd = herd();
    herd.home("s", "a", None);
    let told = herd.walk(herd.pinned("s", "c", PinScope::Process, false), &[]);
    assert_eq!(told.tried, ["c"]);
    assert_eq!(herd.home_of("s"), Some(("a".to_owned(), None)));
}

#[test]
fn a_pin_that_had_its_attempt_gives_a_new_session_its_home() {
    let mut herd = herd();
    herd.walk(herd.pinned("new", "c", PinScope::Process, false), &[]);
    assert_eq!(herd.home_of("new"), Some(("c".to_owned(), None)));
}

#[test]
fn a_pin_that_had_its_attempt_beats_no_belief() {
    let mut herd = herd();
    herd.account("a").cooling = Some(rest(60, Class::Burst));
    assert_eq!(herd.walk(herd.pinned("s", "a", PinScope::Process, false), &[]).tried, ["b"]);
}

#[test]
fn a_global_choice_that_had_its_attempt_leaves_sessions_where_they_live() {
    let mut herd = herd();
    herd.home("s", "a", None);
    let route = herd.begin(herd.pinned("s", "c", PinScope::Global, false));
    assert_eq!((route.source(), route.source_reason()), (Some(id("a")), SourceReason::Bound));
}

#[test]
fn a_request_without_a_session_binds_nothing() {
    let mut herd = herd();
    let request = RequestFacts { session: None, ..herd.request("s") };
    let told = herd.walk(request, &[("a", &[refused(Class::CredentialDead)])]);
    assert_eq!(told.tried, ["a", "b"]);
    assert!(!told.changes.iter().any(|change| matches!(change, StateChange::Bind(..))), "{:?}", told.changes);
}

#[test]
fn a_session_that_is_at_home_is_not_bound_again() {
    let mut herd = herd();
    herd.ask("s", &[]);
    assert!(herd.ask("s", &[]).changes.is_empty());
    assert!(herd.walk(herd.pinned("s", "a", PinScope::Session, true), &[]).changes.is_empty());
}

#[rstest]
#[case::needs_login(AccountStatus::NeedsLogin, "b")]
#[case::closed(AccountStatus::Disabled, "b")]
#[case::switched_off_by_its_owner(AccountStatus::Paused, "a")]
fn a_home_that_will_not_come_back_by_itself_is_left(#[case] status: AccountStatus, #[case] home: &str) {
    let mut herd = herd();
    herd.home("s", "a", None);
    herd.account("a").status = status;
    assert_eq!(herd.ask("s", &[]).tried, ["b"]);
    assert_eq!(herd.home_of("s"), Some((home.to_owned(), None)));
}

#[test]
fn a_session_is_not_moved_to_where_another_model_had_to_be_named() {
    let mut herd = herd();
    herd.account("b").vendor = Vendor::OpenAi;
    herd.account("b").allowed_hosts = vec![Host::Claude];
    herd.chain("a", &["b=gpt-5.6-sol"]);
    let told = herd.ask("s", &[("a", &[refused(Class::CredentialDead)])]);
    assert_eq!(told.served_by().as_deref(), Some("b"));
    assert_eq!(herd.home_of("s"), Some(("a".to_owned(), None)), "only the chain of its home knows the model");
    assert_eq!(herd.ask("s", &[]).served_by().as_deref(), Some("b"));
}

#[test]
fn a_chosen_account_that_serves_proves_all_its_labels_well() {
    let mut herd = herd();
    for label in ["a", "c"] {
        herd.account(label).identity = Some(Identity("u1".to_owned()));
    }
    herd.account("c").cooling = Some(rest(60, Class::WindowExhausted));
    assert_eq!(herd.ask("s", &[]).tried, ["b"], "the same real account rests under another label");
    assert_eq!(herd.walk(herd.pinned("s", "a", PinScope::Session, true), &[]).tried, ["a"]);
    assert_eq!(herd.account("c").cooling, None);
}

#[test]
fn the_owners_switch_is_not_overwritten_by_a_verdict_that_was_on_its_way() {
    let mut herd = herd();
    let mut route = herd.begin(herd.request("s"));
    herd.next(&mut route);
    herd.account("a").status = AccountStatus::Paused;
    herd.answer(&mut route, refused(Class::AccountDisabled));
    assert_eq!(herd.account("a").status, AccountStatus::Paused);
}

#[test]
fn a_manual_choice_does_not_beat_the_owners_switch() {
    let mut herd = herd();
    herd.account("c").status = AccountStatus::Paused;
    let told = herd.walk(herd.pinned("s", "c", PinScope::Session, true), &[]);
    assert_eq!(told.tried, Vec::<String>::new());
}

#[test]
fn a_chosen_account_that_is_refused_keeps_its_stand_ins() {
    let mut herd = herd();
    herd.home("s", "c", None);
    let told = herd.walk(herd.pinned("s", "a", PinScope::Session, true), &[("a", &[spent(Some(60))])]);
    assert_eq!(told.tried, ["a", "b"]);
    assert_eq!(herd.home_of("s"), Some(("a".to_owned(), None)));
}
