//! No silent spending.

use remuda_core::Class::{self, Billing, CredentialDead, ModelExhausted, WindowExhausted};
use remuda_core::request::PinScope;
use remuda_core::route::SkipReason;
use remuda_core::snapshot::SpendRule;
use rstest::rstest;

use crate::herd::{Herd, MODEL, id, refused, rest, spent, target};

fn herd() -> Herd {
    let mut herd = Herd::of(&["plan", "key"]);
    herd.metered("key");
    herd.chain("plan", &["key"]);
    herd
}

#[rstest]
#[case::named(&[WindowExhausted], WindowExhausted, true)]
#[case::not_named(&[WindowExhausted], Billing, false)]
#[case::none_named(&[], WindowExhausted, false)]
#[case::several_named(&[Billing, CredentialDead], CredentialDead, true)]
fn a_rule_names_the_verdicts_after_which_it_holds(#[case] after: &[Class], #[case] class: Class, #[case] served: bool) {
    let mut herd = herd();
    herd.spend_rule("key", after, 0.0);
    let told = herd.ask("s", &[("plan", &[refused(class)])]);
    assert_eq!(told.served_by().is_some(), served);
    assert_eq!(told.skipped("key"), (!served).then_some(SkipReason::Metered));
}

#[test]
fn the_reason_why_the_source_rests_counts_like_its_verdict() {
    let mut herd = herd();
    herd.spend_rule("key", &[WindowExhausted], 0.0);
    herd.account("plan").cooling = Some(rest(60, WindowExhausted));
    assert_eq!(herd.ask("s", &[]).tried, ["key"]);
    herd.account("plan").cooling = Some(rest(60, Class::Burst));
    assert_eq!(herd.ask("s", &[]).skipped("key"), Some(SkipReason::Metered));
    herd.account("plan").cooling = None;
    herd.account("plan").model_cooling.insert(MODEL.to_owned(), rest(60, ModelExhausted));
    assert_eq!(herd.ask("s", &[]).skipped("key"), Some(SkipReason::Metered));
    herd.spend_rule("key", &[ModelExhausted], 0.0);
    assert_eq!(herd.ask("s", &[]).tried, ["key"]);
}

#[test]
fn the_verdict_of_another_stand_in_is_no_reason_to_spend() {
    let mut herd = Herd::of(&["plan", "b", "key"]);
    herd.metered("key");
    herd.chain("plan", &["b", "key"]);
    herd.spend_rule("key", &[WindowExhausted], 0.0);
    let told = herd.ask("s", &[("plan", &[refused(Class::Transient)]), ("b", &[spent(Some(60))])]);
    assert_eq!(told.skipped("key"), Some(SkipReason::Metered));
}

#[rstest]
#[case::below(9.99, true)]
#[case::reached(10.0, false)]
#[case::not_a_number(f64::NAN, false)]
fn the_daily_ceiling_holds(#[case] spent_today: f64, #[case] served: bool) {
    let mut herd = herd();
    herd.spend_rule("key", &[WindowExhausted], spent_today);
    assert_eq!(herd.ask("s", &[("plan", &[spent(None)])]).served_by().is_some(), served);
}

#[test]
fn an_account_that_a_person_chose_needs_no_rule() {
    let mut herd = herd();
    let chosen = herd.pinned("1", "key", PinScope::Process, false);
    assert_eq!(herd.walk(chosen, &[]).tried, ["key"]);
    herd.snapshot.active = Some(target("key"));
    herd.spend_rule("key", &[], 10.0);
    assert_eq!(herd.ask("2", &[]).tried, ["key"]);
    assert_eq!(herd.ask("2", &[]).tried, ["key"], "nor does its session, while it is active");
}

#[test]
fn a_session_that_a_rule_has_brought_to_a_metered_account_keeps_to_the_rules_ceiling() {
    let mut herd = herd();
    herd.spend_rule("key", &[CredentialDead], 0.0);
    assert_eq!(herd.ask("s", &[("plan", &[refused(CredentialDead)])]).tried, ["plan", "key"]);
    assert_eq!(herd.home_of("s"), Some(("key".to_owned(), None)));
    assert_eq!(herd.ask("s", &[]).tried, ["key"]);
    let rule = SpendRule { spent_today_usd: 10.0, ..herd.snapshot.spend_rules[&id("key")].clone() };
    herd.snapshot.spend_rules.insert(id("key"), rule);
    assert_eq!(herd.ask("s", &[]).skipped("key"), Some(SkipReason::Metered));
}

#[test]
fn in_a_mixed_pool_a_metered_member_needs_a_rule() {
    let mut herd = herd();
    herd.snapshot.chains.clear();
    herd.pool("p", &["key", "plan"]);
    herd.snapshot.active = Some(target("@p"));
    let told = herd.ask("1", &[("plan", &[spent(Some(60))])]);
    assert_eq!(told.tried, ["plan"], "a metered member is no place for a session");
    assert_eq!(told.skipped("key"), Some(SkipReason::Metered));
    herd.spend_rule("key", &[WindowExhausted], 0.0);
    assert_eq!(herd.ask("1", &[]).tried, ["key"]);
    assert_eq!(herd.ask("2", &[]).tried, ["key"], "also for a new session");
    assert_eq!(herd.home_of("2"), None, "which gets no home there");
}

#[test]
fn choosing_a_pool_of_metered_accounts_is_choosing_to_spend() {
    let mut herd = Herd::of(&["k1", "k2"]);
    herd.metered("k1");
    herd.metered("k2");
    herd.pool("keys", &["k1", "k2"]);
    herd.snapshot.active = Some(target("@keys"));
    assert_eq!(herd.ask("s", &[("k1", &[spent(Some(60))])]).tried, ["k1", "k2"]);
    assert_eq!(herd.ask("s", &[]).tried, ["k2"]);
}

#[test]
fn a_pool_on_a_chain_is_no_consent_either() {
    let mut herd = herd();
    herd.pool("keys", &["key"]);
    herd.chain("plan", &["@keys"]);
    assert_eq!(herd.ask("s", &[("plan", &[spent(Some(60))])]).skipped("key"), Some(SkipReason::Metered));
}
