//! The herd at a glance; stopping the daemon; forgetting.

use super::stored::Told;
use super::{Api, find, see};
use crate::client::not_running;
use crate::types::Failure;
use crate::types::{Empty, PinView, Reset, ResetDone, ResetWhat, Status, Stopping};

/// More pins than this are not listed.
const MOST_PINS: usize = 100;

impl Api {
    /// The whole herd at a glance.
    ///
    /// # Errors
    /// None so far.
    pub async fn status(&self, _: Empty) -> Result<Status, Failure> {
        let now = self.now();
        let pins = self.herd.session_pins();
        let accounts = self.views();
        let holds = self.held();
        let warm = super::active::switch_price(self.herd.price_of_switch(None, None, now));
        Ok(self.herd.look(|herd, _| Status {
            now,
            daemon: self.daemon.as_ref().map(|running| running.facts.clone()),
            active: herd.active.as_ref().map(|target| find::written(herd, target)),
            accounts,
            pools: herd.pools.keys().filter_map(|name| see::pool(herd, name)).collect(),
            pins: pins
                .into_iter()
                .take(MOST_PINS)
                .map(|(session, target)| PinView { session: session.0, target: find::written(herd, &target) })
                .collect(),
            holds,
            warm,
        }))
    }

    /// Asks the daemon to drain and end.
    ///
    /// # Errors
    /// [`crate::Code::NotRunning`] when this is no daemon.
    pub async fn stop(&self, _: Empty) -> Result<Stopping, Failure> {
        let running = self.daemon.as_ref().ok_or_else(not_running)?;
        running.stop.cancel();
        Ok(Stopping { daemon: running.facts.clone(), ends_by: self.now() + running.drain_s })
    }

    /// Forgets rests, pins, or both.
    ///
    /// # Errors
    /// The store fails.
    pub async fn reset(&self, Reset { what }: Reset) -> Result<ResetDone, Failure> {
        let mut done = ResetDone { what, accounts: Vec::new(), sessions: 0 };
        if what != ResetWhat::Pins {
            let rested = self.herd.end_rests().await;
            done.accounts = self.herd.look(|herd, _| rested.iter().map(|id| find::label(herd, *id)).collect());
        }
        if what != ResetWhat::Cooldowns {
            let pinned = self.herd.session_pins().len();
            // A pinned session has a home too once it has asked for something.
            done.sessions = self.herd.forget_sessions().await.told()?.max(pinned) as u64;
        }
        Ok(done)
    }
}
