//! What requests have learned enters the snapshot here, and nowhere else.

use crate::account::{Account, Cooldown};
use crate::id::AccountId;
use crate::route::StateChange;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Applies what a route returned. A change about an account that is gone is dropped. Homes of sessions
    /// ([`StateChange::Bind`]) are kept elsewhere and leave the snapshot as it is.
    pub fn apply(&mut self, change: &StateChange) {
        match change {
            StateChange::Cooling(id, rest) => self.change(*id, |account| account.cooling.clone_from(rest)),
            StateChange::ModelCooling(id, model, Some(rest)) => {
                self.change(*id, |account| account.rest_model(model, rest));
            }
            StateChange::ModelCooling(id, model, None) => {
                self.change(*id, |account| drop(account.model_cooling.remove(model)));
            }
            StateChange::Probing(id, model, until) => self.change(*id, |account| {
                let rest = match model {
                    None => account.cooling.as_mut(),
                    Some(model) => account.model_cooling.get_mut(model),
                };
                if let Some(rest) = rest {
                    rest.probing_until = *until;
                }
            }),
            StateChange::Status(id, status) => self.change(*id, |account| account.status = *status),
            StateChange::Bind(..) => {}
        }
    }

    fn change(&mut self, id: AccountId, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.accounts.get_mut(&id) {
            change(account);
        }
    }
}

impl Account {
    /// When there is no room for another model, the one whose rest ends first is forgotten.
    fn rest_model(&mut self, model: &str, rest: &Cooldown) {
        if self.model_cooling.len() >= Self::MAX_MODEL_COOLDOWNS && !self.model_cooling.contains_key(model) {
            let first = self.model_cooling.iter().min_by_key(|(_, rest)| rest.until).map(|(model, _)| model.clone());
            first.and_then(|model| self.model_cooling.remove(&model));
        }
        self.model_cooling.insert(model.to_owned(), rest.clone());
    }
}
