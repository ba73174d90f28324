//! Who rests, and until when. Two labels of one real account rest together.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::account::{Account, Cooldown, Identity};
use crate::snapshot::Snapshot;
use crate::time::UnixSeconds;

impl Cooldown {
    /// Does it still hold? It is over at its second.
    #[must_use]
    pub fn holds(&self, now: UnixSeconds) -> bool {
        self.until > now
    }

    /// It is over, but its end was only a guess: one request has to find out before all others follow.
    #[must_use]
    pub fn needs_probe(&self, now: UnixSeconds) -> bool {
        !self.stated && !self.holds(now)
    }

    /// Until when another request's probe is waited for, if one is under way.
    #[must_use]
    pub fn being_probed(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        self.probing_until.filter(|until| *until > now && self.needs_probe(now))
    }
}

impl Snapshot {
    /// The rest that keeps the whole account back now: its own or that of another label of the same real account,
    /// whichever ends last.
    #[must_use]
    pub fn resting<'s>(&'s self, account: &'s Account, now: UnixSeconds) -> Option<&'s Cooldown> {
        Rests::new(self, now).of(account)
    }
}

/// All rests at one moment. Looks through the herd at most once, however many candidates are asked about.
pub(crate) struct Rests<'s> {
    snapshot: &'s Snapshot,
    now: UnixSeconds,
    by_identity: OnceCell<HashMap<&'s Identity, &'s Cooldown>>,
}

impl<'s> Rests<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot, now: UnixSeconds) -> Self {
        Self { snapshot, now, by_identity: OnceCell::new() }
    }

    /// See [`Snapshot::resting`].
    pub(crate) fn of(&self, account: &'s Account) -> Option<&'s Cooldown> {
        let own = account.cooling.as_ref().filter(|rest| rest.holds(self.now));
        let shared = account.identity.as_ref().and_then(|identity| self.by_identity().get(identity).copied());
        // The last of equal maxima wins: the account's own.
        shared.into_iter().chain(own).max_by_key(|rest| rest.until)
    }

    /// For every real account that rests under any label: its longest rest.
    fn by_identity(&self) -> &HashMap<&'s Identity, &'s Cooldown> {
        self.by_identity.get_or_init(|| {
            let mut longest = HashMap::new();
            for account in self.snapshot.accounts.values() {
                let rest = account.cooling.as_ref().filter(|rest| rest.holds(self.now));
                if let (Some(identity), Some(rest)) = (&account.identity, rest) {
                    let known = longest.entry(identity).or_insert(rest);
                    if rest.until > known.until {
                        *known = rest;
                    }
                }
            }
            longest
        })
    }
}
