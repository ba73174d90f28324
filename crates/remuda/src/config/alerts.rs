//! `[alerts]`: what is worth an alert, and where it goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bounded;

/// What the owner is told without looking. All of it holds at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Alerts {
    /// A quota window is nearly spent when this share of it is used, in percent.
    pub(crate) window_percent: Bounded<1, 100>,
    /// A metered account is told of when it has spent this share of its daily ceiling, in percent.
    pub(crate) spending_percent: Bounded<1, 100>,
    /// A session runs away when it uses more tokens within an hour; cached input counts, too. 0: never.
    pub(crate) tokens_per_hour: u64,
    /// A session repeats itself when it sends requests of the very same size so many times in a row. 0: never.
    pub(crate) repeats: u32,
    /// Show alerts on the desktop: `notify-send` on Linux, `osascript` on macOS.
    pub(crate) desktop: bool,
    /// Send alerts as JSON to this address, by POST.
    pub(crate) webhook: Option<String>,
}

impl Default for Alerts {
    fn default() -> Self {
        let rules = remuda_control::AlertRules::default();
        Self {
            window_percent: Bounded::new(90),
            spending_percent: Bounded::new(90),
            tokens_per_hour: rules.tokens_per_hour,
            repeats: rules.repeats,
            desktop: false,
            webhook: None,
        }
    }
}
