//! Commands of the owner, one function for each kind of thing they change.

use std::collections::BTreeSet;

use remuda_core::snapshot::{ChainStep, KillSwitch, Minimum, Pool, SpendRule, Target};
use remuda_core::{AccountId, AccountLimits, Label, SessionKey, UnixSeconds};
use rusqlite::{OptionalExtension, ToSql, Transaction};

use super::accounts::{key, label_is_free, percents};
use super::columns::{self, Json, Word};
use super::failure::Outcome;
use crate::error::StoreError;
use crate::herd::{Edit, Profile};
use crate::store::{MAX_CHAIN, MAX_HALTS, MAX_POOLS, MAX_SESSION_PINS};

const MAX_POOL_NAME: usize = 64;

pub(super) fn all(tx: &Transaction<'_>, edits: &[Edit], now: UnixSeconds) -> Outcome<()> {
    edits.iter().try_for_each(|edit| one(tx, edit, now))?;
    if edits.iter().any(|edit| matches!(edit, Edit::PinSession(_, Some(_)))) {
        tx.execute(
            "DELETE FROM session_pin WHERE session IN
                (SELECT session FROM session_pin ORDER BY set_at DESC LIMIT -1 OFFSET ?1)",
            [MAX_SESSION_PINS],
        )?;
    }
    Ok(())
}

fn one(tx: &Transaction<'_>, edit: &Edit, now: UnixSeconds) -> Outcome<()> {
    match edit {
        Edit::Rename(id, label) => rename(tx, *id, label),
        Edit::Status(id, status) => set(tx, *id, "status", &Word(status)),
        Edit::Cost(id, cost) => set(tx, *id, "cost", &Word(cost)),
        Edit::MinRemaining(id, thresholds) => {
            percents(thresholds)?;
            set(tx, *id, "min_remaining", &Json(thresholds))
        }
        Edit::UnknownQuota(id, unknown) => set(tx, *id, "unknown_quota", &unknown.map(Word)),
        Edit::Minimum(minimum) => set_minimum(tx, minimum),
        Edit::Endpoint(id, endpoint) => profile(tx, *id, |profile| profile.endpoint = endpoint.clone()),
        Edit::Terms(id, acknowledged) => profile(tx, *id, |profile| profile.terms = Some(acknowledged.clone())),
        Edit::Grant(id, grant) => profile(tx, *id, |profile| {
            profile.grants.retain(|held| held.host != grant.host);
            profile.grants.push(grant.clone());
        }),
        Edit::Revoke(id, host) => profile(tx, *id, |profile| profile.grants.retain(|held| held.host != *host)),
        Edit::Order(order) => reorder(tx, order),
        Edit::Active(target) => active(tx, target.as_ref()),
        Edit::Chain(source, steps) => chain(tx, *source, steps),
        Edit::Pool(name, pool) => set_pool(tx, name, pool),
        Edit::SpendRule(id, rule) => spend_rule(tx, *id, rule.as_ref()),
        Edit::Limits(id, limits) => set_limits(tx, *id, limits),
        Edit::KillSwitch(switch) => kill_switch(tx, switch),
        Edit::PinSession(session, target) => pin(tx, session, target.as_ref(), now),
        Edit::Halt(session, why) => halt(tx, session, why.as_deref(), now),
        Edit::UnpinSessions => Ok(tx.execute("DELETE FROM session_pin", []).map(drop)?),
    }
}

/// Beyond the bound the oldest is let go: a conversation that was stopped so long ago is over.
fn halt(tx: &Transaction<'_>, session: &SessionKey, why: Option<&str>, now: UnixSeconds) -> Outcome<()> {
    let Some(why) = why else {
        return Ok(tx.execute("DELETE FROM session_halt WHERE session = ?1", [&session.0]).map(drop)?);
    };
    tx.execute("INSERT OR REPLACE INTO session_halt (session, why, at) VALUES (?1, ?2, ?3)", (&session.0, why, now))?;
    tx.execute(
        "DELETE FROM session_halt WHERE session IN
            (SELECT session FROM session_halt ORDER BY at DESC LIMIT -1 OFFSET ?1)",
        [MAX_HALTS],
    )?;
    Ok(())
}

