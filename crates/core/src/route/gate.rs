//! May this account be asked now? The checks in their one order; the first that fails is the reason told.

use super::path::{Candidate, Consent, Role};
use super::skip::{Passed, SkipReason};
use super::source::Source;
use crate::account::{Account, AccountStatus, Cooldown, CostClass, CredentialKind, Vendor};
use crate::headroom::{Floor, Headroom, SaidOf};
use crate::id::AccountId;
use crate::request::RequestFacts;
use crate::rest::Rests;
use crate::snapshot::{Snapshot, UnknownQuota};
use crate::time::UnixSeconds;
use crate::verdict::Class;

/// What this request has met with so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Last verdict of every account that refused, in the order in which they were asked.
    pub(super) refusals: Vec<(AccountId, Class)>,
    /// Vendors that stayed overloaded.
    pub(super) overloaded: Vec<Vendor>,
    /// Moves.
    pub(super) hops: u32,
}

impl Seen {
    pub(super) fn refusal_of(&self, account: AccountId) -> Option<Class> {
        self.refusals.iter().find(|(who, _)| *who == account).map(|(_, class)| *class)
    }
}

/// Rests that were guesses and are over: whoever asks now is their single probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Probes {
    /// The rest of the account.
    pub(super) account: bool,
    /// The rest for the model.
    pub(super) model: bool,
}

/// The checks, for one request at one moment.
pub(super) struct Gate<'a> {
    request: &'a RequestFacts,
    snapshot: &'a Snapshot,
    source: Option<&'a Source>,
    seen: &'a Seen,
    rests: Rests<'a>,
    now: UnixSeconds,
}

impl<'a> Gate<'a> {
    pub(super) fn new(
        request: &'a RequestFacts,
        snapshot: &'a Snapshot,
        source: Option<&'a Source>,
        seen: &'a Seen,
        now: UnixSeconds,
    ) -> Self {
        Self { request, snapshot, source, seen, rests: Rests::new(snapshot, now), now }
    }

    /// Everything, for a candidate whose turn has come.
    pub(super) fn check(&self, candidate: &Candidate) -> Result<Probes, Passed> {
        let account = self.account(candidate)?;
        let probes = self.willing(account, candidate, Probes::default())?;
        self.worth_it(account, candidate)?;
        Ok(probes)
    }

    /// What may have changed while the caller waited before asking the same account again. A probe that this request
    /// has taken does not stand in its own way.
    pub(super) fn check_again(&self, candidate: &Candidate, taken: Probes) -> Result<Probes, Passed> {
        let account = self.account(candidate)?;
        self.willing(account, candidate, taken)
    }

