//! What can go wrong with durable state, and what its owner can do about it. No variant carries a secret.

use std::io;
use std::path::{Path, PathBuf};

use remuda_core::{AccountId, Label};

/// Why the store did not do what was asked. Nothing was changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The account does not exist (any more).
    #[error("no account {0}: it may have been removed meanwhile")]
    UnknownAccount(AccountId),
    /// The pool does not exist.
    #[error("no pool @{0}")]
    UnknownPool(String),
    /// Labels are unique without regard to case.
    #[error("the label {label} is taken: choose another one, or log in again under it to renew that account")]
    LabelTaken {
        /// The label as its holder writes it.
        label: Label,
    },
    /// Two accounts with one identity would look like two quotas where there is one.
    #[error("this login is already here as {label}: log in with --label {label} to renew it")]
    IdentityTaken {
        /// Who holds it.
        label: Label,
    },
    /// A list is full. Every list has a bound.
    #[error("too many {what}: at most {limit}")]
    LimitReached {
        /// Of what.
        what: &'static str,
        /// The bound.
        limit: usize,
    },

    /// The file holds something else than a database.
    #[error("{} is not a Remuda database and was left as it is: `remuda doctor --quarantine` moves it aside", path.display())]
    NotADatabase {
        /// Which file.
        path: PathBuf,
    },
    /// The file is damaged: truncated, overwritten, or it lost a part.
    #[error("{} is damaged ({detail}) and was left as it is: restore a backup, or let `remuda doctor --quarantine` move it aside and log in again", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// Another file has taken the database's place while it was open.
    #[error("{} was replaced or removed while in use: stop every remuda process before you restore a backup, then start again", path.display())]
    Replaced {
        /// Which file.
        path: PathBuf,
    },
    /// Written by a newer Remuda. An older one would drop what it does not know.
    #[error("{} has schema {found}, this remuda knows up to {known}: use the newer remuda", path.display())]
    NewerSchema {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// One account's secret cannot be opened. Other accounts are not concerned.
    #[error("the stored credential of account {0} cannot be decrypted: log in again")]
    CredentialUnreadable(AccountId),
    /// The key is there, but the secrets were sealed with another one.
    #[error("the key in {place} is not the one that sealed the stored credentials: put the right key back")]
    WrongKey {
        /// Where the key was read.
        place: String,
    },
    /// Secrets are stored, but the key that sealed them is gone or cannot be reached. A new one would not open them.
    #[error("the key that sealed the stored credentials is not in {place} ({why}): put it back or make it reachable")]
    KeyMissing {
        /// Where it should be.
        place: String,
        /// What was found there.
        why: String,
    },

    /// A value that would harm the store or routing.
    #[error("{0}")]
    Invalid(&'static str),

    /// No room on the disk.
    #[error("the disk is full: {} could not be written", path.display())]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// The file, its directory or the file system does not allow writing.
    #[error("{} cannot be written (read-only or not ours): check owner and permissions", path.display())]
    ReadOnly {
        /// Which file.
        path: PathBuf,
    },
    /// Another process held the lock beyond the deadline.
    #[error("{what} is in use by another remuda process: try again")]
    Busy {
        /// Which lock.
        what: String,
    },
    /// The back end did not answer before the deadline. Whether the change was made is **not known**: read it back.
    #[error("the store did not answer in time")]
    Timeout,
    /// [`crate::Store::close`] was called.
    #[error("the store is closed")]
    Closed,
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// On which path.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// Anything else the back end reports.
    #[error("the store failed: {0}")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// An error of the operating system, sorted by what its owner can do about it.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Io { path, source },
        }
    }

    /// Will the same call plausibly succeed later without anybody doing anything? True for locks and deadlines; a full
    /// disk counts too, because room comes back.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Timeout | Self::Full { .. })
    }
}
