//! What the gateway has learned, written behind it; and the homes of conversations, which it reads at its start.

use std::collections::BTreeSet;

use remuda_core::request::Home;
use remuda_core::route::StateChange;
use remuda_core::{Account, AccountId, Cooldown, Reading, SessionKey, UnixSeconds, Window};
use rusqlite::Transaction;

use super::columns::{self, Json, Word};
use super::failure::Outcome;
use super::load::day;
use super::origins;
use crate::session::SessionBinding;
use crate::store::{Batch, MAX_SESSIONS, SESSION_AGE_S};

/// Days of spending that stay.
const SPENT_DAYS: i64 = 35;

pub(super) fn apply(tx: &Transaction<'_>, batch: &Batch, now: UnixSeconds) -> Outcome<()> {
    for change in &batch.changes {
        one(tx, change, now)?;
    }
    readings(tx, &batch.readings)?;
    for (session, at) in &batch.touched {
        tx.prepare_cached("UPDATE session SET touched_at = max(touched_at, ?2) WHERE session = ?1")?
            .execute((&session.0, at))?;
    }
    for (key, at) in &batch.keys_used {
        tx.prepare_cached("UPDATE client_key SET last_used_at = max(coalesce(last_used_at, ?2), ?2) WHERE id = ?1")?
            .execute((key.0, at))?;
    }
    spent(tx, &batch.spent, now)?;
    origins::write(tx, &batch.origins, now)?;
    if batch.changes.iter().any(|change| matches!(change, StateChange::Bind(..))) {
        drop_old_sessions(tx, now)?;
    }
    Ok(())
}

fn one(tx: &Transaction<'_>, change: &StateChange, now: UnixSeconds) -> Outcome<()> {
    match change {
        StateChange::Cooling(id, cooldown) => {
            tx.prepare_cached("UPDATE account SET cooling = ?2 WHERE id = ?1")?
                .execute((id.0, cooldown.as_ref().map(Json)))?;
        }
        StateChange::ModelCooling(id, model, cooldown) => model_cooling(tx, *id, model, cooldown.as_ref())?,
        // What routing finds never overrules an owner who has switched the account off.
        StateChange::Status(id, status) => {
            tx.prepare_cached("UPDATE account SET status = ?2 WHERE id = ?1 AND status <> 'paused'")?
                .execute((id.0, Word(status)))?;
        }
        // A probe ends with the process that makes it.
        StateChange::Probing(..) => {}
        StateChange::Bind(session, home) => {
            tx.prepare_cached(
                "INSERT INTO session (session, account, pool, touched_at)
                 SELECT ?1, id, (SELECT name FROM pool WHERE name = ?3), ?4 FROM account WHERE id = ?2
                 ON CONFLICT DO UPDATE SET account = excluded.account, pool = excluded.pool,
                    touched_at = max(touched_at, excluded.touched_at)",
            )?
            .execute((&session.0, home.account.0, &home.pool, now))?;
        }
    }
    Ok(())
}

fn model_cooling(tx: &Transaction<'_>, id: AccountId, model: &str, cooldown: Option<&Cooldown>) -> Outcome<()> {
    let Some(cooldown) = cooldown else {
        tx.prepare_cached("DELETE FROM model_cooling WHERE account = ?1 AND model = ?2")?.execute((id.0, model))?;
        return Ok(());
    };
    tx.prepare_cached(
        "INSERT INTO model_cooling (account, model, until, cooldown) SELECT id, ?2, ?3, ?4 FROM account WHERE id = ?1
         ON CONFLICT DO UPDATE SET until = excluded.until, cooldown = excluded.cooldown",
    )?
    .execute((id.0, model, cooldown.until, Json(cooldown)))?;
    tx.prepare_cached(
        "DELETE FROM model_cooling WHERE account = ?1 AND model IN
            (SELECT model FROM model_cooling WHERE account = ?1 ORDER BY until DESC LIMIT -1 OFFSET ?2)",
    )?
    .execute((id.0, Account::MAX_MODEL_COOLDOWNS))?;
    Ok(())
}

/// Newer ones replace older ones, by the rule of [`Account::learn`]: several processes may write here.
fn readings(tx: &Transaction<'_>, readings: &[(AccountId, Window, Reading)]) -> Outcome<()> {
    let mut concerned = BTreeSet::new();
    // A share that is no number is no reading, and the column refuses it.
    for (id, window, reading) in readings.iter().filter(|(_, _, reading)| reading.used_percent.is_finite()) {
        tx.prepare_cached(
            "INSERT INTO reading (account, window, used_percent, resets_at, source, read_at)
             SELECT id, ?2, ?3, ?4, ?5, ?6 FROM account
             WHERE id = ?1 AND coalesce(json_extract(profile, '$.last_login_at'), 0) <= ?6
             ON CONFLICT DO UPDATE SET used_percent = excluded.used_percent, resets_at = excluded.resets_at,
                source = excluded.source, read_at = excluded.read_at
             WHERE excluded.read_at > read_at
                OR excluded.read_at = read_at AND (source <> 'usage' OR excluded.source = 'usage')",
        )?
        .execute((
            id.0,
            Word(window),
            reading.used_percent,
            reading.resets_at,
            Word(reading.source),
            reading.read_at,
        ))?;
        concerned.insert(*id);
    }
    for id in concerned {
        tx.prepare_cached(
            "DELETE FROM reading WHERE account = ?1 AND window IN
                (SELECT window FROM reading WHERE account = ?1 ORDER BY read_at DESC, window LIMIT -1 OFFSET ?2)",
        )?
        .execute((id.0, Account::MAX_READINGS))?;
    }
    Ok(())
}

fn spent(tx: &Transaction<'_>, spent: &[(AccountId, UnixSeconds, f64)], now: UnixSeconds) -> Outcome<()> {
    for (id, at, usd) in spent.iter().filter(|(_, _, usd)| usd.is_finite() && *usd > 0.0) {
        tx.prepare_cached(
            "INSERT INTO spent (account, day, usd) SELECT id, ?2, ?3 FROM account WHERE id = ?1
             ON CONFLICT DO UPDATE SET usd = usd + excluded.usd",
        )?
        .execute((id.0, day(*at), usd))?;
    }
    if !spent.is_empty() {
        tx.prepare_cached("DELETE FROM spent WHERE day < ?1")?.execute([day(now) - SPENT_DAYS])?;
    }
    Ok(())
}

fn drop_old_sessions(tx: &Transaction<'_>, now: UnixSeconds) -> Outcome<()> {
    tx.prepare_cached("DELETE FROM session WHERE touched_at < ?1")?.execute([now - SESSION_AGE_S])?;
    tx.prepare_cached(
        "DELETE FROM session WHERE session IN
            (SELECT session FROM session ORDER BY touched_at DESC LIMIT -1 OFFSET ?1)",
    )?
    .execute([MAX_SESSIONS])?;
    Ok(())
}

pub(super) fn sessions(tx: &Transaction<'_>, now: UnixSeconds) -> Outcome<Vec<SessionBinding>> {
    let mut statement = tx.prepare_cached(
        "SELECT session, account, pool, touched_at FROM session WHERE touched_at >= ?1 ORDER BY touched_at DESC LIMIT ?2",
    )?;
    let rows = statement.query_map((now - SESSION_AGE_S, MAX_SESSIONS), |row| {
        Ok(SessionBinding {
            session: SessionKey(row.get("session")?),
            home: Home { account: columns::account(row, "account")?, pool: row.get("pool")? },
            touched_at: row.get("touched_at")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
