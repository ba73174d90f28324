//! The whole herd, read at one instant.

use std::collections::BTreeMap;

use remuda_core::snapshot::{ChainStep, KillSwitch, Minimum, Pool, SpendRule};
use remuda_core::{Account, AccountId, Cooldown, Label, Limits, Reading, SessionKey, Snapshot, UnixSeconds, Window};
use rusqlite::{OptionalExtension, Row, Transaction};

use super::columns::{self, Json, Word};
use super::engine::Engine;
use super::failure::Outcome;
use super::polls;
use crate::error::StoreError;
use crate::herd::{Halt, Herd, Profile};

const DAY_S: i64 = 24 * 3600;

/// The UTC day in which a second lies.
pub(super) fn day(at: UnixSeconds) -> i64 {
    at.div_euclid(DAY_S)
}

pub(super) fn herd(engine: &mut Engine, now: UnixSeconds) -> Result<Herd, StoreError> {
    engine.herd.read(|tx| {
        let mut herd = Herd::default();
        accounts(tx, &mut herd)?;
        cooldowns(tx, &mut herd.snapshot.accounts)?;
        readings(tx, &mut herd.snapshot.accounts)?;
        herd.snapshot.active = active(tx)?;
        herd.snapshot.chains = chains(tx)?;
        herd.snapshot.pools = pools(tx)?;
        herd.snapshot.spend_rules = spend_rules(tx, now)?;
        herd.snapshot.minimum = minimum(tx)?;
        herd.snapshot.limits = limits(tx)?;
        herd.snapshot.kill_switch = kill_switch(tx)?;
        herd.polls = polls::states(tx)?;
        pins(tx, &mut herd)?;
        halts(tx, &mut herd)?;
        Ok(herd)
    })
}

