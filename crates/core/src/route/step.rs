//! What passes between a route and its caller: what to do next, and what came of it.

use serde::{Deserialize, Serialize};

use super::{HoldReason, Outcome};
use crate::id::AccountId;
use crate::time::UnixSeconds;
use crate::verdict::Verdict;

/// What the caller does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send the request to this account, then call [`super::Route::answered`].
    Send {
        /// Whom to ask.
        account: AccountId,
        /// The model to put in place of the one named, if the chain step says so.
        model: Option<String>,
    },
    /// Refresh this account's credential once (the generation that was refused), then call [`super::Route::refreshed`].
    Refresh {
        /// Whose credential.
        account: AccountId,
    },
    /// Wait this many seconds, then ask [`super::Route::next`] again.
    Wait {
        /// Seconds.
        seconds: f64,
    },
    /// Nobody can serve before then, and its owner lets it wait: keep the client alive and ask [`super::Route::next`] again
    /// then. Earlier after [`super::Route::wake`] or [`super::Route::let_go`].
    Hold {
        /// Unix seconds, in the future.
        until: UnixSeconds,
        /// What it waits for.
        why: HoldReason,
    },
    /// The request is over.
    Finish(Outcome),
}

/// What came back from the account that was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It serves: content may be released.
    Served,
    /// It refused before any content was released.
    Refused(Verdict),
    /// It failed after content had been released. The verdict is still recorded. May follow [`Answer::Served`].
    BrokeOff(Verdict),
}

/// How a forced refresh ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Refreshed {
    /// A newer token is there.
    Renewed,
    /// The login is dead (or cannot be refreshed at all).
    Permanent,
    /// It did not work this time.
    Transient,
}
