//! What a person means by a name. An unknown name is refused with the nearest known one.

use remuda_core::snapshot::{Snapshot, Target};
use remuda_core::{Account, AccountId};
use uuid::Uuid;

use crate::nearest::nearest;
use crate::types::{Code, Failure};

/// The account with this label or id.
pub(super) fn account<'a>(herd: &'a Snapshot, text: &str) -> Result<&'a Account, Failure> {
    let by_label = herd.accounts.values().find(|account| account.label.matches(text));
    let by_id = || herd.accounts.get(&AccountId(Uuid::parse_str(text.trim()).ok()?));
    by_label.or_else(by_id).ok_or_else(|| {
        if text.trim().starts_with('@') {
            return Failure::new(Code::UnknownAccount, format!("{text} is a pool; this needs an account"));
        }
        let labels = herd.accounts.values().map(|account| account.label.as_str());
        let failure = Failure::new(Code::UnknownAccount, format!("there is no account {text:?}"));
        meant(failure, text, labels, "`remuda accounts` lists them, `remuda login` adds one")
    })
}

/// The name of the pool with this name, with or without `@`.
pub(super) fn pool(herd: &Snapshot, text: &str) -> Result<String, Failure> {
    let name = bare(text);
    herd.pools.keys().find(|known| known.to_lowercase() == name.to_lowercase()).cloned().ok_or_else(|| {
        let failure = Failure::new(Code::UnknownPool, format!("there is no pool @{name}"));
        meant(failure, name, herd.pools.keys().map(String::as_str), "`remuda pool` lists them")
    })
}

/// May it stand on a chain, have one, or be in a pool? A plan that its vendor shares with one program may not.
pub(super) fn may_be_combined(account: &Account) -> Result<(), Failure> {
    if !account.kind.stands_alone() {
        return Ok(());
    }
    let label = &account.label;
    Err(Failure::new(Code::Conflict, format!("{label} takes no part in chains and pools"))
        .why(
            "it is a plan shared by Sign in with ChatGPT, whose terms forbid rotating accounts, splitting and pooling \
             usage (openai.com/policies/sign-in-with-chatgpt-terms, 2026-09-29)",
        )
        .remedy("use it on its own (`remuda use`), or combine API keys instead"))
}

/// The account or pool: `label` or `@pool`.
pub(super) fn target(herd: &Snapshot, text: &str) -> Result<Target, Failure> {
    if text.trim().starts_with('@') {
        pool(herd, text).map(Target::Pool)
    } else {
        account(herd, text).map(|a| Target::Account(a.id))
    }
}

/// A pool's name without its `@`.
pub(super) fn bare(name: &str) -> &str {
    let name = name.trim();
    name.strip_prefix('@').unwrap_or(name)
}

/// A target as a person writes it. An account that is gone has only its id.
pub(super) fn written(herd: &Snapshot, target: &Target) -> String {
    match target {
        Target::Account(id) => label(herd, *id),
        Target::Pool(name) => format!("@{name}"),
    }
}

/// An account's label. One that is gone has only its id.
pub(super) fn label(herd: &Snapshot, id: AccountId) -> String {
    herd.accounts.get(&id).map_or_else(|| id.to_string(), |account| account.label.to_string())
}

/// All accounts in the owner's order.
pub(super) fn in_order(herd: &Snapshot) -> impl Iterator<Item = &Account> {
    herd.order.iter().filter_map(|id| herd.accounts.get(id))
}

fn meant<'a>(failure: Failure, text: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> Failure {
    match nearest(text, known) {
        Some(word) => failure.remedy(format!("did you mean {word:?}?")),
        None => failure.remedy(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use remuda_core::{CostClass, CredentialKind, Label, Vendor};

    use super::*;

    #[test]
    fn only_a_shared_plan_is_refused_on_chains_and_in_pools_and_the_reason_is_told() {
        let of = |kind| {
            let label = Label::new("plus").unwrap();
            let account = Account::new(AccountId(Uuid::from_u128(1)), label, Vendor::OpenAi, kind, CostClass::Included);
            may_be_combined(&account)
        };
        for kind in [CredentialKind::Subscription, CredentialKind::ApiKey, CredentialKind::PlanKey] {
            assert!(of(kind).is_ok(), "{kind:?}");
        }
        let refused = of(CredentialKind::SharedPlan).unwrap_err();
        assert_eq!(refused.code, Code::Conflict);
        assert!(refused.message.contains("plus") && refused.why.unwrap().contains("terms forbid rotating"));
    }
}
