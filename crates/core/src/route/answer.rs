//! An answer has come: serve, ask the same account again, refresh, move on or end.

use super::change::StateChange;
use super::gate::Probes;
use super::learn::{self, Exchange, Proof};
use super::outcome::Outcome;
use super::path::{Candidate, Role};
use super::{Asking, Route, Stage};
use crate::account::AccountStatus;
use crate::id::AccountId;
use crate::request::Home;
use crate::snapshot::{Policy, Snapshot};
use crate::time::UnixSeconds;
use crate::verdict::{Class, Verdict};

impl Route {
    pub(super) fn served(&mut self, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        let Some(asking) = &mut self.asking else { return Vec::new() };
        asking.probes = Probes::default();
        let Candidate { account, model, role, .. } = asking.candidate.clone();
        let when = Exchange { sent_at: asking.sent_at, now };
        let mut changes = match snapshot.accounts.get(&account) {
            Some(found) => {
                let asked = model.as_deref().unwrap_or(&self.request.model);
                let drew_on_quota = self.request.kind.draws_on_quota();
                let proof = Proof { chosen: role == Role::Chosen, drew_on_quota };
                learn::from_success(snapshot, found, asked, proof, when)
            }
            None => Vec::new(),
        };
        changes.extend(self.rebind(account, model.is_some(), snapshot));
        self.stage = Stage::Over(Outcome::Served { account, model });
        changes
    }

    /// A detour does not move a session. Only a home that a person must mend is left, for whoever serves; but not where
    /// the chain had to name another model, because that is known on the home's chain only.
    fn rebind(&self, served_by: AccountId, other_model: bool, snapshot: &Snapshot) -> Option<StateChange> {
        let (session, home) = (self.request.session.as_ref()?, self.meant.home.as_ref()?);
        let status = snapshot.accounts.get(&home.account)?.status;
        let broken = matches!(status, AccountStatus::NeedsLogin | AccountStatus::Disabled);
        if home.account == served_by || other_model || !broken {
            return None;
        }
        let is_member = |name: &String| snapshot.pools.get(name).is_some_and(|pool| pool.members.contains(&served_by));
        let pool = self.meant.pool.clone().filter(is_member);
        Some(StateChange::Bind(session.clone(), Home { account: served_by, pool }))
    }

    pub(super) fn refused(&mut self, verdict: Verdict, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        let Some(asking) = &mut self.asking else { return Vec::new() };
        let class = verdict.class;
        if !self.request.replayable || ends_the_request(&verdict) {
            self.stage = Stage::Final(class);
            return self.settle(&verdict, snapshot, now);
        }
        if class == Class::CredentialStale {
            if asking.refreshed {
                self.stage = Stage::Walking;
                return self.condemn(&verdict, snapshot, now);
            }
            self.stage = Stage::Stale(verdict);
            return Vec::new();
        }
        let made = asking.retried.iter().filter(|earlier| **earlier == class).count();
        let wait = verdict.retry_same_after_s.filter(|wait| *wait <= snapshot.policy.max_wait_s);
        if let (Some(wait), true) = (wait, made < retries(class, &snapshot.policy)) {
            asking.retried.push(class);
            self.stage = Stage::Pausing(verdict, wait);
            return Vec::new();
        }
        self.stage = Stage::Walking;
        self.settle(&verdict, snapshot, now)
    }

    /// The account's last word in this request: remembered, and counted among the refusals.
    pub(super) fn settle(&mut self, verdict: &Verdict, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        let Some(asking) = &self.asking else { return Vec::new() };
        let account = asking.candidate.account;
        self.seen.refusals.push((account, verdict.class));
        let Some(found) = snapshot.accounts.get(&account) else { return Vec::new() };
        if verdict.class == Class::Overloaded {
            self.seen.overloaded.push(found.vendor);
        }
        let model = asking.candidate.model.as_deref().unwrap_or(&self.request.model);
        let when = Exchange { sent_at: asking.sent_at, now };
        let mut changes = self.let_go_of_probes();
        changes.extend(learn::from_refusal(found, model, verdict, &snapshot.policy, when));
        changes
    }

    /// Even a refreshed credential is refused, or it cannot be refreshed: its owner must log in.
    pub(super) fn condemn(&mut self, verdict: &Verdict, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        let mut changes = self.settle(verdict, snapshot, now);
        let account = self.asking.as_ref().and_then(|asking| snapshot.accounts.get(&asking.candidate.account));
        changes.extend(account.and_then(|account| learn::status(account, AccountStatus::NeedsLogin)));
        changes
    }

    pub(super) fn let_go_of_probes(&self) -> Vec<StateChange> {
        let Some(Asking { candidate, probes, .. }) = &self.asking else { return Vec::new() };
        let model = || candidate.model.as_ref().unwrap_or(&self.request.model).clone();
        let whole = probes.account.then_some(StateChange::Probing(candidate.account, None, None));
        let of_model = probes.model.then(|| StateChange::Probing(candidate.account, Some(model()), None));
        whole.into_iter().chain(of_model).collect()
    }
}

/// The request itself, the path to the vendor or the vendor's terms are at fault: nobody else is asked. Overload is said
/// by vendors' classifiers not to fail over, but routing may still leave for another vendor.
fn ends_the_request(verdict: &Verdict) -> bool {
    match verdict.class {
        Class::RequestFault | Class::TermsRefused | Class::NetworkBlocked => true,
        Class::Overloaded => false,
        _ => !verdict.fail_over,
    }
}

/// How often the same account is asked again after such a refusal.
fn retries(class: Class, policy: &Policy) -> usize {
    let most = match class {
        Class::Burst => policy.burst_retries,
        Class::Overloaded => policy.overloaded_retries,
        Class::Transient => policy.transient_retries,
        _ => 0,
    };
    usize::try_from(most).unwrap_or(usize::MAX)
}
