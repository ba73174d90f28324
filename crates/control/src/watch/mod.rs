//! What the daemon makes of what happens in the gateway: the event stream, figures, the paces of sessions.

mod feed;
mod ring;

use std::sync::Arc;

use parking_lot::Mutex;
use remuda_api::{Event, Step};
use remuda_credentials::Clock;
use remuda_gateway::events::{Happening, Live, Stage, Watcher};

pub(crate) use feed::{Feed, Next, Subscription};

pub(crate) use ring::{Place, Ring};

use crate::alerts::Paces;
use crate::api::see;
use crate::metrics::Metrics;

/// Takes note of what the gateway tells. One per daemon.
pub(crate) struct Watch {
    ring: Arc<Ring>,
    metrics: Arc<Metrics>,
    paces: Arc<Mutex<Paces>>,
    clock: Arc<dyn Clock>,
}

impl Watch {
    /// Notes go into this ring.
    #[must_use]
    pub(crate) fn new(ring: Arc<Ring>, metrics: Arc<Metrics>, paces: Arc<Mutex<Paces>>, clock: Arc<dyn Clock>) -> Self {
        Self { ring, metrics, paces, clock }
    }

    fn step(&self, live: &Live, step: fn(remuda_api::LiveView) -> Step) {
        self.ring.push(Event::Decisions { at: self.clock.now(), step: step(see::live(live)) });
    }
}

impl Watcher for Watch {
    fn happened(&self, what: Happening<'_>) {
        match what {
            Happening::Account(account) => self.ring.account(account),
            Happening::Windows(account) => self.ring.windows(account),
            Happening::Owner => self.ring.herd(),
            Happening::Started(live) => self.step(live, Step::Started),
            Happening::Asked(live) => {
                // The first one is where it was meant to go.
                if live.progress().attempts > 1 {
                    self.step(live, Step::Moved);
                }
            }
            Happening::Waits(live) | Happening::Resumes(live) => {
                self.ring.push(Event::Holds { at: self.clock.now(), request: see::live(live) });
            }
            Happening::Streams(live) => {
                debug_assert_eq!(live.progress().stage, Stage::Streaming);
                self.step(live, Step::Streaming);
            }
            Happening::Finished(_, record) => {
                let at = self.clock.now();
                self.metrics.ended(record);
                self.paces.lock().note(record, at);
                self.ring.push(Event::Decisions { at, step: Step::Finished(Box::new(record.into())) });
            }
        }
    }
}
