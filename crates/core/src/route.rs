//! The walk of one request over the accounts: who is asked next, what a refusal changes, how it ends.
//!
//! A [`Route`] is a state machine without effects. The caller asks [`Route::next`] what to do, does it, reports what
//! came back with [`Route::answered`] or [`Route::refreshed`], and asks again until [`Action::Finish`]. Every call
//! returns the [`StateChange`]s that are due: apply them to the snapshot before the next call of any route.

use serde::{Deserialize, Serialize};

use crate::account::{AccountStatus, Cooldown};
use crate::id::{AccountId, SessionKey};
use crate::record::SourceReason;
use crate::request::{Home, RequestFacts};
use crate::snapshot::Snapshot;
use crate::time::UnixSeconds;
use crate::verdict::{Class, Verdict};

/// Why a candidate was passed over. In the order in which it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The chain names an account that no longer exists.
    Unknown,
    /// The vendor's terms: a subscription serves only its vendor's own host unless its owner granted more.
    NotGranted,
    /// Below the hard reserve.
    KillSwitch,
    /// Its owner must log in.
    NeedsLogin,
    /// Closed by the vendor.
    Disabled,
    /// Switched off by its owner.
    Paused,
    /// The same real account as one that refused in this request.
    SameIdentity,
    /// Resting.
    Cooling,
    /// A single probe of an account whose rest was only a guess is under way in another request.
    Probing,
    /// Resting for this model.
    ModelCooling,
    /// Of another vendor, and the chain step names no model.
    OtherVendor,
    /// Its vendor was overloaded in this request.
    VendorOverloaded,
    /// Costs money and no rule of its owner allows it now.
    Metered,
    /// Below its minimum.
    BelowMinimum,
    /// Has a minimum and no usable reading.
    UnknownQuota,
    /// Behind the limit of moves.
    HopLimit,
}

/// A candidate that was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Who.
    pub account: AccountId,
    /// Why.
    pub reason: SkipReason,
    /// Until when, where that is known.
    pub until: Option<UnixSeconds>,
}

/// What the caller does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send the request to this account, then call [`Route::answered`].
    Send {
        /// Whom to ask.
        account: AccountId,
        /// The model to put in place of the one named, if the chain step says so.
        model: Option<String>,
    },
    /// Refresh this account's credential once (the generation that was refused), then call [`Route::refreshed`].
    Refresh {
        /// Whose credential.
        account: AccountId,
    },
    /// Wait this many seconds, then ask [`Route::next`] again.
    Wait {
        /// Seconds.
        seconds: f64,
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
#[serde(rename_all = "snake_case")]
pub enum Refreshed {
    /// A newer token is there.
    Renewed,
    /// The login is dead (or cannot be refreshed at all).
    Permanent,
    /// It did not work this time.
    Transient,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// Served.
    Served {
        /// By whom.
        account: AccountId,
        /// The model that was put in place of the one named, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// Nobody could serve.
    Error {
        /// Whose answer is handed to the client; `None`: nothing was sent, the gateway answers itself.
        from: Option<AccountId>,
        /// The class of that answer; `None` together with `from`: no route.
        class: Option<Class>,
        /// Seconds until the earliest return among the accounts of the path. The true value.
        retry_after_s: Option<f64>,
    },
    /// Broke off after content.
    StreamError {
        /// Whose stream.
        from: AccountId,
        /// Why.
        class: Class,
    },
}

/// Something that must be remembered. Applied to the snapshot with [`Snapshot::apply`] and written behind to the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateChange {
    /// The account rests, or (`None`) no longer does.
    Cooling(AccountId, Option<Cooldown>),
    /// The account rests for one model, or (`None`) no longer does.
    ModelCooling(AccountId, String, Option<Cooldown>),
    /// The account's rest, or its rest for the model, is being probed until then at the latest; `None`: no longer.
    /// Need not outlive the process.
    Probing(AccountId, Option<String>, Option<UnixSeconds>),
    /// The account's status changed.
    Status(AccountId, AccountStatus),
    /// The session now lives there.
    Bind(SessionKey, Home),
}

/// One request on its way. See the module's description.
#[derive(Clone, Debug)]
pub struct Route {
    request: RequestFacts,
}

impl Route {
    /// Starts the walk. The changes (a new or manually moved session gets its home) are due at once.
    #[must_use]
    pub fn begin(request: RequestFacts, _snapshot: &Snapshot, _now: UnixSeconds) -> (Self, Vec<StateChange>) {
        (Self { request }, Vec::new())
    }

    /// What to do next.
    pub fn next(&mut self, _snapshot: &Snapshot, _now: UnixSeconds) -> (Action, Vec<StateChange>) {
        (Action::Finish(Outcome::Error { from: None, class: None, retry_after_s: None }), Vec::new())
    }

    /// Reports what the account of the last [`Action::Send`] answered.
    pub fn answered(&mut self, _answer: Answer, _snapshot: &Snapshot, _now: UnixSeconds) -> Vec<StateChange> {
        Vec::new()
    }

    /// Reports how the refresh of the last [`Action::Refresh`] ended.
    pub fn refreshed(&mut self, _how: Refreshed, _snapshot: &Snapshot, _now: UnixSeconds) -> Vec<StateChange> {
        Vec::new()
    }

    /// Ends the walk where it stands: the deadline is over, the retry budget is spent or the client has left. What was
    /// being tried is let go, and [`Route::next`] finishes with the best error so far.
    pub fn stop(&mut self, _snapshot: &Snapshot, _now: UnixSeconds) -> Vec<StateChange> {
        Vec::new()
    }

    /// The request it walks for.
    #[must_use]
    pub fn request(&self) -> &RequestFacts {
        &self.request
    }

    /// The account it was meant for. `None`: nobody is active and nothing was chosen.
    #[must_use]
    pub fn source(&self) -> Option<AccountId> {
        None
    }

    /// Why that one.
    #[must_use]
    pub fn source_reason(&self) -> SourceReason {
        SourceReason::Active
    }

    /// The pool it was meant for or was placed by, if any.
    #[must_use]
    pub fn source_pool(&self) -> Option<&str> {
        None
    }

    /// Who was passed over so far, in order.
    #[must_use]
    pub fn skipped(&self) -> &[Passed] {
        &[]
    }

    /// Who was asked so far, in order; an account asked again stands there again.
    #[must_use]
    pub fn tried(&self) -> &[AccountId] {
        &[]
    }

    /// Moves to another account so far.
    #[must_use]
    pub fn hops(&self) -> u32 {
        0
    }
}
