//! Files that appear complete and flushed under their name, or not at all. What a process that died has begun is cleared
//! away by the next one. Callers hold the lock on opening, so nobody else is at it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::StoreError;
use crate::permissions::{create_directory, sync_directory};

const UNFINISHED: &str = ".new-";

/// An unfinished file in this directory, for its owner alone.
pub(crate) fn begin(directory: &Path) -> Result<NamedTempFile, StoreError> {
    create_directory(directory)?;
    let io = |e| StoreError::io(directory, e);
    for entry in fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path()).map_err(io)?;
        }
    }
    tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory).map_err(io) // tempfile makes it 0600
}

/// Gives it its name. Another file of that name is an error and stays.
pub(crate) fn finish(file: NamedTempFile, path: &Path) -> Result<(), StoreError> {
    file.as_file().sync_all().map_err(|e| StoreError::io(path, e))?;
    file.persist_noclobber(path).map_err(|e| StoreError::io(path, e.error))?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// This name in the directory, or it with a number if something has it: what is kept is never overwritten.
pub(crate) fn free_name(directory: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let mut path = directory.join(name);
    let mut attempt = 0_u32;
    while path.try_exists().map_err(|e| StoreError::io(&path, e))? {
        attempt += 1;
        path = directory.join(format!("{name}.{attempt}"));
    }
    Ok(path)
}
