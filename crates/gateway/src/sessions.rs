//! Which account each conversation lives on. In memory, bounded; the store keeps a copy for after a restart.

use std::collections::HashMap;

use remuda_core::request::Home;
use remuda_core::{AccountId, SessionKey, UnixSeconds};

use crate::choice::Settled;

/// What is remembered of one session.
#[derive(Clone, Debug)]
struct Remembered {
    settled: Settled,
    touched: UnixSeconds,
    served: Served,
}

/// Who has served a session, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    Nobody,
    One(AccountId),
    /// More than one, or it began before this process did.
    Several,
}

/// The homes of all sessions. When it is full, the tenth that was touched longest ago is forgotten.
#[derive(Debug)]
pub struct Sessions {
    homes: HashMap<SessionKey, Remembered>,
    most: usize,
}

impl Sessions {
    /// Most sessions that are remembered.
    pub const MOST: usize = 100_000;

    /// Remembers at most `most` sessions.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { homes: HashMap::new(), most: most.max(1) }
    }

    /// Where the session lives, if it is known.
    #[must_use]
    pub fn settled(&self, session: &SessionKey) -> Option<&Settled> {
        self.homes.get(session).map(|r| &r.settled)
    }

    /// The session has followed the choice of this number.
    pub fn follow(&mut self, session: &SessionKey, number: u64) {
        if let Some(remembered) = self.homes.get_mut(session) {
            remembered.settled.followed = remembered.settled.followed.max(number);
        }
    }

    /// An account has served a session.
    pub fn served(&mut self, session: &SessionKey, account: AccountId) {
        if let Some(known) = self.homes.get_mut(session) {
            known.served = match known.served {
                Served::Nobody => Served::One(account),
                Served::One(before) if before == account => Served::One(account),
                Served::One(_) | Served::Several => Served::Several,
            };
        }
    }

    /// May a request of this session carry what another account than this one gave out? No, if nobody else has served it.
    #[must_use]
    pub fn may_be_foreign(&self, session: &SessionKey, account: AccountId) -> bool {
        self.homes.get(session).is_none_or(|known| known.served != Served::One(account))
    }

    /// A session from before this process began.
    pub fn restore(&mut self, session: SessionKey, home: Home, touched: UnixSeconds) {
        self.bind(session.clone(), home, touched);
        if let Some(known) = self.homes.get_mut(&session) {
            known.served = Served::Several;
        }
    }

    /// Marks a session as used. Returns true when the last mark is so old that the store should hear of it.
    pub fn touch(&mut self, session: &SessionKey, now: UnixSeconds) -> bool {
        const TELL_AFTER_S: i64 = 3600;
        let Some(home) = self.homes.get_mut(session) else { return false };
        let stale = now - home.touched >= TELL_AFTER_S;
        if stale {
            home.touched = now;
        }
        stale
    }

    /// Settles a session.
    pub fn bind(&mut self, session: SessionKey, home: Home, now: UnixSeconds) {
        if let Some(known) = self.homes.get_mut(&session) {
            known.settled.home = home;
            known.touched = now;
            return;
        }
        if self.homes.len() >= self.most {
            self.forget_oldest();
        }
        self.homes.insert(
            session,
            Remembered { settled: Settled { home, followed: 0 }, touched: now, served: Served::Nobody },
        );
    }

    /// Forgets the sessions of an account that is gone.
    pub fn forget_account(&mut self, account: AccountId) {
        self.homes.retain(|_, h| h.settled.home.account != account);
    }

    /// Forgets all sessions.
    pub fn clear(&mut self) {
        self.homes.clear();
    }

    /// Up to `most` sessions whose id, behind the host's name, begins with this text. Subagents are part of their parent's
    /// session.
    #[must_use]
    pub fn like(&self, beginning: &str, most: usize) -> Vec<SessionKey> {
        let begins = |key: &&SessionKey| {
            key.0.starts_with(beginning) || key.0.split_once(':').is_some_and(|(_, id)| id.starts_with(beginning))
        };
        self.homes.keys().filter(|key| !key.is_subagent()).filter(begins).take(most).cloned().collect()
    }

    /// Homes of those that were touched last, newest first, at most `most`.
    #[must_use]
    pub fn newest(&self, most: usize) -> Vec<(SessionKey, Home, UnixSeconds)> {
        let mut all: Vec<_> = self.homes.iter().collect();
        all.sort_unstable_by(|(a, x), (b, y)| y.touched.cmp(&x.touched).then_with(|| a.cmp(b)));
        all.into_iter().take(most).map(|(key, r)| (key.clone(), r.settled.home.clone(), r.touched)).collect()
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.homes.len()
    }

    /// Is none remembered?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.homes.is_empty()
    }

    fn forget_oldest(&mut self) {
        let mut times: Vec<UnixSeconds> = self.homes.values().map(|h| h.touched).collect();
        let nth = (times.len() / 10).min(times.len().saturating_sub(1));
        let (_, &mut limit, _) = times.select_nth_unstable(nth);
        let mut left = nth + 1;
        self.homes.retain(|_, h| {
            let forget = left > 0 && h.touched <= limit;
            left -= usize::from(forget);
            !forget
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(n: u128) -> Home {
        Home { account: AccountId(uuid::Uuid::from_u128(n)), pool: None }
    }

    fn session(n: usize) -> SessionKey {
        SessionKey(format!("claude:{n}"))
    }

    #[test]
    fn a_full_table_forgets_those_touched_longest_ago() {
        let mut all = Sessions::new(100);
        for n in 0..100 {
            all.bind(session(n), home(1), i64::try_from(n).unwrap());
        }
        all.bind(session(100), home(1), 100);
        assert_eq!(all.len(), 90);
        assert!(all.settled(&session(0)).is_none());
        assert_eq!(all.settled(&session(100)).unwrap().home, home(1));
        assert!(all.settled(&session(50)).is_some());
    }

    #[test]
    fn equal_times_are_forgotten_no_more_than_needed() {
        let mut all = Sessions::new(100);
        for n in 0..=100 {
            all.bind(session(n), home(1), 7);
        }
        assert_eq!(all.len(), 90);
    }

    #[test]
    fn the_store_hears_of_a_session_at_most_once_an_hour() {
        let mut all = Sessions::new(10);
        all.bind(session(1), home(1), 1000);
        assert!(!all.touch(&session(1), 2000));
        assert!(all.touch(&session(1), 4600));
        assert!(!all.touch(&session(1), 4601));
        assert!(!all.touch(&session(2), 4601), "unknown");
    }

    #[test]
    fn only_a_session_that_one_account_alone_has_served_carries_nothing_foreign() {
        let mut all = Sessions::new(10);
        all.bind(session(1), home(1), 100);
        assert!(all.may_be_foreign(&session(1), home(1).account), "the agent may have brought a history along");
        all.served(&session(1), home(1).account);
        assert!(!all.may_be_foreign(&session(1), home(1).account));
        assert!(all.may_be_foreign(&session(1), home(2).account));
        all.served(&session(1), home(2).account);
        assert!(all.may_be_foreign(&session(1), home(1).account) && all.may_be_foreign(&session(1), home(2).account));
        all.restore(session(2), home(1), 100);
        all.served(&session(2), home(1).account);
        assert!(all.may_be_foreign(&session(2), home(1).account), "who served it before is not known");
    }
}
