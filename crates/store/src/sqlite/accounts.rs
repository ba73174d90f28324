//! Accounts come: added whole, or renewed in place by another login.

use std::collections::BTreeMap;

use remuda_core::{Account, AccountId, Identity, Label, UnixSeconds, Vendor, Window};
use rusqlite::{OptionalExtension, Transaction, named_params};

use super::columns::{Json, Word};
use super::credentials;
use super::engine::Engine;
use super::failure::Outcome;
use crate::error::StoreError;
use crate::herd::{Login, NewAccount, Profile};
use crate::store::MAX_ACCOUNTS;

pub(super) fn add(engine: &mut Engine, new: &NewAccount, now: UnixSeconds) -> Result<(), StoreError> {
    engine.persist(|tx, vault| {
        let account = &new.account;
        label_is_free(tx, account.id, &account.label)?;
        identity_is_free(tx, account.id, account.vendor, account.identity.as_ref())?;
        percents(&account.min_remaining)?;
        let count: usize = tx.query_row("SELECT count(*) FROM account", [], |row| row.get(0))?;
        if count >= MAX_ACCOUNTS {
            return Err(StoreError::LimitReached { what: "accounts", limit: MAX_ACCOUNTS }.into());
        }
        let profile = Profile { added_at: now, last_login_at: now, ..new.profile.clone() };
        insert(tx, account, profile)?;
        credentials::insert(tx, vault, account.id, &new.credential)
    })
}

fn insert(tx: &Transaction<'_>, account: &Account, profile: Profile) -> Outcome<()> {
    tx.execute(
        "INSERT INTO account (id, position, label, label_key, vendor, kind, cost, status, identity, min_remaining, unknown_quota, profile)
         VALUES (:id, (SELECT coalesce(max(position), 0) + 1 FROM account), :label, :label_key, :vendor, :kind, :cost,
                 :status, :identity, :min_remaining, :unknown_quota, :profile)",
        named_params! {
            ":id": account.id.0,
            ":label": account.label.as_str(),
            ":label_key": key(&account.label),
            ":vendor": Word(account.vendor),
            ":kind": Word(account.kind),
            ":cost": Word(account.cost),
            ":status": Word(account.status),
            ":identity": account.identity.as_ref().map(Word),
            ":min_remaining": Json(&account.min_remaining),
            ":unknown_quota": account.unknown_quota.map(Word),
            ":profile": Json(profile),
        },
    )?;
    Ok(())
}

pub(super) fn login(engine: &mut Engine, id: AccountId, login: &Login, now: UnixSeconds) -> Result<u64, StoreError> {
    engine.persist(|tx, vault| {
        let found = tx
            .query_row("SELECT vendor, profile FROM account WHERE id = ?1", [id.0], |row| {
                Ok((row.get::<_, Word<Vendor>>(0)?, row.get::<_, Json<Profile>>(1)?))
            })
            .optional()?;
        let (Word(vendor), Json(before)) = found.ok_or(StoreError::UnknownAccount(id))?;
        identity_is_free(tx, id, vendor, login.identity.as_ref())?;
        let profile = Profile {
            added_at: before.added_at,
            last_login_at: now,
            terms: before.terms,
            grants: before.grants,
            ..login.profile.clone()
        };
        let generation = credentials::generation(tx, id)? + 1;
        credentials::replace(tx, vault, id, generation, &login.credential)?;
        tx.execute(
            "UPDATE account SET kind = :kind, identity = :identity, profile = :profile,
                status = CASE status WHEN 'paused' THEN 'paused' ELSE 'ready' END
             WHERE id = :id",
            named_params! {
                ":id": id.0,
                ":kind": Word(login.kind),
                ":identity": login.identity.as_ref().map(Word),
                ":profile": Json(profile),
            },
        )?;
        // Another credential earned them, perhaps of another plan.
        tx.execute("DELETE FROM reading WHERE account = ?1", [id.0])?;
        tx.execute("DELETE FROM poll WHERE account = ?1", [id.0])?;
        Ok(generation)
    })
}

/// What makes labels the same.
pub(super) fn key(label: &Label) -> String {
    label.as_str().to_lowercase()
}

/// Fails if another account than `id` has the label.
pub(super) fn label_is_free(tx: &Transaction<'_>, id: AccountId, label: &Label) -> Outcome<()> {
    let holder = tx
        .query_row("SELECT label FROM account WHERE label_key = ?1 AND id <> ?2", (key(label), id.0), |row| row.get(0))
        .optional()?;
    match holder {
        Some(Word(label)) => Err(StoreError::LabelTaken { label }.into()),
        None => Ok(()),
    }
}

fn identity_is_free(tx: &Transaction<'_>, id: AccountId, vendor: Vendor, identity: Option<&Identity>) -> Outcome<()> {
    let Some(identity) = identity else { return Ok(()) };
    let holder = tx
        .query_row(
            "SELECT label FROM account WHERE vendor = ?1 AND identity = ?2 AND id <> ?3",
            (Word(vendor), Word(identity), id.0),
            |row| row.get(0),
        )
        .optional()?;
    match holder {
        Some(Word(label)) => Err(StoreError::IdentityTaken { label }.into()),
        None => Ok(()),
    }
}

/// Percents that JSON can hold and that mean something.
pub(super) fn percents(thresholds: &BTreeMap<Window, f64>) -> Result<(), StoreError> {
    if thresholds.values().all(|percent| (0.0..=100.0).contains(percent)) {
        Ok(())
    } else {
        Err(StoreError::Invalid("a remaining quota is a number from 0 to 100 percent"))
    }
}
