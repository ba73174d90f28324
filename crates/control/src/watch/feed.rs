//! One listener of the event stream: waits, looks up, writes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use remuda_api::{Event, EventKind};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ring::{Kept, Place, Ring};
use crate::api::Api;

/// Comments at this pace tell both ends that the other is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What happens within this time is told together: an answer brings windows, records and states in the same moment.
const TOGETHER: Duration = Duration::from_millis(30);
/// Most events that are looked up at a time.
const PORTION: usize = 256;

/// What a listener wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// Only these kinds; empty: all.
    pub(crate) kinds: Vec<EventKind>,
    /// Go on behind this place.
    pub(crate) after: Option<Place>,
    /// Nothing was named that could be a place, although something was: the client has missed something.
    pub(crate) lost: bool,
}

/// The next thing to write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// An event and the place behind it.
    Event(Place, Box<Event>),
    /// Nothing has happened for a while.
    Heartbeat,
}

/// One listener. Ends when the daemon stops.
pub(crate) struct Feed {
    api: Arc<Api>,
    ring: Arc<Ring>,
    newest: watch::Receiver<u64>,
    place: Place,
    kinds: Vec<EventKind>,
    ready: VecDeque<(Place, Box<Event>)>,
    stop: CancellationToken,
    silent_since: Instant,
}

impl Feed {
    /// Begins where the subscription says. A new listener, and one that has missed something, first gets a `resync`.
    pub(crate) fn new(api: Arc<Api>, ring: Arc<Ring>, wanted: Subscription, stop: CancellationToken) -> Self {
        let newest = ring.follow();
        let kept = wanted.after.filter(|place| !wanted.lost && ring.after(*place, 0).is_some());
        let place = kept.unwrap_or_else(|| ring.now());
        let mut ready = VecDeque::new();
        if kept.is_none() {
            ready.push_back((place, Box::new(Event::Resync { at: api.now() })));
        }
        Self { api, ring, newest, place, kinds: wanted.kinds, ready, stop, silent_since: Instant::now() }
    }

    /// Waits for the next thing to write; `None`: the daemon stops.
    pub(crate) async fn next(&mut self) -> Option<Next> {
        loop {
            if let Some((place, event)) = self.ready.pop_front() {
                self.silent_since = Instant::now();
                return Some(Next::Event(place, event));
            }
            if self.silent_since.elapsed() >= HEARTBEAT {
                self.silent_since = Instant::now();
                return Some(Next::Heartbeat);
            }
            // Marked before looking, so that nothing that comes between looking and waiting is slept over.
            self.newest.mark_unchanged();
            if self.look() {
                continue;
            }
            let (newest, heartbeat) = (&mut self.newest, self.silent_since + HEARTBEAT);
            let happened = async {
                if tokio::time::timeout_at(heartbeat, newest.changed()).await.is_ok() {
                    tokio::time::sleep(TOGETHER).await;
                }
            };
            self.stop.run_until_cancelled(happened).await?;
        }
    }

    /// Looks up what came. False: nothing did.
    fn look(&mut self) -> bool {
        let Some(came) = self.ring.after(self.place, PORTION) else {
            self.place = self.ring.now();
            self.ready.push_back((self.place, Box::new(Event::Resync { at: self.api.now() })));
            return true;
        };
        let Some((last, _)) = came.last() else { return false };
        self.place = *last;
        for (place, kept) in came {
            let event = match kept {
                Kept::Whole(event) => Some(Event::clone(&event)),
                Kept::Herd => Some(self.api.herd_event()),
                Kept::Account(account) => self.api.account_event(account),
                Kept::Windows(account) => self.api.windows_event(account),
            };
            if let Some(event) = event.filter(|event| self.wants(event.kind())) {
                self.ready.push_back((place, Box::new(event)));
            }
        }
        true
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.kinds.is_empty() || kind == EventKind::Resync || self.kinds.contains(&kind)
    }
}
