//! What requests have learned enters the snapshot here, and nowhere else.

use crate::account::{Account, Cooldown};
use crate::id::AccountId;
use crate::route::StateChange;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Applies what a route returned. A change about an account that is gone is dropped. Homes of sessions
    /// ([`StateChange::Bind`]) are kept elsewhere; here only the pool's turn moves on.
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
            StateChange::Bind(_, home) => {
                if let Some(pool) = home.pool.as_ref().filter(|pool| self.pools.contains_key(*pool)) {
                    self.live.placed(pool, home.account);
                }
            }
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

#[cfg(test)]
mod tests {
    use crate::account::{AccountStatus, CostClass, CredentialKind, Vendor};
    use crate::id::Label;
    use crate::verdict::Class;

    use super::*;

    fn id(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    fn herd() -> Snapshot {
        let label = Label::new("a").unwrap();
        let account = Account::new(id(1), label, Vendor::Anthropic, CredentialKind::Subscription, CostClass::Included);
        Snapshot { accounts: [(id(1), account)].into(), ..Snapshot::default() }
    }

    fn rest(until: i64) -> Cooldown {
        let (reason, evidence) = (Class::ModelExhausted, String::new());
        Cooldown { until, reason, stated: false, since: 0, evidence, probing_until: None }
    }

    #[test]
    fn models_at_rest_are_bounded_and_the_first_to_be_back_is_forgotten() {
        let mut herd = herd();
        for n in 0..Account::MAX_MODEL_COOLDOWNS as i64 + 1 {
            herd.apply(&StateChange::ModelCooling(id(1), format!("m{n}"), Some(rest(1_000 + n))));
        }
        let resting = &herd.accounts[&id(1)].model_cooling;
        assert_eq!(resting.len(), Account::MAX_MODEL_COOLDOWNS);
        assert!(!resting.contains_key("m0") && resting.contains_key("m64"));
        herd.apply(&StateChange::ModelCooling(id(1), "m5".to_owned(), Some(rest(9_000))));
        assert_eq!(herd.accounts[&id(1)].model_cooling["m5"].until, 9_000, "one that is known needs no room");
    }

    #[test]
    fn changes_about_an_account_that_is_gone_are_dropped() {
        let mut herd = herd();
        let before = herd.clone();
        herd.apply(&StateChange::Cooling(id(2), Some(rest(9))));
        herd.apply(&StateChange::Status(id(2), AccountStatus::Disabled));
        assert_eq!(herd, before);
    }

    #[test]
    fn a_probe_is_noted_on_a_rest_and_only_there() {
        let mut herd = herd();
        herd.apply(&StateChange::Probing(id(1), None, Some(60)));
        assert_eq!(herd.accounts[&id(1)].cooling, None);
        herd.apply(&StateChange::Cooling(id(1), Some(rest(9))));
        herd.apply(&StateChange::Probing(id(1), None, Some(60)));
        assert_eq!(herd.accounts[&id(1)].cooling.as_ref().and_then(|rest| rest.probing_until), Some(60));
        herd.apply(&StateChange::Probing(id(1), None, None));
        assert_eq!(herd.accounts[&id(1)].cooling, Some(rest(9)));
    }
}
