//! Accounts and pools go, and with them every mention of them. The schema's references do the deleting; this tells the
//! person what went.

use remuda_core::AccountId;
use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension, ToSql, Transaction};

use super::failure::Outcome;
use crate::error::StoreError;
use crate::herd::Removed;

pub(super) fn account(tx: &Transaction<'_>, id: AccountId) -> Outcome<Removed> {
    let mut removed = mentions(tx, "account", &id.0)?;
    removed.chains.retain(|source| *source != id);
    removed.pools = list(tx, "SELECT pool FROM pool_member WHERE account = ?1 ORDER BY pool", &id.0)?;
    removed.own_chain = exists(tx, "SELECT 1 FROM chain_step WHERE source = ?1", &id.0)?;
    removed.spend_rule = exists(tx, "SELECT 1 FROM spend_rule WHERE account = ?1", &id.0)?;
    removed.sessions = tx.query_row("SELECT count(*) FROM session WHERE account = ?1", [id.0], |row| row.get(0))?;
    match tx.execute("DELETE FROM account WHERE id = ?1", [id.0])? {
        0 => Err(StoreError::UnknownAccount(id).into()),
        _ => Ok(removed),
    }
}

pub(super) fn pool(tx: &Transaction<'_>, name: &str) -> Outcome<Removed> {
    let removed = mentions(tx, "pool", &name)?;
    match tx.execute("DELETE FROM pool WHERE name = ?1", [name])? {
        0 => Err(StoreError::UnknownPool(name.to_owned()).into()),
        _ => Ok(removed),
    }
}

/// Where a target is named. `column` is `account` or `pool`.
fn mentions(tx: &Transaction<'_>, column: &'static str, key: &dyn ToSql) -> Outcome<Removed> {
    let chains = format!("SELECT DISTINCT source FROM chain_step WHERE {column} = ?1 ORDER BY source");
    let pins = format!("SELECT count(*) FROM session_pin WHERE {column} = ?1");
    Ok(Removed {
        chains: list(tx, &chains, key)?.into_iter().map(AccountId).collect(),
        was_active: exists(tx, &format!("SELECT 1 FROM active WHERE {column} = ?1"), key)?,
        session_pins: tx.query_row(&pins, [key], |row| row.get(0))?,
        ..Removed::default()
    })
}

fn list<T: FromSql>(tx: &Transaction<'_>, sql: &str, key: &dyn ToSql) -> Outcome<Vec<T>> {
    let mut statement = tx.prepare(sql)?;
    let rows = statement.query_map([key], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn exists(tx: &Transaction<'_>, sql: &str, key: &dyn ToSql) -> Outcome<bool> {
    Ok(tx.query_row(sql, [key], |_| Ok(())).optional()?.is_some())
}