/// Calls `take` with each row.
fn each(tx: &Transaction<'_>, sql: &str, mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>) -> Outcome<()> {
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn accounts(tx: &Transaction<'_>, herd: &mut Herd) -> Outcome<()> {
    let Snapshot { accounts, order, .. } = &mut herd.snapshot;
    each(tx, "SELECT * FROM account ORDER BY position, id", |row| {
        let id = columns::account(row, "id")?;
        let Json(profile) = row.get::<_, Json<Profile>>("profile")?;
        let Word(label) = row.get::<_, Word<Label>>("label")?;
        let (Word(vendor), Word(kind), Word(cost)) = (row.get("vendor")?, row.get("kind")?, row.get("cost")?);
        let mut account = Account::new(id, label, vendor, kind, cost);
        Word(account.status) = row.get("status")?;
        account.identity = row.get::<_, Option<Word<_>>>("identity")?.map(|Word(identity)| identity);
        account.speaks = profile.endpoint.speaks(vendor, kind);
        account.allowed_hosts = profile.grants.iter().map(|grant| grant.host).collect();
        Json(account.min_remaining) = row.get("min_remaining")?;
        account.unknown_quota = row.get::<_, Option<Word<_>>>("unknown_quota")?.map(|Word(unknown)| unknown);
        account.cooling = row.get::<_, Option<Json<_>>>("cooling")?.map(|Json(cooldown)| cooldown);
        order.push(id);
        accounts.insert(id, account);
        herd.profiles.insert(id, profile);
        Ok(())
    })
}

fn cooldowns(tx: &Transaction<'_>, accounts: &mut BTreeMap<AccountId, Account>) -> Outcome<()> {
    each(tx, "SELECT account, model, cooldown FROM model_cooling", |row| {
        let Json(cooldown) = row.get::<_, Json<Cooldown>>("cooldown")?;
        if let Some(account) = accounts.get_mut(&columns::account(row, "account")?) {
            account.model_cooling.insert(row.get("model")?, cooldown);
        }
        Ok(())
    })
}

fn readings(tx: &Transaction<'_>, accounts: &mut BTreeMap<AccountId, Account>) -> Outcome<()> {
    each(tx, "SELECT * FROM reading", |row| {
        let Word(window) = row.get::<_, Word<Window>>("window")?;
        let Word(source) = row.get("source")?;
        let reading = Reading {
            used_percent: row.get("used_percent")?,
            resets_at: row.get("resets_at")?,
            source,
            read_at: row.get("read_at")?,
        };
        if let Some(account) = accounts.get_mut(&columns::account(row, "account")?) {
            account.readings.insert(window, reading);
        }
        Ok(())
    })
}

fn active(tx: &Transaction<'_>) -> Outcome<Option<remuda_core::snapshot::Target>> {
    let row = tx.query_row("SELECT account, pool FROM active", [], |row| columns::target(row, "account", "pool"));
    Ok(row.optional()?.flatten())
}

fn chains(tx: &Transaction<'_>) -> Outcome<BTreeMap<AccountId, Vec<ChainStep>>> {
    let mut chains: BTreeMap<AccountId, Vec<ChainStep>> = BTreeMap::new();
    each(tx, "SELECT * FROM chain_step ORDER BY source, position", |row| {
        if let Some(target) = columns::target(row, "account", "pool")? {
            let step = ChainStep { target, model: row.get("model")? };
            chains.entry(columns::account(row, "source")?).or_default().push(step);
        }
        Ok(())
    })?;
    Ok(chains)
}

fn pools(tx: &Transaction<'_>) -> Outcome<BTreeMap<String, Pool>> {
    let mut pools: BTreeMap<String, Pool> = BTreeMap::new();
    each(tx, "SELECT name, strategy FROM pool", |row| {
        let Word(strategy) = row.get("strategy")?;
        pools.insert(row.get("name")?, Pool { strategy, members: Vec::new() });
        Ok(())
    })?;
    each(tx, "SELECT pool, account FROM pool_member ORDER BY pool, position", |row| {
        if let Some(pool) = pools.get_mut(row.get_ref("pool")?.as_str()?) {
            pool.members.push(columns::account(row, "account")?);
        }
        Ok(())
    })?;
    Ok(pools)
}

fn spend_rules(tx: &Transaction<'_>, now: UnixSeconds) -> Outcome<BTreeMap<AccountId, SpendRule>> {
    let mut rules = BTreeMap::new();
    let mut statement = tx.prepare_cached(
        "SELECT rule.account, rule.after, rule.daily_limit_usd, coalesce(spent.usd, 0.0) AS spent_today
         FROM spend_rule AS rule LEFT JOIN spent ON spent.account = rule.account AND spent.day = ?1",
    )?;
    let mut rows = statement.query([day(now)])?;
    while let Some(row) = rows.next()? {
        let Json(after) = row.get("after")?;
        let rule =
            SpendRule { after, daily_limit_usd: row.get("daily_limit_usd")?, spent_today_usd: row.get("spent_today")? };
        rules.insert(columns::account(row, "account")?, rule);
    }
    Ok(rules)
}

fn minimum(tx: &Transaction<'_>) -> Outcome<Minimum> {
    let mut minimum = Minimum::default();
    each(tx, "SELECT everyone, unknown FROM minimum", |row| {
        Json(minimum.everyone) = row.get("everyone")?;
        Word(minimum.unknown) = row.get("unknown")?;
        Ok(())
    })?;
    Ok(minimum)
}

fn limits(tx: &Transaction<'_>) -> Outcome<Limits> {
    let mut limits = Limits::default();
    each(tx, "SELECT limits FROM general_limit", |row| {
        Json(limits.everyone) = row.get("limits")?;
        Ok(())
    })?;
    each(tx, "SELECT account, limits FROM account_limit", |row| {
        let Json(own) = row.get("limits")?;
        limits.accounts.insert(columns::account(row, "account")?, own);
        Ok(())
    })?;
    Ok(limits)
}

fn kill_switch(tx: &Transaction<'_>) -> Outcome<KillSwitch> {
    let mut switch = KillSwitch::default();
    each(tx, "SELECT enabled, everyone FROM kill_switch", |row| {
        switch.enabled = row.get("enabled")?;
        Json(switch.everyone) = row.get("everyone")?;
        Ok(())
    })?;
    each(tx, "SELECT account, thresholds FROM reserve", |row| {
        let Json(thresholds) = row.get("thresholds")?;
        switch.accounts.insert(columns::account(row, "account")?, thresholds);
        Ok(())
    })?;
    Ok(switch)
}

fn halts(tx: &Transaction<'_>, herd: &mut Herd) -> Outcome<()> {
    each(tx, "SELECT session, why, at FROM session_halt", |row| {
        let halt = Halt { why: row.get("why")?, at: row.get("at")? };
        herd.halts.insert(SessionKey(row.get("session")?), halt);
        Ok(())
    })
}

fn pins(tx: &Transaction<'_>, herd: &mut Herd) -> Outcome<()> {
    each(tx, "SELECT session, account, pool FROM session_pin", |row| {
        if let Some(target) = columns::target(row, "account", "pool")? {
            herd.session_pins.insert(SessionKey(row.get("session")?), target);
        }
        Ok(())
    })
}
