//! Origins of foreign state, written behind and read at the start of the gateway.

use remuda_core::UnixSeconds;
use rusqlite::Transaction;

use super::columns;
use super::failure::Outcome;
use crate::origin::{Mark, Origin};
use crate::store::{MAX_ORIGINS, ORIGIN_AGE_S};

pub(super) fn write(tx: &Transaction<'_>, origins: &[Origin], now: UnixSeconds) -> Outcome<()> {
    for origin in origins {
        tx.prepare_cached(
            "INSERT INTO origin (mark, account, at) SELECT ?1, id, ?3 FROM account WHERE id = ?2
             ON CONFLICT DO UPDATE SET account = excluded.account, at = max(at, excluded.at)",
        )?
        .execute((origin.mark.0, origin.account.0, origin.at))?;
    }
    if !origins.is_empty() {
        tx.prepare_cached("DELETE FROM origin WHERE at < ?1")?.execute([now - ORIGIN_AGE_S])?;
        tx.prepare_cached("DELETE FROM origin WHERE at < (SELECT at FROM origin ORDER BY at DESC LIMIT 1 OFFSET ?1)")?
            .execute([MAX_ORIGINS])?;
    }
    Ok(())
}

pub(super) fn read(tx: &Transaction<'_>, now: UnixSeconds) -> Outcome<Vec<Origin>> {
    let mut statement =
        tx.prepare_cached("SELECT mark, account, at FROM origin WHERE at >= ?1 ORDER BY at DESC LIMIT ?2")?;
    let rows = statement.query_map((now - ORIGIN_AGE_S, MAX_ORIGINS), |row| {
        Ok(Origin { mark: Mark(row.get("mark")?), account: columns::account(row, "account")?, at: row.get("at")? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
