//! Failures of the store, told so that a person can act on them.

use remuda_store::StoreError;

use crate::failure::{Code, Failure};

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::UnknownAccount(_) => Code::UnknownAccount,
            StoreError::UnknownPool(_) => Code::UnknownPool,
            StoreError::LabelTaken { .. } => Code::Taken,
            StoreError::IdentityTaken { .. } => Code::Duplicate,
            StoreError::LimitReached { .. } => Code::Conflict,
            StoreError::Busy { .. } | StoreError::Timeout => Code::Busy,
            StoreError::CredentialUnreadable(_) => Code::NeedsLogin,
            _ => Code::Store,
        };
        let text = error.to_string();
        let failure = match &error {
            // What follows the colon is a cause, not a remedy.
            StoreError::Full { .. } | StoreError::Io { .. } | StoreError::Engine(_) => Self::new(code, text),
            _ => Self::told(code, &text, ": "),
        };
        match std::error::Error::source(&error) {
            Some(why) => failure.why(why.to_string()),
            None => failure,
        }
    }
}
