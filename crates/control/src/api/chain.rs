//! Fallback chains.

use remuda_core::CostClass;
use remuda_core::snapshot::{ChainStep, Snapshot, Target};
use remuda_store::Edit;

use super::stored::Told;
use super::{Api, find, see};
use crate::types::{ChainChange, ChainChanged, ChainView, Chains, Empty};
use crate::types::{Code, Failure};

impl Api {
    /// All chains.
    ///
    /// # Errors
    /// None so far.
    pub async fn chains(&self, _: Empty) -> Result<Chains, Failure> {
        let chains = self.herd.look(|herd, _| {
            find::in_order(herd)
                .map(|source| ChainView { source: source.label.to_string(), targets: see::chain(herd, source.id) })
                .filter(|chain| !chain.targets.is_empty())
                .collect()
        });
        Ok(Chains { chains })
    }

    /// Replaces a chain.
    ///
    /// # Errors
    /// A name is unknown, an account would stand in for itself or twice, or the store fails.
    pub async fn set_chain(&self, change: ChainChange) -> Result<ChainChanged, Failure> {
        let (source, steps, before) = self.herd.look(|herd, _| {
            let source = find::account(herd, &change.source)?;
            if !change.targets.is_empty() {
                find::may_be_combined(source)?;
            }
            let source = source.id;
            let steps = steps(herd, Target::Account(source), &change.targets)?;
            Ok::<_, Failure>((source, steps, see::chain(herd, source)))
        })?;
        self.herd.edit(vec![Edit::Chain(source, steps.clone())]).await.told()?;
        Ok(self.herd.look(|herd, _| ChainChanged {
            source: find::label(herd, source),
            targets: see::chain(herd, source),
            before,
            notes: notes_on(herd, &steps),
        }))
    }
}

fn steps(herd: &Snapshot, source: Target, names: &[String]) -> Result<Vec<ChainStep>, Failure> {
    let mut steps: Vec<ChainStep> = Vec::new();
    for name in names {
        let target = find::target(herd, name)?;
        if let Target::Account(id) = &target
            && let Some(account) = herd.accounts.get(id)
        {
            find::may_be_combined(account)?;
        }
        if target == source {
            return Err(Failure::new(Code::Conflict, format!("{name} cannot stand in for itself"))
                .remedy("name other accounts, or none to clear the chain"));
        }
        if steps.iter().any(|step| step.target == target) {
            return Err(Failure::new(Code::Conflict, format!("{name} is named twice")).remedy("name each once"));
        }
        steps.push(ChainStep { target, model: None });
    }
    Ok(steps)
}

/// Stand-ins that cost money and have no rule stay where they are.
fn notes_on(herd: &Snapshot, steps: &[ChainStep]) -> Vec<String> {
    let accounts = steps.iter().flat_map(|step| match &step.target {
        Target::Account(id) => vec![*id],
        Target::Pool(name) => herd.pools.get(name).map(|pool| pool.members.clone()).unwrap_or_default(),
    });
    accounts
        .filter(|id| !herd.spend_rules.contains_key(id))
        .filter_map(|id| herd.accounts.get(&id))
        .filter(|account| account.cost == CostClass::Metered)
        .map(|account| {
            let label = &account.label;
            format!("{label} is metered and stands in only by a rule: `remuda spend {label} --daily 5`")
        })
        .collect()
}
