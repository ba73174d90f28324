//! Standing in line for an account that has no room. Fair between conversations: whoever has sent fifty requests at once
//! does not keep waiting who has sent one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use remuda_core::{AccountId, SessionKey};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// All lines. Bounded by the requests under way.
#[derive(Debug, Default)]
pub struct Lines {
    lines: Mutex<HashMap<AccountId, Line>>,
    moved: Notify,
}

/// The requests that wait for one account. Each conversation's requests are numbered in turns, and the lowest turn goes
/// first: start-time fair queueing with requests of equal size.
#[derive(Debug, Default)]
struct Line {
    waiting: BTreeSet<Ticket>,
    /// The turn that is being served.
    turn: u64,
    /// The last turn that each conversation was given.
    given: HashMap<SessionKey, u64>,
    /// Who came first among equals.
    arrivals: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    turn: u64,
    arrival: u64,
}

impl Lines {
    /// Stands in line; leaves it when the place is dropped.
    pub fn join(self: &Arc<Self>, account: AccountId, conversation: SessionKey) -> Place {
        let mut lines = self.lines.lock();
        let line = lines.entry(account).or_default();
        let turn = line.given.get(&conversation).copied().unwrap_or(0).max(line.turn) + 1;
        line.given.insert(conversation, turn);
        line.arrivals += 1;
        let ticket = Ticket { turn, arrival: line.arrivals };
        line.waiting.insert(ticket);
        Place { lines: Arc::clone(self), account, ticket }
    }

    /// Does nobody wait for this account?
    #[must_use]
    pub fn is_empty(&self, account: AccountId) -> bool {
        !self.lines.lock().contains_key(&account)
    }

    /// There may be room now, or the account may no longer be worth waiting for: everyone in line looks.
    pub fn move_on(&self) {
        self.moved.notify_waiters();
    }

    /// Returns when there is something to look at. What happens after this call is not missed.
    pub fn moved(&self) -> Notified<'_> {
        self.moved.notified()
    }
}

/// A place in a line.
#[derive(Debug)]
pub struct Place {
    lines: Arc<Lines>,
    account: AccountId,
    ticket: Ticket,
}

impl Place {
    /// Is it one's turn?
    #[must_use]
    pub fn is_first(&self) -> bool {
        let lines = self.lines.lines.lock();
        lines.get(&self.account).and_then(|line| line.waiting.first()) == Some(&self.ticket)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.lines.lock();
        if let Some(line) = lines.get_mut(&self.account) {
            if line.waiting.first() == Some(&self.ticket) {
                line.turn = self.ticket.turn;
            }
            line.waiting.remove(&self.ticket);
            if line.waiting.is_empty() {
                lines.remove(&self.account);
            }
        }
        drop(lines);
        self.lines.move_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        AccountId(uuid::Uuid::from_u128(1))
    }

    fn session(name: &str) -> SessionKey {
        SessionKey(name.to_owned())
    }

    /// The order in which the places come first, each leaving when it does.
    fn order(mut places: Vec<(&'static str, Place)>) -> String {
        let mut order = String::new();
        while !places.is_empty() {
            let first = places.iter().position(|(_, place)| place.is_first()).unwrap();
            order.push_str(places.remove(first).0);
        }
        order
    }

    #[test]
    fn conversations_take_turns_whoever_has_sent_more() {
        let lines = Arc::new(Lines::default());
        let mut places: Vec<_> = (0..4).map(|_| ("a", lines.join(account(), session("a")))).collect();
        places.extend((0..2).map(|_| ("b", lines.join(account(), session("b")))));
        places.push(("c", lines.join(account(), session("c"))));
        assert_eq!(order(places), "abcabaa");
        assert!(lines.is_empty(account()));
    }

    #[test]
    fn whoever_comes_later_is_not_behind_turns_that_are_far_ahead() {
        let lines = Arc::new(Lines::default());
        let mut places: Vec<_> = (0..5).map(|_| ("a", lines.join(account(), session("a")))).collect();
        drop(places.remove(0));
        drop(places.remove(0));
        places.push(("b", lines.join(account(), session("b"))));
        assert_eq!(order(places), "abaa");
    }

    #[test]
    fn a_line_is_gone_with_the_last_who_stood_in_it() {
        let lines = Arc::new(Lines::default());
        let place = lines.join(account(), session("a"));
        assert!(!lines.is_empty(account()));
        drop(place);
        assert!(lines.lines.lock().is_empty());
    }

    #[tokio::test]
    async fn those_in_line_hear_that_it_moves() {
        let lines = Arc::new(Lines::default());
        let (first, second) = (lines.join(account(), session("a")), lines.join(account(), session("b")));
        let moved = lines.moved();
        drop(first);
        moved.await;
        assert!(second.is_first());
    }
}
