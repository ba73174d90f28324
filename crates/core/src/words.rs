//! Reasons in words, in one place: for `explain`, for error messages and for every view.

use crate::route::SkipReason;

impl SkipReason {
    /// Completes a sentence that begins with an account's label: "work *is resting*".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Unknown => "no longer exists",
            Self::NotGranted => {
                "may not serve this agent: its subscription is for its vendor's own (see `--allow-host`)"
            }
            Self::KillSwitch => "is below its hard reserve",
            Self::NeedsLogin => "needs a login",
            Self::Disabled => "was closed or suspended by its vendor",
            Self::Paused => "is switched off",
            Self::SameIdentity => "is the same real account as one that refused",
            Self::Cooling => "is resting",
            Self::Probing => "is being tried by another request",
            Self::ModelCooling => "is resting for this model",
            Self::OtherVendor => "is of another vendor and the chain names no model for it",
            Self::VendorOverloaded => "is of a vendor that has no capacity now",
            Self::Metered => "costs money and no rule allows it now (see `remuda spend`)",
            Self::BelowMinimum => "is below its minimum",
            Self::UnknownQuota => "has a minimum and its quota is not known",
            Self::HopLimit => "stands behind the limit of moves",
        }
    }
}
