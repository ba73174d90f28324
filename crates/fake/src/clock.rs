//! The vendor's clock: real or standing still, and it can be put forward. Used for everything the vendor dates.

use std::time::{SystemTime, UNIX_EPOCH};

/// How time passes at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// As everywhere, plus what [`crate::Fake::advance`] added.
    Real,
    /// Stands at these unix seconds until [`crate::Fake::advance`].
    Simulated(i64),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Clock {
    mode: ClockMode,
    ahead_ms: i64,
}

impl Clock {
    pub(crate) fn new(mode: ClockMode) -> Self {
        Self { mode, ahead_ms: 0 }
    }

    pub(crate) fn advance(&mut self, seconds: i64) {
        self.ahead_ms = self.ahead_ms.saturating_add(seconds.saturating_mul(1000));
    }

    /// Unix milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        let base = match self.mode {
            ClockMode::Real => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            ClockMode::Simulated(at) => at.saturating_mul(1000),
        };
        base.saturating_add(self.ahead_ms)
    }

    /// Unix seconds, rounded down.
    pub(crate) fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }
}
