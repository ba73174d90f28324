//! Who may serve a request, in order: its source, the other members of the pool that placed it, the source's own chain.
//!
//! This is the isolation rule, and its only place: an account that is not put on the path here is never asked. A chain
//! belongs to its source alone; chains of stand-ins are never looked at.

use super::source::Source;
use crate::id::AccountId;
use crate::snapshot::{Snapshot, Target};

/// One account that may serve.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) account: AccountId,
    /// The model to ask instead of the one named.
    pub(super) model: Option<String>,
    pub(super) role: Role,
    pub(super) consent: Consent,
    /// Is it asked as the member of a pool?
    pub(super) pooled: bool,
}

/// What a candidate is to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The source, freshly chosen by a person: beliefs do not hold it back.
    Chosen,
    /// The source.
    Source,
    /// The source once more, behind all others: its minimum no longer holds it back.
    LastResort,
    /// Anyone else. Going to a stand-in is a move.
    StandIn,
}

/// Has a person agreed that this account costs money here?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// By choosing it.
    Given,
    /// By an earlier choice, or by a rule that has brought the session here: the rule's ceiling still holds.
    Standing,
    /// Only as far as a rule of its owner says so.
    ByRule,
}

/// The candidates, in order. Stand-ins are looked up when the first one is needed, which is seldom.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    candidates: Vec<Candidate>,
    at: usize,
    extended: bool,
    source_comes_last: bool,
}

impl Path {
    /// The source alone.
    pub(super) fn from(source: Option<&Source>) -> Self {
        Self::by_way_of(None, source)
    }

    /// The source, and before it somebody else.
    pub(super) fn by_way_of(first: Option<Candidate>, source: Option<&Source>) -> Self {
        let candidates = first.into_iter().chain(source.map(Source::candidate)).collect();
        Self { candidates, ..Self::default() }
    }

    /// Do the stand-ins stand on it?
    pub(super) fn is_extended(&self) -> bool {
        self.extended
    }

    /// The candidate whose turn it is. Each account has one turn, however often chains and pools name it; only the source
    /// has another one as the last resort.
    pub(super) fn take(&mut self) -> Option<Candidate> {
        loop {
            let candidate = self.candidates.get(self.at)?;
            // Few requests get beyond the first candidates, so looking back is cheaper than keeping a set.
            let before = &self.candidates[..self.at];
            if candidate.role == Role::LastResort || before.iter().all(|earlier| earlier.account != candidate.account) {
                self.at += 1;
                return Some(candidate.clone());
            }
            self.candidates.remove(self.at);
        }
    }

    /// Gives the source another turn, behind all others.
    pub(super) fn defer_source(&mut self) {
        self.source_comes_last = true;
    }

    /// Puts the stand-ins on the path. Returns whether that was still to be done.
    pub(super) fn extend(&mut self, source: &Source, snapshot: &Snapshot) -> bool {
        if std::mem::replace(&mut self.extended, true) {
            return false;
        }
        self.add_stand_ins(source, snapshot);
        if self.source_comes_last {
            self.candidates.push(Candidate { role: Role::LastResort, ..source.candidate() });
        }
        true
    }

    /// Everyone whose turn has come, each once.
    pub(super) fn visited(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().take(self.at).filter(|candidate| candidate.role != Role::LastResort)
    }

    /// Could this account's turn ever come? Not if neither the source, nor its pool, nor its chain names it.
    pub(super) fn reaches(source: &Source, account: AccountId, snapshot: &Snapshot) -> bool {
        let mut all = Self::from(Some(source));
        all.extend(source, snapshot);
        all.candidates.iter().any(|candidate| candidate.account == account)
    }

    fn add_stand_ins(&mut self, source: &Source, snapshot: &Snapshot) {
        if snapshot.accounts.get(&source.account).is_some_and(|account| account.kind.stands_alone()) {
            return;
        }
        let mut add = |account, model: Option<&String>, consent| {
            let model = model.cloned();
            self.candidates.push(Candidate { account, model, role: Role::StandIn, consent, pooled: false });
        };
        if let Some(pool) = source.pool.as_ref().and_then(|name| snapshot.pools.get(name)) {
            let consent = if snapshot.costs_only(pool) { Consent::Given } else { Consent::ByRule };
            for member in &pool.members {
                add(*member, None, consent);
            }
        }
        for step in snapshot.chains.get(&source.account).into_iter().flatten() {
            match &step.target {
                Target::Account(account) => add(*account, step.model.as_ref(), Consent::ByRule),
                Target::Pool(name) => {
                    for member in snapshot.pools.get(name).map(|pool| pool.members.as_slice()).unwrap_or_default() {
                        add(*member, step.model.as_ref(), Consent::ByRule);
                    }
                }
            }
        }
    }
}
