//! Why candidates are passed over. Shown by `explain` and `status`.

use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::time::UnixSeconds;

/// Why a candidate was passed over. In the order in which it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The chain names an account that no longer exists.
    Unknown,
    /// The vendor's terms: a subscription serves only its vendor's own host unless its owner granted more.
    NotGranted,
    /// The vendor's terms: this kind of login takes no part in chains and pools.
    StandsAlone,
    /// Below the hard reserve.
    KillSwitch,
    /// What is left of it is kept for more urgent work than this.
    Reserved,
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
    /// It does not speak the request's protocol.
    OtherProtocol,
    /// Another account keeps what the request refers to.
    NotOwner,
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
    /// It carries as many requests as it may, and none ended in time.
    Busy,
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
