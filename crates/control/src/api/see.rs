//! Accounts and pools as views show them.

use std::collections::BTreeMap;
use std::sync::Arc;

use remuda_core::snapshot::{Snapshot, Target};
use remuda_core::{Account, AccountId, AccountStatus, Cooldown, UnixSeconds};
use remuda_gateway::events::{Live, Stage};
use remuda_store::Profile;

use super::find::{label, written};
use super::{left, money};
use crate::types::{AccountView, BorrowedFrom, LiveStage, LiveView, ModelRest, PoolView, Rest, State, Who};

/// Profiles by account.
pub(super) type Profiles = BTreeMap<AccountId, Arc<Profile>>;

/// One account.
pub(super) fn view(herd: &Snapshot, profiles: &Profiles, account: &Account, now: UnixSeconds) -> AccountView {
    let profile = profiles.get(&account.id).map_or_else(Default::default, |profile| Profile::clone(profile));
    let resting = herd.resting(account, now).map(rest);
    let names_it = |target: &Target| *target == Target::Account(account.id);
    AccountView {
        id: account.id,
        label: account.label.to_string(),
        vendor: account.vendor,
        kind: account.kind,
        cost: account.cost,
        state: state(account, resting.is_some()),
        active: match &herd.active {
            Some(Target::Account(active)) => *active == account.id,
            Some(Target::Pool(name)) => herd.pools.get(name).is_some_and(|pool| pool.members.contains(&account.id)),
            None => false,
        },
        who: Who { email: profile.email, organization: profile.organisation, plan: profile.plan },
        base_url: profile.endpoint.bases.values().next().cloned(),
        bases: profile.endpoint.bases,
        speaks: account.speaks,
        resting,
        resting_models: account
            .model_cooling
            .iter()
            .filter(|(_, cooldown)| cooldown.until > now)
            .map(|(model, cooldown)| ModelRest { model: model.clone(), rest: rest(cooldown) })
            .collect(),
        windows: left::windows(herd, account, now),
        min_remaining: account.min_remaining.clone(),
        quota: left::quota(herd, account, now),
        trouble: None,
        spend: money::rule(herd, account.id),
        allowed_hosts: account.allowed_hosts.clone(),
        chain: chain(herd, account.id),
        stands_in_for: herd
            .chains
            .iter()
            .filter(|(_, steps)| steps.iter().any(|step| names_it(&step.target)))
            .map(|(source, _)| label(herd, *source))
            .collect(),
        pools: herd.pools.iter().filter(|(_, p)| p.members.contains(&account.id)).map(|(n, _)| n.clone()).collect(),
        borrowed: profile.borrowed.map(|of| BorrowedFrom { program: of.program, file: of.file, slot: of.slot }),
        added_at: (profile.added_at > 0).then_some(profile.added_at),
    }
}

/// Who may stand in for an account, in order.
pub(super) fn chain(herd: &Snapshot, source: AccountId) -> Vec<String> {
    herd.chains.get(&source).into_iter().flatten().map(|step| written(herd, &step.target)).collect()
}

/// One pool; `None`: there is none of this name.
pub(super) fn pool(herd: &Snapshot, name: &str) -> Option<PoolView> {
    let pool = herd.pools.get(name)?;
    let target = Target::Pool(name.to_owned());
    let on_chains_of = herd
        .chains
        .iter()
        .filter(|(_, steps)| steps.iter().any(|step| step.target == target))
        .map(|(source, _)| label(herd, *source))
        .collect();
    Some(PoolView {
        name: name.to_owned(),
        strategy: pool.strategy,
        members: pool.members.iter().map(|id| label(herd, *id)).collect(),
        on_chains_of,
        active: herd.active.as_ref() == Some(&target),
    })
}

fn state(account: &Account, rests: bool) -> State {
    match account.status {
        AccountStatus::Ready if rests => State::Resting,
        AccountStatus::Ready => State::Ready,
        AccountStatus::NeedsLogin => State::NeedsLogin,
        AccountStatus::Disabled => State::Disabled,
        AccountStatus::Paused => State::Paused,
    }
}

fn rest(cooldown: &Cooldown) -> Rest {
    Rest {
        until: cooldown.until,
        reason: cooldown.reason,
        stated: cooldown.stated,
        evidence: cooldown.evidence.clone(),
    }
}

/// A request under way.
pub(crate) fn live(live: &Live) -> LiveView {
    let progress = live.progress();
    let (stage, until) = match progress.stage {
        Stage::Routing => (LiveStage::Routing, None),
        Stage::Asking => (LiveStage::Asking, None),
        Stage::Waiting { until } | Stage::Held { until, .. } => (LiveStage::Waiting, Some(until)),
        Stage::Streaming => (LiveStage::Streaming, None),
    };
    let (account_id, account) = progress.account.unzip();
    LiveView {
        id: live.id,
        at: live.at,
        host: live.host,
        kind: live.kind,
        vendor: live.vendor,
        session: live.session.as_ref().map(|session| session.0.clone()),
        project: live.project.clone(),
        model: live.model.clone(),
        stage,
        until,
        account_id,
        account,
        attempts: progress.attempts,
        age_ms: u64::try_from(live.started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}
