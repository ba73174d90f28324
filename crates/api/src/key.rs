//! Client keys: what an agent presents to the gateway.

use remuda_core::{Host, UnixSeconds};
use serde::{Deserialize, Serialize};

pub use remuda_core::KeyScope;

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyView {
    /// Names it in `key revoke`.
    pub id: String,
    /// Its first characters: `rmd_3fKq`.
    pub begins_with: String,
    /// What its owner calls it.
    pub name: String,
    /// What it opens.
    pub scope: KeyScope,
    /// The agent that holds it.
    pub host: Host,
    /// The account or `@pool` its requests go to; `None`: the active one.
    pub pin: Option<String>,
    /// The working directory of the agent that holds it, where known.
    #[serde(default)]
    pub project: Option<String>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it ends by itself.
    pub expires_at: Option<UnixSeconds>,
    /// When it was last used, as far as it is written down.
    pub last_used_at: Option<UnixSeconds>,
}

/// All keys that are still good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Keys {
    /// When this was true.
    pub now: UnixSeconds,
    /// The keys, oldest first.
    pub keys: Vec<KeyView>,
}

/// Make a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyCreate {
    /// What its owner calls it.
    pub name: String,
    /// The agent that will hold it.
    pub host: Host,
    /// What it opens.
    #[serde(default)]
    pub scope: KeyScope,
    /// The account or `@pool` its requests go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Does the pin come from a project file? Then decision records say so.
    #[serde(default)]
    pub pinned_by_project: bool,
    /// For how many seconds its agent may be kept waiting when nobody can serve; left out: as the limits of accounts say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_s: Option<i64>,
    /// The working directory of the agent that will hold it: usage is told by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Seconds until it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_s: Option<u64>,
}

/// The only answer that ever holds a key's secret; it cannot be asked for again.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyCreated {
    /// The key.
    pub key: KeyView,
    /// `rmd_…`: what the agent presents.
    pub secret: super::SentSecret,
}

/// Names a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRef {
    /// Its id, or its name when only one key has it.
    pub key: String,
}

/// A key that opens nothing any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRevoked {
    /// As it was.
    pub key: KeyView,
}
