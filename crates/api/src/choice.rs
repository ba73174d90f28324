//! Which account serves: the active one, pins, chains, pools, and forgetting what was remembered.

use remuda_core::snapshot::Strategy;
use serde::{Deserialize, Serialize};

/// Choose where requests go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActiveChange {
    /// Label or `@pool`.
    pub target: String,
    /// Only this session (the host's own session id, or a unique beginning of a known one).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// Move to the next account in the owner's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NextChange {
    /// Only this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActiveChanged {
    /// Where requests go now: label or `@pool`.
    pub target: String,
    /// Where they went before.
    pub before: Option<String>,
    /// The session this concerns; `None`: everything without a pin of its own.
    pub session: Option<String>,
    /// What it costs that conversations leave their prompt caches, if any do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchPrice>,
    /// What a careful owner wants to know about the choice: it is metered, it rests until …
    pub notes: Vec<String>,
}

/// What it costs that conversations leave the accounts in whose caches their prompts are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SwitchPrice {
    /// How many conversations.
    pub sessions: u64,
    /// Tokens that are written anew.
    pub tokens: u64,
    /// What that costs more than reading them, in US dollars at list price; `None`: not known.
    pub usd: Option<f64>,
}

/// A session that a person has pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PinView {
    /// The session.
    pub session: String,
    /// Where its requests go: label or `@pool`.
    pub target: String,
}

/// Who may stand in for one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChainView {
    /// Label of the account that is stood in for.
    pub source: String,
    /// Who stands in, in order: labels and `@pools`.
    pub targets: Vec<String>,
}

/// All chains that are not empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Chains {
    /// The chains, in the owner's order of accounts.
    pub chains: Vec<ChainView>,
}

/// Replace a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChainChange {
    /// Label or id of the account that is stood in for.
    pub source: String,
    /// Who stands in, in order: labels and `@pools`. Empty clears the chain.
    pub targets: Vec<String>,
}

/// A chain before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChainChanged {
    /// Label of the account that is stood in for.
    pub source: String,
    /// Who stands in now.
    pub targets: Vec<String>,
    /// Who stood in before.
    pub before: Vec<String>,
    /// What a careful owner wants to know: a stand-in is metered and has no rule.
    pub notes: Vec<String>,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolView {
    /// Its name, without `@`.
    pub name: String,
    /// How a member is chosen.
    pub strategy: Strategy,
    /// Labels of its members, in order.
    pub members: Vec<String>,
    /// Labels of the accounts on whose chains it stands.
    pub on_chains_of: Vec<String>,
    /// Is it where requests without a pin go?
    pub active: bool,
}

/// All pools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pools {
    /// The pools, by name.
    pub pools: Vec<PoolView>,
}

/// Names a pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolRef {
    /// Its name, with or without `@`.
    pub pool: String,
}

/// Make a pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolCreate {
    /// Its name, with or without `@`.
    pub pool: String,
    /// Labels or ids of its members, in order; at least one.
    pub members: Vec<String>,
    /// How a member is chosen.
    #[serde(default)]
    pub strategy: Strategy,
}

/// What to change about a pool. Fields left out stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolChange {
    /// Its name, with or without `@`.
    pub pool: String,
    /// Its new members, in order; at least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<String>>,
    /// Members to put at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Members to take out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// How a member is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
}

/// A pool before and after. `before` is `None` for a new pool, `pool` is `None` for one that is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolChanged {
    /// As it was.
    pub before: Option<PoolView>,
    /// As it is.
    pub pool: Option<PoolView>,
    /// What a careful owner wants to know.
    pub notes: Vec<String>,
}

/// What to forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResetWhat {
    /// Rests of accounts and models: each account may be asked again at once.
    #[default]
    Cooldowns,
    /// Session pins and homes: every session is placed anew.
    Pins,
    /// Both.
    All,
}

/// Forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reset {
    /// What.
    #[serde(default)]
    pub what: ResetWhat,
}

/// What was forgotten.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResetDone {
    /// What was asked for.
    pub what: ResetWhat,
    /// Labels of the accounts whose rest ended.
    pub accounts: Vec<String>,
    /// How many sessions lost their pin or home.
    pub sessions: u64,
}
