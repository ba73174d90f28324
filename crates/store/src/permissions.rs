//! Modes of our files and directories: created right, mended where they are ours, reported to `doctor`.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::places::Places;

const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;
/// Directories with the sticky bit (`/tmp`) are shared on purpose. Closing one would harm everybody.
const STICKY: u32 = 0o1000;

/// What was found about one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMode {
    /// Which.
    pub path: PathBuf,
    /// The most it may allow.
    pub wanted: u32,
    /// The mode it had.
    pub found: u32,
    /// What that means.
    pub state: ModeState,
}

/// What was done about a mode, or why nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeState {
    /// It is right.
    Right,
    /// It is too open.
    TooOpen,
    /// It was too open and is right now. What it holds may have been read meanwhile.
    Corrected,
    /// It belongs to another user, so its mode is not ours to change.
    Foreign {
        /// Whose it is.
        owner: u32,
    },
    /// A directory that is shared on purpose: choose another one.
    Shared,
}

/// Looks at everything that exists and changes nothing.
///
/// # Errors
/// [`StoreError::Io`] for what cannot even be looked at.
pub fn check(places: &Places) -> Result<Vec<PathMode>, StoreError> {
    let mut found = Vec::new();
    for (path, wanted) in ours(places)? {
        match fs::metadata(&path) {
            Ok(meta) => found.push(judge(path, &meta, wanted)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(StoreError::io(&path, e)),
        }
    }
    Ok(found)
}

/// Looks, and corrects what is ours. Tells everything it saw.
pub(crate) fn enforce(places: &Places) -> Result<Vec<PathMode>, StoreError> {
    let mut found = check(places)?;
    for entry in found.iter_mut().filter(|entry| entry.state == ModeState::TooOpen) {
        // Only ever closes: what its owner has made read-only stays so.
        fs::set_permissions(&entry.path, Permissions::from_mode(entry.found & entry.wanted))
            .map_err(|e| StoreError::io(&entry.path, e))?;
        entry.state = ModeState::Corrected;
        tracing::warn!(path = %entry.path.display(), was = format_args!("{:o}", entry.found), "mode corrected");
    }
    Ok(found)
}

fn judge(path: PathBuf, meta: &fs::Metadata, wanted: u32) -> PathMode {
    let found = meta.mode() & 0o7777;
    let state = if found & STICKY != 0 && meta.is_dir() {
        ModeState::Shared
    } else if meta.uid() != rustix::process::geteuid().as_raw() {
        ModeState::Foreign { owner: meta.uid() }
    } else if found & 0o777 & !wanted == 0 {
        ModeState::Right
    } else {
        ModeState::TooOpen
    };
    PathMode { path, wanted, found, state }
}

fn ours(places: &Places) -> Result<Vec<(PathBuf, u32)>, StoreError> {
    let mut paths = vec![(places.state.clone(), DIRECTORY), (places.config.clone(), DIRECTORY)];
    paths.dedup();
    paths.push((places.key_file(), FILE));
    for database in [places.database(), places.ledger()] {
        for end in ["", "-wal", "-shm"] {
            paths.push((beside(&database, end), FILE));
        }
    }
    for directory in [places.locks(), places.backups(), places.quarantine()] {
        match fs::read_dir(&directory) {
            Ok(entries) => {
                paths.push((directory.clone(), DIRECTORY));
                for entry in entries {
                    paths.push((entry.map_err(|e| StoreError::io(&directory, e))?.path(), FILE));
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(StoreError::io(&directory, e)),
        }
    }
    Ok(paths)
}

/// `remuda.db` and `-wal` make `remuda.db-wal`.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Makes a directory, and its parents, for its owner alone.
pub(crate) fn create_directory(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(path).map_err(|e| StoreError::io(path, e))
}

/// Opens a file for writing, made for its owner alone if it is new; its content stays.
pub(crate) fn open_private(path: &Path) -> Result<fs::File, StoreError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE)
        .open(path)
        .map_err(|e| StoreError::io(path, e))
}

/// Makes the names in a directory survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    fs::File::open(path).and_then(|directory| directory.sync_all()).map_err(|e| StoreError::io(path, e))
}
