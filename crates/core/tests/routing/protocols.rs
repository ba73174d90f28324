//! An account serves only what it understands, and what refers to something only where that is kept.

use remuda_core::account::Vendor;
use remuda_core::request::PinScope;
use remuda_core::route::SkipReason;
use remuda_core::{Class, Host, Protocol, RequestFacts};

use crate::herd::*;

#[test]
fn who_does_not_speak_the_requests_protocol_is_passed_over_even_by_choice() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.account("a").speaks = Protocol::Chat.into();
    herd.chain("a", &["b"]);
    let told = herd.ask("s", &[]);
    assert_eq!(told.tried, ["b"]);
    assert_eq!(told.skipped("a"), Some(SkipReason::OtherProtocol));
    let chosen = herd.walk(herd.pinned("s", "a", PinScope::Session, true), &[]);
    assert_eq!(chosen.skipped("a"), Some(SkipReason::OtherProtocol));
}

#[test]
fn a_stand_in_of_another_vendor_needs_a_model_and_the_protocol() {
    let mut herd = Herd::of(&["a", "q", "p"]);
    for name in ["q", "p"] {
        herd.account(name).vendor = Vendor::Qwen;
        herd.account(name).allowed_hosts = vec![Host::Claude];
    }
    herd.account("q").speaks = Protocol::Chat.into();
    herd.chain("a", &["q=qwen3", "p=qwen3"]);
    let told = herd.ask("s", &[("a", &[spent(Some(60))])]);
    assert_eq!(told.tried, ["a", "p"]);
    assert_eq!(told.skipped("q"), Some(SkipReason::OtherProtocol));
}

#[test]
fn what_an_account_keeps_is_asked_of_nobody_else() {
    let mut herd = Herd::of(&["a", "b", "c"]);
    herd.chain("a", &["b", "c"]);
    let request = RequestFacts { owner: Some(id("b")), ..herd.request("s") };
    let told = herd.walk(request.clone(), &[]);
    assert_eq!((told.tried.clone(), told.skipped("a")), (vec!["b".to_owned()], Some(SkipReason::NotOwner)));

    let told = herd.walk(request, &[("b", &[refused(Class::Transient)])]);
    assert!(told.tried.iter().all(|who| who == "b"), "{:?}", told.tried);
}

#[test]
fn an_owner_out_of_reach_holds_nobody_back() {
    let mut herd = Herd::of(&["a", "b"]);
    let request = RequestFacts { owner: Some(id("b")), ..herd.request("s") };
    assert_eq!(herd.walk(request, &[]).tried, ["a"], "b is on no chain: the vendor may say that it knows nothing");
}
