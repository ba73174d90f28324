//! The lanes that nobody is using, by session. A session has several: its subagents and side questions run beside it
//! with bodies of their own, and a lane carries one request at a time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::lane::Lane;
use crate::client::socket::Socket;

/// Unused lanes of one session.
const MOST_OF_ONE: usize = 6;
/// Unused lanes in all.
const MOST: usize = 1_000;
/// Bytes of bodies that unused lanes remember.
const MOST_BYTES: usize = 96 * 1024 * 1024;
/// A lane that rests for so long is forgotten; relays forget after an hour.
const REST: Duration = Duration::from_secs(3000);
/// A lane is taken if about this share of the new body, in percent, stands in its last one.
const ALIKE: usize = 10;
/// Samples that are looked for, and their length.
const SAMPLES: usize = 16;
const SAMPLE: usize = 48;

/// A lane and the connection that goes with it.
pub struct Resting {
    /// The lane.
    pub lane: Lane,
    /// Its WebSocket, if it has one.
    pub socket: Option<Socket>,
    since: Instant,
}

impl Resting {
    /// A lane that is put down now.
    #[must_use]
    pub fn new(lane: Lane, socket: Option<Socket>) -> Self {
        Self { lane, socket, since: Instant::now() }
    }

    fn bytes(&self) -> usize {
        self.lane.body().map_or(0, |body| body.len())
    }
}

/// See the module.
#[derive(Default)]
pub struct Lanes {
    by_session: HashMap<String, Vec<Resting>>,
    count: usize,
    bytes: usize,
}

impl Lanes {
    /// Takes the unused lane of a session that is most like this body. `None`: none is, open a new one.
    pub fn take(&mut self, session: &str, body: &[u8]) -> Option<Resting> {
        self.drop_old();
        let resting = self.by_session.get_mut(session)?;
        let likeness = |one: &Resting| one.lane.body().map_or(0, |old| likeness(old, body));
        let (index, most) =
            resting.iter().map(likeness).enumerate().max_by_key(|(_, likeness)| *likeness).unwrap_or((0, 0));
        let alike = most * 100 >= body.len() * ALIKE;
        let empty = resting.iter().position(|one| one.lane.body().is_none());
        let index = if alike { Some(index) } else { empty.or((resting.len() >= MOST_OF_ONE).then_some(0)) }?;
        let taken = resting.remove(index);
        if resting.is_empty() {
            self.by_session.remove(session);
        }
        self.count -= 1;
        self.bytes -= taken.bytes();
        Some(taken)
    }

    /// Puts a lane down.
    pub fn put(&mut self, session: &str, resting: Resting) {
        self.count += 1;
        self.bytes += resting.bytes();
        self.by_session.entry(session.to_owned()).or_default().push(resting);
        while self.count > MOST || self.bytes > MOST_BYTES {
            self.drop_longest_unused();
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn drop_old(&mut self) {
        let old = |one: &Resting| one.since.elapsed() > REST;
        if self.by_session.values().flatten().any(old) {
            self.by_session.retain(|_, resting| {
                resting.retain(|one| !old(one));
                !resting.is_empty()
            });
            self.count = self.by_session.values().map(Vec::len).sum();
            self.bytes = self.by_session.values().flatten().map(Resting::bytes).sum();
        }
    }

    fn drop_longest_unused(&mut self) {
        let first = |resting: &Vec<Resting>| resting.iter().map(|one| one.since).min();
        let Some(session) = self.by_session.iter().min_by_key(|(_, resting)| first(resting)).map(|(s, _)| s.clone())
        else {
            (self.count, self.bytes) = (0, 0);
            return;
        };
        if let Some(resting) = self.by_session.get_mut(&session)
            && let Some(index) = (0..resting.len()).min_by_key(|index| resting[*index].since)
        {
            let gone = resting.remove(index);
            self.count -= 1;
            self.bytes -= gone.bytes();
            if resting.is_empty() {
                self.by_session.remove(&session);
            }
        }
    }
}

/// Roughly how many bytes of a body stand in another one: what they have in common at their ends, or, where both ends have
/// changed, how many of a few samples are found.
fn likeness(old: &[u8], new: &[u8]) -> usize {
    let prefix = crate::delta::common_prefix(old, new);
    let ends = prefix + crate::delta::common_suffix(&old[prefix..], &new[prefix..]);
    if ends * 100 >= new.len() * ALIKE {
        return ends;
    }
    let step = old.len() / (SAMPLES + 1);
    let samples = (1..=SAMPLES).filter_map(|number| old.get(number * step..number * step + SAMPLE));
    let found = samples.filter(|sample| memchr::memmem::find(new, sample).is_some()).count();
    ends.max(found * old.len() / SAMPLES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_whose_two_ends_have_changed_are_still_alike() {
        let story: String = (0..500u32).map(|n| format!("{:x} ", n.wrapping_mul(0x9E37_79B9))).collect();
        let body = |turn: &str| format!("{{\"turn\":{turn},\"story\":\"{story}\",\"last\":\"{turn}\"}}");
        let (old, new) = (body("nine"), body("and ten"));
        assert!(likeness(old.as_bytes(), new.as_bytes()) * 10 > new.len() * 8);
        let other: String = story.chars().rev().collect();
        assert!(likeness(other.as_bytes(), new.as_bytes()) * 100 < new.len() * ALIKE);
        assert_eq!(likeness(b"", b"{}"), 0);
    }
}
