//! What the herd is doing at this moment: how much each account carries, whose turn it is in a pool. Kept by whoever
//! sends, never stored: with the process goes the work.

use std::collections::BTreeMap;

use crate::id::AccountId;
use crate::time::UnixSeconds;

/// What one account is carrying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests that were sent to it and have not ended.
    pub in_flight: u32,
    /// Those of them that have not been answered yet.
    pub unanswered: u32,
    /// Bytes of request bodies sent to it since its newest quota reading.
    pub bytes_since_reading: u64,
    /// Good answers in a row, counted up to [`Load::PROVEN`].
    pub good: u32,
    /// When the last of them came.
    pub last_good_at: UnixSeconds,
}

impl Load {
    /// Requests that may be unanswered at once on an account that has shown nothing yet. Each good answer lets one more in,
    /// so that their number doubles with each round.
    pub const RAMP_START: u32 = 4;
    /// After so many good answers in a row an account carries whatever comes.
    pub const PROVEN: u32 = 32;
    /// Good answers older than this many seconds prove nothing.
    pub const PROVEN_FOR_S: i64 = 300;

    /// May one more request be sent, with this limit of requests at once?
    #[must_use]
    pub fn has_seat(&self, at_once: Option<u32>) -> bool {
        at_once.is_none_or(|most| self.in_flight < most)
    }

    /// May one more request turn to it, of many that may be doing the same?
    #[must_use]
    pub fn can_take_on(&self, now: UnixSeconds) -> bool {
        let proven = now.saturating_sub(self.last_good_at) <= Self::PROVEN_FOR_S;
        let good = if proven { self.good } else { 0 };
        good >= Self::PROVEN || self.unanswered < Self::RAMP_START + good
    }
}

/// See the module's description. Bounded by the numbers of accounts and pools.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    loads: BTreeMap<AccountId, Load>,
    last_placed: BTreeMap<String, AccountId>,
}

impl Live {
    /// What the account carries.
    #[must_use]
    pub fn load(&self, account: AccountId) -> Load {
        self.loads.get(&account).copied().unwrap_or_default()
    }

    /// A request is being sent to it.
    pub fn sent(&mut self, account: AccountId) {
        let load = self.loads.entry(account).or_default();
        load.in_flight = load.in_flight.saturating_add(1);
        load.unanswered = load.unanswered.saturating_add(1);
    }

    /// It has answered one of them: it serves, or it does not. A refusal that says nothing about the account (`None`) leaves
    /// what is proven as it was.
    pub fn answered(&mut self, account: AccountId, good: Option<bool>, now: UnixSeconds) {
        let Some(load) = self.loads.get_mut(&account) else { return };
        load.unanswered = load.unanswered.saturating_sub(1);
        match good {
            Some(true) => {
                let proven = now.saturating_sub(load.last_good_at) <= Load::PROVEN_FOR_S;
                load.good = (if proven { load.good } else { 0 } + 1).min(Load::PROVEN);
                load.last_good_at = now;
            }
            Some(false) => load.good = 0,
            None => {}
        }
    }

    /// A request that was sent to it and answered has ended, however it ended, and had a body of so many bytes.
    pub fn ended(&mut self, account: AccountId, bytes: u64) {
        if let Some(load) = self.loads.get_mut(&account) {
            load.in_flight = load.in_flight.saturating_sub(1);
            load.bytes_since_reading = load.bytes_since_reading.saturating_add(bytes);
        }
    }

    /// Its quota was read: what it was sent before is part of the reading.
    pub fn read(&mut self, account: AccountId) {
        if let Some(load) = self.loads.get_mut(&account) {
            load.bytes_since_reading = 0;
        }
    }

    /// The member on which the pool placed a conversation last.
    #[must_use]
    pub fn last_placed(&self, pool: &str) -> Option<AccountId> {
        self.last_placed.get(pool).copied()
    }

    /// The pool has placed a conversation there.
    pub(crate) fn placed(&mut self, pool: &str, account: AccountId) {
        match self.last_placed.get_mut(pool) {
            Some(last) => *last = account,
            None => drop(self.last_placed.insert(pool.to_owned(), account)),
        }
    }

    /// Lets go of accounts and pools that are no longer there.
    pub fn retain(&mut self, account: impl Fn(AccountId) -> bool, pool: impl Fn(&str) -> bool) {
        self.loads.retain(|id, _| account(*id));
        self.last_placed.retain(|name, _| pool(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn a_load_is_what_was_sent_and_has_not_ended() {
        let mut live = Live::default();
        live.sent(id(1));
        live.sent(id(1));
        live.ended(id(1), 100);
        assert_eq!((live.load(id(1)).in_flight, live.load(id(1)).bytes_since_reading), (1, 100));
        live.read(id(1));
        live.ended(id(1), 7);
        live.ended(id(1), 0);
        assert_eq!((live.load(id(1)).in_flight, live.load(id(1)).bytes_since_reading), (0, 7));
        live.ended(id(2), 9);
        assert_eq!(live.load(id(2)), Load::default(), "one that never began");
    }

    #[test]
    fn an_account_shows_with_its_first_answers_what_it_can_carry() {
        let mut live = Live::default();
        let mut let_in = 0;
        let mut storm = |live: &mut Live, now| {
            let mut in_this_round = 0;
            while in_this_round < 200 && live.load(id(1)).can_take_on(now) {
                live.sent(id(1));
                in_this_round += 1;
            }
            let_in += in_this_round;
            for _ in 0..in_this_round {
                live.answered(id(1), Some(true), now);
            }
            in_this_round
        };
        let rounds: Vec<u32> = (0..5).map(|n| storm(&mut live, 1_000 + n)).collect();
        assert_eq!(rounds, [4, 8, 16, 32, 200]);
        assert_eq!(storm(&mut live, 2_000), 4, "long ago proves nothing");
        live.answered(id(1), Some(false), 2_001);
        assert_eq!(live.load(id(1)).good, 0);
        assert_eq!(let_in, 264);
    }

    #[test]
    fn a_limit_of_requests_at_once_holds_also_for_a_proven_account() {
        let load = Load { in_flight: 3, good: Load::PROVEN, ..Load::default() };
        assert!(load.has_seat(None) && load.has_seat(Some(4)));
        assert!(!load.has_seat(Some(3)));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut live = Live::default();
        live.sent(id(1));
        live.placed("p", id(1));
        live.retain(|_| false, |_| false);
        assert_eq!(live, Live::default());
    }
}
