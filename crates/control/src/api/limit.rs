//! What accounts may be used for, and requests that wait for one.

use remuda_core::snapshot::Snapshot;
use remuda_core::{AccountId, AccountLimits};
use remuda_gateway::events::{Live, Stage};
use remuda_store::Edit;

use super::stored::Told;
use super::{Api, find};
use crate::types::{
    Code, Empty, Failure, HoldCancel, HoldView, Holds, HoldsCancelled, LimitChange, LimitChanged, LimitList, LimitView,
};

/// Longer than any window lasts nobody waits.
const LONGEST_HOLD_S: i64 = 7 * 86_400;

impl Api {
    /// All limits.
    ///
    /// # Errors
    /// None so far.
    pub async fn limits(&self, _: Empty) -> Result<LimitList, Failure> {
        Ok(self.herd.look(|herd, _| LimitList {
            everyone: view(herd, None),
            accounts: find::in_order(herd)
                .filter(|account| herd.limits.accounts.contains_key(&account.id))
                .map(|account| view(herd, Some(account.id)))
                .collect(),
        }))
    }

    /// Changes limits.
    ///
    /// # Errors
    /// The account is unknown, a limit makes no sense, or the store fails.
    pub async fn set_limit(&self, change: LimitChange) -> Result<LimitChanged, Failure> {
        let id = change.account.as_deref().map(|account| self.id_of(account)).transpose()?;
        let (before, new) =
            self.herd.look(|herd, _| Ok::<_, Failure>((view(herd, id), changed(herd, id, &change)?)))?;
        self.herd.edit(vec![Edit::Limits(id, new)]).await.told()?;
        Ok(LimitChanged { before, limits: self.herd.look(|herd, _| view(herd, id)) })
    }

    /// Requests that wait.
    ///
    /// # Errors
    /// None so far.
    pub async fn holds(&self, _: Empty) -> Result<Holds, Failure> {
        Ok(Holds { now: self.now(), holds: self.held() })
    }

    /// Lets requests wait no longer.
    ///
    /// # Errors
    /// None, or several, of the waiting requests are meant.
    pub async fn cancel_hold(&self, cancel: HoldCancel) -> Result<HoldsCancelled, Failure> {
        let live = self.herd.events().live();
        let mut held: Vec<_> = live.iter().filter(|live| hold(live).is_some()).collect();
        if let Some(text) = &cancel.request {
            let plain = |text: &str| text.trim().replace('-', "").to_lowercase();
            let wanted = plain(text);
            held.retain(|live| {
                let id = plain(&live.id.to_string());
                id.ends_with(&wanted) || id.starts_with(&wanted)
            });
            if held.len() != 1 {
                let what = if held.is_empty() { "no waiting request is" } else { "several waiting requests are" };
                return Err(Failure::new(Code::UnknownRequest, format!("{what} called {text:?}"))
                    .remedy("`remuda hold` lists those that wait"));
            }
        }
        held.iter().for_each(|live| live.let_go.cancel());
        Ok(HoldsCancelled { requests: held.iter().map(|live| live.id.to_string()).collect() })
    }

    /// Requests that wait, oldest first.
    pub(super) fn held(&self) -> Vec<HoldView> {
        self.herd.events().live().iter().filter_map(|live| hold(live)).collect()
    }
}

fn hold(live: &Live) -> Option<HoldView> {
    let Stage::Held { since, until } = live.progress().stage else { return None };
    Some(HoldView {
        request: live.id.to_string(),
        session: live.session.as_ref().map(|session| session.0.clone()),
        host: live.host,
        model: live.model.clone(),
        project: live.project.clone(),
        since,
        until,
    })
}

fn known(herd: &Snapshot, id: Option<AccountId>) -> AccountLimits {
    match id {
        Some(id) => herd.limits.accounts.get(&id).cloned().unwrap_or_default(),
        None => herd.limits.everyone.clone(),
    }
}

fn view(herd: &Snapshot, id: Option<AccountId>) -> LimitView {
    let AccountLimits { subagents, background, at_once, hold_s } = known(herd, id);
    LimitView { account: id.map(|id| find::label(herd, id)), subagents, background, at_once, hold_s }
}

fn changed(herd: &Snapshot, id: Option<AccountId>, change: &LimitChange) -> Result<AccountLimits, Failure> {
    let mut limits = if change.clear { AccountLimits::default() } else { known(herd, id) };
    let percents = change.subagents.iter().chain(&change.background);
    if let Some((window, percent)) = percents.into_iter().find(|(_, percent)| !(0.0..=100.0).contains(*percent)) {
        return Err(Failure::invalid(format!("{percent} % of {window} cannot be kept"))
            .remedy("name a share from 0 to 100, for example: --subagents 5h=20"));
    }
    if change.hold_s.is_some_and(|seconds| !(0..=LONGEST_HOLD_S).contains(&seconds)) {
        return Err(Failure::invalid("nobody can wait that long").remedy("name a time of at most 7 days: --hold 5h"));
    }
    limits.subagents.extend(change.subagents.clone());
    limits.background.extend(change.background.clone());
    // For an account a zero is kept where it lifts a general limit.
    let lifts = |general: bool| id.is_some() && general;
    limits
        .subagents
        .retain(|window, percent| *percent > 0.0 || lifts(herd.limits.everyone.subagents.contains_key(window)));
    limits
        .background
        .retain(|window, percent| *percent > 0.0 || lifts(herd.limits.everyone.background.contains_key(window)));
    limits.at_once = change.at_once.or(limits.at_once).filter(|most| *most > 0);
    limits.hold_s =
        change.hold_s.or(limits.hold_s).filter(|seconds| *seconds > 0 || lifts(herd.limits.everyone.hold_s.is_some()));
    Ok(limits)
}
