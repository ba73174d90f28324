//! Failures of what the verbs stand on, told so that a person can act on them.

use remuda_store::StoreError;

use crate::types::{Code, Failure};

/// Turns the error of a lower part into a [`Failure`].
pub trait Told<T> {
    /// The same result, with the failure that a person reads.
    ///
    /// # Errors
    /// Those of the result.
    fn told(self) -> Result<T, Failure>;
}

impl<T> Told<T> for Result<T, StoreError> {
    fn told(self) -> Result<T, Failure> {
        self.map_err(|error| stored(&error))
    }
}

/// An error of the store as a failure.
#[must_use]
pub fn stored(error: &StoreError) -> Failure {
    let code = match error {
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
    let failure = match error {
        // What follows the colon is a cause, not a remedy.
        StoreError::Full { .. } | StoreError::Io { .. } | StoreError::Engine(_) => Failure::new(code, text),
        _ => Failure::told(code, &text, ": "),
    };
    match std::error::Error::source(error) {
        Some(why) => failure.why(why.to_string()),
        None => failure,
    }
}
