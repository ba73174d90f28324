//! Everything the store's thread owns: both files, the key, the limits.

use std::time::Duration;

use remuda_core::UnixSeconds;
use rusqlite::OptionalExtension;

use super::SqliteOptions;
use super::database::Database;
use super::failure::Outcome;
use super::file::{HERD, LEDGER};
use crate::envelope::Vault;
use crate::error::StoreError;
use crate::fault;
use crate::file_lock;
use crate::ledger::Retention;
use crate::master_key::{self, KeyPlace, KeySource};
use crate::permissions::{self, PathMode, create_directory};
use crate::places::Places;

/// How long an opening waits for another process's opening (which may be changing the schema).
const OPENING: Duration = Duration::from_secs(20);

pub(super) struct Engine {
    pub(super) herd: Database,
    pub(super) ledger: Database,
    pub(super) vault: Vault,
    pub(super) retention: Retention,
    /// The quarter of an hour in which usage was thinned out last.
    pub(super) thinned: UnixSeconds,
    pub(super) key_place: String,
    /// Modes as they were found, and what was done about them.
    pub(super) modes: Vec<PathMode>,
    /// Writes of credentials that are to fail as on a full disk.
    #[cfg(feature = "fault-points")]
    pub(super) failing_persists: u32,
}

impl Engine {
    pub(super) fn open(options: &SqliteOptions, now: UnixSeconds) -> Result<Self, StoreError> {
        let places = &options.places;
        for directory in [&places.state, &places.config, &places.locks()] {
            create_directory(directory)?;
        }
        // One opening at a time: making the files, making the key and changing the schema each happen once.
        let opening = open_lock(places)?;
        let mut modes = permissions::enforce(places)?;
        modes.retain(|mode| mode.state != permissions::ModeState::Right);
        let mut herd = HERD.open(&places.database(), &places.backups(), now)?;
        let ledger = LEDGER.open(&places.ledger(), &places.backups(), now)?;
        let (vault, key_place) = unlock(&mut herd, options.key_source, places)?;
        drop(opening);
        Ok(Self {
            herd,
            ledger,
            vault,
            retention: options.retention,
            thinned: UnixSeconds::MIN,
            key_place,
            modes,
            #[cfg(feature = "fault-points")]
            failing_persists: 0,
        })
    }

    /// A durable change of a credential, with the places at which tests kill the process.
    pub(super) fn persist<T>(
        &mut self,
        change: impl FnOnce(&rusqlite::Transaction<'_>, &Vault) -> Outcome<T>,
    ) -> Result<T, StoreError> {
        fault::point("before_persist");
        #[cfg(feature = "fault-points")]
        if self.failing_persists > 0 {
            self.failing_persists -= 1;
            return Err(StoreError::Full { path: self.herd.path().to_owned() });
        }
        let done = self.herd.durable(|tx| {
            let done = change(tx, &self.vault)?;
            fault::point("during_persist");
            Ok(done)
        })?;
        fault::point("after_persist");
        Ok(done)
    }
}

/// Held while files are made, moved or brought up to date.
pub(super) fn open_lock(places: &Places) -> Result<std::fs::File, StoreError> {
    file_lock::acquire(&places.locks().join("open.lock"), OPENING, "the store (another process is opening it)")
}

/// Finds the key that belongs to the database; chooses one if it has none yet.
fn unlock(herd: &mut Database, source: KeySource, places: &Places) -> Result<(Vault, String), StoreError> {
    let file = places.key_file();
    let known = herd.read(|tx| {
        let meta = |name: &str| -> rusqlite::Result<Option<String>> {
            tx.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()
        };
        Ok(meta("key_place")?.zip(meta("key_fingerprint")?))
    })?;
    if let Some((place, fingerprint)) = known {
        let place = KeyPlace::parse(&place).ok_or_else(|| StoreError::Corrupt {
            path: herd.path().to_owned(),
            detail: format!("it names an unknown place of the key: {place:?}"),
        })?;
        let key = master_key::existing(place, &file)?;
        let place = place.describe(&file);
        if key.fingerprint() != fingerprint {
            return Err(StoreError::WrongKey { place });
        }
        return Ok((Vault::new(key), place));
    }
    let (place, key) = master_key::first(source, &file)?;
    herd.durable(|tx| {
        let mut insert = tx.prepare("INSERT INTO meta (name, value) VALUES (?1, ?2)")?;
        insert.execute(["key_place", place.as_str()])?;
        insert.execute(["key_fingerprint", &key.fingerprint()])?;
        Ok(())
    })?;
    Ok((Vault::new(key), place.describe(&file)))
}
