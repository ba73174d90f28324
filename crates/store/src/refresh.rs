//! The state a refresh leaves behind, so that the next one, perhaps of another process, knows where it stands.
//! Used by the credentials crate only.

use std::any::Any;
use std::fmt;

use remuda_core::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::credential::StoredCredential;

/// How a compare-and-set ended.
#[derive(Clone, Debug)]
pub enum Rotation {
    /// The pair is on the disk (flushed, not only written). It may be given out now.
    Stored {
        /// Its generation.
        generation: u64,
    },
    /// Somebody else was first. Nothing was written; adopt what is there.
    Conflict {
        /// What the store holds.
        current: StoredCredential,
    },
}

/// An exchange that was about to be sent, or is on its way, or died on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Generation of the refresh token it sends.
    pub generation: u64,
    /// When it was written down.
    pub since: UnixSeconds,
}

/// What a permanent answer of the token endpoint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sentence {
    /// The secret is dead; a login helps. The account is `needs_login`.
    LoginNeeded,
    /// The vendor has closed the account; a login would not help. The account is `disabled`.
    AccountClosed,
}

/// The vendor rejected one generation for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condemned {
    /// Which generation. Says nothing about a later one.
    pub generation: u64,
    /// When.
    pub at: UnixSeconds,
    /// What it is about.
    pub sentence: Sentence,
    /// The vendor's code: `invalid_grant`.
    pub code: String,
}

/// Refreshing rests after passing failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// First second of the next try.
    pub until: UnixSeconds,
    /// Failures in a row, for the doubling.
    pub failures: u32,
}

/// All of it, for one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefreshState {
    /// Set by [`crate::Store::begin_refresh`]; cleared by [`crate::Store::end_refresh`], `rotate` and `login`. Found
    /// under the lock it means: a process died between intent and end.
    pub intent: Option<Intent>,
    /// Only ever of the generation that is stored now: a new secret clears it.
    pub condemned: Option<Condemned>,
    /// A new secret clears it.
    pub backoff: Option<Backoff>,
}

/// How an exchange ended that brought no new pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshEnd {
    /// A passing failure: rest.
    Backoff(Backoff),
    /// A permanent answer. The account becomes `needs_login` or `disabled` in the same transaction.
    Condemned {
        /// When.
        at: UnixSeconds,
        /// What it is about.
        sentence: Sentence,
        /// The vendor's code.
        code: String,
    },
    /// Nothing was sent after all.
    Withdrawn,
}

/// Exclusive right to talk to a vendor's token endpoint. Dropping it gives it back; so does the death of the process.
///
/// Holding it is not proof: a back end with leases can lose one. [`crate::Store::rotate`] compares what was sent, so a
/// holder that lost its right cannot overwrite a newer pair.
#[must_use = "dropping the lock gives it back"]
pub struct RefreshLock(#[expect(dead_code, reason = "held for its Drop")] Box<dyn Any + Send + Sync>);

impl RefreshLock {
    /// Wraps what a back end holds while the lock is held.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for RefreshLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshLock")
    }
}
