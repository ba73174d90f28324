//! What was used and what it cost, by time and by whom.
//!
//! Counted once per request of the vendor, in quarters of an hour. Cost is the list price at the time of the request; the
//! cost of a model whose price is not known is unknown, and such requests are counted in [`UsageSum::unpriced`].

pub use remuda_core::usage::UsageSum;
use remuda_core::{Host, UnixSeconds};
use serde::{Deserialize, Serialize};

/// By what to split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UsageBy {
    /// Who served.
    Account,
    /// Working directory of the agent.
    Project,
    /// The model that was asked for.
    Model,
    /// The agent program.
    Agent,
}

/// Length of a bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UsageBucket {
    /// An hour.
    Hour,
    /// A calendar day.
    Day,
    /// A week from Monday.
    Week,
    /// A calendar month.
    Month,
}

/// What to add up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageAsked {
    /// From then on; left out: 30 days ago. Moved down to a quarter of an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixSeconds>,
    /// Before then; left out: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixSeconds>,
    /// Buckets of time; left out: none. At most 1000 buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<UsageBucket>,
    /// Where days begin: an IANA name such as `Europe/Berlin`. Left out: where the daemon is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Split by this; left out: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UsageBy>,
    /// Only this account: label or id, also of one that was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Only this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Host>,
}

/// One part of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageRow {
    /// What it belongs to: an account's label, a directory, a model, an agent. Empty: not known.
    pub key: String,
    /// The sum.
    #[serde(flatten)]
    pub sum: UsageSum,
    /// Share of the input that the prompt cache served, in percent.
    pub cache_hit_percent: Option<f64>,
}

impl UsageRow {
    /// A row.
    #[must_use]
    pub fn new(key: String, sum: UsageSum) -> Self {
        Self { key, sum, cache_hit_percent: sum.cache_hit_percent() }
    }
}

/// One bucket of time. A bucket in which nothing happened is there, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageTime {
    /// Its first second.
    pub from: UnixSeconds,
    /// The first second behind it.
    pub to: UnixSeconds,
    /// Its beginning where the reader is: `2026-11-20`, `2026-11-20 14:00`, `2026-11`.
    pub name: String,
    /// The sum.
    #[serde(flatten)]
    pub sum: UsageSum,
    /// The same, split: largest cost first, then most tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<UsageRow>,
}

/// What was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    /// When this was true.
    pub now: UnixSeconds,
    /// First second that is counted.
    pub since: UnixSeconds,
    /// First second that is not.
    pub until: UnixSeconds,
    /// Where its days begin.
    pub zone: String,
    /// Edition of the price table now.
    pub prices: String,
    /// The sum of all.
    pub total: UsageRow,
    /// The same, split: largest cost first, then most tokens.
    pub rows: Vec<UsageRow>,
    /// The same by time, oldest first.
    pub times: Vec<UsageTime>,
}
