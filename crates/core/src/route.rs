//! The walk of one request over the accounts: who is asked next, what a refusal changes, how it ends.
//!
//! A [`Route`] is a state machine without effects. The caller asks [`Route::next`] what to do, does it, reports what
//! came back with [`Route::answered`] or [`Route::refreshed`], and asks again until [`Action::Finish`]. Every call
//! returns the [`StateChange`]s that are due: apply them to the snapshot before the next call of any route.
//!
//! | Module | Its one question |
//! |---|---|
//! | `source` | whom is the request meant for? |
//! | `place` | where does a pool put a new conversation? |
//! | `path` | who may stand in, in which order? |
//! | `gate` | may this one be asked now? |
//! | `learn` | what does its answer teach? |
//! | `weigh` | does a switch pay? |
//! | `hold` | is it worth waiting? |
//! | `outcome` | what is the client told? |

mod answer;
mod change;
mod gate;
mod hold;
mod learn;
mod outcome;
mod path;
mod place;
mod skip;
mod source;
mod step;
mod weigh;

pub use change::StateChange;
pub use hold::HoldReason;
pub use outcome::Outcome;
pub use place::{Because, Placement, Rated};
pub use skip::{Passed, SkipReason};
pub use step::{Action, Answer, Refreshed};
pub use weigh::{Decided, Weighing};

use gate::{Gate, Probes, Seen};
use hold::Holding;
use path::{Candidate, Path, Role};
use source::Meant;

use crate::id::AccountId;
use crate::record::SourceReason;
use crate::request::RequestFacts;
use crate::snapshot::Snapshot;
use crate::time::UnixSeconds;
use crate::verdict::{Class, Verdict};

/// A probe that has not been answered after so many seconds no longer keeps others waiting.
const PROBE_S: i64 = 60;

/// One request on its way. See the module's description.
#[derive(Clone, Debug)]
pub struct Route {
    request: RequestFacts,
    meant: Meant,
    path: Path,
    seen: Seen,
    skipped: Vec<Passed>,
    tried: Vec<AccountId>,
    asking: Option<Asking>,
    stage: Stage,
    holding: Holding,
    weighed: Option<Weighing>,
}

/// The account that is being asked, or was last.
#[derive(Clone, Debug)]
struct Asking {
    candidate: Candidate,
    sent_at: UnixSeconds,
    probes: Probes,
    /// Classes after which it was asked once more.
    retried: Vec<Class>,
    refreshed: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Looking for the next candidate.
    Walking,
    /// Waiting for an answer.
    Sent,
    /// The same account will be asked once more after so many seconds.
    Pausing(Verdict, f64),
    /// The same account is due once more.
    Again(Verdict),
    /// Its credential is to be refreshed first.
    Stale(Verdict),
    /// Nobody is left.
    Exhausted,
    /// It waits for its source, whose cache is warm.
    Staying { until: UnixSeconds, why: HoldReason },
    /// It waits for the first who is back; what it ends with when it is let go.
    Holding { until: UnixSeconds, why: HoldReason, outcome: Outcome },
    /// The refusal of the account that was asked ends the request.
    Final(Class),
    /// It is over.
    Over(Outcome),
}

impl Route {
    /// Starts the walk. The changes (a new or manually moved session gets its home) are due at once.
    #[must_use]
    pub fn begin(mut request: RequestFacts, snapshot: &Snapshot, now: UnixSeconds) -> (Self, Vec<StateChange>) {
        let mut meant = Meant::find(&request, snapshot, now);
        let skipped = std::mem::take(&mut meant.passed);
        let mut changes = Vec::new();
        if let (Some(session), Some(home)) = (&request.session, &meant.home)
            && request.bound.as_ref() != Some(home)
        {
            changes.push(StateChange::Bind(session.clone(), home.clone()));
        }
        // An owner out of reach is no reason to refuse: the vendor says itself that it does not know what is meant.
        request.owner = request
            .owner
            .filter(|owner| meant.source.as_ref().is_some_and(|source| Path::reaches(source, *owner, snapshot)));
        let detour = meant.source.as_ref().map(|source| weigh::detour(&request, source, snapshot, now));
        let (first, weighed) = detour.unwrap_or_default();
        let path = Path::by_way_of(first, meant.source.as_ref());
        let (seen, tried) = (Seen::default(), Vec::new());
        let holding = Holding::default();
        (
            Self { request, meant, path, seen, skipped, tried, asking: None, stage: Stage::Walking, holding, weighed },
            changes,
        )
    }

