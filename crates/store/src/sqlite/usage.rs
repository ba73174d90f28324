//! Usage: added up while records are appended, read in sums.

use remuda_core::record::Record;
use remuda_core::usage::{QUARTER_S, UsageSum};
use remuda_core::{RequestId, UnixSeconds};
use rusqlite::{Row, Transaction, named_params};
use uuid::Uuid;

use super::columns::Word;
use super::failure::Outcome;
use crate::usage::{UsageGroup, UsageKey, UsageQuery, UsageRetention};

/// How long it is remembered that a request was counted. A record is written again within seconds or never.
const REMEMBERED_S: i64 = 3 * 24 * 3600;
/// Most buckets of one query.
const MAX_BUCKETS: usize = 1_000;

/// Adds what these records used, each request of a vendor once.
pub(super) fn add(tx: &Transaction<'_>, records: &[Record]) -> Outcome<()> {
    let mut remember = tx.prepare_cached("INSERT OR IGNORE INTO usage_counted (id, at) VALUES (?1, ?2)")?;
    let mut name = tx.prepare_cached(
        "INSERT INTO usage_account (account, label) VALUES (?1, ?2)
         ON CONFLICT (account) DO UPDATE SET label = excluded.label WHERE label IS NOT excluded.label",
    )?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO usage VALUES (:quarter, :account, :host, :project, :model, :requests, :failed, :moved, :input,
            :output, :reasoning, :cache_read, :cache_write_5m, :cache_write_1h, :cost_usd, :metered_usd, :unpriced,
            :cache_saved_usd)
         ON CONFLICT (quarter, account, host, project, model) DO UPDATE SET
            requests = requests + excluded.requests, failed = failed + excluded.failed,
            moved = moved + excluded.moved, input = input + excluded.input, output = output + excluded.output,
            reasoning = reasoning + excluded.reasoning, cache_read = cache_read + excluded.cache_read,
            cache_write_5m = cache_write_5m + excluded.cache_write_5m,
            cache_write_1h = cache_write_1h + excluded.cache_write_1h, cost_usd = cost_usd + excluded.cost_usd,
            metered_usd = metered_usd + excluded.metered_usd, unpriced = unpriced + excluded.unpriced,
            cache_saved_usd = cache_saved_usd + excluded.cache_saved_usd",
    )?;
    for record in records {
        let Some(sum) = UsageSum::of(record) else { continue };
        if remember.execute((counted_as(record), record.at))? == 0 {
            continue;
        }
        let last = record.attempts.last();
        if let Some(attempt) = last {
            name.execute((attempt.account.0, &attempt.label))?;
        }
        let account = last.map(|attempt| attempt.account.0.as_bytes().as_slice()).unwrap_or_default();
        insert.execute(named_params! {
            ":quarter": record.at.div_euclid(QUARTER_S) * QUARTER_S,
            ":account": account,
            ":host": Word(record.host),
            ":project": record.project.as_deref().unwrap_or_default(),
            ":model": record.model,
            ":requests": sum.requests,
            ":failed": sum.failed,
            ":moved": sum.moved,
            ":input": whole(sum.input),
            ":output": whole(sum.output),
            ":reasoning": whole(sum.reasoning),
            ":cache_read": whole(sum.cache_read),
            ":cache_write_5m": whole(sum.cache_write_5m),
            ":cache_write_1h": whole(sum.cache_write_1h),
            ":cost_usd": sum.cost_usd,
            ":metered_usd": sum.metered_usd,
            ":unpriced": sum.unpriced,
            ":cache_saved_usd": sum.cache_saved_usd,
        })?;
    }
    Ok(())
}

/// The vendor's own id of the request whose tokens these are; without one, ours.
fn counted_as(record: &Record) -> String {
    let vendors = record.attempts.last().and_then(|attempt| attempt.upstream_request_id.as_deref());
    let RequestId(ours) = record.id;
    vendors.map_or_else(|| ours.simple().to_string(), |id| format!("{}:{id}", record.vendor))
}

