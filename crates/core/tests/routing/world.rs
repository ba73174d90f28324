//! The world of a routing case: its accounts and sessions, its scripted upstream, and the comparison.
//!
//! Labels of the case stand for accounts; also those that do not exist get an id, as if they had been removed.

mod given;

use std::collections::{BTreeMap, BTreeSet};

use remuda_core::account::AccountStatus;
use remuda_core::request::{Conversation, Home, Pin, PinScope};
use remuda_core::route::{Action, Answer, Outcome, Refreshed, Route, StateChange};
use remuda_core::snapshot::Target;
use remuda_core::{AccountId, Host, Protocols, RequestFacts, SessionKey, Snapshot, UnixSeconds, Vendor};
use serde_json::{Value, json};

pub(crate) use given::Case;
use given::{ExpectedStep, Step};

/// A request that takes more actions than this does not end.
const MOST_ACTIONS: usize = 1_000;

pub(crate) struct World {
    labels: BTreeMap<String, AccountId>,
    snapshot: Snapshot,
    sessions: BTreeMap<SessionKey, Home>,
}

/// What is remembered of an account, as the cases write it.
#[derive(Clone, Debug, PartialEq)]
struct Remembered {
    status: AccountStatus,
    /// Until and reason, while it holds. A rest that is over means nothing, whether it is kept or forgotten.
    cooling: Option<(UnixSeconds, String)>,
    model_cooling: BTreeMap<String, UnixSeconds>,
}

impl World {
    /// Runs a case and returns what was wrong.
    pub(crate) fn run(case: &Case) -> Vec<String> {
        let mut world = Self::given(&case.given);
        let last = case.when.last().map_or(0, |step| step.at);
        let before = world.remembered(last);
        let mut wrong = Vec::new();
        if case.when.len() != case.then.steps.len() {
            wrong.push(format!("{} steps but {} expectations", case.when.len(), case.then.steps.len()));
        }
        for (n, (step, expected)) in case.when.iter().zip(&case.then.steps).enumerate() {
            let got = world.step(step);
            wrong.extend(differences(expected, &got).into_iter().map(|d| format!("step {}: {d}", n + 1)));
        }
        wrong.extend(world.state_differences(&before, &case.then.state, last));
        wrong
    }

    fn id(&mut self, label: &str) -> AccountId {
        let next = AccountId(uuid::Uuid::from_u128(self.labels.len() as u128 + 1));
        *self.labels.entry(label.to_owned()).or_insert(next)
    }

    fn label(&self, id: AccountId) -> String {
        self.labels.iter().find(|(_, known)| **known == id).map(|(label, _)| label.clone()).unwrap()
    }

    /// Whose protocol the request speaks: that of the account it is meant for.
    fn protocol(&self, chosen: Option<AccountId>, bound: Option<&Home>) -> Vendor {
        let vendor = |id: &AccountId| self.snapshot.accounts.get(id).map(|account| account.vendor);
        let active = match &self.snapshot.active {
            Some(Target::Account(id)) => Some(*id),
            _ => None,
        };
        let meant = [chosen, bound.map(|home| home.account), active];
        meant.iter().flatten().find_map(vendor).unwrap_or(Vendor::Anthropic)
    }

    fn step(&mut self, step: &Step) -> ExpectedStep {
        let session = step.request.session.clone().map(SessionKey);
        let chosen = step.request.account.as_deref().map(|label| self.id(label));
        let bound = session.as_ref().and_then(|session| self.sessions.get(session)).cloned();
        let facts = RequestFacts {
            vendor: self.protocol(chosen, bound.as_ref()),
            session,
            model: step.request.model.clone(),
            kind: step.request.kind(),
            host: Host::Other,
            pin: chosen.map(|id| Pin { target: Target::Account(id), scope: PinScope::Session, fresh: true }),
            bound,
            protocol: Protocols::ALL,
            owner: None,
            replayable: step.request.replayable,
            conversation: Conversation::default(),
        };
        let (mut route, changes) = Route::begin(facts, &self.snapshot, step.at);
        self.apply(&changes);
        let mut sent: BTreeMap<AccountId, usize> = BTreeMap::new();
        for _ in 0..MOST_ACTIONS {
            let (action, changes) = route.next(&self.snapshot, step.at);
            self.apply(&changes);
            let changes = match action {
                Action::Send { account, .. } => {
                    let n = sent.entry(account).or_default();
                    let answer = step.answer(&self.label(account), *n);
                    *n += 1;
                    route.answered(answer, &self.snapshot, step.at)
                }
                Action::Refresh { account } => {
                    route.refreshed(step.refreshed(&self.label(account)), &self.snapshot, step.at)
                }
                Action::Wait { .. } => Vec::new(),
                Action::Hold { .. } => panic!("no case allows a hold"),
                Action::Finish(outcome) => return self.observed(&route, &outcome),
            };
            self.apply(&changes);
        }
        panic!("a request does not end");
    }

