//! Alerts: what its owner should know without looking.

use remuda_core::UnixSeconds;
use serde::{Deserialize, Serialize};

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A quota window is nearly spent.
    WindowLow,
    /// An account needs a login.
    NeedsLogin,
    /// The daily ceiling of a metered account is reached, or nearly.
    Spending,
    /// A session uses tokens faster than anybody reads, or repeats itself.
    Runaway,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertView {
    /// Names it: what it is about and whom it concerns. The same trouble has the same id.
    pub id: String,
    /// What it is about.
    pub kind: AlertKind,
    /// One line for a person.
    pub message: String,
    /// What to do about it: a command.
    pub remedy: Option<String>,
    /// Label of the account it concerns.
    pub account: Option<String>,
    /// The session it concerns.
    pub session: Option<String>,
    /// When it was raised.
    pub raised_at: UnixSeconds,
    /// When it was over; `None`: it still holds.
    pub over_at: Option<UnixSeconds>,
    /// Has its owner seen it?
    pub seen: bool,
}

/// Alerts that hold, and those of the last day, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alerts {
    /// When this was true.
    pub now: UnixSeconds,
    /// The alerts.
    pub alerts: Vec<AlertView>,
}

/// Names an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertRef {
    /// Its id.
    pub alert: String,
}

/// An alert was marked as seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertSeen {
    /// The alert.
    pub alert: AlertView,
}
