//! Pools: named sets of accounts.

use remuda_core::snapshot::{Pool, Snapshot};
use remuda_core::{AccountId, Label};
use remuda_store::Edit;

use super::stored::Told;
use super::{Api, find, see};
use crate::types::{Code, Failure};
use crate::types::{Empty, PoolChange, PoolChanged, PoolCreate, PoolRef, PoolView, Pools};

impl Api {
    /// All pools.
    ///
    /// # Errors
    /// None so far.
    pub async fn pools(&self, _: Empty) -> Result<Pools, Failure> {
        let pools = self.herd.look(|herd, _| herd.pools.keys().filter_map(|name| see::pool(herd, name)).collect());
        Ok(Pools { pools })
    }

    /// Makes a pool.
    ///
    /// # Errors
    /// The name is no name or taken, a member is unknown or named twice, or the store fails.
    pub async fn create_pool(&self, create: PoolCreate) -> Result<PoolChanged, Failure> {
        let name = name(&create.pool)?;
        let members = self.herd.look(|herd, _| {
            if let Ok(taken) = find::pool(herd, &name) {
                return Err(Failure::new(Code::Taken, format!("there is a pool @{taken} already"))
                    .remedy(format!("change it with `remuda pool edit {taken}`, or choose another name")));
            }
            members(herd, &create.members)
        })?;
        self.store_pool(name, Pool { strategy: create.strategy, members }, None).await
    }

    /// Changes a pool.
    ///
    /// # Errors
    /// The pool or a member is unknown, the pool would be empty, or the store fails.
    pub async fn change_pool(&self, change: PoolChange) -> Result<PoolChanged, Failure> {
        let (name, before, pool) = self.herd.look(|herd, _| {
            let name = find::pool(herd, &change.pool)?;
            let mut pool = herd.pools.get(&name).cloned().unwrap_or_default();
            if let Some(names) = &change.members {
                pool.members = members(herd, names)?;
            }
            for id in members(herd, &change.add)? {
                if !pool.members.contains(&id) {
                    pool.members.push(id);
                }
            }
            for id in members(herd, &change.remove)? {
                pool.members.retain(|member| *member != id);
            }
            pool.strategy = change.strategy.unwrap_or(pool.strategy);
            if pool.members.is_empty() {
                return Err(Failure::new(Code::Conflict, format!("@{name} would hold nobody"))
                    .remedy(format!("delete it instead: `remuda pool remove {name}`")));
            }
            Ok((name.clone(), see::pool(herd, &name), pool))
        })?;
        self.store_pool(name, pool, before).await
    }

    /// Deletes a pool.
    ///
    /// # Errors
    /// There is none of this name, or the store fails.
    pub async fn remove_pool(&self, asked: PoolRef) -> Result<PoolChanged, Failure> {
        let (name, before) = self.herd.look(|herd, _| {
            let name = find::pool(herd, &asked.pool)?;
            let before = see::pool(herd, &name);
            Ok::<_, Failure>((name, before))
        })?;
        let removed = self.herd.remove_pool(&name).await.told()?;
        let mut notes = Vec::new();
        if removed.was_active {
            notes.push("requests went to it; no account is chosen any more: `remuda use`".to_owned());
        }
        if removed.session_pins > 0 {
            notes.push(format!("{} sessions were pinned to it and no longer are", removed.session_pins));
        }
        Ok(PoolChanged { before, pool: None, notes })
    }

    async fn store_pool(&self, name: String, pool: Pool, before: Option<PoolView>) -> Result<PoolChanged, Failure> {
        self.herd.edit(vec![Edit::Pool(name.clone(), pool)]).await.told()?;
        let pool = self.herd.look(|herd, _| see::pool(herd, &name));
        Ok(PoolChanged { before, pool, notes: Vec::new() })
    }
}

/// Pools are named like accounts.
fn name(text: &str) -> Result<String, Failure> {
    let bare = find::bare(text);
    Label::new(bare)
        .map(|label| label.as_str().to_owned())
        .map_err(|why| Failure::invalid(format!("{text:?} cannot be the name of a pool")).why(why.to_string()))
}

fn members(herd: &Snapshot, names: &[String]) -> Result<Vec<AccountId>, Failure> {
    let mut members = Vec::new();
    for name in names {
        let account = find::account(herd, name)?;
        find::may_be_combined(account)?;
        let id = account.id;
        if members.contains(&id) {
            return Err(Failure::new(Code::Conflict, format!("{name} is named twice")).remedy("name each once"));
        }
        members.push(id);
    }
    Ok(members)
}