fn rename(tx: &Transaction<'_>, id: AccountId, label: &Label) -> Outcome<()> {
    label_is_free(tx, id, label)?;
    set(tx, id, "label", &label.as_str())?;
    set(tx, id, "label_key", &key(label))
}

/// `column` is a name of ours, never a text from outside.
fn set(tx: &Transaction<'_>, id: AccountId, column: &'static str, value: &dyn ToSql) -> Outcome<()> {
    let changed = tx.execute(&format!("UPDATE account SET {column} = ?2 WHERE id = ?1"), (id.0, value))?;
    if changed == 0 { Err(StoreError::UnknownAccount(id).into()) } else { Ok(()) }
}

fn profile(tx: &Transaction<'_>, id: AccountId, change: impl FnOnce(&mut Profile)) -> Outcome<()> {
    let found = tx.query_row("SELECT profile FROM account WHERE id = ?1", [id.0], |row| row.get(0)).optional()?;
    let Json(mut profile) = found.ok_or(StoreError::UnknownAccount(id))?;
    change(&mut profile);
    set(tx, id, "profile", &Json(profile))
}

fn account_exists(tx: &Transaction<'_>, id: AccountId) -> Outcome<()> {
    let found = tx.query_row("SELECT 1 FROM account WHERE id = ?1", [id.0], |_| Ok(())).optional()?;
    found.ok_or_else(|| StoreError::UnknownAccount(id).into())
}

fn target_exists(tx: &Transaction<'_>, target: &Target) -> Outcome<()> {
    match target {
        Target::Account(id) => account_exists(tx, *id),
        Target::Pool(name) => {
            let found = tx.query_row("SELECT 1 FROM pool WHERE name = ?1", [name], |_| Ok(())).optional()?;
            found.ok_or_else(|| StoreError::UnknownPool(name.clone()).into())
        }
    }
}

fn reorder(tx: &Transaction<'_>, order: &[AccountId]) -> Outcome<()> {
    let mut statement = tx.prepare("SELECT id FROM account ORDER BY position, id")?;
    let present: Vec<AccountId> =
        statement.query_map([], |row| row.get(0).map(AccountId))?.collect::<Result<_, _>>()?;
    let mut seen = BTreeSet::new();
    let mut update = tx.prepare("UPDATE account SET position = ?2 WHERE id = ?1")?;
    let mut position = 0;
    for id in order.iter().chain(&present).filter(|id| seen.insert(**id)) {
        position += 1;
        if update.execute((id.0, position))? == 0 {
            return Err(StoreError::UnknownAccount(*id).into());
        }
    }
    Ok(())
}

fn active(tx: &Transaction<'_>, target: Option<&Target>) -> Outcome<()> {
    tx.execute("DELETE FROM active", [])?;
    if let Some(target) = target {
        target_exists(tx, target)?;
        let (account, pool) = columns::split(Some(target));
        tx.execute("INSERT INTO active (one, account, pool) VALUES (1, ?1, ?2)", (account, pool))?;
    }
    Ok(())
}

fn chain(tx: &Transaction<'_>, source: AccountId, steps: &[ChainStep]) -> Outcome<()> {
    account_exists(tx, source)?;
    if steps.len() > MAX_CHAIN {
        return Err(StoreError::LimitReached { what: "steps of a chain", limit: MAX_CHAIN }.into());
    }
    tx.execute("DELETE FROM chain_step WHERE source = ?1", [source.0])?;
    let mut insert =
        tx.prepare("INSERT INTO chain_step (source, position, account, pool, model) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (position, step) in steps.iter().enumerate() {
        target_exists(tx, &step.target)?;
        let (account, pool) = columns::split(Some(&step.target));
        insert.execute((source.0, position, account, pool, &step.model))?;
    }
    Ok(())
}

fn set_pool(tx: &Transaction<'_>, name: &str, pool: &Pool) -> Outcome<()> {
    let chars = name.chars().count();
    if chars == 0 || chars > MAX_POOL_NAME {
        return Err(StoreError::Invalid("a pool's name has 1 to 64 characters").into());
    }
    tx.execute(
        "INSERT INTO pool (name, strategy) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET strategy = excluded.strategy",
        (name, Word(pool.strategy)),
    )?;
    let count: usize = tx.query_row("SELECT count(*) FROM pool", [], |row| row.get(0))?;
    if count > MAX_POOLS {
        return Err(StoreError::LimitReached { what: "pools", limit: MAX_POOLS }.into());
    }
    tx.execute("DELETE FROM pool_member WHERE pool = ?1", [name])?;
    let mut insert = tx.prepare("INSERT OR IGNORE INTO pool_member (pool, account, position) VALUES (?1, ?2, ?3)")?;
    for (position, member) in pool.members.iter().enumerate() {
        account_exists(tx, *member)?;
        insert.execute((name, member.0, position))?;
    }
    Ok(())
}

