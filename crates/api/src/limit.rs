//! What accounts may be used for, and requests that wait for one.

use std::collections::BTreeMap;

use remuda_core::{Host, UnixSeconds, Window};
use serde::{Deserialize, Serialize};

/// The limits of one account, or those for all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitView {
    /// Label of the account; `None`: for all accounts, where their own say nothing else.
    pub account: Option<String>,
    /// Least remaining percent per window for subagents.
    pub subagents: BTreeMap<Window, f64>,
    /// Least remaining percent per window for work in the background.
    pub background: BTreeMap<Window, f64>,
    /// Most requests at once.
    pub at_once: Option<u32>,
    /// For how many seconds a request may wait when nobody on the account's chain can serve.
    pub hold_s: Option<i64>,
}

/// All limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitList {
    /// Those for all.
    pub everyone: LimitView,
    /// Those of single accounts, in the owner's order.
    pub accounts: Vec<LimitView>,
}

/// Change limits. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitChange {
    /// Label or id; left out: for all accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Forget all of them first.
    #[serde(default)]
    pub clear: bool,
    /// Least remaining percent for subagents, of these windows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subagents: BTreeMap<Window, f64>,
    /// Least remaining percent for work in the background, of these windows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub background: BTreeMap<Window, f64>,
    /// Most requests at once; 0: as many as come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// Longest wait in seconds; 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_s: Option<i64>,
}

/// Limits before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitChanged {
    /// As they were.
    pub before: LimitView,
    /// As they are.
    pub limits: LimitView,
}

/// A request that waits for somebody who can serve it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HoldView {
    /// Its id.
    pub request: String,
    /// Its conversation.
    pub session: Option<String>,
    /// The agent that sent it.
    pub host: Host,
    /// The model it names.
    pub model: String,
    /// The working directory of its agent, where known.
    pub project: Option<String>,
    /// Since when it waits.
    pub since: UnixSeconds,
    /// When the first account is expected back.
    pub until: UnixSeconds,
}

/// Requests that wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Holds {
    /// When this was true.
    pub now: UnixSeconds,
    /// The requests, oldest first.
    pub holds: Vec<HoldView>,
}

/// Let requests wait no longer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HoldCancel {
    /// Its id or the end of it; left out: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// Those who wait no longer. Each gets the refusal that it would have got without waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HoldsCancelled {
    /// Their ids.
    pub requests: Vec<String>,
}
