//! Accounts: list, show, rename, switch on and off, remove.

use remuda_core::{AccountId, AccountStatus, Label};
use remuda_store::Edit;

use super::stored::Told;
use super::{Api, find, see};
use crate::types::{
    AccountChange, AccountChanged, AccountRef, AccountRemoved, AccountShown, AccountView, Accounts, Empty, State,
};
use crate::types::{Code, Failure};

impl Api {
    /// All accounts.
    ///
    /// # Errors
    /// None so far.
    pub async fn accounts(&self, _: Empty) -> Result<Accounts, Failure> {
        let now = self.now();
        Ok(Accounts { now, accounts: self.views() })
    }

    /// One account.
    ///
    /// # Errors
    /// There is none of this name.
    pub async fn account(&self, asked: AccountRef) -> Result<AccountShown, Failure> {
        let id = self.id_of(&asked.account)?;
        Ok(AccountShown { now: self.now(), account: self.view(id)? })
    }

    /// Renames an account, switches it on or off.
    ///
    /// # Errors
    /// There is none of this name, the new label is no label or taken, or the store fails.
    pub async fn change_account(&self, change: AccountChange) -> Result<AccountChanged, Failure> {
        let id = self.id_of(&change.account)?;
        let before = self.view(id)?;
        let mut edits = Vec::new();
        if let Some(text) = change.label {
            edits.push(Edit::Rename(id, label(&text)?));
        }
        match change.enabled {
            // What the vendor or the keeper found out about an account that was off shows itself with its next request.
            Some(true) if before.state == State::Paused => edits.push(Edit::Status(id, AccountStatus::Ready)),
            Some(false) if before.state != State::Paused => edits.push(Edit::Status(id, AccountStatus::Paused)),
            _ => {}
        }
        if let Some(wanted) = &change.allow_hosts {
            let known = &before.allowed_hosts;
            edits.extend(self.grant_edits(id, (before.vendor, before.kind), known, wanted, change.accept_terms)?);
        }
        self.herd.edit(edits).await.told()?;
        let account = self.view(id)?;
        let notes = notes_on(&account);
        Ok(AccountChanged { before, account, notes })
    }

    /// Removes an account with its credential, and takes it off chains and pools.
    ///
    /// # Errors
    /// There is none of this name, or the store fails.
    pub async fn remove_account(&self, asked: AccountRef) -> Result<AccountRemoved, Failure> {
        let id = self.id_of(&asked.account)?;
        let before = self.view(id)?;
        let removed = self.herd.remove_account(id).await.told()?;
        self.forget_tokens(id);
        Ok(self.herd.look(|herd, _| AccountRemoved {
            before,
            removed_from_chains: removed.chains.iter().map(|source| find::label(herd, *source)).collect(),
            removed_from_pools: removed.pools,
            active: herd.active.as_ref().map(|target| find::written(herd, target)),
        }))
    }

    pub(super) fn id_of(&self, text: &str) -> Result<AccountId, Failure> {
        self.herd.look(|herd, _| find::account(herd, text).map(|account| account.id))
    }

    pub(super) fn view(&self, id: AccountId) -> Result<AccountView, Failure> {
        let now = self.now();
        let found = self
            .herd
            .look(|herd, profiles| herd.accounts.get(&id).map(|account| see::view(herd, profiles, account, now)));
        let mut view = found.ok_or_else(|| Failure::new(Code::UnknownAccount, "the account was removed just now"))?;
        self.complete(&mut view, self.herd.polls().get(&id), now);
        Ok(view)
    }
}

pub(super) fn label(text: &str) -> Result<Label, Failure> {
    Label::new(text).map_err(|why| Failure::invalid(format!("{text:?} cannot be a label")).why(why.to_string()))
}

/// An account that requests go to and that cannot serve.
fn notes_on(account: &AccountView) -> Vec<String> {
    if account.active && account.state == State::Paused {
        vec![format!("requests still go to {}: choose another account with `remuda use`", account.label)]
    } else {
        Vec::new()
    }
}
