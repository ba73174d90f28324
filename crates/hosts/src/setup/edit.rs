//! One value at one place of a settings file, whatever the file's format.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{json, toml};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON, with comments and trailing commas if its owner writes them.
    Json,
    /// TOML.
    Toml,
}

/// A value that a file shall have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// Names from the outermost object inwards.
    pub path: Vec<String>,
    /// The value.
    pub value: Value,
}

/// The file cannot be edited without guessing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Broken(String),
    /// Something stands where an object with further names is needed.
    #[error("`{0}` is there and is no section with names")]
    NotASection(String),
}

impl Format {
    /// The text with this value. What stands elsewhere keeps every byte.
    ///
    /// # Errors
    /// The text is broken, or a value stands in the way.
    pub fn set(self, text: &str, path: &[String], value: &Value) -> Result<String, EditError> {
        match self {
            Self::Json => json::set(text, path, value),
            Self::Toml => toml::set(text, path, value),
        }
    }

    /// The text without this value.
    ///
    /// # Errors
    /// The text is broken.
    pub fn remove(self, text: &str, path: &[String]) -> Result<String, EditError> {
        match self {
            Self::Json => json::remove(text, path),
            Self::Toml => toml::remove(text, path),
        }
    }

    /// What stands there.
    ///
    /// # Errors
    /// The text is broken.
    pub fn get(self, text: &str, path: &[String]) -> Result<Option<Value>, EditError> {
        let all = match self {
            Self::Json => crate::jsonc::parse(text).map_err(EditError::Broken)?,
            Self::Toml => toml::parse(text)?,
        };
        Ok(path.iter().try_fold(&all, |at, name| at.get(name)).cloned())
    }
}
