//! `[records]`: bounds of the decision records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long decision records stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Records {
    /// Most records.
    pub(crate) keep: u32,
    /// Greatest age in days.
    pub(crate) keep_days: u32,
}

impl Default for Records {
    fn default() -> Self {
        let kept = remuda_store::Retention::default();
        Self { keep: kept.max_records, keep_days: u32::try_from(kept.max_age_s / 86_400).unwrap_or(30) }
    }
}
