//! Quota: plan windows of subscriptions, per-minute buckets of keys, and the headers that tell of both.

pub(crate) mod buckets;
pub(crate) mod headers;
pub(crate) mod windows;

use serde::{Deserialize, Serialize};

/// A plan window.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// 5 hours, whole account: `5h` in headers.
    FiveHour,
    /// 7 days, whole account: `7d` in headers.
    SevenDay,
    /// A month, whole account: Alibaba's Coding Plan.
    Month,
    /// 7 days, some models: the suffix after `7d_` in headers ("oi", "opus").
    Model(String),
}

/// A model-scoped weekly window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelWindow {
    /// Suffix after `7d_` in headers; for the Codex backend what follows `x-codex-`.
    pub suffix: String,
    /// Name in the usage endpoint's `limits[].scope.model.display_name`; of the Codex backend `limit_name`.
    pub display_name: String,
    /// Models whose id contains this are counted.
    pub models: String,
}

impl ModelWindow {
    /// The one seen in 2026: `7d_oi`, "Fable".
    #[must_use]
    pub fn fable() -> Self {
        Self { suffix: "oi".to_owned(), display_name: "Fable".to_owned(), models: "fable".to_owned() }
    }

    /// The one of the Codex backend: `x-codex-bengalfox-…`, "GPT-5.3-Codex-Spark".
    #[must_use]
    pub fn spark() -> Self {
        let (suffix, display_name, models) = ("bengalfox", "GPT-5.3-Codex-Spark", "spark");
        Self { suffix: suffix.to_owned(), display_name: display_name.to_owned(), models: models.to_owned() }
    }
}

/// What one answered request takes, in percent of each window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Of the five-hour window.
    pub five_hour: f64,
    /// Of the seven-day window; of a month's window a quarter of it.
    pub seven_day: f64,
    /// Of each model window that counts the request's model.
    pub model: f64,
}

impl Cost {
    /// For loads that are not about quota.
    pub const NOTHING: Self = Self { five_hour: 0.0, seven_day: 0.0, model: 0.0 };
}

impl Default for Cost {
    fn default() -> Self {
        Self { five_hour: 0.1, seven_day: 0.02, model: 0.1 }
    }
}

/// Which `anthropic-ratelimit-unified-*` or `x-codex-*` headers an account's answers carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaHeaders {
    /// Everything: unified, per window, overage, fallback.
    #[default]
    Full,
    /// On a refusal only the spent window's status, reset and utilization; on a success everything.
    TrioWhenSpent,
    /// None at all, nor events of them.
    None,
}

/// Per-minute limits of an API key's organisation. (OpenAI and Alibaba count input and output together: the sum.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// Requests.
    pub requests: u64,
    /// Input tokens (cache reads do not count).
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { requests: 4_000, input_tokens: 2_000_000, output_tokens: 400_000 }
    }
}

/// A window as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which.
    pub window: Window,
    /// 0 to 100 and a little over.
    pub used_percent: f64,
    /// Unix seconds; `None`: not begun.
    pub resets_at: Option<i64>,
}
