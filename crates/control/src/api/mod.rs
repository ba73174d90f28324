//! The verbs themselves: one method per verb of [`crate::verb`], on the live herd.
//!
//! The daemon's router and, when no daemon runs, the command line itself call these same methods.

mod account;
mod active;
mod alert;
mod chain;
mod dashboard;
mod event;
mod find;
mod floor;
mod import;
mod installation;
mod key;
mod left;
mod limit;
mod live;
mod login;
mod money;
mod overview;
mod pool;
mod request;
pub(crate) mod see;
mod session;
mod status;
mod stored;
mod usage;

use std::sync::Arc;

use http::{HeaderMap, Method};
use parking_lot::Mutex;
use remuda_core::UnixSeconds;
use remuda_gateway::Poller;
use remuda_gateway::herd::Herd;
use tokio_util::sync::CancellationToken;

use crate::alerts::{AlertDesk, AlertRules, Paces};
use crate::browser::{Browsers, Shut};
use crate::metrics::Metrics;
use crate::types::{AlertView, Daemon};
use crate::watch::{Ring, Watch};

pub use import::Watched;
pub use installation::Installation;
pub use login::{LoginEngine, login_kind};
pub use stored::{Told, stored};

/// The daemon that an [`Api`] belongs to.
#[derive(Clone, Debug)]
pub struct Running {
    /// What others may know of it.
    pub facts: Daemon,
    /// Cancelled when it shall stop.
    pub stop: CancellationToken,
    /// Longest time in seconds that requests under way get to end.
    pub drain_s: i64,
}

/// Everything a person can see or change.
pub struct Api {
    herd: Arc<Herd>,
    logins: LoginEngine,
    poller: Arc<Poller>,
    daemon: Option<Running>,
    ring: Arc<Ring>,
    browsers: Browsers,
    metrics: Arc<Metrics>,
    paces: Arc<Mutex<Paces>>,
    desk: Mutex<AlertDesk>,
    rules: Mutex<AlertRules>,
}

impl Api {
    /// `daemon`: `None` when a command works on the state by itself. A daemon watches what happens from here on.
    #[must_use]
    pub fn new(herd: Arc<Herd>, logins: LoginEngine, poller: Arc<Poller>, daemon: Option<Running>) -> Self {
        let (metrics, paces) = (Arc::new(Metrics::default()), Arc::default());
        let ring = Arc::new(Ring::new(daemon.as_ref().map_or(0, |running| life(&running.facts))));
        if daemon.is_some() {
            let (ring, clock) = (Arc::clone(&ring), Arc::clone(herd.clock()));
            herd.events().watch(Arc::new(Watch::new(ring, Arc::clone(&metrics), Arc::clone(&paces), clock)));
        }
        Self {
            herd,
            logins,
            poller,
            daemon,
            ring,
            browsers: Browsers::default(),
            metrics,
            paces,
            desk: Mutex::default(),
            rules: Mutex::default(),
        }
    }

    pub(crate) fn herd(&self) -> &Herd {
        &self.herd
    }

    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    pub(crate) fn counted(&self) -> &Metrics {
        &self.metrics
    }

    /// Alerts that hold, newest first.
    pub(crate) fn holding_alerts(&self) -> Vec<AlertView> {
        self.desk.lock().holding()
    }

    /// The daemon; `None`: this is none.
    pub(crate) fn facts(&self) -> Option<&Daemon> {
        self.daemon.as_ref().map(|running| &running.facts)
    }

    /// Does this request come from a browser that was let in?
    pub(crate) fn admits_browser(&self, method: &Method, headers: &HeaderMap) -> Result<(), Shut> {
        self.browsers.admits(method, headers, self.now())
    }

    /// Cancelled when the daemon stops; `None`: this is none.
    pub(crate) fn stopping(&self) -> Option<&CancellationToken> {
        self.daemon.as_ref().map(|running| &running.stop)
    }

    pub(crate) fn now(&self) -> UnixSeconds {
        self.herd.clock().now()
    }
}

/// Two lives of a daemon differ in their second or, started by hand within one, in their process.
fn life(facts: &Daemon) -> u64 {
    const PIDS: u64 = 1 << 22;
    u64::try_from(facts.started_at).unwrap_or_default() * PIDS + u64::from(facts.pid) % PIDS
}
