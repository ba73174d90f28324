//! Asking vendors what is left: who may, and what earlier attempts left behind.

use std::collections::BTreeMap;

use remuda_core::poll::PollState;
use remuda_core::{AccountId, UnixSeconds, Vendor};
use rusqlite::{OptionalExtension, Transaction};

use super::columns::{Json, Word};
use super::failure::Outcome;
use crate::error::StoreError;
use crate::poll::PollClaim;
use crate::store::POLL_LEASE_S;

pub(super) fn states(tx: &Transaction<'_>) -> Outcome<BTreeMap<AccountId, PollState>> {
    let mut statement = tx.prepare_cached("SELECT account, state FROM poll")?;
    let rows = statement.query_map([], |row| {
        let Json(state) = row.get::<_, Json<PollState>>(1)?;
        Ok((AccountId(row.get(0)?), state))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn claim(
    tx: &Transaction<'_>,
    id: AccountId,
    seen: Option<UnixSeconds>,
    now: UnixSeconds,
) -> Outcome<PollClaim> {
    let vendor = tx.query_row("SELECT vendor FROM account WHERE id = ?1", [id.0], |row| row.get(0)).optional()?;
    let vendor: Word<Vendor> = vendor.ok_or(StoreError::UnknownAccount(id))?;
    let stored = tx.query_row("SELECT state FROM poll WHERE account = ?1", [id.0], |row| row.get(0)).optional()?;
    let state = stored.map_or_else(PollState::default, |Json(state)| state);
    if state.not_before > now || state.asked_at > seen {
        return Ok(PollClaim::Later(state));
    }
    // A lease that lies further ahead than any can was taken before the clock was put back.
    let busy: Option<UnixSeconds> = tx.query_row(
        "SELECT max(leased_until) FROM poll JOIN account ON account.id = poll.account
         WHERE account.vendor = ?1 AND leased_until > ?2 AND leased_until <= ?3",
        (vendor, now, now + POLL_LEASE_S),
        |row| row.get(0),
    )?;
    if let Some(until) = busy {
        return Ok(PollClaim::Busy { until });
    }
    tx.execute(
        "INSERT INTO poll (account, state, leased_until) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET leased_until = excluded.leased_until",
        (id.0, Json(&state), now + POLL_LEASE_S),
    )?;
    Ok(PollClaim::Granted(state))
}

/// No row: somebody logged in meanwhile, and what was found out concerns nobody any more.
pub(super) fn end(tx: &Transaction<'_>, id: AccountId, state: &PollState) -> Outcome<()> {
    tx.execute("UPDATE poll SET state = ?2, leased_until = 0 WHERE account = ?1", (id.0, Json(state)))?;
    Ok(())
}
