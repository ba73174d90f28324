//! What went wrong, why, and what to do about it: the one error of the control API, on the wire and in the terminal.

use serde::{Deserialize, Serialize};

/// What kind of failure it is. Programs may branch on this; the texts are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The input makes no sense.
    Invalid,
    /// No such account.
    UnknownAccount,
    /// No such pool.
    UnknownPool,
    /// No such session.
    UnknownSession,
    /// No such request, or it is older than what is kept.
    UnknownRequest,
    /// No such client key.
    UnknownKey,
    /// No such login, or it ended.
    UnknownLogin,
    /// No such alert.
    UnknownAlert,
    /// No such route in this version.
    UnknownRoute,
    /// The name is taken.
    Taken,
    /// The same real account is already here under another label.
    Duplicate,
    /// Not possible in the present state.
    Conflict,
    /// The owner has not yet confirmed to have read the vendor's terms.
    TermsNotAccepted,
    /// Somebody has to log in first.
    NeedsLogin,
    /// The daemon does not run.
    NotRunning,
    /// Another process works on the state.
    Busy,
    /// No key, or one that opens nothing here.
    Unauthorized,
    /// The vendor refused or could not be reached.
    Vendor,
    /// The state cannot be read or written.
    Store,
    /// A fault of Remuda itself.
    Internal,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 20] = [
        Self::Invalid,
        Self::UnknownAccount,
        Self::UnknownPool,
        Self::UnknownSession,
        Self::UnknownRequest,
        Self::UnknownKey,
        Self::UnknownLogin,
        Self::UnknownAlert,
        Self::UnknownRoute,
        Self::Taken,
        Self::Duplicate,
        Self::Conflict,
        Self::TermsNotAccepted,
        Self::NeedsLogin,
        Self::NotRunning,
        Self::Busy,
        Self::Unauthorized,
        Self::Vendor,
        Self::Store,
        Self::Internal,
    ];

    /// HTTP status of the answer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::UnknownAccount
            | Self::UnknownPool
            | Self::UnknownSession
            | Self::UnknownRequest
            | Self::UnknownKey
            | Self::UnknownLogin
            | Self::UnknownAlert
            | Self::UnknownRoute => 404,
            Self::Taken | Self::Duplicate | Self::Conflict | Self::TermsNotAccepted | Self::NeedsLogin => 409,
            Self::Vendor => 502,
            Self::NotRunning | Self::Busy => 503,
            Self::Store | Self::Internal => 500,
        }
    }

    /// Exit code of a command that ends with it: 1 failed, 2 usage, 3 needs login, 4 not running.
    #[must_use]
    pub fn exit(self) -> u8 {
        match self {
            Self::Invalid => 2,
            Self::NeedsLogin => 3,
            Self::NotRunning => 4,
            _ => 1,
        }
    }
}

/// A failure, told so that a person can act on it. No text in it ever holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{message}")]
pub struct Failure {
    /// What kind.
    pub code: Code,
    /// What happened, one line without a full stop.
    pub message: String,
    /// Why, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Failure {
    /// A failure with only its message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), why: None, remedy: None }
    }

    /// A failure from the text of another error of ours, which says what happened and, after `separator`, what to do.
    #[must_use]
    pub fn told(code: Code, text: &str, separator: &str) -> Self {
        match text.rsplit_once(separator) {
            Some((message, remedy)) => Self::new(code, message).remedy(remedy),
            None => Self::new(code, text),
        }
    }

    /// Adds the reason.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Input that makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message)
    }
}

/// How a failure looks on the wire: `{"version": 1, "error": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailureAnswer {
    /// The failure.
    pub error: Failure,
}
