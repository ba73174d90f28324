//! What the owner lets an account be used for: how much of it is kept for whom, how many requests it carries at once, how
//! long one may wait for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::quota::Window;
use crate::request::RequestKind;

/// The limits of one account, or those for all. Nothing is limited by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AccountLimits {
    /// Least remaining percent per window for subagents: what is below is kept for conversations with a person.
    pub subagents: BTreeMap<Window, f64>,
    /// Least remaining percent per window for work in the background. Never less than for subagents.
    pub background: BTreeMap<Window, f64>,
    /// Most requests at once.
    pub at_once: Option<u32>,
    /// When nobody on the account's chain can serve: for how many seconds a request may wait for the first who can.
    pub hold_s: Option<i64>,
}

impl AccountLimits {
    /// Is nothing limited?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// All limits. What an account's own say goes before what those for all say, window by window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Limits {
    /// For every account.
    pub everyone: AccountLimits,
    /// For single accounts.
    pub accounts: BTreeMap<AccountId, AccountLimits>,
}

impl Limits {
    /// Most requests that the account carries at once.
    #[must_use]
    pub fn at_once(&self, account: AccountId) -> Option<u32> {
        self.own(account, |own| own.at_once)
    }

    /// For how many seconds a request may be held whose source the account is.
    #[must_use]
    pub fn hold_s(&self, account: AccountId) -> Option<i64> {
        self.own(account, |own| own.hold_s)
    }

    /// Percents below which the account no longer serves a request of this kind. Interactive work has none.
    #[must_use]
    pub fn floors(&self, account: AccountId, kind: RequestKind) -> BTreeMap<&Window, f64> {
        let mut floors = BTreeMap::new();
        let interactive = !matches!(kind, RequestKind::Subagent | RequestKind::Background);
        if interactive || (self.everyone.is_empty() && self.accounts.is_empty()) {
            return floors;
        }
        let subagents = self.named(account, |limits| &limits.subagents);
        let background = self.named(account, |limits| &limits.background).filter(|_| kind == RequestKind::Background);
        for (window, percent) in subagents.chain(background) {
            let floor = floors.entry(window).or_insert(percent);
            *floor = floor.max(percent);
        }
        floors
    }

    fn own<T>(&self, account: AccountId, get: impl Fn(&AccountLimits) -> Option<T>) -> Option<T> {
        self.accounts.get(&account).and_then(&get).or_else(|| get(&self.everyone))
    }

    fn named<'s>(
        &'s self,
        account: AccountId,
        get: impl Fn(&'s AccountLimits) -> &'s BTreeMap<Window, f64>,
    ) -> impl Iterator<Item = (&'s Window, f64)> {
        let own = self.accounts.get(&account).map(&get);
        let general =
            get(&self.everyone).iter().filter(move |(window, _)| own.is_none_or(|own| !own.contains_key(window)));
        own.into_iter().flatten().chain(general).map(|(window, percent)| (window, *percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    fn limits() -> Limits {
        let floors = |pairs: &[(Window, f64)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
        let everyone = AccountLimits {
            subagents: floors(&[(Window::FiveHour, 20.0), (Window::SevenDay, 10.0)]),
            background: floors(&[(Window::FiveHour, 50.0)]),
            at_once: Some(8),
            hold_s: None,
        };
        let own = AccountLimits { subagents: floors(&[(Window::FiveHour, 60.0)]), ..AccountLimits::default() };
        Limits { everyone, accounts: [(id(1), AccountLimits { hold_s: Some(60), ..own })].into() }
    }

    #[test]
    fn interactive_work_comes_before_subagents_and_those_before_the_background() {
        let limits = limits();
        assert!(limits.floors(id(2), RequestKind::Main).is_empty());
        let subagents = limits.floors(id(2), RequestKind::Subagent);
        assert_eq!(subagents, [(&Window::FiveHour, 20.0), (&Window::SevenDay, 10.0)].into());
        let background = limits.floors(id(2), RequestKind::Background);
        assert_eq!(background, [(&Window::FiveHour, 50.0), (&Window::SevenDay, 10.0)].into(), "never less than theirs");
    }

    #[test]
    fn what_an_account_says_itself_replaces_the_general_limit_of_that_window() {
        let limits = limits();
        let floors = [(&Window::FiveHour, 60.0), (&Window::SevenDay, 10.0)].into();
        assert_eq!(limits.floors(id(1), RequestKind::Subagent), floors);
        assert_eq!(limits.floors(id(1), RequestKind::Background), floors);
        assert_eq!((limits.at_once(id(1)), limits.hold_s(id(1))), (Some(8), Some(60)));
        assert_eq!((limits.at_once(id(2)), limits.hold_s(id(2))), (Some(8), None));
    }
}