    fn apply(&mut self, changes: &[StateChange]) {
        for change in changes {
            self.snapshot.apply(change);
            if let StateChange::Bind(session, home) = change {
                self.sessions.insert(session.clone(), home.clone());
            }
        }
    }

    fn observed(&self, route: &Route, outcome: &Outcome) -> ExpectedStep {
        let outcome = match outcome {
            Outcome::Served { account, model: None } => json!({"result": "served", "account": self.label(*account)}),
            Outcome::Served { account, model: Some(model) } => {
                json!({"result": "served", "account": self.label(*account), "model": model})
            }
            Outcome::Error { from, class, retry_after_s } => json!({
                "result": "error",
                "from": from.map_or("gateway".to_owned(), |id| self.label(id)),
                "class": class.map_or("no_route", |class| class.as_str()),
                "retry_after_s": retry_after_s,
            }),
            Outcome::StreamError { from, class } => json!({
                "result": "stream_error", "from": self.label(*from), "class": class.as_str(), "retry_after_s": null,
            }),
        };
        let reason = |passed: &remuda_core::route::Passed| serde_json::to_value(passed.reason).unwrap();
        ExpectedStep {
            tried: route.tried().iter().map(|id| self.label(*id)).collect(),
            skipped: route.skipped().iter().map(|p| (self.label(p.account), reason(p))).collect(),
            outcome,
        }
    }

    fn remembered(&self, last: UnixSeconds) -> BTreeMap<String, Remembered> {
        let of = |account: &remuda_core::Account| Remembered {
            status: account.status,
            cooling: account
                .cooling
                .as_ref()
                .filter(|rest| rest.until > last)
                .map(|rest| (rest.until, rest.reason.as_str().to_owned())),
            model_cooling: account
                .model_cooling
                .iter()
                .filter(|(_, rest)| rest.until > last)
                .map(|(model, rest)| (model.clone(), rest.until))
                .collect(),
        };
        self.snapshot.accounts.iter().map(|(id, account)| (self.label(*id), of(account))).collect()
    }

    fn state_differences(
        &self,
        before: &BTreeMap<String, Remembered>,
        expected: &given::ExpectedState,
        last: UnixSeconds,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let after = self.remembered(last);
        for label in expected.accounts.keys().filter(|label| !before.contains_key(*label)) {
            wrong.push(format!("state: {label} is not one of the accounts"));
        }
        for (label, was) in before {
            let changes = expected.accounts.get(label).cloned().unwrap_or_default();
            let mut accepted = given::changed(was, &changes, last);
            let is = &after[label];
            if !accepted.contains(is) {
                let should_be = accepted.swap_remove(0);
                wrong.push(format!("state of {label}: expected {should_be:?}, got {is:?}"));
            }
        }
        let sessions: BTreeMap<String, String> =
            self.sessions.iter().map(|(session, home)| (session.0.clone(), self.label(home.account))).collect();
        if sessions != expected.sessions {
            wrong.push(format!("sessions: expected {:?}, got {sessions:?}", expected.sessions));
        }
        wrong
    }
}

fn differences(expected: &ExpectedStep, got: &ExpectedStep) -> Vec<String> {
    let mut wrong = Vec::new();
    if expected.tried != got.tried {
        wrong.push(format!("tried: expected {:?}, got {:?}", expected.tried, got.tried));
    }
    if expected.skipped != got.skipped {
        let text = |skipped: &BTreeMap<String, Value>| serde_json::to_string(skipped).unwrap();
        wrong.push(format!("skipped: expected {}, got {}", text(&expected.skipped), text(&got.skipped)));
    }
    let keys: BTreeSet<&String> =
        expected.outcome.as_object().into_iter().chain(got.outcome.as_object()).flat_map(|o| o.keys()).collect();
    if !keys.into_iter().all(|key| same(&expected.outcome[key], &got.outcome[key])) {
        wrong.push(format!("outcome: expected {}, got {}", expected.outcome, got.outcome));
    }
    wrong
}

/// Numbers are compared with a tolerance of a millisecond.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 0.001,
        _ => a == b,
    }
}

/// How a refresh ends unless the case says otherwise.
impl Step {
    fn refreshed(&self, label: &str) -> Refreshed {
        match self.refresh.get(label).map(String::as_str) {
            None | Some("ok") => Refreshed::Renewed,
            Some("permanent") => Refreshed::Permanent,
            Some("transient") => Refreshed::Transient,
            Some(other) => panic!("a refresh cannot end as {other:?}"),
        }
    }

    fn answer(&self, label: &str, n: usize) -> Answer {
        let Some(replies) = self.upstream.get(label).filter(|replies| !replies.is_empty()) else {
            return Answer::Served;
        };
        replies[n.min(replies.len() - 1)].answer(self.at)
    }
}
