//! What the event stream says about the present state of things.

use remuda_core::AccountId;

use super::{Api, find, left, see};
use crate::types::{ChainView, Event, HerdView, PinView};

/// More pins than this are not listed.
pub(super) const MOST_PINS: usize = 100;

impl Api {
    /// Everything that the owner decides.
    pub(super) fn herd_view(&self) -> HerdView {
        let pins = self.herd.session_pins();
        let accounts = self.views();
        self.herd.look(|herd, _| HerdView {
            active: herd.active.as_ref().map(|target| find::written(herd, target)),
            accounts,
            pools: herd.pools.keys().filter_map(|name| see::pool(herd, name)).collect(),
            chains: find::in_order(herd)
                .map(|source| ChainView { source: source.label.to_string(), targets: see::chain(herd, source.id) })
                .filter(|chain| !chain.targets.is_empty())
                .collect(),
            pins: pins
                .into_iter()
                .take(MOST_PINS)
                .map(|(session, target)| PinView { session: session.0, target: find::written(herd, &target) })
                .collect(),
        })
    }

    /// The owner changed something.
    pub(crate) fn herd_event(&self) -> Event {
        Event::Herd { at: self.now(), herd: self.herd_view() }
    }

    /// An account has changed; `None`: it is gone, which the owner's own change has told.
    pub(crate) fn account_event(&self, id: AccountId) -> Option<Event> {
        let at = self.now();
        self.view(id).ok().map(|account| Event::Accounts { at, account: Box::new(account) })
    }

    /// An account's windows were read.
    pub(crate) fn windows_event(&self, id: AccountId) -> Option<Event> {
        let at = self.now();
        self.herd.look(|herd, _| {
            let account = herd.accounts.get(&id)?;
            let windows = left::windows(herd, account, at);
            Some(Event::Windows { at, account_id: id, account: account.label.to_string(), windows })
        })
    }
}
