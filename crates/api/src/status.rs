//! The whole herd at a glance, and the daemon itself.

use remuda_core::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::{AccountView, HoldView, PinView, PoolView, SwitchPrice};

/// Nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Empty {}

/// The running daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Daemon {
    /// Its process.
    pub pid: u32,
    /// Since when it runs.
    pub started_at: UnixSeconds,
    /// Where agents reach it: `http://127.0.0.1:4747`.
    pub url: String,
    /// Its Unix socket.
    pub socket: String,
    /// Its version.
    pub version: String,
}

/// Everything that `remuda status` shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// When this was true.
    pub now: UnixSeconds,
    /// The daemon; `None`: not running, this was read from the store.
    pub daemon: Option<Daemon>,
    /// Where requests without a pin go: label or `@pool`.
    pub active: Option<String>,
    /// All accounts, in the owner's order.
    pub accounts: Vec<AccountView>,
    /// All pools, by name.
    pub pools: Vec<PoolView>,
    /// Sessions that a person has pinned; at most 100.
    pub pins: Vec<PinView>,
    /// Requests that wait for an account, oldest first.
    #[serde(default)]
    pub holds: Vec<HoldView>,
    /// What it would cost if every conversation went on elsewhere, if any has its prompt in a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<SwitchPrice>,
}

/// The daemon is draining: it takes no new requests, finishes those under way and ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stopping {
    /// The daemon.
    pub daemon: Daemon,
    /// It ends then at the latest.
    pub ends_by: UnixSeconds,
}