    /// What to do next. Asked again before the report on a send or a refresh, it repeats itself.
    pub fn next(&mut self, snapshot: &Snapshot, now: UnixSeconds) -> (Action, Vec<StateChange>) {
        let mut changes = Vec::new();
        loop {
            match (&self.stage, &self.asking) {
                (Stage::Walking, _) => changes.extend(self.advance(snapshot, now)),
                (Stage::Again(verdict), Some(_)) => {
                    let verdict = verdict.clone();
                    changes.extend(self.ask_again(&verdict, snapshot, now));
                }
                (Stage::Pausing(verdict, seconds), Some(_)) => {
                    let seconds = *seconds;
                    self.stage = Stage::Again(verdict.clone());
                    if seconds > 0.0 {
                        return (Action::Wait { seconds }, changes);
                    }
                }
                (Stage::Sent, Some(Asking { candidate, .. })) => {
                    let Candidate { account, model, .. } = candidate.clone();
                    return (Action::Send { account, model }, changes);
                }
                (Stage::Stale(_), Some(asking)) => {
                    return (Action::Refresh { account: asking.candidate.account }, changes);
                }
                (Stage::Over(outcome), _) => return (Action::Finish(outcome.clone()), changes),
                (Stage::Holding { until, why, .. } | Stage::Staying { until, why }, _) => {
                    let (until, why) = (*until, *why);
                    if until > now {
                        return (Action::Hold { until, why }, changes);
                    }
                    self.start_again();
                }
                (Stage::Final(class), Some(asking)) => {
                    let (candidate, class) = (asking.candidate.clone(), *class);
                    self.stage = Stage::Over(outcome::handed_on(&self.gate(snapshot, now), &candidate, class, now));
                }
                // Only a stage without the account it is about is left: there is nobody to ask.
                _ => {
                    let gate = self.gate(snapshot, now);
                    let outcome = outcome::of_all(&gate, &self.seen, self.path.visited(), &self.skipped, now);
                    self.stage = match self.worth_holding(&outcome, snapshot, now) {
                        Some(until) => Stage::Holding { until, why: HoldReason::NobodyElse, outcome },
                        None => Stage::Over(outcome),
                    };
                }
            }
        }
    }

    /// Reports what the account of the last [`Action::Send`] answered.
    pub fn answered(&mut self, answer: Answer, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        match (&self.stage, answer) {
            (Stage::Sent, Answer::Served) => self.served(snapshot, now),
            (Stage::Sent, Answer::Refused(verdict)) => self.refused(verdict, snapshot, now),
            (Stage::Sent | Stage::Over(Outcome::Served { .. }), Answer::BrokeOff(verdict)) => {
                let changes = self.settle(&verdict, snapshot, now);
                if let Some(asking) = &self.asking {
                    let from = asking.candidate.account;
                    self.stage = Stage::Over(Outcome::StreamError { from, class: verdict.class });
                }
                changes
            }
            // A report that nobody waits for.
            _ => Vec::new(),
        }
    }

    /// Reports how the refresh of the last [`Action::Refresh`] ended.
    pub fn refreshed(&mut self, how: Refreshed, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        let (Stage::Stale(verdict), Some(asking)) = (&self.stage, &mut self.asking) else { return Vec::new() };
        let verdict = verdict.clone();
        asking.refreshed = true;
        match how {
            Refreshed::Renewed => {
                self.stage = Stage::Again(verdict);
                Vec::new()
            }
            Refreshed::Permanent => {
                self.stage = Stage::Walking;
                self.condemn(&verdict, snapshot, now)
            }
            Refreshed::Transient => {
                self.stage = Stage::Walking;
                self.settle(&verdict, snapshot, now)
            }
        }
    }

    /// Ends the walk where it stands: the deadline is over, the retry budget is spent or the client has left. What was
    /// being tried is let go, and [`Route::next`] finishes with the best error so far.
    pub fn stop(&mut self, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        let changes = match &self.stage {
            Stage::Final(_) | Stage::Over(_) => return Vec::new(),
            Stage::Pausing(verdict, _) | Stage::Again(verdict) | Stage::Stale(verdict) => {
                let verdict = verdict.clone();
                self.settle(&verdict, snapshot, now)
            }
            Stage::Sent => self.let_go_of_probes(),
            Stage::Walking | Stage::Exhausted | Stage::Staying { .. } | Stage::Holding { .. } => Vec::new(),
        };
        self.let_go();
        if matches!(self.stage, Stage::Over(_)) {
            return changes;
        }
        self.stage = Stage::Exhausted;
        changes
    }

