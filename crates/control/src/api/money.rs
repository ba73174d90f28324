//! Rules for metered accounts.

use remuda_core::snapshot::{Snapshot, SpendRule};
use remuda_core::{Account, AccountId, Class, CostClass};
use remuda_store::Edit;

use super::stored::Told;
use super::{Api, find};
use crate::types::{AccountRef, Empty, SpendChange, SpendChanged, SpendRuleView, SpendRules};
use crate::types::{Code, Failure};

/// More than anybody spends on agents in a day by intention.
const HIGHEST_DAILY_USD: f64 = 100_000.0;

impl Api {
    /// All rules.
    ///
    /// # Errors
    /// None so far.
    pub async fn spend_rules(&self, _: Empty) -> Result<SpendRules, Failure> {
        Ok(self.herd.look(|herd, _| SpendRules {
            rules: find::in_order(herd).filter_map(|account| rule(herd, account.id)).collect(),
            without_rule: find::in_order(herd)
                .filter(|account| account.cost == CostClass::Metered && !herd.spend_rules.contains_key(&account.id))
                .map(|account| account.label.to_string())
                .collect(),
        }))
    }

    /// Writes or replaces a rule.
    ///
    /// # Errors
    /// The account is unknown or not metered, the rule is incomplete or makes no sense, or the store fails.
    pub async fn set_spend(&self, change: SpendChange) -> Result<SpendChanged, Failure> {
        let (id, before, new) = self.herd.look(|herd, _| {
            let account = find::account(herd, &change.account)?;
            metered(account)?;
            let known = herd.spend_rules.get(&account.id);
            Ok::<_, Failure>((account.id, rule(herd, account.id), completed(known, &change)?))
        })?;
        self.replace_rule(id, before, Some(new)).await
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// The account is unknown, or the store fails.
    pub async fn clear_spend(&self, asked: AccountRef) -> Result<SpendChanged, Failure> {
        let id = self.id_of(&asked.account)?;
        let before = self.herd.look(|herd, _| rule(herd, id));
        self.replace_rule(id, before, None).await
    }

    async fn replace_rule(
        &self,
        id: AccountId,
        before: Option<SpendRuleView>,
        new: Option<SpendRule>,
    ) -> Result<SpendChanged, Failure> {
        self.herd.edit(vec![Edit::SpendRule(id, new)]).await.told()?;
        Ok(self.herd.look(|herd, _| SpendChanged { account: find::label(herd, id), before, rule: rule(herd, id) }))
    }
}

pub(super) fn rule(herd: &Snapshot, id: AccountId) -> Option<SpendRuleView> {
    herd.spend_rules.get(&id).map(|rule| SpendRuleView {
        account: find::label(herd, id),
        after: rule.after.clone(),
        daily_limit_usd: rule.daily_limit_usd,
        spent_today_usd: rule.spent_today_usd,
    })
}

fn metered(account: &Account) -> Result<(), Failure> {
    if account.cost == CostClass::Metered {
        return Ok(());
    }
    Err(Failure::new(Code::Conflict, format!("{} costs nothing by the token and needs no rule", account.label))
        .remedy("put it on a chain: `remuda fallback`"))
}

fn completed(known: Option<&SpendRule>, change: &SpendChange) -> Result<SpendRule, Failure> {
    let daily_limit_usd = change.daily_limit_usd.or(known.map(|rule| rule.daily_limit_usd)).ok_or_else(|| {
        Failure::invalid("a rule needs a daily ceiling")
            .remedy(format!("for example: `remuda spend {} --daily 5`", change.account))
    })?;
    if !(daily_limit_usd > 0.0 && daily_limit_usd <= HIGHEST_DAILY_USD) {
        return Err(Failure::invalid(format!("{daily_limit_usd} USD a day is no ceiling"))
            .remedy(format!("name an amount above 0 and up to {HIGHEST_DAILY_USD}; to spend nothing: --clear")));
    }
    let mut after = change
        .after
        .clone()
        .or_else(|| known.map(|rule| rule.after.clone()))
        .unwrap_or_else(|| vec![Class::WindowExhausted]);
    after.sort();
    after.dedup();
    if after.is_empty() {
        return Err(Failure::invalid("a rule needs a reason").remedy("for example: --after window_exhausted"));
    }
    Ok(SpendRule { after, daily_limit_usd, spent_today_usd: 0.0 })
}
