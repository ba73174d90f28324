//! Is enough left? Compares usable quota readings with the floors of a minimum or of the kill switch.
//!
//! Used by routing and by whoever shows effective thresholds, so that both mean the same.

use crate::account::Account;
use crate::quota::{Reading, Window};
use crate::snapshot::{KillSwitch, Policy};
use crate::time::UnixSeconds;

/// How the readings of an account stand to a set of floors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headroom {
    /// Every window has at least its floor left.
    Enough,
    /// At least one window has less than its floor left.
    Low {
        /// When the last of the low windows starts anew; `None` if one of them does not say.
        until: Option<UnixSeconds>,
    },
    /// No window is known to be low, but at least one has no usable reading.
    Unknown,
}

impl Reading {
    /// Percent left. A window whose reset has passed has started anew: what was used of it before is gone.
    #[must_use]
    pub fn remaining(&self, now: UnixSeconds) -> f64 {
        if self.resets_at.is_some_and(|at| at <= now) { 100.0 } else { 100.0 - self.used_percent }
    }

    /// Young enough to be relied on, and a number.
    #[must_use]
    pub fn usable(&self, policy: &Policy, now: UnixSeconds) -> bool {
        self.used_percent.is_finite() && now - self.read_at <= policy.quota_max_age_s
    }
}

impl Account {
    /// Compares this account's readings with floors in percent. Only windows that concern the model count. A floor of
    /// zero asks for nothing, so it needs no reading either.
    pub fn headroom<'a>(
        &self,
        floors: impl IntoIterator<Item = (&'a Window, f64)>,
        model: &str,
        policy: &Policy,
        now: UnixSeconds,
    ) -> Headroom {
        let mut unknown = false;
        let mut low: Option<Option<UnixSeconds>> = None;
        for (window, floor) in floors {
            if floor <= 0.0 || !window.concerns(model) {
                continue;
            }
            match self.readings.get(window).filter(|reading| reading.usable(policy, now)) {
                None => unknown = true,
                // Exactly the floor is enough.
                Some(reading) if reading.remaining(now) < floor => {
                    low = Some(match low {
                        None => reading.resets_at,
                        Some(before) => before.zip(reading.resets_at).map(|(a, b)| a.max(b)),
                    });
                }
                Some(_) => {}
            }
        }
        match low {
            Some(until) => Headroom::Low { until },
            None if unknown => Headroom::Unknown,
            None => Headroom::Enough,
        }
    }

    /// Compares with the account's own minimum.
    #[must_use]
    pub fn minimum_headroom(&self, model: &str, policy: &Policy, now: UnixSeconds) -> Headroom {
        self.headroom(self.min_remaining.iter().map(|(window, floor)| (window, *floor)), model, policy, now)
    }
}

impl KillSwitch {
    /// The floors that hold for an account: its own, and the general ones for windows that its own do not name.
    pub fn floors<'a>(&'a self, account: &Account) -> impl Iterator<Item = (&'a Window, f64)> + use<'a> {
        let own = self.accounts.get(&account.id);
        let general = self.everyone.iter().filter(move |(window, _)| own.is_none_or(|own| !own.contains_key(window)));
        own.into_iter().flatten().chain(general).filter(|_| self.enabled).map(|(window, floor)| (window, *floor))
    }
}