    /// The request it walks for.
    #[must_use]
    pub fn request(&self) -> &RequestFacts {
        &self.request
    }

    /// The account it was meant for. `None`: nobody is active and nothing was chosen.
    #[must_use]
    pub fn source(&self) -> Option<AccountId> {
        self.meant.source.as_ref().map(|source| source.account)
    }

    /// Why that one.
    #[must_use]
    pub fn source_reason(&self) -> SourceReason {
        self.meant.reason
    }

    /// The pool it was meant for or was placed by, if any.
    #[must_use]
    pub fn source_pool(&self) -> Option<&str> {
        self.meant.pool.as_deref()
    }

    /// How that pool chose among its members, if it has placed the conversation with this request.
    #[must_use]
    pub fn placement(&self) -> Option<&Placement> {
        self.meant.placement.as_ref()
    }

    /// Who was passed over so far, in order.
    #[must_use]
    pub fn skipped(&self) -> &[Passed] {
        &self.skipped
    }

    /// Who was asked so far, in order; an account asked again stands there again.
    #[must_use]
    pub fn tried(&self) -> &[AccountId] {
        &self.tried
    }

    /// Moves to another account so far.
    #[must_use]
    pub fn hops(&self) -> u32 {
        self.seen.hops
    }

    fn gate<'a>(&'a self, snapshot: &'a Snapshot, now: UnixSeconds) -> Gate<'a> {
        Gate::new(&self.request, snapshot, self.meant.source.as_ref(), &self.seen, now)
    }

    /// Goes on to the next candidate that may be asked, first without stand-ins, then with them.
    fn advance(&mut self, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        loop {
            if let Some(changes) = self.walk_on(snapshot, now) {
                return changes;
            }
            if !self.path.is_extended()
                && let Some(staying) = self.worth_staying(snapshot, now)
            {
                self.stage = staying;
                return Vec::new();
            }
            let source = self.meant.source.as_ref();
            let Some(source) = source.filter(|source| self.path.extend(source, snapshot)) else {
                self.stage = Stage::Exhausted;
                return Vec::new();
            };
            // Members that were passed over when the session was placed get their turn now.
            self.skipped.retain(|passed| passed.account == source.account);
        }
    }

    /// To the next candidate on the path so far that may be asked. `None`: there is none.
    fn walk_on(&mut self, snapshot: &Snapshot, now: UnixSeconds) -> Option<Vec<StateChange>> {
        let gate = Gate::new(&self.request, snapshot, self.meant.source.as_ref(), &self.seen, now);
        loop {
            let candidate = self.path.take()?;
            if candidate.role == Role::LastResort {
                self.skipped.retain(|passed| passed.account != candidate.account);
            }
            match gate.check(&candidate) {
                Ok(probes) => {
                    self.seen.hops += u32::from(candidate.role == Role::StandIn);
                    let probed = Probes::default();
                    let asking =
                        Asking { candidate, sent_at: now, probes: probed, retried: Vec::new(), refreshed: false };
                    return Some(self.send(asking, probes, now));
                }
                Err(passed) => {
                    let low = matches!(passed.reason, SkipReason::BelowMinimum | SkipReason::UnknownQuota);
                    if low && candidate.role == Role::Source {
                        self.path.defer_source();
                    }
                    self.skipped.push(passed);
                }
            }
        }
    }

    /// Asks the same account once more, if nothing has come between.
    fn ask_again(&mut self, verdict: &Verdict, snapshot: &Snapshot, now: UnixSeconds) -> Vec<StateChange> {
        let Some(asking) = self.asking.take() else { return Vec::new() };
        match self.gate(snapshot, now).check_again(&asking.candidate, asking.probes) {
            Ok(probes) => self.send(Asking { sent_at: now, ..asking }, probes, now),
            Err(_) => {
                self.asking = Some(asking);
                self.stage = Stage::Walking;
                self.settle(verdict, snapshot, now)
            }
        }
    }

    fn send(&mut self, asking: Asking, probes: Probes, now: UnixSeconds) -> Vec<StateChange> {
        let Candidate { account, model, .. } = &asking.candidate;
        let model = || Some(model.as_ref().unwrap_or(&self.request.model).clone());
        let until = Some(now + PROBE_S);
        let mut changes = Vec::new();
        if probes.account {
            changes.push(StateChange::Probing(*account, None, until));
        }
        if probes.model {
            changes.push(StateChange::Probing(*account, model(), until));
        }
        self.tried.push(*account);
        self.asking = Some(Asking { probes, ..asking });
        self.stage = Stage::Sent;
        changes
    }
}
