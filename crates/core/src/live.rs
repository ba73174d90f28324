//! What the herd is doing at this moment: how much each account carries, whose turn it is in a pool. Kept by whoever
//! sends, never stored: with the process goes the work.

use std::collections::BTreeMap;

use crate::id::AccountId;

/// What one account is carrying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests that were sent to it and have not ended.
    pub in_flight: u32,
    /// Bytes of request bodies sent to it since its newest quota reading.
    pub bytes_since_reading: u64,
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
    }

    /// A request that was sent to it has ended, however it ended, and had a body of so many bytes.
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
        assert_eq!(live.load(id(1)), Load { in_flight: 1, bytes_since_reading: 100 });
        live.read(id(1));
        live.ended(id(1), 7);
        live.ended(id(1), 0);
        assert_eq!(live.load(id(1)), Load { in_flight: 0, bytes_since_reading: 7 });
        live.ended(id(2), 9);
        assert_eq!(live.load(id(2)), Load::default(), "one that never began");
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