fn spend_rule(tx: &Transaction<'_>, id: AccountId, rule: Option<&SpendRule>) -> Outcome<()> {
    account_exists(tx, id)?;
    let Some(rule) = rule else {
        tx.execute("DELETE FROM spend_rule WHERE account = ?1", [id.0])?;
        return Ok(());
    };
    if !rule.daily_limit_usd.is_finite() || rule.daily_limit_usd < 0.0 {
        return Err(StoreError::Invalid("a daily limit is a number of US dollars, zero or more").into());
    }
    tx.execute(
        "INSERT INTO spend_rule (account, after, daily_limit_usd) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET after = excluded.after, daily_limit_usd = excluded.daily_limit_usd",
        (id.0, Json(&rule.after), rule.daily_limit_usd),
    )?;
    Ok(())
}

fn set_minimum(tx: &Transaction<'_>, minimum: &Minimum) -> Outcome<()> {
    percents(&minimum.everyone)?;
    tx.execute(
        "INSERT INTO minimum (one, everyone, unknown) VALUES (1, ?1, ?2)
         ON CONFLICT DO UPDATE SET everyone = excluded.everyone, unknown = excluded.unknown",
        (Json(&minimum.everyone), Word(minimum.unknown)),
    )?;
    Ok(())
}

fn set_limits(tx: &Transaction<'_>, id: Option<AccountId>, limits: &AccountLimits) -> Outcome<()> {
    percents(&limits.subagents)?;
    percents(&limits.background)?;
    if limits.at_once == Some(0) {
        return Err(StoreError::Invalid("an account that may carry no request is switched off instead").into());
    }
    if limits.hold_s.is_some_and(|seconds| seconds < 0) {
        return Err(StoreError::Invalid("a time to wait is not negative").into());
    }
    let Some(id) = id else {
        tx.execute("DELETE FROM general_limit", [])?;
        if !limits.is_empty() {
            tx.execute("INSERT INTO general_limit (one, limits) VALUES (1, ?1)", [Json(limits)])?;
        }
        return Ok(());
    };
    account_exists(tx, id)?;
    tx.execute("DELETE FROM account_limit WHERE account = ?1", [id.0])?;
    if !limits.is_empty() {
        tx.execute("INSERT INTO account_limit (account, limits) VALUES (?1, ?2)", (id.0, Json(limits)))?;
    }
    Ok(())
}

fn kill_switch(tx: &Transaction<'_>, switch: &KillSwitch) -> Outcome<()> {
    percents(&switch.everyone)?;
    tx.execute(
        "INSERT INTO kill_switch (one, enabled, everyone) VALUES (1, ?1, ?2)
         ON CONFLICT DO UPDATE SET enabled = excluded.enabled, everyone = excluded.everyone",
        (switch.enabled, Json(&switch.everyone)),
    )?;
    tx.execute("DELETE FROM reserve", [])?;
    let mut insert = tx.prepare("INSERT INTO reserve (account, thresholds) VALUES (?1, ?2)")?;
    for (id, thresholds) in &switch.accounts {
        account_exists(tx, *id)?;
        percents(thresholds)?;
        insert.execute((id.0, Json(thresholds)))?;
    }
    Ok(())
}

fn pin(tx: &Transaction<'_>, session: &SessionKey, target: Option<&Target>, now: UnixSeconds) -> Outcome<()> {
    tx.execute("DELETE FROM session_pin WHERE session = ?1", [&session.0])?;
    if let Some(target) = target {
        target_exists(tx, target)?;
        let (account, pool) = columns::split(Some(target));
        tx.execute(
            "INSERT INTO session_pin (session, account, pool, set_at) VALUES (?1, ?2, ?3, ?4)",
            (&session.0, account, pool, now),
        )?;
    }
    Ok(())
}
