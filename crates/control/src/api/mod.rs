//! The verbs themselves: one method per verb of [`crate::verb`], on the live herd.
//!
//! The daemon's router and, when no daemon runs, the command line itself call these same methods.

mod account;
mod active;
mod chain;
mod find;
mod installation;
mod key;
mod login;
mod money;
mod pool;
mod request;
mod see;
mod status;
mod stored;

use std::sync::Arc;

use remuda_core::UnixSeconds;
use remuda_gateway::herd::Herd;
use tokio_util::sync::CancellationToken;

use crate::types::Daemon;

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
    daemon: Option<Running>,
}

impl Api {
    /// `daemon`: `None` when a command works on the state by itself.
    #[must_use]
    pub fn new(herd: Arc<Herd>, logins: LoginEngine, daemon: Option<Running>) -> Self {
        Self { herd, logins, daemon }
    }

    pub(crate) fn herd(&self) -> &Herd {
        &self.herd
    }

    pub(crate) fn now(&self) -> UnixSeconds {
        self.herd.clock().now()
    }
}
