//! What holds in every world. Worlds are generated, several requests at once walk through each, and a referee that
//! knows the rules but not the engine watches every step.

mod referee;
mod worlds;

use std::collections::BTreeMap;

use proptest::prelude::*;
use remuda_core::request::{Conversation, Home, RequestFacts};
use remuda_core::route::{Action, Route, StateChange};
use remuda_core::{AccountId, SessionKey, Snapshot};

use referee::Referee;
use worlds::{Turn, World, worlds};

/// Generated worlds per run.
const WORLDS: u32 = 3_000;

struct Walk {
    route: Route,
    referee: Referee,
    answers: Vec<worlds::Reply>,
    holds: u8,
    in_line: bool,
}

struct Play {
    snapshot: Snapshot,
    sessions: BTreeMap<SessionKey, Home>,
    now: i64,
}

impl Play {
    fn apply(&mut self, changes: &[StateChange]) {
        for change in changes {
            self.snapshot.apply(change);
            if let StateChange::Bind(session, home) = change {
                self.sessions.insert(session.clone(), home.clone());
            }
        }
    }

    fn begin(&mut self, turn: &Turn) -> Walk {
        let named = SessionKey(turn.session.clone());
        let parent = turn.subagent.is_some().then(|| named.clone());
        let session = turn.subagent.as_ref().map_or(named.clone(), |agent| named.of_subagent(agent));
        let parent_home = parent.as_ref().and_then(|parent| self.sessions.get(parent)).cloned();
        let conversation = Conversation { parent, parent_home, patience_s: turn.patience_s, warm: turn.warm.clone() };
        let bound = self.sessions.get(&session).cloned();
        let facts = RequestFacts { session: Some(session), bound, conversation, ..turn.facts.clone() };
        let (route, changes) = Route::begin(facts, &self.snapshot, self.now);
        let referee = Referee::begin(&route, &changes, &self.snapshot);
        self.apply(&changes);
        Walk { route, referee, answers: turn.answers.clone(), holds: 0, in_line: false }
    }

    fn answer(&self, walk: &mut Walk, account: AccountId) -> Vec<StateChange> {
        let reply = walk.answers.pop().unwrap_or_default();
        let answer = reply.answer(self.now);
        walk.referee.answered(account, &answer);
        walk.route.answered(answer, &self.snapshot, self.now)
    }

    /// It stood in line. Then it is asked whether the account may still be asked, or the account had no room for too long.
    fn leave_line(&mut self, walk: &mut Walk) {
        let account = *walk.route.tried().last().unwrap();
        let changes = match walk.answers.len() % 3 {
            0 => walk.route.too_busy(),
            _ => walk.route.look_again(&self.snapshot, self.now),
        };
        self.apply(&changes);
        if walk.route.asks_first() {
            let changes = self.answer(walk, account);
            walk.referee.learned(&changes, &self.snapshot);
            self.apply(&changes);
        } else {
            walk.referee.taken_back();
        }
    }

    /// One step of one request. Returns whether it goes on.
    fn step(&mut self, walk: &mut Walk) -> bool {
        if std::mem::take(&mut walk.in_line) {
            self.leave_line(walk);
            return true;
        }
        let (action, changes) = walk.route.next(&self.snapshot, self.now);
        walk.referee.next(&action, &changes, &self.snapshot, self.now);
        self.apply(&changes);
        let changes = match action {
            // Now and then a request has to stand in line before it is sent.
            Action::Send { .. } if walk.route.asks_first() && walk.answers.len() % 5 == 3 => {
                walk.answers.pop();
                walk.in_line = true;
                return true;
            }
            Action::Send { account, .. } => self.answer(walk, account),
            Action::Refresh { .. } => walk.route.refreshed(
                walk.answers.last().map_or_else(Default::default, |r| r.refresh).into(),
                &self.snapshot,
                self.now,
            ),
            Action::Wait { .. } => Vec::new(),
            // Now and then something changes before the time has come, or somebody no longer wants to wait.
            Action::Hold { until, .. } => {
                match (until + i64::from(walk.holds)) % 5 {
                    0 => walk.route.wake(),
                    1 => walk.route.let_go(),
                    _ => self.now = until,
                }
                walk.holds += 1;
                Vec::new()
            }
            Action::Finish(ref outcome) => {
                walk.referee.finished(&walk.route, outcome);
                assert_eq!(walk.route.next(&self.snapshot, self.now), (action.clone(), Vec::new()), "it ends once");
                return false;
            }
        };
        walk.referee.learned(&changes, &self.snapshot);
        self.apply(&changes);
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(WORLDS))]

    /// Isolation, no account twice, at most so many moves, an end, nothing after content, no rebinding by a detour, the
    /// kill switch, terms, money, one probe: see [`Referee`].
    #[test]
    fn every_request_keeps_the_rules_in_every_world(world in worlds()) {
        let World { snapshot, sessions, turns, order } = world;
        let mut play = Play { snapshot, sessions, now: crate::herd::NOW };
        let mut walks: Vec<Walk> = Vec::new();
        let mut turns = turns.into_iter();
        // Requests arrive and are stepped in a generated order, so that they overlap.
        for (pick, seconds) in order {
            play.now += seconds;
            if let Some(walk) = walks.get_mut(usize::from(pick)) {
                if !play.step(walk) {
                    walks.remove(usize::from(pick));
                }
            } else if let Some(turn) = turns.next() {
                let walk = play.begin(&turn);
                walks.push(walk);
            }
        }
        // What is still under way goes to its end.
        for mut walk in walks {
            while play.step(&mut walk) {}
        }
    }
}
