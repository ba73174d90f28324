//! Waiting for somebody to be back: a held request looks again when its time has come, when something has changed, and now
//! and then in any case, because vendors reset early. It ends when its owner lets it go or when the agent would give up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use remuda_core::UnixSeconds;
use remuda_core::route::Route;

use crate::flight::Flight;
use crate::keep_alive::KeepAlive;
use crate::replay::BodyError;

/// Most requests that are held at once: each keeps its body in memory.
const MOST: usize = 256;
/// Between two looks. Also what a machine that slept is late by: timers do not count the sleep.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Those who wait for the same moment go on within so many milliseconds of it, not all at once.
const SPREAD_MS: u128 = 2_000;

/// How many requests are held.
#[derive(Debug, Default)]
pub struct Waiting {
    held: Arc<AtomicUsize>,
}

impl Waiting {
    /// One more; `None`: there are enough.
    fn enter(&self) -> Option<Held> {
        let held = Arc::clone(&self.held);
        let entered = held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < MOST).then_some(n + 1));
        entered.is_ok().then_some(Held(held))
    }
}

/// One held request.
#[derive(Debug)]
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that has been held.
pub(crate) struct Hold {
    _held: Held,
    keep_alive: KeepAlive,
    /// Does the agent expect a stream? Only a stream can be begun before there is anything to say.
    streams: bool,
    told: Option<UnixSeconds>,
    /// What is not in the record yet.
    waited_ms: u64,
}

impl<B> Flight<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// It waits no longer, for now.
    pub(crate) fn waited(&mut self) {
        if let Some(hold) = &mut self.hold
            && hold.told.take().is_some()
        {
            let ms = std::mem::take(&mut hold.waited_ms);
            self.draft.waited(ms);
        }
    }

    /// Waits a while, and leaves the route so that it looks again, goes on waiting, or ends.
    ///
    /// # Errors
    /// The client's own body failed.
    pub(crate) async fn wait(&mut self, route: &mut Route, until: UnixSeconds) -> Result<(), BodyError> {
        let gateway = Arc::clone(&self.gateway);
        if self.hold.is_none() {
            // The body is taken in now: while it is not, nobody would notice that the client has left.
            while self.intake.body.arrive().await?.is_some() {}
            let Some(held) = gateway.waiting.enter() else {
                route.let_go();
                return Ok(());
            };
            self.hold = Some(Hold {
                _held: held,
                keep_alive: (gateway.settings.keep_alive)(self.intake.facts.host, self.intake.facts.protocol),
                // A turn on a socket is a stream of frames, whatever it says.
                streams: self.opening.is_some() && (self.ticket.is_some() || self.intake.streams()),
                told: None,
                waited_ms: 0,
            });
        }
        let Some(hold) = &mut self.hold else { return Ok(()) };
        if hold.told.replace(until) != Some(until) {
            self.draft.held(until);
        }
        let (keep_alive, streams) = (hold.keep_alive, hold.streams);
        let began = tokio::time::Instant::now();
        let spread = Duration::from_millis((self.draft.id().0.as_u128() % SPREAD_MS) as u64);
        let left = Duration::from_secs(u64::try_from(until.saturating_sub(gateway.now())).unwrap_or(0)) + spread;
        let mut step = left.min(LOOK_EVERY);
        if let Some(opening) = &self.opening
            && !opening.is_open()
        {
            let silent = keep_alive.silent.saturating_sub(Duration::from_millis(self.draft.elapsed_ms()));
            match (silent.is_zero(), streams) {
                (true, true) => opening.open(keep_alive),
                (true, false) => {
                    route.let_go();
                    return Ok(());
                }
                (false, _) => step = step.min(silent),
            }
        }
        // Who cannot be kept alive is not kept waiting longer than it waits by itself.
        let silent = keep_alive.silent.saturating_sub(Duration::from_millis(self.draft.elapsed_ms()));
        if self.opening.is_none() && left > silent {
            route.let_go();
            return Ok(());
        }
        let let_go = self.draft.let_go();
        let returned = gateway.herd.returned();
        tokio::select! {
            () = let_go.cancelled() => route.let_go(),
            () = gateway.clock.sleep(step) => route.wake(),
            () = returned => route.wake(),
        }
        if let Some(hold) = &mut self.hold {
            hold.waited_ms += u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        }
        self.deadline = tokio::time::Instant::now() + gateway.settings.deadline;
        Ok(())
    }
}
