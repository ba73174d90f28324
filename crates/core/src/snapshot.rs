//! Everything routing may look at besides the request: accounts, chains, pools, rules.

mod apply;
mod learn;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::id::AccountId;
use crate::limits::Limits;
use crate::live::Live;
use crate::quota::Window;
use crate::verdict::Class;

pub use learn::Learned;

/// Something a request can be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One account.
    Account(AccountId),
    /// A named pool, without its `@`.
    Pool(String),
}

/// One stand-in on a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChainStep {
    /// Who stands in.
    pub target: Target,
    /// The model to ask instead; needed when the stand-in is of another vendor.
    pub model: Option<String>,
}

/// How a pool places a new session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The first member that can serve.
    #[default]
    Ordered,
    /// Untouched members first, then the one of whose fullest window least is used.
    Headroom,
    /// Untouched members first, then the one whose weekly window starts anew first.
    SoonestReset,
    /// The one with most to spend an hour until its reset, measured against what is under way there.
    Balanced,
    /// One after the other.
    RoundRobin,
}

impl Strategy {
    /// All of them, the default first.
    pub const ALL: [Self; 5] = [Self::Ordered, Self::Headroom, Self::SoonestReset, Self::Balanced, Self::RoundRobin];

    /// `ordered`, `headroom`, `soonest-reset`, `balanced`, `round-robin`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Headroom => "headroom",
            Self::SoonestReset => "soonest-reset",
            Self::Balanced => "balanced",
            Self::RoundRobin => "round-robin",
        }
    }
}

/// A named set of accounts.
///
/// As the place of a request (active or pinned) it gives a new session a home: of the members that can serve, the best by
/// its strategy. The other members then stand in for that home, in the pool's order, and after them the home's own chain;
/// chains of other members are never looked at. While no member can serve, the session stays without a home and is
/// placed anew next time. On a chain a pool is nothing but its members in order.
///
/// Membership is no consent to spend: a metered member needs a rule, unless every member is metered, because then
/// choosing the pool is choosing to spend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pool {
    /// How a member is chosen.
    pub strategy: Strategy,
    /// Its accounts, in the owner's order.
    pub members: Vec<AccountId>,
}

/// The rule by which a metered account may stand in for another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SpendRule {
    /// Reasons why the source could not serve that make spending acceptable.
    pub after: Vec<Class>,
    /// Most US dollars a day (UTC).
    pub daily_limit_usd: f64,
    /// Already spent today, in US dollars.
    pub spent_today_usd: f64,
}

/// A hard reserve that even failover does not break.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillSwitch {
    /// Off by default.
    pub enabled: bool,
    /// Least remaining percent per window, for every account.
    pub everyone: BTreeMap<Window, f64>,
    /// The same for single accounts; a window named here replaces the general one.
    pub accounts: BTreeMap<AccountId, BTreeMap<Window, f64>>,
}

/// What must be left of an account for it to be first choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Minimum {
    /// Least remaining percent per window, for every account; a window named by [`Account::min_remaining`] goes before it.
    pub everyone: BTreeMap<Window, f64>,
    /// What a missing or outdated reading means, for the kill switch too; [`Account::unknown_quota`] goes before it.
    pub unknown: UnknownQuota,
}

/// Whether an account whose quota is not known may serve where a minimum or a hard reserve is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnknownQuota {
    /// It may.
    Open,
    /// It may not.
    #[default]
    Closed,
}

/// The numbers routing runs on. Defaults: `tests/cases/README.md`, section 5.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Policy {
    /// Most moves to another account within one request.
    pub max_hops: u32,
    /// Rest in seconds when the vendor states no time.
    pub unknown_cooldown_s: i64,
    /// Each time the probe that ends such a rest is refused, again without a time, the rest doubles up to this.
    pub unknown_cooldown_max_s: i64,
    /// Longest wait in seconds for a retry on the same account.
    pub max_wait_s: f64,
    /// A quota reading older than this many seconds is no longer usable.
    pub quota_max_age_s: i64,
    /// Longest wait in seconds for an account because a conversation's prompt is in its cache.
    pub max_stay_s: i64,
    /// What a minute of waiting is held to be worth, in US dollars, against the price of a switch.
    pub wait_usd_per_min: f64,
    /// Retries on the same account after `burst`.
    pub burst_retries: u32,
    /// Retries on the same account after `overloaded`.
    pub overloaded_retries: u32,
    /// Retries on the same account after `transient`.
    pub transient_retries: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_hops: 5,
            unknown_cooldown_s: 900,
            unknown_cooldown_max_s: 3600,
            max_wait_s: 60.0,
            quota_max_age_s: 600,
            max_stay_s: 120,
            wait_usd_per_min: 0.25,
            burst_retries: 1,
            overloaded_retries: 2,
            transient_retries: 1,
        }
    }
}

/// The state of the herd. Changed only by [`crate::route::StateChange`]s and by its owner's commands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// All accounts.
    pub accounts: BTreeMap<AccountId, Account>,
    /// The owner's order, used by `next` and tables.
    pub order: Vec<AccountId>,
    /// Where a request without pin and session goes.
    pub active: Option<Target>,
    /// Fallback chains by source account. Directional, not transitive, empty by default.
    pub chains: BTreeMap<AccountId, Vec<ChainStep>>,
    /// Pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// Rules for metered accounts.
    pub spend_rules: BTreeMap<AccountId, SpendRule>,
    /// Soft floors.
    pub minimum: Minimum,
    /// Hard reserves.
    pub kill_switch: KillSwitch,
    /// The numbers.
    pub policy: Policy,
    /// What the owner lets accounts be used for.
    pub limits: Limits,
    /// What is under way.
    pub live: Live,
}
