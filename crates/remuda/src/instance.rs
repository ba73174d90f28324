//! Only one process at a time works on the state: a lock file in the state directory, and beside it who holds it.
//!
//! The operating system frees the lock when its holder dies, however it dies; the file that names the holder is only
//! believed while the lock is held.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::PathBuf;

use remuda_control::{Code, Failure};
use remuda_core::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::paths::{Paths, unusable};

/// What the holder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Serves agents until it is stopped.
    Daemon,
    /// A single command without a daemon: done in a moment.
    Command,
}

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// What it does.
    pub(crate) role: Role,
    /// Its process.
    pub(crate) pid: u32,
    /// Since when.
    pub(crate) started_at: UnixSeconds,
    /// Where agents reach it.
    pub(crate) url: Option<String>,
    /// Where it takes commands.
    pub(crate) socket: Option<PathBuf>,
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    holder: PathBuf,
    _lock: File,
}

impl Instance {
    /// Takes the lock if it is free. `None`: somebody holds it.
    pub(crate) fn take(paths: &Paths, holder: &Holder) -> Result<Option<Self>, Failure> {
        let path = paths.lock();
        let lock = open(&path).map_err(|e| unusable(&path, &e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                return Err(Failure::new(Code::Store, format!("{} cannot be locked", path.display()))
                    .why(error.to_string())
                    .remedy("put REMUDA_HOME on a file system with file locks"));
            }
        }
        let instance = Self { holder: paths.holder(), _lock: lock };
        instance.name(holder)?;
        Ok(Some(instance))
    }

    /// Does somebody hold it?
    pub(crate) fn is_held(paths: &Paths) -> Result<bool, Failure> {
        let path = paths.lock();
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(unusable(&path, &error)),
        };
        // Shared, so that two lookers do not take each other for a holder.
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(unusable(&path, &error)),
        }
    }

    /// Writes down who holds it.
    pub(crate) fn name(&self, holder: &Holder) -> Result<(), Failure> {
        let write = || {
            let beside = self.holder.with_extension("new");
            let mut file = create_private(&beside)?;
            file.write_all(&serde_json::to_vec(holder)?)?;
            std::fs::rename(&beside, &self.holder)
        };
        write().map_err(|e| unusable(&self.holder, &e))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Removed before the lock goes, so that it never names somebody who is gone; if it stays, nobody believes it.
        let _ = std::fs::remove_file(&self.holder);
    }
}

/// Who holds the lock now, as far as it has been written down. Only meaningful while [`Instance::take`] says `None`.
pub(crate) fn holder(paths: &Paths) -> Option<Holder> {
    serde_json::from_slice(&std::fs::read(paths.holder()).ok()?).ok()
}

fn open(path: &PathBuf) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options).open(path)
}

fn create_private(path: &PathBuf) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options).open(path)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder_of(pid: u32) -> Holder {
        Holder { role: Role::Command, pid, started_at: 1, url: None, socket: None }
    }

    #[test]
    fn a_second_one_is_told_who_was_first_until_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::find(Some(dir.path().into())).unwrap();
        let first = Instance::take(&paths, &holder_of(1)).unwrap().unwrap();
        assert!(Instance::take(&paths, &holder_of(2)).unwrap().is_none());
        assert_eq!(holder(&paths), Some(holder_of(1)));
        drop(first);
        assert_eq!(holder(&paths), None);
        assert!(Instance::take(&paths, &holder_of(2)).unwrap().is_some());
    }

    #[test]
    fn garbage_beside_the_lock_names_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::find(Some(dir.path().into())).unwrap();
        std::fs::write(paths.holder(), "{").unwrap();
        assert_eq!(holder(&paths), None);
    }
}
