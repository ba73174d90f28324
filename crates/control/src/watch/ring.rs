//! The last events, so that a client that was away can catch up. Bounded; what concerns the state of something is kept as
//! its name only and looked up when it is sent, so that nothing is prepared for nobody and nothing stale is sent.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use parking_lot::Mutex;
use remuda_api::Event;
use remuda_core::AccountId;
use tokio::sync::watch;

/// Events that are kept for those who come back.
const MOST: usize = 2_048;

/// A place in the stream of one daemon's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which life: differs from start to start.
    pub(crate) life: u64,
    /// How many events were before it.
    pub(crate) number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.life, self.number)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (life, number) = text.trim().split_once('-').ok_or(())?;
        Ok(Self { life: life.parse().map_err(drop)?, number: number.parse().map_err(drop)? })
    }
}

/// An event as it is kept.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// To be looked up.
    Herd,
    /// To be looked up.
    Account(AccountId),
    /// To be looked up.
    Windows(AccountId),
    /// As it is.
    Whole(Arc<Event>),
}

impl Kept {
    /// Of two that are looked up at the same moment, one is enough.
    fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Herd, Self::Herd) => true,
            (Self::Account(a), Self::Account(b)) | (Self::Windows(a), Self::Windows(b)) => a == b,
            _ => false,
        }
    }
}

struct Kepts {
    /// The newest has the number `next - 1`.
    events: VecDeque<Kept>,
    next: u64,
}

/// See the module's description.
pub(crate) struct Ring {
    life: u64,
    kept: Mutex<Kepts>,
    newest: watch::Sender<u64>,
}

impl Ring {
    /// An empty ring of this life.
    #[must_use]
    pub(crate) fn new(life: u64) -> Self {
        let kept = Kepts { events: VecDeque::new(), next: 0 };
        Self { life, kept: Mutex::new(kept), newest: watch::Sender::new(0) }
    }

    /// Where the stream is now.
    #[must_use]
    pub(crate) fn now(&self) -> Place {
        Place { life: self.life, number: self.kept.lock().next }
    }

    /// An account has changed.
    pub(crate) fn account(&self, account: AccountId) {
        self.keep(Kept::Account(account));
    }

    /// An account's windows were read.
    pub(crate) fn windows(&self, account: AccountId) {
        self.keep(Kept::Windows(account));
    }

    /// The owner changed something.
    pub(crate) fn herd(&self) {
        self.keep(Kept::Herd);
    }

    /// Something that is told as it is.
    pub(crate) fn push(&self, event: Event) {
        self.keep(Kept::Whole(Arc::new(event)));
    }

    fn keep(&self, event: Kept) {
        let next = {
            let mut kept = self.kept.lock();
            if kept.events.len() >= MOST {
                kept.events.pop_front();
            }
            kept.events.push_back(event);
            kept.next += 1;
            kept.next
        };
        if self.newest.receiver_count() > 0 {
            self.newest.send_replace(next);
        }
    }

    /// Wakes those who follow, without anything to tell.
    pub(crate) fn nudge(&self) {
        let next = self.kept.lock().next;
        self.newest.send_replace(next);
    }

    /// To be woken by what comes.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// What came after this place, at most `most`, each with the place behind it. `None`: not all of it is kept any more.
    pub(super) fn after(&self, place: Place, most: usize) -> Option<Vec<(Place, Kept)>> {
        let kept = self.kept.lock();
        let oldest = kept.next - kept.events.len() as u64;
        if place.life != self.life || place.number < oldest || place.number > kept.next {
            return None;
        }
        let skip = usize::try_from(place.number - oldest).unwrap_or(usize::MAX);
        let all = kept.events.iter().enumerate().skip(skip).take(most);
        let all: Vec<_> = all
            .map(|(index, event)| (Place { life: self.life, number: oldest + index as u64 + 1 }, event.clone()))
            .collect();
        drop(kept);
        let said_later = |at: usize, event: &Kept| all[at + 1..].iter().any(|(_, later)| later.says_the_same(event));
        let needed: Vec<bool> = all.iter().enumerate().map(|(at, (_, event))| !said_later(at, event)).collect();
        Some(all.into_iter().zip(needed).filter_map(|(event, needed)| needed.then_some(event)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    fn numbers(found: Option<Vec<(Place, Kept)>>) -> Option<Vec<u64>> {
        found.map(|all| all.into_iter().map(|(place, _)| place.number).collect())
    }

    #[test]
    fn who_comes_back_gets_what_came_meanwhile() {
        let ring = Ring::new(7);
        ring.push(Event::Resync { at: 1 });
        let left = ring.now();
        ring.push(Event::Resync { at: 2 });
        ring.push(Event::Resync { at: 3 });
        assert_eq!(numbers(ring.after(left, 10)), Some(vec![2, 3]));
        assert_eq!(numbers(ring.after(left, 1)), Some(vec![2]), "in portions");
        assert_eq!(numbers(ring.after(ring.now(), 10)), Some(vec![]));
    }

    #[test]
    fn of_what_is_looked_up_only_the_last_mention_is_told() {
        let ring = Ring::new(7);
        let start = ring.now();
        for event in [Kept::Account(account(1)), Kept::Windows(account(1)), Kept::Account(account(2)), Kept::Herd] {
            ring.keep(event);
        }
        ring.account(account(1));
        ring.herd();
        assert_eq!(numbers(ring.after(start, 10)), Some(vec![2, 3, 5, 6]));
    }

    #[test]
    fn a_place_that_is_not_kept_is_said_to_be_lost() {
        let ring = Ring::new(7);
        let start = ring.now();
        for at in 0..MOST as i64 {
            ring.push(Event::Resync { at });
        }
        assert!(ring.after(start, 1).is_some(), "just about kept");
        ring.herd();
        assert!(ring.after(start, 1).is_none(), "the first one is gone");
        assert!(ring.after(Place { life: 8, ..ring.now() }, 1).is_none(), "another life");
        assert!(ring.after(Place { life: 7, number: 9_999_999 }, 1).is_none(), "from the future");
    }

    #[test]
    fn a_place_is_written_and_read() {
        let place = Place { life: 1_763_000_000_000, number: 42 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "42", "a-b", "1-2-3", "-1"] {
            assert_eq!(text.parse::<Place>(), Err(()), "{text}");
        }
    }
}
