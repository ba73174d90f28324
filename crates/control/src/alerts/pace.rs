//! How fast each session uses tokens, and whether it repeats itself. Bounded; only the last hour counts.

use std::collections::{HashMap, VecDeque};

use remuda_core::record::Record;
use remuda_core::usage::UsageSum;
use remuda_core::{SessionKey, UnixSeconds};

use super::rules::AlertRules;

/// Most sessions that are watched; beyond it the one that was silent for longest is forgotten.
const MOST: usize = 1_000;
const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3_600;
/// A session that says nothing for so long does not repeat itself any more.
const SILENCE_S: i64 = 600;

/// How a session runs away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runaway {
    /// Too many tokens within an hour.
    Fast {
        /// How many.
        tokens: u64,
    },
    /// The same again and again.
    Repeats {
        /// How many times in a row.
        times: u32,
    },
}

#[derive(Debug, Default)]
struct Pace {
    /// Tokens by minute, oldest first.
    minutes: VecDeque<(i64, u64)>,
    size: u64,
    repeats: u32,
    last: UnixSeconds,
}

/// The paces of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Paces {
    sessions: HashMap<SessionKey, Pace>,
}

impl Paces {
    /// A request has ended.
    pub(crate) fn note(&mut self, record: &Record, now: UnixSeconds) {
        let (Some(session), Some(sum)) = (&record.session, UsageSum::of(record)) else { return };
        if !self.sessions.contains_key(session) && self.sessions.len() >= MOST {
            let oldest = self.sessions.iter().min_by_key(|(_, pace)| pace.last).map(|(session, _)| session.clone());
            oldest.map(|session| self.sessions.remove(&session));
        }
        let pace = self.sessions.entry(session.clone()).or_default();
        let minute = now.div_euclid(MINUTE_S);
        let tokens = sum.prompt().saturating_add(sum.output);
        match pace.minutes.back_mut() {
            Some((last, known)) if *last == minute => *known = known.saturating_add(tokens),
            _ => pace.minutes.push_back((minute, tokens)),
        }
        while pace.minutes.front().is_some_and(|(first, _)| *first <= minute - HOUR_S / MINUTE_S) {
            pace.minutes.pop_front();
        }
        // A conversation that goes on grows. One that sends the very same size is at the same place.
        let same = pace.size == record.request_bytes && record.request_bytes > 0 && now - pace.last < SILENCE_S;
        pace.repeats = if same { pace.repeats.saturating_add(1) } else { 1 };
        (pace.size, pace.last) = (record.request_bytes, now);
    }

    /// The sessions that run away now.
    pub(crate) fn runaways(&self, rules: &AlertRules, now: UnixSeconds) -> Vec<(String, Runaway)> {
        let mut all: Vec<_> = self
            .sessions
            .iter()
            .filter_map(|(session, pace)| Some((session.0.clone(), pace.runs_away(rules, now)?)))
            .collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }
}

impl Pace {
    fn runs_away(&self, rules: &AlertRules, now: UnixSeconds) -> Option<Runaway> {
        let first = now.div_euclid(MINUTE_S) - HOUR_S / MINUTE_S;
        let tokens =
            self.minutes.iter().filter(|(minute, _)| *minute > first).fold(0u64, |sum, (_, n)| sum.saturating_add(*n));
        if rules.tokens_per_hour > 0 && tokens > rules.tokens_per_hour {
            return Some(Runaway::Fast { tokens });
        }
        let repeats = rules.repeats > 0 && self.repeats >= rules.repeats && now - self.last < SILENCE_S;
        repeats.then_some(Runaway::Repeats { times: self.repeats })
    }
}
