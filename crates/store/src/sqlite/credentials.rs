//! Sealed secrets and the state of their refresh. Every write compares with what is stored.

use remuda_core::{AccountId, UnixSeconds};
use rusqlite::{OptionalExtension, Transaction, named_params};
use secrecy::{ExposeSecret, SecretString};

use super::columns::Word;
use super::engine::Engine;
use super::failure::Outcome;
use crate::credential::{Credential, OauthPair, StoredCredential};
use crate::envelope::Vault;
use crate::error::StoreError;
use crate::refresh::{Backoff, Condemned, Intent, RefreshEnd, RefreshState, Rotation, Sentence};
use crate::store::Health;

pub(super) fn read(engine: &mut Engine, id: AccountId) -> Result<StoredCredential, StoreError> {
    engine.herd.read(|tx| stored(tx, &engine.vault, id))
}

pub(super) fn rotate(
    engine: &mut Engine,
    id: AccountId,
    sent: &SecretString,
    new: OauthPair,
) -> Result<Rotation, StoreError> {
    engine.persist(|tx, vault| {
        let current = stored(tx, vault, id)?;
        let Credential::Oauth(pair) = &current.credential else {
            return Ok(Rotation::Conflict { current });
        };
        if same(&pair.refresh, &new.refresh) && same(&pair.access, &new.access) {
            return Ok(Rotation::Stored { generation: current.generation }); // our own, stored before
        }
        if !same(&pair.refresh, sent) {
            return Ok(Rotation::Conflict { current });
        }
        let generation = current.generation + 1;
        replace(tx, vault, id, generation, &Credential::Oauth(new))?;
        no_login_needed(tx, id)?;
        Ok(Rotation::Stored { generation })
    })
}

pub(super) fn advance(engine: &mut Engine, id: AccountId, newer: &StoredCredential) -> Result<Rotation, StoreError> {
    engine.persist(|tx, vault| {
        if newer.generation > generation(tx, id)? {
            replace(tx, vault, id, newer.generation, &newer.credential)?;
            no_login_needed(tx, id)?;
            Ok(Rotation::Stored { generation: newer.generation })
        } else {
            Ok(Rotation::Conflict { current: stored(tx, vault, id)? })
        }
    })
}

#[cfg(feature = "fault-points")]
pub(super) fn plant(engine: &mut Engine, id: AccountId, planted: &StoredCredential) -> Result<(), StoreError> {
    let Engine { herd, vault, .. } = engine;
    herd.durable(|tx| replace(tx, vault, id, planted.generation, &planted.credential))
}

/// The first secret of a new account.
pub(super) fn insert(tx: &Transaction<'_>, vault: &Vault, id: AccountId, credential: &Credential) -> Outcome<()> {
    let sealed = vault.seal(id, 1, credential)?;
    tx.execute("INSERT INTO credential (account, generation, sealed) VALUES (?1, 1, ?2)", (id.0, sealed))?;
    Ok(())
}

/// Another secret in place of the stored one. What was known about the old one no longer holds.
pub(super) fn replace(
    tx: &Transaction<'_>,
    vault: &Vault,
    id: AccountId,
    generation: u64,
    credential: &Credential,
) -> Outcome<()> {
    let sealed = vault.seal(id, generation, credential)?;
    let changed = tx.execute(
        "UPDATE credential SET generation = ?2, sealed = ?3, intent_generation = NULL, intent_since = NULL,
            condemned_generation = NULL, condemned_at = NULL, condemned_sentence = NULL, condemned_code = NULL,
            backoff_until = NULL, backoff_failures = NULL
         WHERE account = ?1",
        (id.0, generation, sealed),
    )?;
    if changed == 0 { Err(StoreError::UnknownAccount(id).into()) } else { Ok(()) }
}

fn no_login_needed(tx: &Transaction<'_>, id: AccountId) -> Outcome<()> {
    tx.execute("UPDATE account SET status = 'ready' WHERE id = ?1 AND status = 'needs_login'", [id.0])?;
    Ok(())
}

/// The generation alone, which is there even when the secret cannot be opened.
pub(super) fn generation(tx: &Transaction<'_>, id: AccountId) -> Outcome<u64> {
    let found =
        tx.query_row("SELECT generation FROM credential WHERE account = ?1", [id.0], |row| row.get(0)).optional()?;
    found.ok_or_else(|| StoreError::UnknownAccount(id).into())
}

