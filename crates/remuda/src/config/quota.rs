//! `[quota]`: how what is left of the plans is found out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bounded;

/// Answers state what is left; where they do not suffice, the vendors' usage endpoints are asked. All of it holds at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Quota {
    /// Ask the vendors' usage endpoints for accounts whose answers have not said enough. `false`: only `remuda quota
    /// --refresh` asks.
    pub(crate) poll: bool,
    /// An account that matters is asked when its newest reading is older than this many seconds, give or take a fifth.
    pub(crate) poll_every_s: Bounded<60, 86_400>,
    /// A reading older than this many seconds is not relied on for minimums and the kill switch.
    pub(crate) max_age_s: Bounded<60, 86_400>,
}

impl Default for Quota {
    fn default() -> Self {
        Self { poll: true, poll_every_s: Bounded::new(300), max_age_s: Bounded::new(600) }
    }
}
