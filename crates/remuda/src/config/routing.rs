//! `[routing]`: the numbers of moves, rests and waits.

use remuda_core::snapshot::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bounded;

/// How far routing goes for one request. All of it holds at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Routing {
    /// Most moves of one request to another account.
    pub(crate) max_moves: Bounded<0, 5>,
    /// An account rests so many seconds when its vendor does not say how long.
    pub(crate) unknown_rest_s: Bounded<10, 86_400>,
    /// Such a rest doubles each time it turns out too short, up to this.
    pub(crate) unknown_rest_max_s: Bounded<10, 86_400>,
    /// Longest wait in seconds for another try on the same account.
    pub(crate) max_wait_s: Bounded<0, 300>,
    /// Tries on the same account after "too many requests".
    pub(crate) burst_retries: Bounded<0, 5>,
    /// Tries on the same account while the vendor has no capacity.
    pub(crate) overloaded_retries: Bounded<0, 5>,
    /// Tries on the same account after a passing fault.
    pub(crate) transient_retries: Bounded<0, 5>,
    /// Longest wait in seconds for an account because the conversation's prompt is in its cache; 0: none.
    pub(crate) max_stay_s: Bounded<0, 600>,
    /// What a minute of such a wait is worth in US cents, against the price of writing the prompt anew elsewhere.
    pub(crate) wait_cents_per_min: Bounded<0, 10_000>,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            max_moves: Bounded::new(5),
            unknown_rest_s: Bounded::new(900),
            unknown_rest_max_s: Bounded::new(3_600),
            max_wait_s: Bounded::new(60),
            burst_retries: Bounded::new(1),
            overloaded_retries: Bounded::new(2),
            transient_retries: Bounded::new(1),
            max_stay_s: Bounded::new(120),
            wait_cents_per_min: Bounded::new(25),
        }
    }
}

impl Routing {
    /// For routing; the rest of the numbers as they are.
    pub(crate) fn policy(&self, rest: Policy) -> Policy {
        Policy {
            max_hops: self.max_moves.get(),
            unknown_cooldown_s: i64::from(self.unknown_rest_s.get()),
            unknown_cooldown_max_s: i64::from(self.unknown_rest_max_s.get().max(self.unknown_rest_s.get())),
            max_wait_s: f64::from(self.max_wait_s.get()),
            burst_retries: self.burst_retries.get(),
            overloaded_retries: self.overloaded_retries.get(),
            transient_retries: self.transient_retries.get(),
            max_stay_s: i64::from(self.max_stay_s.get()),
            wait_usd_per_min: f64::from(self.wait_cents_per_min.get()) / 100.0,
            ..rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_routing() {
        assert_eq!(Routing::default().policy(Policy::default()), Policy::default());
    }
}
