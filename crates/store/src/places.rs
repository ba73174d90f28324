//! Where the files of the local store are. The caller says the two directories; this says the names in them.

use std::path::PathBuf;

/// The directories of one Remuda, which are its own: they are closed to everybody but their owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// For databases, locks, backups, quarantine.
    pub state: PathBuf,
    /// For the key file. May be the same directory.
    pub config: PathBuf,
}

impl Places {
    /// Everything in one directory (`REMUDA_HOME`).
    #[must_use]
    pub fn in_home(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self { state: home.clone(), config: home }
    }

    /// Accounts, sealed credentials, chains, sessions.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.state.join("remuda.db")
    }

    /// Decision records. A file of its own: it is written all day long, and if the disk harms it no credential is
    /// concerned.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger.db")
    }

    /// The key that seals the credentials, if it is not in the OS keyring.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.config.join("key")
    }

    /// Lock files. Their content means nothing.
    #[must_use]
    pub fn locks(&self) -> PathBuf {
        self.state.join("locks")
    }

    /// Copies made before each change of the schema.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.state.join("backups")
    }

    /// Damaged files, moved aside by [`crate::quarantine`].
    #[must_use]
    pub fn quarantine(&self) -> PathBuf {
        self.state.join("quarantine")
    }
}
