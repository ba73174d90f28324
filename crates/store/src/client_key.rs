//! Local keys of hosts, as the store knows them: hashed, scoped, ending. The key itself is shown once and kept nowhere.

use std::fmt;

use remuda_core::snapshot::Target;
use remuda_core::{Host, KeyScope, UnixSeconds};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// SHA-256 of a whole client key (`rmd_…`). Keys are random and long, so a plain hash cannot be searched.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// Id of a client key, for listing and revoking: a UUIDv7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub Uuid);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One client key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey {
    /// Its id.
    pub id: KeyId,
    /// What a presented key must hash to.
    pub hash: KeyHash,
    /// Its first characters, for tables: `rmd_3fKq`.
    pub prefix: String,
    /// What it is for, in the owner's words or ours: `remuda run claude (pid 4711)`.
    pub purpose: String,
    /// What it opens.
    pub scope: KeyScope,
    /// The host that holds it.
    pub host: Host,
    /// The only target it may use, if limited. It stays when that account or pool is removed: a limited key never
    /// becomes an unlimited one, it only stops serving.
    pub pin: Option<Target>,
    /// Does the pin come from a project's `.remuda.toml`? Decision records say so.
    pub pinned_by_project: bool,
    /// The working directory of the agent that holds it, where known.
    pub project: Option<String>,
    /// For how many seconds its agent may be kept waiting when nobody can serve; `None`: as the limits of accounts say.
    pub hold_s: Option<i64>,
    /// First second at which it no longer opens anything.
    pub expires_at: Option<UnixSeconds>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it was last used, as far as written behind.
    pub last_used_at: Option<UnixSeconds>,
}