    fn account(&self, candidate: &Candidate) -> Result<&'a Account, Passed> {
        self.snapshot.accounts.get(&candidate.account).ok_or(pass(candidate, SkipReason::Unknown, None))
    }

    /// Terms, reserves, status, rests, vendor and money.
    fn willing(&self, account: &'a Account, candidate: &Candidate, taken: Probes) -> Result<Probes, Passed> {
        let no = |reason| Err(pass(candidate, reason, None));
        let model = candidate.model.as_deref().unwrap_or(&self.request.model);
        let believed = candidate.role != Role::Chosen;

        if account.kind.stands_alone() && (candidate.role == Role::StandIn || candidate.pooled) {
            return no(SkipReason::StandsAlone);
        }
        if !self.granted(account) {
            return no(SkipReason::NotGranted);
        }
        match self.snapshot.above_reserve(account, model, self.now) {
            Headroom::Enough => {}
            Headroom::Unknown if self.trusts_unknown(account) => {}
            Headroom::Unknown => return no(SkipReason::KillSwitch),
            Headroom::Low { until } => return Err(pass(candidate, SkipReason::KillSwitch, until)),
        }
        match self.kept_for_others(account, model) {
            Headroom::Low { until } => return Err(pass(candidate, SkipReason::Reserved, until)),
            Headroom::Unknown if !self.trusts_unknown(account) => return no(SkipReason::Reserved),
            Headroom::Unknown | Headroom::Enough => {}
        }
        match account.status {
            AccountStatus::Paused => return no(SkipReason::Paused),
            AccountStatus::NeedsLogin if believed => return no(SkipReason::NeedsLogin),
            AccountStatus::Disabled if believed => return no(SkipReason::Disabled),
            AccountStatus::Ready | AccountStatus::NeedsLogin | AccountStatus::Disabled => {}
        }
        if self.refused_under_another_label(account) {
            return no(SkipReason::SameIdentity);
        }
        let probes = if believed { self.rested(account, candidate, model, taken)? } else { taken };
        if account.vendor != self.request.vendor && candidate.model.is_none() {
            return no(SkipReason::OtherVendor);
        }
        if !account.speaks.meets(self.request.protocol) {
            return no(SkipReason::OtherProtocol);
        }
        if self.request.owner.is_some_and(|owner| owner != account.id) && believed {
            return no(SkipReason::NotOwner);
        }
        if self.seen.overloaded.contains(&account.vendor) {
            return no(SkipReason::VendorOverloaded);
        }
        if account.cost == CostClass::Metered && !self.may_spend(account, candidate.consent) {
            return no(SkipReason::Metered);
        }
        Ok(probes)
    }

    /// The rests of the account and of the model. One that was a guess and is over lets a single request through.
    fn rested(
        &self,
        account: &'a Account,
        candidate: &Candidate,
        model: &str,
        taken: Probes,
    ) -> Result<Probes, Passed> {
        let no = |reason, until| Err(pass(candidate, reason, Some(until)));
        let mut probes = taken;
        if let Some(rest) = self.rests.of(account) {
            return no(SkipReason::Cooling, rest.until);
        }
        if let Some(rest) = account.cooling.as_ref().filter(|rest| self.must_probe(rest)) {
            match rest.being_probed(self.now) {
                Some(until) if !taken.account => return no(SkipReason::Probing, until),
                _ => probes.account = true,
            }
        }
        let Some(rest) = account.model_cooling.get(model) else { return Ok(probes) };
        if rest.holds(self.now) {
            return no(SkipReason::ModelCooling, rest.until);
        }
        if self.must_probe(rest) {
            match rest.being_probed(self.now) {
                Some(until) if !taken.model => return no(SkipReason::Probing, until),
                _ => probes.model = true,
            }
        }
        Ok(probes)
    }

    /// What draws on no quota finds out nothing about it, and need not wait for those who do.
    fn must_probe(&self, rest: &Cooldown) -> bool {
        self.request.kind.draws_on_quota() && rest.needs_probe(self.now)
    }

    /// The account's own minimum, which gives way when there is nobody else, and the limit of moves.
    fn worth_it(&self, account: &Account, candidate: &Candidate) -> Result<(), Passed> {
        if matches!(candidate.role, Role::Source | Role::StandIn) {
            let model = candidate.model.as_deref().unwrap_or(&self.request.model);
            match self.snapshot.above_minimum(account, model, self.now) {
                Headroom::Enough => {}
                Headroom::Unknown if self.trusts_unknown(account) => {}
                Headroom::Unknown => return Err(pass(candidate, SkipReason::UnknownQuota, None)),
                Headroom::Low { until } => return Err(pass(candidate, SkipReason::BelowMinimum, until)),
            }
        }
        if candidate.role == Role::StandIn && self.seen.hops >= self.snapshot.policy.max_hops {
            return Err(pass(candidate, SkipReason::HopLimit, None));
        }
        Ok(())
    }

    /// When an account of the path can be asked again by itself, if that is known: behind its rests and behind the
    /// resets of its low windows. What only a person can mend has no time.
    pub(super) fn returns_at(&self, candidate: &Candidate) -> Option<UnixSeconds> {
        let account = self.snapshot.accounts.get(&candidate.account)?;
        let serves = self.granted(account)
            && account.speaks.meets(self.request.protocol)
            && self.request.owner.is_none_or(|owner| owner == account.id);
        if account.status != AccountStatus::Ready || !serves {
            return None;
        }
        let model = candidate.model.as_deref().unwrap_or(&self.request.model);
        let rest = self.rests.of(account).map(|rest| rest.until);
        let own_rests = [account.cooling.as_ref(), account.model_cooling.get(model)];
        let held = own_rests.into_iter().flatten().filter_map(|rest| match rest.holds(self.now) {
            true => Some(rest.until),
            // Whoever probes it has an answer by then.
            false => rest.being_probed(self.now),
        });
        let mut latest = held.chain(rest).max();
        let minimum = match candidate.role {
            Role::StandIn => self.snapshot.above_minimum(account, model, self.now),
            // The minimum of a source holds nobody back for good.
            Role::Chosen | Role::Source | Role::LastResort => Headroom::Enough,
        };
        let kept = self.kept_for_others(account, model);
        for headroom in [self.snapshot.above_reserve(account, model, self.now), kept, minimum] {
            if let Headroom::Low { until } = headroom {
                latest = latest.max(Some(until?));
            }
        }
        latest
    }

    /// A subscription serves its vendor's own host, and others as far as its owner has allowed them. Keys serve all.
    fn granted(&self, account: &Account) -> bool {
        let host = self.request.host;
        match account.kind {
            CredentialKind::ApiKey | CredentialKind::PlanKey => true,
            CredentialKind::Subscription | CredentialKind::StaticToken | CredentialKind::SharedPlan => {
                host.maker() == Some(account.vendor) || account.allowed_hosts.contains(&host)
            }
        }
    }

    fn trusts_unknown(&self, account: &Account) -> bool {
        self.snapshot.unknown_quota_of(account).0 == UnknownQuota::Open
    }

    /// Compares with what its owner keeps for work that is more urgent than this.
    fn kept_for_others(&self, account: &Account, model: &str) -> Headroom {
        let floors = self.snapshot.limits.floors(account.id, self.request.kind);
        let floors = floors.into_iter().map(|(window, percent)| Floor { window, percent, said_of: SaidOf::Account });
        account.headroom(floors, model, &self.snapshot.policy, self.now)
    }

    fn refused_under_another_label(&self, account: &Account) -> bool {
        let Some(identity) = &account.identity else { return false };
        let refused = self.seen.refusals.iter().filter(|(who, _)| *who != account.id);
        refused
            .filter_map(|(who, _)| self.snapshot.accounts.get(who))
            .any(|other| other.identity.as_ref() == Some(identity))
    }

    fn may_spend(&self, account: &Account, consent: Consent) -> bool {
        let rule = self.snapshot.spend_rules.get(&account.id);
        let below_ceiling = rule.is_some_and(|rule| rule.spent_today_usd < rule.daily_limit_usd);
        match consent {
            Consent::Given => true,
            Consent::Standing => rule.is_none() || below_ceiling,
            Consent::ByRule => {
                below_ceiling
                    && rule.zip(self.why_not_the_source()).is_some_and(|(rule, why)| rule.after.contains(&why))
            }
        }
    }

    /// What the source answered in this request, or else why it rests.
    fn why_not_the_source(&self) -> Option<Class> {
        let source = self.source?;
        let rest = || {
            let account = self.snapshot.accounts.get(&source.account)?;
            let model_rest = account.model_cooling.get(&self.request.model).filter(|rest| rest.holds(self.now));
            self.rests.of(account).or(model_rest).map(|rest| rest.reason)
        };
        self.seen.refusal_of(source.account).or_else(rest)
    }
}

fn pass(candidate: &Candidate, reason: SkipReason, until: Option<UnixSeconds>) -> Passed {
    Passed { account: candidate.account, reason, until }
}
