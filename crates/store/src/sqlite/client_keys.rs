//! Hashes and scopes of client keys.

use remuda_core::UnixSeconds;
use rusqlite::{Transaction, named_params};

use super::columns::{self, Word};
use super::failure::Outcome;
use crate::client_key::{ClientKey, KeyHash, KeyId};
use crate::error::StoreError;
use crate::store::MAX_CLIENT_KEYS;

pub(super) fn add(tx: &Transaction<'_>, key: &ClientKey) -> Outcome<()> {
    let count: usize = tx.query_row("SELECT count(*) FROM client_key", [], |row| row.get(0))?;
    if count >= MAX_CLIENT_KEYS {
        return Err(StoreError::LimitReached { what: "client keys", limit: MAX_CLIENT_KEYS }.into());
    }
    let (account, pool) = columns::split(key.pin.as_ref());
    tx.execute(
        "INSERT INTO client_key
            (id, hash, prefix, purpose, scope, host, pin_account, pin_pool, by_project, project, hold_s, expires_at,
             created_at, last_used_at)
         VALUES (:id, :hash, :prefix, :purpose, :scope, :host, :account, :pool, :by_project, :project, :hold_s, :expires_at,
             :created_at, :last_used_at)",
        named_params! {
            ":id": key.id.0,
            ":hash": key.hash.0,
            ":prefix": key.prefix,
            ":purpose": key.purpose,
            ":scope": Word(key.scope),
            ":host": Word(key.host),
            ":account": account,
            ":pool": pool,
            ":by_project": key.pinned_by_project,
            ":project": key.project,
            ":hold_s": key.hold_s,
            ":expires_at": key.expires_at,
            ":created_at": key.created_at,
            ":last_used_at": key.last_used_at,
        },
    )?;
    Ok(())
}

pub(super) fn all(tx: &Transaction<'_>) -> Outcome<Vec<ClientKey>> {
    let mut statement = tx.prepare_cached("SELECT * FROM client_key ORDER BY created_at DESC, id DESC")?;
    let rows = statement.query_map([], |row| {
        let (Word(scope), Word(host)) = (row.get("scope")?, row.get("host")?);
        Ok(ClientKey {
            id: KeyId(row.get("id")?),
            hash: KeyHash(row.get("hash")?),
            prefix: row.get("prefix")?,
            purpose: row.get("purpose")?,
            scope,
            host,
            pin: columns::target(row, "pin_account", "pin_pool")?,
            pinned_by_project: row.get("by_project")?,
            project: row.get("project")?,
            hold_s: row.get("hold_s")?,
            expires_at: row.get("expires_at")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn revoke(tx: &Transaction<'_>, id: KeyId) -> Outcome<bool> {
    Ok(tx.execute("DELETE FROM client_key WHERE id = ?1", [id.0])? > 0)
}

pub(super) fn prune(tx: &Transaction<'_>, now: UnixSeconds) -> Outcome<usize> {
    Ok(tx.execute("DELETE FROM client_key WHERE expires_at <= ?1", [now])?)
}
