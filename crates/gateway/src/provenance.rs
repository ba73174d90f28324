//! Who gave out what: thinking signatures, encrypted reasoning, ids of stored responses, Codex's routing state. Only the
//! account that gave such a thing out can read it again, so on a move it stays behind.
//!
//! Remembered are hashes, never the things. Bounded in memory, and in the store for after a restart.

use std::collections::HashMap;

use parking_lot::Mutex;
use remuda_core::AccountId;
use remuda_core::Protocol;
use remuda_store::Mark;
use remuda_wire::state::{self, GivenOut};
use sha2::{Digest, Sha256};

/// Most pieces that one answer is remembered to have given out.
const MOST_PER_ANSWER: usize = 256;

/// The mark of a thing.
#[must_use]
pub fn mark(thing: &str) -> Mark {
    let hash: [u8; 32] = Sha256::digest(thing.as_bytes()).into();
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    Mark(short)
}

/// The origins of everything that is remembered. When the younger half is full, the older half is forgotten.
#[derive(Debug)]
pub struct Provenance {
    halves: Mutex<Halves>,
    most: usize,
}

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<Mark, AccountId>,
    old: HashMap<Mark, AccountId>,
}

impl Provenance {
    /// Most that is remembered; as much as the store keeps.
    pub const MOST: usize = remuda_store::store::MAX_ORIGINS;

    /// Remembers at most `most` origins.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { halves: Mutex::default(), most: most.max(2) }
    }

    /// These things are this account's.
    pub fn learn(&self, account: AccountId, marks: impl IntoIterator<Item = Mark>) {
        let mut halves = self.halves.lock();
        for mark in marks {
            halves.young.insert(mark, account);
            if halves.young.len() >= self.most / 2 {
                halves.old = std::mem::take(&mut halves.young);
            }
        }
    }

    /// Whose it is, if that is known.
    #[must_use]
    pub fn of(&self, mark: Mark) -> Option<AccountId> {
        let halves = self.halves.lock();
        halves.young.get(&mark).or_else(|| halves.old.get(&mark)).copied()
    }

    /// Whose it is. What nobody has is this account's from now on, and then the answer's second part is true.
    pub fn claim(&self, mark: Mark, account: AccountId) -> (AccountId, bool) {
        match self.of(mark) {
            Some(owner) => (owner, false),
            None => {
                self.learn(account, [mark]);
                (account, true)
            }
        }
    }
}

/// Collects what one answer gives out.
#[derive(Debug, Default)]
pub struct Gathering {
    marks: Vec<Mark>,
    /// A signature that comes in parts.
    part: String,
}

impl Gathering {
    /// Looks at one event.
    pub fn event(&mut self, protocol: Protocol, name: Option<&str>, data: &[u8]) {
        if !self.part.is_empty() && name != Some("content_block_delta") {
            let whole = std::mem::take(&mut self.part);
            self.add(&whole);
        }
        if state::event_may_give_out(protocol, name, data) {
            self.take(state::given_out(protocol, data));
        }
    }

    /// Looks at an answer that is one JSON object.
    pub fn answer(&mut self, protocol: Protocol, json: &[u8]) {
        if state::may_give_out(protocol, json) {
            self.take(state::given_out(protocol, json));
        }
    }

    /// What was collected.
    pub fn finish(&mut self) -> Vec<Mark> {
        if !self.part.is_empty() {
            let whole = std::mem::take(&mut self.part);
            self.add(&whole);
        }
        std::mem::take(&mut self.marks)
    }

    fn take(&mut self, given: GivenOut) {
        for thing in given.whole {
            self.add(&thing);
        }
        if let Some(part) = given.part {
            self.part.push_str(&part);
        }
    }

    fn add(&mut self, thing: &str) {
        if self.marks.len() < MOST_PER_ANSWER {
            self.marks.push(mark(thing));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn what_nobody_has_belongs_to_who_asks_first() {
        let all = Provenance::new(100);
        assert_eq!(all.claim(mark("s"), id(1)), (id(1), true));
        assert_eq!(all.claim(mark("s"), id(2)), (id(1), false));
        assert_eq!(all.of(mark("other")), None);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_are_forgotten() {
        let all = Provenance::new(100);
        for n in 0..1000 {
            all.learn(id(1), [mark(&n.to_string())]);
        }
        let known = (0..1000).filter(|n| all.of(mark(&n.to_string())).is_some()).count();
        assert!((50..=100).contains(&known), "{known}");
        assert!(all.of(mark("999")).is_some() && all.of(mark("0")).is_none());
    }

    #[test]
    fn a_signature_in_parts_is_one_thing() {
        let mut gathering = Gathering::default();
        let delta = |text: &str| format!(r#"{{"delta":{{"type":"signature_delta","signature":"{text}"}}}}"#);
        for part in ["ab", "cd"] {
            gathering.event(Protocol::Messages, Some("content_block_delta"), delta(part).as_bytes());
        }
        gathering.event(Protocol::Messages, Some("content_block_stop"), b"{}");
        assert_eq!(gathering.finish(), [mark("abcd")]);
    }
}
