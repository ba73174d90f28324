//! Whom a request is meant for, and whether its session gets a home there.
//!
//! A pin comes first, then the session's home, then (for a subagent) the home of its parent, then the active account or
//! pool. A pool places: of its members that can serve, the best by its strategy becomes the source and the session's
//! home. While nobody in the pool can, a member stands as the source but the session gets no home, so that it is placed
//! anew next time.

use super::gate::{Gate, Seen};
use super::path::{Candidate, Consent, Role};
use super::place::{self, Placement};
use super::skip::{Passed, SkipReason};
use crate::account::CostClass;
use crate::id::AccountId;
use crate::record::SourceReason;
use crate::request::{Home, Pin, PinScope, RequestFacts};
use crate::snapshot::{Pool, Snapshot, Strategy, Target};
use crate::time::UnixSeconds;

/// The account a request is meant for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    pub(super) account: AccountId,
    pub(super) role: Role,
    pub(super) consent: Consent,
    /// The pool whose other members stand in.
    pub(super) pool: Option<String>,
}

impl Source {
    pub(super) fn candidate(&self) -> Candidate {
        let pooled = self.pool.is_some();
        Candidate { account: self.account, model: None, role: self.role, consent: self.consent, pooled }
    }
}

/// What was found out about the meaning of a request.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    pub(super) source: Option<Source>,
    pub(super) reason: SourceReason,
    /// The pool that was meant, also if it is gone.
    pub(super) pool: Option<String>,
    /// Where the session lives from now on.
    pub(super) home: Option<Home>,
    /// Members of the pool that could not take it and, in an ordered pool, came before the one that could.
    pub(super) passed: Vec<Passed>,
    /// How the pool chose.
    pub(super) placement: Option<Placement>,
}

impl Meant {
    pub(super) fn find(request: &RequestFacts, snapshot: &Snapshot, now: UnixSeconds) -> Self {
        let bound = request.bound.as_ref().filter(|home| snapshot.accounts.contains_key(&home.account));
        let pin = request.pin.as_ref().filter(|pin| pin.fresh || pin.scope != PinScope::Global || bound.is_none());
        let parent = request.conversation.parent_home.as_ref();
        let parent = parent.filter(|home| snapshot.accounts.contains_key(&home.account));
        match (pin, bound, parent, &snapshot.active) {
            (Some(pin), ..) => Self::at(&pin.target, Some(pin), bound, request, snapshot, now),
            (None, Some(home), ..) => Self::at_home(home, snapshot),
            (None, None, Some(home), _) => Self::beside(home, request, snapshot, now),
            (None, None, None, Some(active)) => Self::at(active, None, None, request, snapshot, now),
            (None, None, None, None) => Self::nowhere(SourceReason::Active, None),
        }
    }

    fn nowhere(reason: SourceReason, home: Option<&Home>) -> Self {
        Self { source: None, reason, pool: None, home: home.cloned(), passed: Vec::new(), placement: None }
    }

    /// A subagent: placed anew by the pool that has placed its parent, or else wherever its parent lives at the time.
    fn beside(parent: &Home, request: &RequestFacts, snapshot: &Snapshot, now: UnixSeconds) -> Self {
        let there = Self::at_home(parent, snapshot);
        match there.pool.as_ref().and_then(|name| snapshot.pools.get_key_value(name)) {
            Some((name, pool)) => {
                let nowhere = Self { pool: Some(name.clone()), ..Self::nowhere(SourceReason::Parent, None) };
                Self::placed(name, pool, request, snapshot, now, nowhere)
            }
            None => Self { reason: SourceReason::Parent, home: None, ..there },
        }
    }

    fn at_home(home: &Home, snapshot: &Snapshot) -> Self {
        let pool = home.pool.as_ref().and_then(|name| snapshot.pools.get_key_value(name));
        let pool = pool.filter(|(_, pool)| pool.members.contains(&home.account));
        let chosen_too = snapshot.active == Some(Target::Account(home.account));
        let pool_chosen = pool.is_some_and(|(_, pool)| snapshot.costs_only(pool));
        let consent = if chosen_too || pool_chosen { Consent::Given } else { Consent::Standing };
        let pool = pool.map(|(name, _)| name.clone());
        let source = Source { account: home.account, role: Role::Source, consent, pool: pool.clone() };
        Self { source: Some(source), pool, ..Self::nowhere(SourceReason::Bound, Some(home)) }
    }

