//! One open database file and the three ways to use it: read, durable, relaxed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::failure::{Failure, Outcome};
use crate::error::StoreError;

/// An open file that has been checked and brought up to date.
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    identity: FileIdentity,
    flush: Flush,
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    inode: u64,
}

/// When a commit returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flush {
    /// When the log is on the disk.
    Durable,
    /// When the operating system has it. A power cut may cost it; it never harms what was there.
    Relaxed,
}

impl Database {
    /// Takes over a connection to this path.
    pub(super) fn new(connection: Connection, path: &Path) -> Result<Self, StoreError> {
        let identity = identity(path).map_err(|e| StoreError::io(path, e))?;
        let mut database = Self { connection, path: path.to_owned(), identity, flush: Flush::Relaxed };
        database.set_flush(Flush::Durable)?;
        Ok(database)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads at one instant.
    pub(super) fn read<T>(&mut self, read: impl FnOnce(&Transaction<'_>) -> Outcome<T>) -> Result<T, StoreError> {
        self.transact(TransactionBehavior::Deferred, read)
    }

    /// Changes something; on the disk when it returns.
    pub(super) fn durable<T>(&mut self, change: impl FnOnce(&Transaction<'_>) -> Outcome<T>) -> Result<T, StoreError> {
        self.set_flush(Flush::Durable)?;
        self.transact(TransactionBehavior::Immediate, change)
    }

    /// Changes something that may be lost in a power cut.
    pub(super) fn relaxed<T>(&mut self, change: impl FnOnce(&Transaction<'_>) -> Outcome<T>) -> Result<T, StoreError> {
        self.set_flush(Flush::Relaxed)?;
        self.transact(TransactionBehavior::Immediate, change)
    }

    /// Reads everything: pages, rows, indices, references. Slow.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let thoroughly = || {
            sound(&self.connection, "PRAGMA integrity_check(1)")?;
            let dangling: Option<String> =
                self.connection.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional()?;
            match dangling {
                None => Ok(()),
                Some(table) => Err(damaged(&self.connection, format!("a row of {table} refers to nothing"))),
            }
        };
        thoroughly().map_err(|e: Failure| e.at(&self.path))
    }

    /// Version of the schema.
    pub(super) fn schema(&self) -> Result<i64, StoreError> {
        schema(&self.connection).map_err(|e| Failure::from(e).at(&self.path))
    }

    #[cfg(feature = "fault-points")]
    pub(super) fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .map_err(|e| Failure::from(e).at(&self.path))
    }

    fn transact<T>(
        &mut self,
        behavior: TransactionBehavior,
        body: impl FnOnce(&Transaction<'_>) -> Outcome<T>,
    ) -> Result<T, StoreError> {
        self.still_ours()?;
        let run = || {
            let tx = self.connection.transaction_with_behavior(behavior)?;
            let done = body(&tx)?; // an error drops the transaction, which rolls it back
            tx.commit()?;
            Ok(done)
        };
        run().map_err(|e: Failure| e.at(&self.path))
    }

    /// Writing on into a file that somebody has moved away would lose everything written; and the log of the old file
    /// beside a new one would destroy the new one.
    fn still_ours(&self) -> Result<(), StoreError> {
        match identity(&self.path) {
            Ok(now) if now == self.identity => Ok(()),
            Ok(_) => Err(StoreError::Replaced { path: self.path.clone() }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(StoreError::Replaced { path: self.path.clone() }),
            Err(e) => Err(StoreError::io(&self.path, e)),
        }
    }

    fn set_flush(&mut self, flush: Flush) -> Result<(), StoreError> {
        if self.flush != flush {
            let level = match flush {
                Flush::Durable => "FULL",
                Flush::Relaxed => "NORMAL",
            };
            self.connection.pragma_update(None, "synchronous", level).map_err(|e| Failure::from(e).at(&self.path))?;
            self.flush = flush;
        }
        Ok(())
    }
}

fn identity(path: &Path) -> std::io::Result<FileIdentity> {
    fs::metadata(path).map(|meta| FileIdentity { device: meta.dev(), inode: meta.ino() })
}

/// Structure of all pages and agreement of rows with types, without comparing indices with rows.
pub(super) fn quick_check(connection: &Connection) -> Outcome<()> {
    sound(connection, "PRAGMA quick_check(1)")
}

fn sound(connection: &Connection, check: &str) -> Outcome<()> {
    let verdict: String = connection.query_row(check, [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(damaged(connection, verdict)) }
}

fn damaged(connection: &Connection, detail: String) -> Failure {
    let path = connection.path().unwrap_or_default().into();
    Failure::Store(StoreError::Corrupt { path, detail })
}

/// `user_version`.
pub(super) fn schema(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
