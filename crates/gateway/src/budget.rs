//! The retry budget: how many repeated tries on the same account are acceptable in all, so that many clients together
//! do not multiply the load on a vendor that is already in trouble. Moves to another account are not counted: they are
//! bounded per request by the routing policy.

use parking_lot::Mutex;

/// Tokens that requests deposit and retries withdraw. Time passes by the caller's clock.
#[derive(Debug)]
pub struct RetryBudget {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Thousandths of a retry.
    tokens: u64,
    refilled_ms: u64,
}

impl RetryBudget {
    /// Thousandths of a retry that one retry costs.
    const ONE: u64 = 1000;
    /// Every request deposits a fifth of a retry.
    const SHARE: u64 = 200;
    /// Beside that, ten retries a second are always acceptable: ten thousandths a millisecond.
    const PER_MS: u64 = 10;
    /// A hundred retries can be saved up.
    const MOST: u64 = 100 * Self::ONE;

    /// A full budget.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Mutex::new(State { tokens: Self::MOST, refilled_ms: 0 }) }
    }

    /// A request has arrived.
    pub fn deposit(&self) {
        let mut state = self.state.lock();
        state.tokens = (state.tokens + Self::SHARE).min(Self::MOST);
    }

    /// May one more retry be made? `now_ms`: milliseconds on any clock that does not go back.
    pub fn withdraw(&self, now_ms: u64) -> bool {
        let mut state = self.state.lock();
        let passed = now_ms.saturating_sub(state.refilled_ms);
        state.refilled_ms = state.refilled_ms.max(now_ms);
        state.tokens = state.tokens.saturating_add(passed.saturating_mul(Self::PER_MS)).min(Self::MOST);
        let enough = state.tokens >= Self::ONE;
        if enough {
            state.tokens -= Self::ONE;
        }
        enough
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_retries_is_cut_to_the_steady_rate() {
        let budget = RetryBudget::new();
        let allowed = (0..1000).filter(|_| budget.withdraw(5)).count();
        assert_eq!(allowed, 100);
        let later = (0..1000).filter(|_| budget.withdraw(1005)).count();
        assert_eq!(later, 10);
    }

    #[test]
    fn requests_earn_retries() {
        let budget = RetryBudget::new();
        while budget.withdraw(5) {}
        for _ in 0..50 {
            budget.deposit();
        }
        assert_eq!((0..1000).filter(|_| budget.withdraw(5)).count(), 10);
    }

    #[test]
    fn a_clock_that_jumps_back_gives_nothing() {
        let budget = RetryBudget::new();
        while budget.withdraw(10_000) {}
        assert!(!budget.withdraw(5));
        assert!(!budget.withdraw(10_000));
    }
}
