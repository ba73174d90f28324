//! Damaged databases are moved aside, whole, and only when a person says so. Nothing here deletes anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use remuda_core::UnixSeconds;

use super::engine::open_lock;
use super::file::{HERD, LEDGER};
use crate::error::StoreError;
use crate::permissions::{beside, create_directory, sync_directory};
use crate::places::Places;
use crate::whole_file::free_name;

/// One file that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is: `quarantine/<name>.<unix seconds>`.
    pub to: PathBuf,
}

/// Moves aside what [`crate::SqliteStore::open`] refuses as damaged or foreign, together with its log. What is sound
/// stays; so the next opening begins anew only with what was lost. Stop every other remuda process first.
///
/// # Errors
/// What keeps it from looking or moving.
pub fn quarantine(places: &Places, now: UnixSeconds) -> Result<Vec<Quarantined>, StoreError> {
    create_directory(&places.locks())?;
    let opening = open_lock(places)?;
    let mut moved = Vec::new();
    for (kind, path) in [(&HERD, places.database()), (&LEDGER, places.ledger())] {
        let damaged = match fs::metadata(&path) {
            Ok(_) => match kind.examine(&path, true) {
                Ok(_) => false,
                Err(StoreError::Corrupt { .. } | StoreError::NotADatabase { .. }) => true,
                Err(e) => return Err(e),
            },
            // The file is gone; a log without its file is what opening refuses.
            Err(e) if e.kind() == io::ErrorKind::NotFound => true,
            Err(e) => return Err(StoreError::io(&path, e)),
        };
        if damaged {
            for end in ["", "-wal", "-shm"] {
                moved.extend(move_aside(&beside(&path, end), &places.quarantine(), now)?);
            }
        }
    }
    drop(opening);
    Ok(moved)
}

fn move_aside(from: &Path, quarantine: &Path, now: UnixSeconds) -> Result<Option<Quarantined>, StoreError> {
    if !from.try_exists().map_err(|e| StoreError::io(from, e))? {
        return Ok(None);
    }
    create_directory(quarantine)?;
    let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let to = free_name(quarantine, &format!("{name}.{now}"))?;
    fs::rename(from, &to).map_err(|e| StoreError::io(from, e))?;
    sync_directory(quarantine)?;
    if let Some(directory) = from.parent() {
        sync_directory(directory)?;
    }
    Ok(Some(Quarantined { from: from.to_owned(), to }))
}
