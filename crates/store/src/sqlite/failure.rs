//! SQLite's errors in the words of [`StoreError`]: what the owner can do decides the variant, not SQLite's number.

use std::error::Error as StdError;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::StoreError;

/// Inside a transaction the path is not known yet.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite's own.
    Sqlite(rusqlite::Error),
    /// Already in our words.
    Store(StoreError),
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// As it concerns this file.
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sqlite(error) => translate(error, path),
        }
    }
}

fn translate(error: rusqlite::Error, path: &Path) -> StoreError {
    let path = path.to_owned();
    match &error {
        // What a column holds is not what we wrote.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => StoreError::Corrupt { path, detail: innermost(&error) },
        _ => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt { path, detail: error.to_string() },
            Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { path },
            Some(ErrorCode::DiskFull) => StoreError::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                StoreError::ReadOnly { path }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Busy { what: path.display().to_string() }
            }
            _ => StoreError::Engine(Box::new(error)),
        },
    }
}

fn innermost(error: &dyn StdError) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
