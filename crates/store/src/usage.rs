//! Usage on the disk: how sums are asked for. Kept longer than decision records, because it is small.

use remuda_core::usage::UsageSum;
use remuda_core::{AccountId, Host, UnixSeconds};

/// How long usage stays. Applied with every append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageRetention {
    /// Most rows: one for each quarter of an hour, account, agent, directory and model in which something happened.
    /// Default 200 000, some 30 MB.
    pub max_rows: u32,
    /// Greatest age in seconds. Default 400 days.
    pub max_age_s: i64,
}

impl Default for UsageRetention {
    fn default() -> Self {
        Self { max_rows: 200_000, max_age_s: 400 * 24 * 3600 }
    }
}

/// By what to split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageKey {
    /// Nothing: one sum.
    All,
    /// Who served.
    Account,
    /// Working directory of the agent.
    Project,
    /// The model that was asked for.
    Model,
    /// The agent program.
    Host,
}

/// What to add up. All conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// Boundaries of the buckets, ascending: `n + 1` of them for `n` buckets. Whole quarters of an hour.
    pub bounds: Vec<UnixSeconds>,
    /// By what to split each bucket.
    pub by: UsageKey,
    /// Only this account.
    pub account: Option<AccountId>,
    /// Only this directory.
    pub project: Option<String>,
    /// Only this model.
    pub model: Option<String>,
    /// Only this agent.
    pub host: Option<Host>,
}

/// One sum.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageGroup {
    /// First second of its bucket.
    pub from: UnixSeconds,
    /// What it belongs to: an account's id, a directory, a model, an agent. Empty: not known, or not split.
    pub key: String,
    /// The label that an account had when it was last used.
    pub label: Option<String>,
    /// The sum.
    pub sum: UsageSum,
}