/// A count from outside that no honest vendor ever states must not make a sum overflow.
fn whole(count: u64) -> i64 {
    const MOST: u64 = 1 << 40;
    i64::try_from(count.min(MOST)).unwrap_or(0)
}

/// Drops what is too old.
pub(super) fn prune(tx: &Transaction<'_>, retention: UsageRetention, now: UnixSeconds) -> Outcome<()> {
    tx.prepare_cached("DELETE FROM usage WHERE quarter < ?1")?.execute([now.saturating_sub(retention.max_age_s)])?;
    tx.prepare_cached("DELETE FROM usage_counted WHERE at < ?1")?.execute([now.saturating_sub(REMEMBERED_S)])?;
    Ok(())
}

/// Drops what is too much: whole quarters, the oldest first. Walks over the index, so not to be done with every append.
pub(super) fn thin(tx: &Transaction<'_>, retention: UsageRetention) -> Outcome<()> {
    tx.execute(
        "DELETE FROM usage WHERE quarter <= (SELECT quarter FROM usage ORDER BY quarter DESC LIMIT 1 OFFSET ?1)",
        [retention.max_rows],
    )?;
    tx.execute("DELETE FROM usage_account WHERE account NOT IN (SELECT account FROM usage)", [])?;
    Ok(())
}

/// The sums of each bucket.
pub(super) fn sums(tx: &Transaction<'_>, query: &UsageQuery) -> Outcome<Vec<UsageGroup>> {
    // Names of ours, never a text from outside.
    let key = match query.by {
        UsageKey::All => "''",
        UsageKey::Account => "usage.account",
        UsageKey::Project => "usage.project",
        UsageKey::Model => "usage.model",
        UsageKey::Host => "usage.host",
    };
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {key} AS key, (SELECT label FROM usage_account WHERE usage_account.account = {key}) AS label,
            sum(requests) AS requests, sum(failed) AS failed, sum(moved) AS moved, sum(input) AS input,
            sum(output) AS output, sum(reasoning) AS reasoning, sum(cache_read) AS cache_read,
            sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h, sum(cost_usd) AS cost_usd,
            sum(metered_usd) AS metered_usd, sum(unpriced) AS unpriced, sum(cache_saved_usd) AS cache_saved_usd
         FROM usage
         WHERE quarter >= :from AND quarter < :to
           AND (:account IS NULL OR account = :account)
           AND (:project IS NULL OR project = :project)
           AND (:model IS NULL OR model = :model)
           AND (:host IS NULL OR host = :host)
         GROUP BY 1",
    ))?;
    let mut groups = Vec::new();
    for bucket in query.bounds.windows(2).take(MAX_BUCKETS) {
        let [from, to] = bucket else { continue };
        let rows = statement.query_map(
            named_params! {
                ":from": from,
                ":to": to,
                ":account": query.account.map(|id| id.0),
                ":project": query.project,
                ":model": query.model,
                ":host": query.host.map(Word),
            },
            |row| group(row, *from, query.by),
        )?;
        for group in rows {
            groups.push(group?);
        }
    }
    Ok(groups)
}

fn group(row: &Row<'_>, from: UnixSeconds, by: UsageKey) -> rusqlite::Result<UsageGroup> {
    let key = match by {
        UsageKey::Account => {
            let bytes: Vec<u8> = row.get("key")?;
            Uuid::from_slice(&bytes).map(|id| id.to_string()).unwrap_or_default()
        }
        _ => row.get("key")?,
    };
    let sum = UsageSum {
        requests: row.get("requests")?,
        failed: row.get("failed")?,
        moved: row.get("moved")?,
        input: row.get("input")?,
        output: row.get("output")?,
        reasoning: row.get("reasoning")?,
        cache_read: row.get("cache_read")?,
        cache_write_5m: row.get("cache_write_5m")?,
        cache_write_1h: row.get("cache_write_1h")?,
        cost_usd: row.get("cost_usd")?,
        metered_usd: row.get("metered_usd")?,
        unpriced: row.get("unpriced")?,
        cache_saved_usd: row.get("cache_saved_usd")?,
    };
    Ok(UsageGroup { from, key, label: row.get("label")?, sum })
}
