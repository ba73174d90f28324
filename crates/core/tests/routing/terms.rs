//! Whose account may serve which agent.

use remuda_core::Class;
use remuda_core::account::{CredentialKind, Vendor};
use remuda_core::request::{Host, PinScope, RequestFacts};
use remuda_core::route::SkipReason;
use rstest::rstest;

use crate::herd::{Herd, refused};

#[rstest]
#[case::own_host(CredentialKind::Subscription, Vendor::Anthropic, Host::Claude, true)]
#[case::other_host(CredentialKind::Subscription, Vendor::Anthropic, Host::OpenCode, false)]
#[case::unknown_program(CredentialKind::Subscription, Vendor::Anthropic, Host::Other, false)]
#[case::other_vendors_host(CredentialKind::Subscription, Vendor::Anthropic, Host::Codex, false)]
#[case::codex(CredentialKind::Subscription, Vendor::OpenAi, Host::Codex, true)]
#[case::long_lived_token(CredentialKind::StaticToken, Vendor::Anthropic, Host::Pi, false)]
#[case::long_lived_token_at_home(CredentialKind::StaticToken, Vendor::Anthropic, Host::Claude, true)]
#[case::key(CredentialKind::ApiKey, Vendor::Anthropic, Host::Pi, true)]
#[case::plan_key(CredentialKind::PlanKey, Vendor::Qwen, Host::OpenCode, true)]
fn a_subscription_serves_its_vendors_own_host_and_a_key_serves_all(
    #[case] kind: CredentialKind,
    #[case] vendor: Vendor,
    #[case] host: Host,
    #[case] served: bool,
) {
    let mut herd = Herd::of(&["a"]);
    (herd.account("a").kind, herd.account("a").vendor) = (kind, vendor);
    let request = RequestFacts { host, vendor, ..herd.request("s") };
    let told = herd.walk(request, &[]);
    assert_eq!(told.served_by().is_some(), served);
    assert_eq!(told.skipped("a"), (!served).then_some(SkipReason::NotGranted));
}

#[test]
fn a_grant_of_the_owner_opens_a_subscription_for_that_host_only() {
    let mut herd = Herd::of(&["a"]);
    herd.account("a").allowed_hosts = vec![Host::Pi];
    for (host, served) in [(Host::Pi, true), (Host::OpenCode, false), (Host::Claude, true)] {
        let request = RequestFacts { host, ..herd.request("s") };
        assert_eq!(herd.walk(request, &[]).served_by().is_some(), served, "{host:?}");
    }
}

#[test]
fn even_a_manual_choice_does_not_beat_the_terms() {
    let mut herd = Herd::of(&["a", "b"]);
    let chosen = RequestFacts { host: Host::Pi, ..herd.pinned("s", "b", PinScope::Session, true) };
    let told = herd.walk(chosen, &[]);
    assert_eq!(told.tried, Vec::<String>::new());
    assert_eq!(told.skipped("b"), Some(SkipReason::NotGranted));
}

#[test]
fn a_stand_in_without_a_grant_is_passed_over_and_promises_no_return() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.account("a").kind = CredentialKind::ApiKey;
    herd.account("b").cooling = Some(crate::herd::rest(5, Class::Burst));
    herd.chain("a", &["b"]);
    let request = RequestFacts { host: Host::Pi, ..herd.request("s") };
    let told = herd.walk(request, &[("a", &[refused(Class::CredentialDead)])]);
    assert_eq!(told.skipped("b"), Some(SkipReason::NotGranted));
    assert!(
        matches!(told.outcome, remuda_core::route::Outcome::Error { retry_after_s: None, .. }),
        "{:?}",
        told.outcome
    );
}

#[test]
fn a_shared_plan_never_stands_in_for_another_account() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.account("b").kind = CredentialKind::SharedPlan;
    herd.chain("a", &["b"]);
    let told = herd.walk(herd.request("s"), &[("a", &[refused(Class::WindowExhausted)])]);
    assert_eq!(told.tried, ["a"]);
    assert_eq!(told.skipped("b"), Some(SkipReason::StandsAlone));
}

#[test]
fn nobody_stands_in_for_a_shared_plan() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.account("a").kind = CredentialKind::SharedPlan;
    herd.chain("a", &["b"]);
    let told = herd.walk(herd.request("s"), &[("a", &[refused(Class::WindowExhausted)])]);
    assert_eq!(told.tried, ["a"], "moving on would be the rotation that its terms forbid");
    assert_eq!(told.served_by(), None);
}

#[test]
fn a_pool_passes_a_shared_plan_over() {
    let mut herd = Herd::of(&["a", "b"]);
    herd.account("a").kind = CredentialKind::SharedPlan;
    herd.pool("team", &["a", "b"]);
    herd.snapshot.active = Some(crate::herd::target("@team"));
    let told = herd.walk(herd.request("s"), &[]);
    assert_eq!(told.served_by().as_deref(), Some("b"));
    assert_eq!(told.skipped("a"), Some(SkipReason::StandsAlone));
}
