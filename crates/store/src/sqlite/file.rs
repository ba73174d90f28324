//! Opening a database file so that nothing is ever lost by it: it appears whole, a damaged one is refused and left as
//! it is, and a copy is made before its schema changes.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use remuda_core::UnixSeconds;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::database::{Database, quick_check, schema};
use super::failure::Failure;
use crate::error::StoreError;
use crate::permissions::beside;
use crate::whole_file::{self, free_name};

/// How long a transaction waits for one of another process. Ours take milliseconds.
const BUSY: Duration = Duration::from_secs(5);
/// Backups that stay, for each file.
const BACKUPS: usize = 5;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// One kind of file.
pub(super) struct Kind {
    /// In the file's header, so that another program's database is not taken for ours.
    pub(super) application_id: i32,
    /// Every schema change, oldest first; the schema's version is their number. Only ever appended to.
    pub(super) migrations: &'static [&'static str],
    /// Is it small enough to be checked whole at each opening?
    pub(super) check_at_open: bool,
}

/// `RMDA`: the herd.
pub(super) const HERD: Kind = Kind {
    application_id: 0x524d_4441,
    migrations: &[
        include_str!("schema/herd-1.sql"),
        include_str!("schema/herd-2.sql"),
        include_str!("schema/herd-3.sql"),
        include_str!("schema/herd-4.sql"),
        include_str!("schema/herd-5.sql"),
        include_str!("schema/herd-6.sql"),
    ],
    check_at_open: true,
};

/// `RMDL`: the ledger. Too large to be read whole at each start: `check` does it.
pub(super) const LEDGER: Kind = Kind {
    application_id: 0x524d_444c,
    migrations: &[include_str!("schema/ledger-1.sql"), include_str!("schema/ledger-2.sql")],
    check_at_open: false,
};

impl Kind {
    /// Opens the file, or makes it. The caller holds the lock on opening.
    pub(super) fn open(&self, path: &Path, backups: &Path, now: UnixSeconds) -> Result<Database, StoreError> {
        match fs::metadata(path) {
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => self.create(path)?,
            Err(e) => return Err(StoreError::io(path, e)),
        }
        let mut connection = self.examine(path, self.check_at_open)?;
        self.migrate(&mut connection, path, backups, now)?;
        let sqlite = |e: rusqlite::Error| Failure::from(e).at(path);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(sqlite)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(sqlite)?;
        connection.pragma_update(None, "secure_delete", true).map_err(sqlite)?;
        // On macOS a plain fsync does not reach the platter. Elsewhere these two are nothing.
        connection.pragma_update(None, "fullfsync", true).map_err(sqlite)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(sqlite)?;
        connection.set_prepared_statement_cache_capacity(64);
        Database::new(connection, path)
    }

    /// Opens a file that exists and says what is wrong with it, changing nothing in it.
    pub(super) fn examine(&self, path: &Path, thoroughly: bool) -> Result<Connection, StoreError> {
        header(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| Failure::from(e).at(path))?;
        let look = || -> Result<(), Failure> {
            // A refused file is left as it is: closing it must not write its log into it.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            connection.pragma_update(None, "cell_size_check", true)?;
            let application_id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            if application_id != self.application_id {
                return Err(StoreError::NotADatabase { path: path.to_owned() }.into());
            }
            let found = schema(&connection)?;
            let known = self.latest();
            if found > known {
                return Err(StoreError::NewerSchema { path: path.to_owned(), found, known }.into());
            }
            if thoroughly {
                quick_check(&connection)?;
            }
            if connection.is_readonly("main")? {
                return Err(StoreError::ReadOnly { path: path.to_owned() }.into());
            }
            Ok(())
        };
        look().map_err(|e| e.at(path))?;
        Ok(connection)
    }

