//! What an answer teaches about an account. One refusal changes at most one thing; what is passing changes nothing.

use super::change::StateChange;
use crate::account::{Account, AccountStatus, Cooldown};
use crate::snapshot::{Policy, Snapshot};
use crate::time::{UnixSeconds, believable};
use crate::verdict::{Class, Verdict};

/// When an account was asked, and when it answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    pub(super) sent_at: UnixSeconds,
    pub(super) now: UnixSeconds,
}

/// What to remember of a refusal that is final for this request. `model` is the one that was asked.
pub(super) fn from_refusal(
    account: &Account,
    model: &str,
    verdict: &Verdict,
    policy: &Policy,
    when: Exchange,
) -> Option<StateChange> {
    let stated = verdict.until.filter(|until| believable(*until, when.now));
    match verdict.class {
        Class::WindowExhausted | Class::Billing => {
            let rest = rest(account.cooling.as_ref(), verdict, stated, policy, when)?;
            Some(StateChange::Cooling(account.id, Some(rest)))
        }
        // Without a stated time a burst is about the request, not about the account.
        Class::Burst => {
            let rest = rest(account.cooling.as_ref(), verdict, Some(stated?), policy, when)?;
            Some(StateChange::Cooling(account.id, Some(rest)))
        }
        Class::ModelExhausted => {
            let rest = rest(account.model_cooling.get(model), verdict, stated, policy, when)?;
            Some(StateChange::ModelCooling(account.id, model.to_owned(), Some(rest)))
        }
        Class::CredentialDead => status(account, AccountStatus::NeedsLogin),
        Class::AccountDisabled => status(account, AccountStatus::Disabled),
        Class::CredentialStale
        | Class::RequestFault
        | Class::Overloaded
        | Class::Transient
        | Class::NetworkBlocked
        | Class::TermsRefused => None,
    }
}

/// The account's status changes, unless its owner has switched it off meanwhile: that is theirs to undo.
pub(super) fn status(account: &Account, to: AccountStatus) -> Option<StateChange> {
    let changes = account.status != to && account.status != AccountStatus::Paused;
    changes.then_some(StateChange::Status(account.id, to))
}

/// Which beliefs the success of a request disproves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    /// A person chose the account against all beliefs: they are wrong.
    pub(super) chosen: bool,
    /// It drew on the account's quota: a rest that was a guess is over.
    pub(super) drew_on_quota: bool,
}

/// What success disproves. What was learned only after the request was sent is not disproved by it.
pub(super) fn from_success(
    snapshot: &Snapshot,
    account: &Account,
    model: &str,
    proof: Proof,
    when: Exchange,
) -> Vec<StateChange> {
    let chosen = proof.chosen;
    let disproved = |rest: &Cooldown| rest.since <= when.sent_at && rest.holds(when.now) && chosen;
    let proven = |rest: &Cooldown| rest.needs_probe(when.now) && (proof.drew_on_quota || chosen);
    let mut changes = Vec::new();
    if account.cooling.as_ref().is_some_and(|rest| disproved(rest) || proven(rest)) {
        changes.push(StateChange::Cooling(account.id, None));
    }
    if chosen && account.identity.is_some() {
        let labels = snapshot.accounts.values().filter(|o| o.id != account.id && o.identity == account.identity);
        let resting = labels.filter(|other| other.cooling.as_ref().is_some_and(disproved));
        changes.extend(resting.map(|other| StateChange::Cooling(other.id, None)));
    }
    if account.model_cooling.get(model).is_some_and(|rest| disproved(rest) || proven(rest)) {
        changes.push(StateChange::ModelCooling(account.id, model.to_owned(), None));
    }
    if chosen {
        changes.extend(status(account, AccountStatus::Ready));
    }
    changes
}

/// The rest that follows from a verdict. `None`: another request has learned of a longer one while this one was out.
fn rest(
    known: Option<&Cooldown>,
    verdict: &Verdict,
    stated: Option<UnixSeconds>,
    policy: &Policy,
    when: Exchange,
) -> Option<Cooldown> {
    let until = stated.unwrap_or_else(|| {
        let probed = known.filter(|rest| rest.needs_probe(when.now)).map(|rest| rest.until - rest.since);
        let doubled = probed.map(|length| length.saturating_mul(2).min(policy.unknown_cooldown_max_s));
        when.now + doubled.unwrap_or_default().max(policy.unknown_cooldown_s)
    });
    if known.is_some_and(|rest| rest.since >= when.sent_at && rest.until >= until) {
        return None;
    }
    Some(Cooldown {
        until,
        reason: verdict.class,
        stated: stated.is_some(),
        since: when.now,
        evidence: verdict.evidence.clone(),
        probing_until: None,
    })
}