fn stored(tx: &Transaction<'_>, vault: &Vault, id: AccountId) -> Outcome<StoredCredential> {
    let row: Option<(u64, Vec<u8>)> = tx
        .query_row("SELECT generation, sealed FROM credential WHERE account = ?1", [id.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (generation, sealed) = row.ok_or(StoreError::UnknownAccount(id))?;
    let credential = vault.open(id, generation, &sealed).map_err(|_| StoreError::CredentialUnreadable(id))?;
    Ok(StoredCredential { credential, generation })
}

fn same(a: &SecretString, b: &SecretString) -> bool {
    a.expose_secret() == b.expose_secret()
}

pub(super) fn refresh_state(tx: &Transaction<'_>, id: AccountId) -> Outcome<RefreshState> {
    let state = tx
        .query_row("SELECT * FROM credential WHERE account = ?1", [id.0], |row| {
            let intent = row.get::<_, Option<u64>>("intent_generation")?.zip(row.get("intent_since")?);
            let condemned = match row.get("condemned_generation")? {
                Some(generation) => {
                    let Word(sentence) = row.get("condemned_sentence")?;
                    Some(Condemned {
                        generation,
                        at: row.get("condemned_at")?,
                        sentence,
                        code: row.get("condemned_code")?,
                    })
                }
                None => None,
            };
            let backoff = row.get::<_, Option<UnixSeconds>>("backoff_until")?.zip(row.get("backoff_failures")?);
            Ok(RefreshState {
                intent: intent.map(|(generation, since)| Intent { generation, since }),
                condemned,
                backoff: backoff.map(|(until, failures)| Backoff { until, failures }),
            })
        })
        .optional()?;
    state.ok_or_else(|| StoreError::UnknownAccount(id).into())
}

pub(super) fn begin(tx: &Transaction<'_>, id: AccountId, generation: u64, now: UnixSeconds) -> Outcome<bool> {
    if self::generation(tx, id)? != generation {
        return Ok(false);
    }
    tx.execute(
        "UPDATE credential SET intent_generation = ?2, intent_since = ?3 WHERE account = ?1",
        (id.0, generation, now),
    )?;
    Ok(true)
}

pub(super) fn end(tx: &Transaction<'_>, id: AccountId, generation: u64, end: &RefreshEnd) -> Outcome<bool> {
    if self::generation(tx, id)? != generation {
        return Ok(false);
    }
    tx.execute("UPDATE credential SET intent_generation = NULL, intent_since = NULL WHERE account = ?1", [id.0])?;
    match end {
        RefreshEnd::Withdrawn => {}
        RefreshEnd::Backoff(Backoff { until, failures }) => {
            tx.execute(
                "UPDATE credential SET backoff_until = ?2, backoff_failures = ?3 WHERE account = ?1",
                (id.0, until, failures),
            )?;
        }
        RefreshEnd::Condemned { at, sentence, code } => {
            tx.execute(
                "UPDATE credential SET condemned_generation = :generation, condemned_at = :at,
                    condemned_sentence = :sentence, condemned_code = :code,
                    backoff_until = NULL, backoff_failures = NULL
                 WHERE account = :id",
                named_params! {
                    ":id": id.0, ":generation": generation, ":at": at, ":sentence": Word(sentence), ":code": code,
                },
            )?;
            // What the vendor closed stays closed, what its owner paused stays paused.
            let status = match sentence {
                Sentence::LoginNeeded => "UPDATE account SET status = 'needs_login' WHERE id = ?1 AND status = 'ready'",
                Sentence::AccountClosed => {
                    "UPDATE account SET status = 'disabled' WHERE id = ?1 AND status <> 'paused'"
                }
            };
            tx.execute(status, [id.0])?;
        }
    }
    Ok(true)
}

/// Structure of both files, and every secret opened once.
pub(super) fn check(engine: &mut Engine) -> Result<Health, StoreError> {
    engine.herd.check()?;
    engine.ledger.check()?;
    let Engine { herd, vault, key_place, .. } = engine;
    herd.read(|tx| {
        let mut statement = tx.prepare("SELECT id FROM account")?;
        let accounts = statement.query_map([], |row| row.get(0).map(AccountId))?;
        for account in accounts {
            stored(tx, vault, account?)?;
        }
        Ok(())
    })?;
    Ok(Health {
        back_end: "sqlite",
        place: herd.path().display().to_string(),
        schema: herd.schema()?,
        key_place: key_place.clone(),
    })
}
