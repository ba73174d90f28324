//! Is enough left? Compares usable quota readings with the floors of a minimum or of the kill switch.
//!
//! Used by routing and by whoever shows effective thresholds, so that both mean the same: a floor is the least percent
//! that must remain of a window; below it the account is passed over, exactly at it it is not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::quota::{Reading, Window};
use crate::snapshot::{Policy, Snapshot, UnknownQuota};
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

/// Who says what holds for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SaidOf {
    /// It was said of this account.
    Account,
    /// It was said of all accounts, and nothing else of this one.
    Everyone,
}

/// The least percent that must remain of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor<'a> {
    /// Of which window.
    pub window: &'a Window,
    /// Percent, 0 to 100. Zero asks for nothing.
    pub percent: f64,
    /// Who says so.
    pub said_of: SaidOf,
}

/// What was said of the account, and of everyone for windows that the account's own floors do not name.
fn floors<'a>(
    own: Option<&'a BTreeMap<Window, f64>>,
    everyone: &'a BTreeMap<Window, f64>,
) -> impl Iterator<Item = Floor<'a>> {
    let floor = |said_of| move |(window, percent): (&'a Window, &f64)| Floor { window, percent: *percent, said_of };
    let general = everyone.iter().filter(move |(window, _)| own.is_none_or(|own| !own.contains_key(window)));
    own.into_iter().flatten().map(floor(SaidOf::Account)).chain(general.map(floor(SaidOf::Everyone)))
}

impl Reading {
    /// Young enough to be relied on, and a number.
    #[must_use]
    pub fn usable(&self, policy: &Policy, now: UnixSeconds) -> bool {
        self.used_percent.is_finite() && now - self.read_at <= policy.quota_max_age_s
    }
}

impl Account {
    /// Compares this account's readings with floors. Only windows that concern the model count. A floor of zero asks for
    /// nothing, so it needs no reading either.
    pub fn headroom<'a>(
        &self,
        floors: impl IntoIterator<Item = Floor<'a>>,
        model: &str,
        policy: &Policy,
        now: UnixSeconds,
    ) -> Headroom {
        let mut unknown = false;
        let mut low: Option<Option<UnixSeconds>> = None;
        for Floor { window, percent, .. } in floors {
            if percent <= 0.0 || !window.concerns(model) {
                continue;
            }
            match self.reading_of(window).filter(|reading| reading.usable(policy, now)) {
                None => unknown = true,
                // Exactly the floor is enough.
                Some(reading) if reading.remaining(now) < percent => {
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
}

impl Snapshot {
    /// The minimum of an account: below it others go first, and it serves only when nobody else can.
    pub fn minimum_of<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = Floor<'a>> {
        floors(Some(&account.min_remaining), &self.minimum.everyone)
    }

    /// The hard reserve of an account, whether the kill switch is on or not.
    pub fn reserve_of<'a>(&'a self, account: &Account) -> impl Iterator<Item = Floor<'a>> {
        floors(self.kill_switch.accounts.get(&account.id), &self.kill_switch.everyone)
    }

    /// How the account stands to its minimum.
    #[must_use]
    pub fn above_minimum(&self, account: &Account, model: &str, now: UnixSeconds) -> Headroom {
        account.headroom(self.minimum_of(account), model, &self.policy, now)
    }

    /// How the account stands to its hard reserve. Enough, while the kill switch is off.
    #[must_use]
    pub fn above_reserve(&self, account: &Account, model: &str, now: UnixSeconds) -> Headroom {
        if !self.kill_switch.enabled {
            return Headroom::Enough;
        }
        account.headroom(self.reserve_of(account), model, &self.policy, now)
    }

    /// Percent of a window that shall stay: the larger of minimum and hard reserve. What is above it can be spent freely.
    #[must_use]
    pub fn kept_of(&self, account: &Account, window: &Window) -> f64 {
        let reserve = self.reserve_of(account).filter(|_| self.kill_switch.enabled);
        let floors = self.minimum_of(account).chain(reserve).filter(|floor| floor.window.is_bucket(window));
        floors.map(|floor| floor.percent).fold(0.0, f64::max)
    }

    /// What a missing or outdated reading means for this account, and who says so.
    #[must_use]
    pub fn unknown_quota_of(&self, account: &Account) -> (UnknownQuota, SaidOf) {
        match account.unknown_quota {
            Some(own) => (own, SaidOf::Account),
            None => (self.minimum.unknown, SaidOf::Everyone),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::account::{CostClass, CredentialKind, Vendor};
    use crate::id::{AccountId, Label};

    use super::*;

    fn account() -> Account {
        let id = AccountId(uuid::Uuid::from_u128(1));
        let label = Label::new("a").unwrap();
        Account::new(id, label, Vendor::Anthropic, CredentialKind::Subscription, CostClass::Included)
    }

    #[test]
    fn what_is_said_of_an_account_goes_before_what_is_said_of_everyone_window_by_window() {
        let mut herd = Snapshot::default();
        herd.minimum.everyone = [(Window::FiveHour, 10.0), (Window::SevenDay, 5.0)].into();
        let mut account = account();
        account.min_remaining = [(Window::FiveHour, 0.0)].into();
        let said: Vec<_> = herd.minimum_of(&account).map(|f| (f.window.clone(), f.percent, f.said_of)).collect();
        assert_eq!(
            said,
            [(Window::FiveHour, 0.0, SaidOf::Account), (Window::SevenDay, 5.0, SaidOf::Everyone)],
            "a floor of zero lets this account off"
        );
    }

    #[test]
    fn a_kill_switch_that_is_off_asks_for_nothing_and_still_says_what_it_would_ask_for() {
        let mut herd = Snapshot::default();
        herd.kill_switch.everyone = [(Window::FiveHour, 10.0)].into();
        let account = account();
        assert_eq!(herd.above_reserve(&account, "m", 0), Headroom::Enough);
        assert_eq!(herd.reserve_of(&account).count(), 1);
        herd.kill_switch.enabled = true;
        assert_eq!(herd.above_reserve(&account, "m", 0), Headroom::Unknown);
    }

    #[test]
    fn a_floor_about_a_model_holds_for_that_model_alone() {
        let mut herd = Snapshot::default();
        herd.kill_switch.enabled = true;
        herd.kill_switch.everyone = [(Window::Model("opus".to_owned()), 10.0)].into();
        assert_eq!(herd.above_reserve(&account(), "claude-opus-5", 0), Headroom::Unknown);
        assert_eq!(herd.above_reserve(&account(), "claude-haiku-5", 0), Headroom::Enough);
    }
}
