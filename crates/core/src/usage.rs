//! What was used and what it cost, as a sum.

use serde::{Deserialize, Serialize};

use crate::record::{AttemptEnd, Record};
use crate::route::Outcome;

/// Usage is counted in quarters of an hour: the zones of all countries begin their days on one.
pub const QUARTER_S: i64 = 900;

/// A sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageSum {
    /// Requests that draw on quota; counting tokens and listing models do not.
    pub requests: u64,
    /// Those of them that nobody served, or that broke off.
    pub failed: u64,
    /// Those of them that another account served than the one they were meant for.
    pub moved: u64,
    /// Input that no cache served.
    pub input: u64,
    /// Output, reasoning included.
    pub output: u64,
    /// The part of the output that was reasoning, where the vendor says so.
    pub reasoning: u64,
    /// Input read from the prompt cache.
    pub cache_read: u64,
    /// Input written to the five-minute prompt cache.
    pub cache_write_5m: u64,
    /// Input written to the one-hour prompt cache.
    pub cache_write_1h: u64,
    /// List price in US dollars of everything whose price is known.
    pub cost_usd: f64,
    /// The part of it on metered accounts: what the owner really pays by use.
    pub metered_usd: f64,
    /// Requests with tokens whose price is not known. Their cost is in no sum.
    pub unpriced: u64,
    /// What the prompt cache saved at list price: what the same input would have cost without it, less what it cost.
    /// Negative while writes have not paid off.
    pub cache_saved_usd: f64,
}

impl UsageSum {
    /// What one request used. `None`: it does not draw on quota.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        if !record.kind.draws_on_quota() {
            return None;
        }
        let tokens = &record.tokens;
        let count = |tokens: Option<u64>| tokens.unwrap_or(0);
        let last = record.attempts.last();
        let unserved = !matches!(record.outcome, Outcome::Served { .. });
        let left = last.is_some_and(|last| matches!(last.ended, AttemptEnd::Abandoned));
        let moved = last.is_some_and(|last| record.source.is_some_and(|source| source != last.account));
        let metered = record.cost_class == Some(crate::CostClass::Metered);
        let counted = tokens.input.or(tokens.output).is_some();
        Some(Self {
            requests: 1,
            failed: u64::from(unserved && !left && !record.stopped),
            moved: u64::from(moved),
            input: count(tokens.input),
            output: count(tokens.output),
            reasoning: count(tokens.reasoning),
            cache_read: count(tokens.cache_read),
            cache_write_5m: count(tokens.cache_write_5m),
            cache_write_1h: count(tokens.cache_write_1h),
            cost_usd: record.cost_usd.unwrap_or(0.0),
            metered_usd: record.cost_usd.filter(|_| metered).unwrap_or(0.0),
            unpriced: u64::from(counted && record.cost_usd.is_none()),
            cache_saved_usd: record.cache_saved_usd.unwrap_or(0.0),
        })
    }

    /// All input, cached or not.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }

    /// Share of all input that the prompt cache served, in percent; `None`: there was no input.
    #[must_use]
    pub fn cache_hit_percent(&self) -> Option<f64> {
        let prompt = self.prompt();
        (prompt > 0).then(|| 100.0 * self.cache_read as f64 / prompt as f64)
    }

    /// Takes another sum in.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.moved += other.moved;
        self.input += other.input;
        self.output += other.output;
        self.reasoning += other.reasoning;
        self.cache_read += other.cache_read;
        self.cache_write_5m += other.cache_write_5m;
        self.cache_write_1h += other.cache_write_1h;
        self.cost_usd += other.cost_usd;
        self.metered_usd += other.metered_usd;
        self.unpriced += other.unpriced;
        self.cache_saved_usd += other.cache_saved_usd;
    }
}
