//! Decision records: appended in batches, found by id, listed newest first.

use remuda_core::record::{AttemptEnd, Record};
use remuda_core::route::Outcome as Ended;
use remuda_core::usage::QUARTER_S;
use remuda_core::{AccountId, Class, RequestId, UnixSeconds};
use rusqlite::{OptionalExtension, Row, Transaction, named_params};
use uuid::Uuid;

use super::columns::{Json, Word};
use super::engine::Engine;
use super::failure::Outcome;
use super::usage;
use crate::error::StoreError;
use crate::ledger::{Cursor, Page, RecordQuery};

const MAX_BY_PREFIX: usize = 10;
/// Hex digits of an id.
const ID_DIGITS: usize = 32;

pub(super) fn append(engine: &mut Engine, records: &[Record], now: UnixSeconds) -> Result<(), StoreError> {
    let retention = engine.retention;
    let quarter = now.div_euclid(QUARTER_S);
    let thins = engine.thinned != quarter;
    engine.ledger.relaxed(|tx| {
        let mut insert = tx.prepare_cached(
            "INSERT INTO record (id, at, session, served_by, class, model, host, project, failed, words, body)
             VALUES (:id, :at, :session, :served_by, :class, :model, :host, :project, :failed, :words, :body)
             ON CONFLICT (id) DO UPDATE SET at = excluded.at, session = excluded.session,
                served_by = excluded.served_by, class = excluded.class, model = excluded.model, host = excluded.host,
                project = excluded.project, failed = excluded.failed, words = excluded.words, body = excluded.body",
        )?;
        for record in records {
            let (served_by, class) = ended(&record.outcome);
            insert.execute(named_params! {
                ":id": record.id.0,
                ":at": record.at,
                ":session": record.session.as_ref().map(|session| &session.0),
                ":served_by": served_by.map(|id| id.0),
                ":class": class.map(Word),
                ":model": record.model,
                ":host": Word(record.host),
                ":project": record.project,
                ":failed": !matches!(record.outcome, Ended::Served { .. }),
                ":words": words(record),
                ":body": Json(record),
            })?;
        }
        usage::add(tx, records)?;
        usage::prune(tx, retention.usage, now)?;
        if thins {
            usage::thin(tx, retention.usage)?;
        }
        tx.execute("DELETE FROM record WHERE at < ?1", [now.saturating_sub(retention.max_age_s)])?;
        tx.execute("DELETE FROM record WHERE seq <= (SELECT max(seq) FROM record) - ?1", [retention.max_records])?;
        Ok(())
    })?;
    engine.thinned = quarter;
    Ok(())
}

/// Who served, and what went wrong, for the columns.
fn ended(outcome: &Ended) -> (Option<AccountId>, Option<Class>) {
    match outcome {
        Ended::Served { account, .. } => (Some(*account), None),
        Ended::Error { class, .. } => (None, *class),
        Ended::StreamError { from, class } => (Some(*from), Some(*class)),
    }
}

/// What a person may remember of a request, in one line of lower case.
fn words(record: &Record) -> String {
    let mut words: Vec<String> = vec![record.id.to_string(), record.model.clone(), record.path.clone()];
    words.extend(record.session.as_ref().map(|session| session.0.clone()));
    words.extend(record.project.clone());
    words.extend(record.source_label.clone());
    words.extend(record.source_pool.as_ref().map(|pool| format!("@{pool}")));
    for attempt in &record.attempts {
        words.push(attempt.label.clone());
        words.extend(attempt.upstream_request_id.clone());
        match &attempt.ended {
            AttemptEnd::Refused { verdict, .. } | AttemptEnd::BrokeOff { verdict } => {
                words.push(verdict.class.as_str().to_owned());
                words.push(verdict.evidence.clone());
            }
            AttemptEnd::Unreachable { why } => words.push(why.clone()),
            AttemptEnd::Served | AttemptEnd::Abandoned => {}
        }
    }
    words.join("\n").to_lowercase()
}

pub(super) fn one(tx: &Transaction<'_>, id: RequestId) -> Outcome<Option<Record>> {
    let found = tx.query_row("SELECT body FROM record WHERE id = ?1", [id.0], |row| row.get(0)).optional()?;
    Ok(found.map(|Json(record)| record))
}

pub(super) fn by_prefix(tx: &Transaction<'_>, prefix: &str) -> Outcome<Vec<Record>> {
    let Some((least, greatest)) = range(prefix) else { return Ok(Vec::new()) };
    let mut statement = tx.prepare_cached(
        "SELECT id, at, body FROM record WHERE id BETWEEN ?1 AND ?2 ORDER BY at DESC, id DESC LIMIT ?3",
    )?;
    let rows = statement.query_map((least, greatest, MAX_BY_PREFIX), listed)?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(|(_, record)| record).collect())
}

/// Every id that begins with these digits lies between these two.
fn range(prefix: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = prefix.chars().filter(|c| *c != '-').collect();
    if digits.is_empty() || digits.len() > ID_DIGITS || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let fill = |with: &str| Uuid::parse_str(&(digits.clone() + &with.repeat(ID_DIGITS - digits.len()))).ok();
    fill("0").zip(fill("f"))
}

pub(super) fn page(tx: &Transaction<'_>, query: &RecordQuery) -> Outcome<Page> {
    let limit = query.limit.clamp(1, RecordQuery::MAX_LIMIT);
    let mut statement = tx.prepare_cached(
        "SELECT id, at, body FROM record
         WHERE (:before_at IS NULL OR (at, id) < (:before_at, :before_id))
           AND (:since IS NULL OR at >= :since)
           AND (:session IS NULL OR session = :session)
           AND (:served_by IS NULL OR served_by = :served_by)
           AND (:class IS NULL OR class = :class)
           AND (:model IS NULL OR model = :model)
           AND (:until IS NULL OR at < :until)
           AND (:host IS NULL OR host = :host)
           AND (:project IS NULL OR project = :project)
           AND (:failed IS NULL OR failed = :failed)
           AND (:search IS NULL OR instr(words, :search) > 0)
         ORDER BY at DESC, id DESC LIMIT :limit",
    )?;
    // One more than asked for, to know whether there is a next page.
    let rows = statement.query_map(
        named_params! {
            ":before_at": query.before.map(|cursor| cursor.at),
            ":before_id": query.before.map(|cursor| cursor.id.0),
            ":since": query.since,
            ":session": query.session.as_ref().map(|session| &session.0),
            ":served_by": query.served_by.map(|id| id.0),
            ":class": query.class.map(Word),
            ":model": query.model,
            ":until": query.until,
            ":host": query.host.map(Word),
            ":project": query.project,
            ":failed": query.failed,
            ":search": query.search.as_ref().map(|text| text.to_lowercase()),
            ":limit": limit + 1,
        },
        listed,
    )?;
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = if more { rows.last().map(|(cursor, _)| *cursor) } else { None };
    Ok(Page { records: rows.into_iter().filter_map(|(_, record)| record).collect(), next })
}

/// A record of a newer remuda may not be readable. It is left out, so that the rest of the list can be shown.
fn listed(row: &Row<'_>) -> rusqlite::Result<(Cursor, Option<Record>)> {
    let cursor = Cursor { id: RequestId(row.get("id")?), at: row.get("at")? };
    let record = match row.get("body") {
        Ok(Json(record)) => Some(record),
        Err(error) => {
            tracing::warn!(request = %cursor.id, %error, "a decision record cannot be read");
            None
        }
    };
    Ok((cursor, record))
}
