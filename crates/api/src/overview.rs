//! Everything that one screen shows, in one answer.

use remuda_core::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::{AlertView, Daemon, HerdView, LiveView, RequestView, UsageSum};

/// The whole herd with what it is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overview {
    /// When this was true.
    pub now: UnixSeconds,
    /// A place in the event stream: what happens from here on comes with `?after=` this. `None`: no daemon runs.
    pub events_after: Option<String>,
    /// The daemon; `None`: not running, this was read from the store.
    pub daemon: Option<Daemon>,
    /// Accounts, chains, pools, pins, and where requests go.
    #[serde(flatten)]
    pub herd: HerdView,
    /// Requests under way, oldest first.
    pub live: Vec<LiveView>,
    /// The last 20 requests that ended, newest first.
    pub recent: Vec<RequestView>,
    /// Alerts that hold, newest first.
    pub alerts: Vec<AlertView>,
    /// What was used in the last 24 hours.
    pub last_day: UsageSum,
}
