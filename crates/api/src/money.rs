//! The rules by which metered accounts may stand in for others.

use remuda_core::Class;
use serde::{Deserialize, Serialize};

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SpendRuleView {
    /// Label of the metered account.
    pub account: String,
    /// Reasons why another account could not serve that make spending acceptable.
    pub after: Vec<Class>,
    /// Most US dollars a day (UTC).
    pub daily_limit_usd: f64,
    /// Spent today, in US dollars at list price.
    pub spent_today_usd: f64,
}

/// All rules, and the metered accounts that have none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SpendRules {
    /// The rules, in the owner's order of accounts.
    pub rules: Vec<SpendRuleView>,
    /// Labels of metered accounts without a rule: they never stand in.
    pub without_rule: Vec<String>,
}

/// Write or replace a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SpendChange {
    /// Label or id of a metered account.
    pub account: String,
    /// Reasons; left out: as before, or `window_exhausted` in a new rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<Class>>,
    /// Most US dollars a day; left out: as before. A new rule needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_limit_usd: Option<f64>,
}

/// A rule before and after; `None`: there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SpendChanged {
    /// Label of the account.
    pub account: String,
    /// As it was.
    pub before: Option<SpendRuleView>,
    /// As it is.
    pub rule: Option<SpendRuleView>,
}
