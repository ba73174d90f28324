//! Conversations: listed, stopped, let go on.

use std::collections::{BTreeMap, HashMap};

use remuda_core::SessionKey;
use remuda_store::Edit;

use super::stored::Told;
use super::{Api, find};
use crate::types::{
    Failure, SessionChanged, SessionHalt, SessionRef, SessionStop, SessionView, Sessions, SessionsAsked,
};

/// How many are listed when nobody says how many.
const USUAL: u32 = 50;
const MOST: u32 = 1_000;
/// Longest reason.
const LONGEST_WHY: usize = 200;

impl Api {
    /// Conversations, the one seen last first.
    ///
    /// # Errors
    /// None so far.
    pub async fn sessions(&self, asked: SessionsAsked) -> Result<Sessions, Failure> {
        let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
        let homes = self.herd.session_homes(limit as usize);
        let pins: HashMap<_, _> = self.herd.session_pins().into_iter().collect();
        let mut halts = self.herd.halts();
        let mut live: BTreeMap<SessionKey, u32> = BTreeMap::new();
        for session in self.herd.events().live().iter().filter_map(|live| live.session.clone()) {
            *live.entry(session).or_default() += 1;
        }
        let sessions = self.herd.look(|herd, _| {
            let pin = |session: &SessionKey| pins.get(session).map(|target| find::written(herd, target));
            let mut all: Vec<SessionView> = homes
                .iter()
                .map(|(session, home, seen_at)| SessionView {
                    session: session.0.clone(),
                    account: Some(find::label(herd, home.account)),
                    pool: home.pool.as_ref().map(|pool| format!("@{pool}")),
                    pin: pin(session),
                    seen_at: Some(*seen_at),
                    live: live.get(session).copied().unwrap_or_default(),
                    stopped: halts.remove(session).map(|halt| SessionStop { why: halt.why, at: halt.at }),
                })
                .collect();
            // Those that a person has decided about are there even if they were not seen lately.
            let known = |session: &SessionKey| homes.iter().any(|(home, ..)| home == session);
            let stopped = halts.iter().map(|(session, halt)| (session, Some(halt)));
            let pinned = pins.keys().filter(|session| !halts.contains_key(session)).map(|session| (session, None));
            all.extend(stopped.chain(pinned).filter(|(session, _)| !known(session)).map(|(session, halt)| {
                SessionView {
                    session: session.0.clone(),
                    account: None,
                    pool: None,
                    pin: pin(session),
                    seen_at: None,
                    live: live.get(session).copied().unwrap_or_default(),
                    stopped: halt.map(|halt| SessionStop { why: halt.why.clone(), at: halt.at }),
                }
            }));
            all
        });
        Ok(Sessions { now: self.now(), sessions })
    }

    /// Stops a conversation: what is under way is cut, and nothing more is served until it is let go on.
    ///
    /// # Errors
    /// There is no such session, or the store fails.
    pub async fn halt_session(&self, SessionHalt { session, why }: SessionHalt) -> Result<SessionChanged, Failure> {
        let session = self.session(&session)?;
        let why = why.map(|why| why.trim().to_owned()).filter(|why| !why.is_empty());
        let why: String = why.as_deref().unwrap_or("by hand").chars().take(LONGEST_WHY).collect();
        self.set_halt(session, Some(why)).await
    }

    /// Lets a conversation go on.
    ///
    /// # Errors
    /// There is no such session, or the store fails.
    pub async fn resume_session(&self, SessionRef { session }: SessionRef) -> Result<SessionChanged, Failure> {
        let text = session.trim();
        let begins = |key: &&SessionKey| {
            key.0.starts_with(text) || key.0.split_once(':').is_some_and(|(_, id)| id.starts_with(text))
        };
        let halts = self.herd.halts();
        let mut stopped = halts.keys().filter(begins);
        // A stopped one is meant before any other.
        let session = match (stopped.next(), stopped.next()) {
            (Some(only), None) => only.clone(),
            _ => self.session(text)?,
        };
        self.set_halt(session, None).await
    }

    async fn set_halt(&self, session: SessionKey, why: Option<String>) -> Result<SessionChanged, Failure> {
        let stop = |halt: remuda_store::Halt| SessionStop { why: halt.why, at: halt.at };
        let before = self.herd.halted(&session).map(stop);
        let halts = why.is_some();
        self.herd.edit(vec![Edit::Halt(session.clone(), why)]).await.told()?;
        let mut cut = 0;
        for live in self.herd.events().live().iter().filter(|live| halts && live.session.as_ref() == Some(&session)) {
            live.stop.cancel();
            cut += 1;
        }
        let stopped = self.herd.halted(&session).map(stop);
        Ok(SessionChanged { session: session.0, before, stopped, cut })
    }
}