    /// The file gets its name when it is complete, so that an empty or half-made one is always a damaged one.
    fn create(&self, path: &Path) -> Result<(), StoreError> {
        let log = beside(path, "-wal");
        if fs::metadata(&log).is_ok_and(|meta| meta.len() > 0) {
            let detail = format!("it is missing, but its log {} is there", log.display());
            return Err(StoreError::Corrupt { path: path.to_owned(), detail });
        }
        let file = whole_file::begin(path.parent().unwrap_or(Path::new(".")))?;
        let build = || -> Result<(), Failure> {
            let mut connection = Connection::open(file.path())?;
            // Nobody sees the file yet and it is flushed as a whole below: flushing each step is lost time.
            connection.pragma_update(None, "synchronous", "OFF")?;
            connection.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))?;
            connection.pragma_update(None, "application_id", self.application_id)?;
            self.migrations().to_latest(&mut connection).map_err(migration)?;
            // Last: from here on there would be a log beside the file.
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
            connection.close().map_err(|(_, e)| e)?;
            Ok(())
        };
        build().map_err(|e| e.at(path))?;
        whole_file::finish(file, path)
    }

    fn migrate(
        &self,
        connection: &mut Connection,
        path: &Path,
        backups: &Path,
        now: UnixSeconds,
    ) -> Result<(), StoreError> {
        let found = schema(connection).map_err(|e| Failure::from(e).at(path))?;
        if found == self.latest() {
            return Ok(());
        }
        back_up(connection, path, backups, found, now)?;
        self.migrations().to_latest(connection).map_err(|e| migration(e).at(path))
    }

    fn migrations(&self) -> Migrations<'static> {
        Migrations::new(self.migrations.iter().map(|sql| M::up(sql)).collect())
    }

    fn latest(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }
}

fn migration(error: rusqlite_migration::Error) -> Failure {
    match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        other => StoreError::Engine(Box::new(other)).into(),
    }
}

/// An empty file is no database that lost its rows: SQLite would take it for a new one.
fn header(path: &Path) -> Result<(), StoreError> {
    let mut start = [0; MAGIC.len()];
    let io = |e| StoreError::io(path, e);
    let mut file = fs::File::open(path).map_err(io)?;
    match file.read_exact(&mut start) {
        Ok(()) if start == *MAGIC => Ok(()),
        Ok(()) => Err(StoreError::NotADatabase { path: path.to_owned() }),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            Err(StoreError::Corrupt { path: path.to_owned(), detail: "it is truncated".to_owned() })
        }
        Err(e) => Err(io(e)),
    }
}

/// Copies the database, with what is still in its log, and keeps the newest few copies.
fn back_up(
    connection: &Connection,
    path: &Path,
    backups: &Path,
    version: i64,
    now: UnixSeconds,
) -> Result<(), StoreError> {
    let file = whole_file::begin(backups)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let copy = free_name(backups, &format!("{stem}.{now}.schema-{version}.db"))?;
    connection.backup("main", file.path(), None).map_err(|e| Failure::from(e).at(&copy))?;
    whole_file::finish(file, &copy)?;
    tracing::info!(backup = %copy.display(), "copied the database before changing its schema");
    drop_oldest(backups, &stem)
}