    fn at(
        target: &Target,
        pin: Option<&Pin>,
        bound: Option<&Home>,
        request: &RequestFacts,
        snapshot: &Snapshot,
        now: UnixSeconds,
    ) -> Self {
        let reason = match pin.map(|pin| pin.scope) {
            Some(PinScope::Process) => SourceReason::Process,
            Some(PinScope::Session) => SourceReason::Session,
            Some(PinScope::Project) => SourceReason::Project,
            Some(PinScope::Global) | None => SourceReason::Active,
        };
        let fresh = pin.is_some_and(|pin| pin.fresh);
        let nowhere = Self::nowhere(reason, bound);
        match target {
            Target::Account(account) => {
                let role = if fresh { Role::Chosen } else { Role::Source };
                let source = Source { account: *account, role, consent: Consent::Given, pool: None };
                // A choice moves the session; a pin that is in force does not, it only goes before the home.
                let home = match bound {
                    Some(home) if !fresh => home.clone(),
                    _ => Home { account: *account, pool: None },
                };
                Self { source: Some(source), home: Some(home), ..nowhere }
            }
            Target::Pool(name) => {
                let nowhere = Self { pool: Some(name.clone()), ..nowhere };
                let Some(pool) = snapshot.pools.get(name) else { return nowhere };
                if let Some(home) = bound.filter(|home| pool.members.contains(&home.account)) {
                    let home = Home { account: home.account, pool: Some(name.clone()) };
                    return Self { reason, ..Self::at_home(&home, snapshot) };
                }
                Self::placed(name, pool, request, snapshot, now, nowhere)
            }
        }
    }

    /// Finds a place for a new session in a pool.
    fn placed(
        name: &str,
        pool: &Pool,
        request: &RequestFacts,
        snapshot: &Snapshot,
        now: UnixSeconds,
        nowhere: Self,
    ) -> Self {
        let consent = if snapshot.costs_only(pool) { Consent::Given } else { Consent::ByRule };
        let source = |account| Source { account, role: Role::Source, consent, pool: Some(name.to_owned()) };
        let seen = Seen::default();
        let gate = Gate::new(request, snapshot, None, &seen, now);
        let (mut able, mut passed) = (Vec::new(), Vec::new());
        for (at, member) in pool.members.iter().enumerate() {
            if pool.members[..at].contains(member) {
                continue;
            }
            match gate.check(&source(*member).candidate()) {
                Ok(_) => able.push(*member),
                Err(reason) => passed.push(reason),
            }
            // Nobody behind the first one can be better.
            if pool.strategy == Strategy::Ordered && !able.is_empty() {
                break;
            }
        }
        if let Some(placement) = place::choose((name, pool), &able, request, snapshot, now) {
            let account = placement.on.account;
            let home = Some(Home { account, pool: Some(name.to_owned()) });
            return Self { source: Some(source(account)), home, passed, placement: Some(placement), ..nowhere };
        }
        // Nobody can at this moment. Whoever is held back least stands as the source, for its chain and its last resort.
        let stand_in = passed.iter().min_by_key(|member| hindrance(member.reason)).map(|member| source(member.account));
        Self { source: stand_in, ..nowhere }
    }
}

/// How far a member is from serving: low, resting, or waiting for a person. The first of equals is taken.
fn hindrance(reason: SkipReason) -> u8 {
    match reason {
        SkipReason::BelowMinimum | SkipReason::UnknownQuota => 0,
        SkipReason::Cooling | SkipReason::Probing | SkipReason::ModelCooling | SkipReason::KillSwitch => 1,
        _ => 2,
    }
}

impl Snapshot {
    /// Does every member of the pool cost money? Choosing such a pool is choosing to spend. In a mixed pool it is not:
    /// there a metered member needs a rule, as on a chain.
    pub(super) fn costs_only(&self, pool: &Pool) -> bool {
        let mut members = pool.members.iter().filter_map(|member| self.accounts.get(member)).peekable();
        members.peek().is_some() && members.all(|account| account.cost == CostClass::Metered)
    }
}
