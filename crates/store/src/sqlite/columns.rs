//! How values of the core stand in columns.

use remuda_core::AccountId;
use remuda_core::snapshot::Target;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as JSON text.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(&self.0)
            .map(ToSqlOutput::from)
            .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|e| FromSqlError::Other(Box::new(e)))
    }
}

/// A value whose JSON form is one text, as that text: `needs_login`.
pub(super) struct Word<T>(pub(super) T);

impl<T: Serialize> ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match serde_json::to_value(&self.0) {
            Ok(serde_json::Value::String(word)) => Ok(ToSqlOutput::from(word)),
            Ok(_) => Err(rusqlite::Error::ToSqlConversionFailure("not a word".into())),
            Err(e) => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(e))),
        }
    }
}

impl<T: DeserializeOwned> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = serde_json::Value::String(value.as_str()?.to_owned());
        serde_json::from_value(word).map(Self).map_err(|e| FromSqlError::Other(Box::new(e)))
    }
}

/// The id in this column.
pub(super) fn account(row: &Row<'_>, column: &str) -> rusqlite::Result<AccountId> {
    row.get(column).map(AccountId)
}

/// A target as its two columns, of which one is null.
pub(super) fn split(target: Option<&Target>) -> (Option<uuid::Uuid>, Option<&str>) {
    match target {
        Some(Target::Account(id)) => (Some(id.0), None),
        Some(Target::Pool(name)) => (None, Some(name)),
        None => (None, None),
    }
}

/// The target in these two columns.
pub(super) fn target(row: &Row<'_>, account: &str, pool: &str) -> rusqlite::Result<Option<Target>> {
    let account: Option<uuid::Uuid> = row.get(account)?;
    let pool: Option<String> = row.get(pool)?;
    Ok(account.map(|id| Target::Account(AccountId(id))).or(pool.map(Target::Pool)))
}