fn drop_oldest(backups: &Path, stem: &str) -> Result<(), StoreError> {
    let io = |e| StoreError::io(backups, e);
    let prefix = format!("{stem}.");
    let mut copies: Vec<(UnixSeconds, PathBuf)> = Vec::new();
    for entry in fs::read_dir(backups).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let at = name.strip_prefix(&prefix).and_then(|rest| rest.split('.').next()).and_then(|at| at.parse().ok());
        copies.extend(at.map(|at| (at, path)));
    }
    copies.sort();
    let surplus = copies.len().saturating_sub(BACKUPS);
    for (_, path) in copies.into_iter().take(surplus) {
        fs::remove_file(&path).map_err(|e| StoreError::io(&path, e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Kind = Kind { application_id: 7, migrations: &["CREATE TABLE a (x TEXT)"], check_at_open: true };
    const TWO: Kind = Kind { migrations: &["CREATE TABLE a (x TEXT)", "ALTER TABLE a ADD COLUMN y TEXT"], ..ONE };
    const BROKEN: Kind = Kind {
        migrations: &["CREATE TABLE a (x TEXT)", "ALTER TABLE a ADD COLUMN y TEXT; INSERT INTO nowhere VALUES (1)"],
        ..ONE
    };

    struct Files(tempfile::TempDir);

    impl Files {
        /// A database of the first schema with one row.
        fn with_a_row() -> Self {
            let files = Self(tempfile::tempdir().unwrap());
            let mut database = files.open(&ONE, 0).unwrap();
            database.durable(|tx| Ok(tx.execute("INSERT INTO a VALUES ('kept')", [])?)).unwrap();
            files
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("x.db")
        }

        fn backups(&self) -> PathBuf {
            self.0.path().join("backups")
        }

        fn open(&self, kind: &Kind, now: UnixSeconds) -> Result<Database, StoreError> {
            kind.open(&self.path(), &self.backups(), now)
        }

        fn backup_names(&self) -> Vec<String> {
            let Ok(entries) = fs::read_dir(self.backups()) else { return Vec::new() };
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    fn row(database: &mut Database, column: &str) -> Option<String> {
        database.read(|tx| Ok(tx.query_row(&format!("SELECT {column} FROM a"), [], |row| row.get(0))?)).unwrap()
    }

    #[test]
    fn a_schema_change_keeps_the_rows_and_a_copy_of_what_was_before() {
        let files = Files::with_a_row();
        let mut database = files.open(&TWO, 1_000).unwrap();
        assert_eq!(row(&mut database, "x").as_deref(), Some("kept"));
        assert_eq!(row(&mut database, "y"), None);
        assert_eq!(files.backup_names(), ["x.1000.schema-1.db"]);
        let copy = files.backups().join("x.1000.schema-1.db");
        let mut copy = ONE.open(&copy, &files.backups(), 1_001).unwrap();
        assert_eq!(row(&mut copy, "x").as_deref(), Some("kept"), "the copy is a store of the schema before");
    }

    #[test]
    fn opening_without_a_schema_change_makes_no_copy() {
        let files = Files::with_a_row();
        files.open(&ONE, 1_000).unwrap();
        assert_eq!(files.backup_names(), Vec::<String>::new());
    }

    #[test]
    fn a_schema_change_that_fails_changes_nothing() {
        let files = Files::with_a_row();
        assert!(files.open(&BROKEN, 1_000).is_err());
        let mut database = files.open(&ONE, 1_001).unwrap();
        assert_eq!(database.schema().unwrap(), 1);
        assert_eq!(row(&mut database, "x").as_deref(), Some("kept"));
    }

    #[test]
    fn the_newest_few_copies_stay() {
        let files = Files::with_a_row();
        for now in 1..=7 {
            assert!(files.open(&BROKEN, now * 1_000_000).is_err());
        }
        let kept: Vec<String> = (3..=7).map(|now| format!("x.{}.schema-1.db", now * 1_000_000)).collect();
        assert_eq!(files.backup_names(), kept);
    }

    #[test]
    fn what_a_dead_process_began_is_cleared_away() {
        let files = Files(tempfile::tempdir().unwrap());
        for name in [".new-abc", ".new-abc-wal", "of somebody else"] {
            fs::write(files.0.path().join(name), "half").unwrap();
        }
        files.open(&ONE, 0).unwrap();
        let mut names: Vec<_> = fs::read_dir(files.0.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["of somebody else", "x.db"]);
    }

    #[test]
    fn a_file_that_could_not_be_made_whole_is_not_there() {
        const NONSENSE: Kind = Kind { application_id: 7, migrations: &["CREATE NONSENSE"], check_at_open: true };
        let files = Files(tempfile::tempdir().unwrap());
        assert!(files.open(&NONSENSE, 0).is_err());
        assert_eq!(fs::read_dir(files.0.path()).unwrap().count(), 0);
    }
}
