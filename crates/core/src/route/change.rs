//! What routing learns: the only way in which a request changes the state of the herd.

use serde::{Deserialize, Serialize};

use crate::account::{AccountStatus, Cooldown};
use crate::id::{AccountId, SessionKey};
use crate::request::Home;
use crate::time::UnixSeconds;

/// Something that must be remembered. Applied to the snapshot with [`crate::Snapshot::apply`] and written behind to the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

impl StateChange {
    /// The account about which this says something that a person sees.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Cooling(account, _) | Self::ModelCooling(account, ..) | Self::Status(account, _) => Some(*account),
            Self::Probing(..) | Self::Bind(..) => None,
        }
    }

    /// Does it give back an account that could not be asked?
    #[must_use]
    pub fn gives_back(&self) -> bool {
        matches!(self, Self::Cooling(_, None) | Self::ModelCooling(_, _, None) | Self::Status(_, AccountStatus::Ready))
    }
}
