//! Names of things: stable ids for the machine, labels for the person.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Stable id of an account: a UUIDv7 made when the account is added. Survives renaming and logging in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct AccountId(pub Uuid);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of one request through the gateway: a UUIDv7, also the key of its decision record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct RequestId(pub Uuid);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One conversation, as the host names it. Unique only together with the host, so the host's name is part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct SessionKey(pub String);

impl SessionKey {
    /// Between a conversation and the name of an agent that works for it. No host has it in its ids.
    const AGENT: char = '>';

    /// The conversation of an agent that works for this one, where the host names it only within its parent's.
    #[must_use]
    pub fn of_subagent(&self, agent: &str) -> Self {
        Self(format!("{}{}{agent}", self.0, Self::AGENT))
    }

    /// Was it made by [`SessionKey::of_subagent`]?
    #[must_use]
    pub fn is_subagent(&self) -> bool {
        self.0.contains(Self::AGENT)
    }
}

/// The name a person gives an account: unique without regard to case, 1 to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// Why a text cannot be a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Nothing but white space.
    #[error("a label cannot be empty")]
    Empty,
    /// More than 64 characters.
    #[error("a label has at most 64 characters, this one has {0}")]
    TooLong(usize),
    /// `@` names pools, `-` begins options, `.` begins path segments that mean something else.
    #[error("a label cannot begin with '{0}'")]
    BadStart(char),
    /// Control characters and separators would garble tables and commands.
    #[error("a label cannot contain {0:?}")]
    BadChar(char),
}

impl Label {
    /// Most characters a label may have.
    pub const MAX_CHARS: usize = 64;

    /// Checks and trims a text. Inner spaces are allowed.
    ///
    /// # Errors
    /// [`LabelError`] says what is wrong in words for a person.
    pub fn new(text: &str) -> Result<Self, LabelError> {
        let text = text.trim();
        let chars = text.chars().count();
        let Some(first) = text.chars().next() else {
            return Err(LabelError::Empty);
        };
        if chars > Self::MAX_CHARS {
            return Err(LabelError::TooLong(chars));
        }
        if matches!(first, '@' | '-' | '.') {
            return Err(LabelError::BadStart(first));
        }
        if let Some(bad) = text.chars().find(|c| c.is_control() || matches!(c, ',' | '/' | '\\')) {
            return Err(LabelError::BadChar(bad));
        }
        Ok(Self(text.to_owned()))
    }

    /// The label as the person wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Labels are the same without regard to case.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.to_lowercase() == text.trim().to_lowercase()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Label {
    type Error = LabelError;
    fn try_from(text: String) -> Result<Self, LabelError> {
        Self::new(&text)
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}
