//! What is left of accounts: windows, floors, and asking the vendors about them.

use std::collections::BTreeMap;

use remuda_core::headroom::SaidOf;
use remuda_core::pace::Pace;
use remuda_core::snapshot::UnknownQuota;
use remuda_core::standing::Trust;
use remuda_core::{ReadingSource, UnixSeconds, Window};
use serde::{Deserialize, Serialize};

use super::AccountView;

/// The newest reading of one quota window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WindowView {
    /// `five_hour`, `seven_day`, `other:<seconds>`, `model:<name>`.
    pub window: Window,
    /// Share used, 0 to 100 percent, as it was read.
    pub used_percent: f64,
    /// Share left now: all of it once the window has started anew since the reading.
    pub remaining_percent: f64,
    /// When it starts anew, if stated.
    pub resets_at: Option<UnixSeconds>,
    /// When it was read.
    pub read_at: UnixSeconds,
    /// Seconds since it was read.
    pub age_s: i64,
    /// Where it was read.
    pub source: ReadingSource,
    /// How far it can be trusted.
    pub trust: Trust,
    /// Is it the one that gives out first, of those of the whole account?
    pub binding: bool,
    /// How it is used in comparison with an even burn; `None`: its length or reset is not known, or it has hardly begun.
    pub pace: Option<Pace>,
}

/// Least percent that must remain of a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FloorView {
    /// Which window.
    pub window: Window,
    /// The percent that must remain; exactly that is enough. Zero asks for nothing.
    pub percent: f64,
    /// Of whom that was said.
    pub said_of: SaidOf,
    /// What remains now; `None`: no reading that can be relied on, so that `unknown` decides.
    pub remaining_percent: Option<f64>,
}

/// What is known about an account's quota besides its windows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct QuotaView {
    /// A window of the whole account is spent.
    pub spent: bool,
    /// Then: until when, if that is stated. Of several spent windows the one that is back last counts.
    pub spent_until: Option<UnixSeconds>,
    /// The minimum that holds for it: below it others go first.
    pub minimum: Vec<FloorView>,
    /// The hard reserve that holds for it while the kill switch is on.
    pub reserve: Vec<FloorView>,
    /// Is the kill switch on?
    pub kill_switch: bool,
    /// What a missing or outdated reading means where a floor is set.
    pub unknown: UnknownQuota,
    /// Who says so.
    pub unknown_said_of: Option<SaidOf>,
    /// Asking the vendor.
    pub usage: UsageView,
}

/// Asking an account's vendor what is left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct UsageView {
    /// Why there is nobody to ask; `None`: the vendor can be asked.
    pub why_not: Option<String>,
    /// When it was last asked; `None`: not since the last login.
    pub asked_at: Option<UnixSeconds>,
    /// It is not asked before that second.
    pub not_before: Option<UnixSeconds>,
    /// How the last question failed, in words.
    pub trouble: Option<String>,
}

/// Refreshing an account's token is in trouble. It serves on as long as the token it has is good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TroubleView {
    /// Not tried again before that second.
    pub retry_at: Option<UnixSeconds>,
    /// What went wrong, in words.
    pub why: Option<String>,
}

/// Ask vendors what is left, now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuotaRefresh {
    /// Label or id; left out: all accounts that can be asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// How asking about one account went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PolledHow {
    /// The vendor answered.
    Answered,
    /// Somebody has asked within the last seconds: nothing newer is to be had.
    Fresh,
    /// It rests after an earlier failure.
    Rests,
    /// It was asked in vain.
    Failed,
    /// Another account of the vendor is being asked about.
    Busy,
    /// There is nobody to ask, or the account cannot serve anyway.
    Nobody,
}

/// What came of asking about one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolledView {
    /// Its label.
    pub account: String,
    /// How it went.
    pub how: PolledHow,
    /// Windows that the vendor named.
    pub windows: usize,
    /// Not before that second again.
    pub until: Option<UnixSeconds>,
    /// Why, in words.
    pub why: Option<String>,
}

/// What came of asking, and what is known now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuotaRefreshed {
    /// When this was true.
    pub now: UnixSeconds,
    /// What came of it, in the owner's order.
    pub polled: Vec<PolledView>,
    /// All accounts, in the owner's order.
    pub accounts: Vec<AccountView>,
}

/// The floors of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountFloors {
    /// Its label.
    pub account: String,
    /// What holds for it, and who says so.
    pub floors: Vec<FloorView>,
    /// What a missing or outdated reading means for it.
    pub unknown: UnknownQuota,
    /// Who says so.
    pub unknown_said_of: SaidOf,
}

/// Minimums: an account below its own stands behind others, and serves only when nobody else can.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Minimums {
    /// When this was true.
    pub now: UnixSeconds,
    /// Least remaining percent by window, for every account that says nothing else.
    pub everyone: BTreeMap<Window, f64>,
    /// What a missing or outdated reading means, for the kill switch too.
    pub unknown: UnknownQuota,
    /// What holds for each account, in the owner's order.
    pub accounts: Vec<AccountFloors>,
}

/// The kill switch: an account below its hard reserve serves nobody, not even when nobody else can.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillSwitchView {
    /// When this was true.
    pub now: UnixSeconds,
    /// Is it on?
    pub enabled: bool,
    /// Least remaining percent by window, for every account that says nothing else.
    pub everyone: BTreeMap<Window, f64>,
    /// What holds for each account while it is on, in the owner's order.
    pub accounts: Vec<AccountFloors>,
}

/// What an unknown quota shall mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnknownSaid {
    /// The account may serve.
    Open,
    /// It may not.
    Closed,
    /// As for everyone; said of everyone: closed.
    Default,
}

/// Change floors. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FloorChange {
    /// Label or id; left out: what holds for everyone that says nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// First take back whatever was said.
    #[serde(default)]
    pub clear: bool,
    /// Percent by window; null takes back what was said of that window, zero says that nothing must remain.
    #[serde(default)]
    pub set: BTreeMap<Window, Option<f64>>,
    /// What an unknown quota shall mean (minimums only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownSaid>,
    /// Switch it on or off (kill switch only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Minimums before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MinimumsChanged {
    /// As they were.
    pub before: Minimums,
    /// As they are.
    #[serde(flatten)]
    pub after: Minimums,
    /// What a careful owner wants to know about it.
    pub notes: Vec<String>,
}

/// The kill switch before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillSwitchChanged {
    /// As it was.
    pub before: KillSwitchView,
    /// As it is.
    #[serde(flatten)]
    pub after: KillSwitchView,
    /// What a careful owner wants to know about it.
    pub notes: Vec<String>,
}
