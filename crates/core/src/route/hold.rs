//! Waiting instead of failing: when nobody can serve, a request may be held until the first who can is back, as far as its
//! owner allows. And what a caller does who had to wait before it could send: look again, or go on without.

use super::path::{Path, Role};
use super::skip::SkipReason;
use super::{Route, Seen, Stage};
use crate::request::RequestKind;
use crate::route::{Outcome, Passed, StateChange};
use crate::snapshot::Snapshot;
use crate::time::UnixSeconds;

/// Why a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// Nobody can serve before then.
    NobodyElse,
    /// Others could, but writing the conversation's prompt into their cache costs more than the wait.
    WarmCache,
}

/// How a request is held.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holding {
    /// Since when, the first time.
    since: Option<UnixSeconds>,
    /// How often it went on and had to be held again.
    rounds: u32,
    /// It shall not be held (any more).
    over: bool,
    /// Until when, at the latest, it stays for a warm cache.
    pub(super) stays_until: Option<UnixSeconds>,
}

/// A request that was asked for anew so often after a wait, and refused each time, is not held again: what is believed of
/// its accounts is wrong.
const MOST_ROUNDS: u32 = 10;

impl Holding {
    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

impl Route {
    /// Until when it is worth waiting rather than ending like this.
    pub(super) fn worth_holding(
        &mut self,
        outcome: &Outcome,
        snapshot: &Snapshot,
        now: UnixSeconds,
    ) -> Option<UnixSeconds> {
        let Outcome::Error { retry_after_s: Some(seconds), .. } = outcome else { return None };
        let source = self.meant.source.as_ref()?;
        let of_process = self.request.conversation.patience_s;
        let patience = of_process.or_else(|| snapshot.limits.hold_s(source.account)).filter(|s| *s > 0)?;
        let in_person = matches!(self.request.kind, RequestKind::Main | RequestKind::Subagent);
        let moves_are_spent = self.skipped.iter().any(|passed| passed.reason == SkipReason::HopLimit);
        if !in_person || moves_are_spent || self.holding.over || self.holding.rounds >= MOST_ROUNDS {
            return None;
        }
        // Saturates; whole seconds as they are.
        let until = now.saturating_add(seconds.ceil() as i64);
        let since = *self.holding.since.get_or_insert(now);
        (until.saturating_sub(since) <= patience).then_some(until)
    }

    /// Held until when, at the latest. `None`: it is not held.
    #[must_use]
    pub fn held_until(&self) -> Option<UnixSeconds> {
        match self.stage {
            Stage::Holding { until, .. } | Stage::Staying { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Looks again at once, because something has changed: an account is back, a rest was ended, one was added. If still
    /// nobody can serve, [`Route::next`] holds the request again.
    pub fn wake(&mut self) {
        if matches!(self.stage, Stage::Holding { .. } | Stage::Staying { .. }) {
            self.start_again();
        }
    }

    /// Holds it no longer: its owner or its agent does not want to wait. [`Route::next`] then ends it with what it was held
    /// on, or goes on to others where it was held for its cache.
    pub fn let_go(&mut self) {
        self.holding.over = true;
        match &self.stage {
            Stage::Holding { outcome, .. } => self.stage = Stage::Over(outcome.clone()),
            Stage::Staying { .. } => self.stage = Stage::Walking,
            _ => {}
        }
    }

    /// The whole path once more. Moves go on being counted, so that there are never more of them than in one walk.
    pub(super) fn start_again(&mut self) {
        if !self.seen.refusals.is_empty() {
            self.holding.rounds += 1;
        }
        if let Some(source) = &mut self.meant.source
            && source.role == Role::Chosen
        {
            // The choice has had its one real attempt.
            source.role = Role::Source;
        }
        self.path = Path::from(self.meant.source.as_ref());
        self.seen = Seen { hops: self.seen.hops, ..Seen::default() };
        self.skipped.clear();
        self.asking = None;
        self.stage = Stage::Walking;
    }

    /// Is the account of the last [`super::Action::Send`] about to be asked for the first time in this walk?
    #[must_use]
    pub fn asks_first(&self) -> bool {
        let fresh = self.asking.as_ref().is_some_and(|asking| asking.retried.is_empty() && !asking.refreshed);
        matches!(self.stage, Stage::Sent) && fresh
    }

    /// Is that account one that the request turns to for want of another, or that has rested until a moment ago? Many
    /// requests may then do the same at once, and the account has to show first that it can carry them.
    #[must_use]
    pub fn turns_to_another(&self, snapshot: &Snapshot, now: UnixSeconds) -> bool {
        /// So long after its rest an account counts as just back.
        const JUST_BACK_S: i64 = 300;
        let Some(asking) = &self.asking else { return false };
        let account = snapshot.accounts.get(&asking.candidate.account);
        let rest = account.and_then(|account| account.cooling.as_ref());
        let just_back = rest.is_some_and(|rest| now.saturating_sub(rest.until) < JUST_BACK_S);
        asking.candidate.role != Role::Source || just_back
    }

    /// The caller had to wait before it could send for the first time: may the account still be asked? If not, the walk
    /// goes on as if its turn had only come now.
    pub fn look_again(&mut self, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        let Some(asking) = self.asking.as_ref().filter(|_| self.asks_first()) else { return Vec::new() };
        match self.gate(snapshot, now).check_again(&asking.candidate, asking.probes) {
            Ok(_) => Vec::new(),
            Err(passed) => self.go_on_without(passed),
        }
    }

    /// The caller could not send in time: the account carries all that it may. The walk goes on without it.
    pub fn too_busy(&mut self) -> Vec<StateChange> {
        let Some(asking) = self.asking.as_ref().filter(|_| self.asks_first()) else { return Vec::new() };
        let passed = Passed { account: asking.candidate.account, reason: SkipReason::Busy, until: None };
        self.go_on_without(passed)
    }

    fn go_on_without(&mut self, passed: Passed) -> Vec<StateChange> {
        let changes = self.let_go_of_probes();
        if let Some(asking) = self.asking.take() {
            self.seen.hops -= u32::from(asking.candidate.role == Role::StandIn);
            self.tried.pop();
        }
        self.skipped.push(passed);
        self.stage = Stage::Walking;
        changes
    }
}
