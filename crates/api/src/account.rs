//! Accounts as every view shows them. No field here ever holds a secret.

use std::collections::BTreeMap;

use remuda_core::{
    AccountId, Class, CostClass, CredentialKind, Host, Protocol, Protocols, UnixSeconds, Vendor, Window,
};
use serde::{Deserialize, Serialize};

use super::{QuotaView, SpendRuleView, TroubleView, WindowView};

/// Can this account serve now?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As far as is known it serves.
    Ready,
    /// A limit was reached; [`AccountView::resting`] says until when.
    Resting,
    /// The vendor rejects its credential: log in again.
    NeedsLogin,
    /// The vendor has closed or suspended it.
    Disabled,
    /// Its owner has switched it off.
    Paused,
}

/// A rest, with the evidence for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rest {
    /// First second at which the account may be asked again.
    pub until: UnixSeconds,
    /// Why.
    pub reason: Class,
    /// Did the vendor state the time? If not, it is a default and ends with a single probe.
    pub stated: bool,
    /// What the vendor said, in words.
    pub evidence: String,
}

/// A rest that concerns one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelRest {
    /// Which model.
    pub model: String,
    /// The rest.
    #[serde(flatten)]
    pub rest: Rest,
}

/// Who the vendor says it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Who {
    /// E-mail address of the person.
    pub email: Option<String>,
    /// Name of the organisation.
    pub organization: Option<String>,
    /// Plan in words: `Max 20x`.
    pub plan: Option<String>,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountView {
    /// Stable id.
    pub id: AccountId,
    /// The owner's name for it.
    pub label: String,
    /// Who serves it.
    pub vendor: Vendor,
    /// What kind of secret it has.
    pub kind: CredentialKind,
    /// What using it costs.
    pub cost: CostClass,
    /// Can it serve now?
    pub state: State,
    /// Is it where requests without a pin go? With a pool active, the pool's members are.
    pub active: bool,
    /// Who the vendor says it is.
    pub who: Who,
    /// The endpoint, when it is not the vendor's own. Where there are several, the first of `bases`.
    pub base_url: Option<String>,
    /// The endpoints by protocol, when they are not the vendor's own.
    #[serde(default)]
    pub bases: BTreeMap<Protocol, String>,
    /// The protocols it understands.
    #[serde(default)]
    pub speaks: Protocols,
    /// The rest of the whole account.
    pub resting: Option<Rest>,
    /// Rests of single models.
    pub resting_models: Vec<ModelRest>,
    /// Quota windows, shortest first.
    pub windows: Vec<WindowView>,
    /// What was said of this account alone: least remaining percent per window. What holds in all is in `quota`.
    pub min_remaining: BTreeMap<Window, f64>,
    /// Floors, and asking the vendor.
    #[serde(default)]
    pub quota: QuotaView,
    /// Refreshing its token is in trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<TroubleView>,
    /// What it may spend and has spent today; only metered accounts with a rule have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<SpendRuleView>,
    /// Agents of other makers that may use this subscription.
    pub allowed_hosts: Vec<Host>,
    /// Who may stand in for it, in order: labels and `@pools`.
    pub chain: Vec<String>,
    /// Labels of the accounts for which it may stand in.
    pub stands_in_for: Vec<String>,
    /// Pools it belongs to.
    pub pools: Vec<String>,
    /// When it was added.
    pub added_at: Option<UnixSeconds>,
    /// Whose login it is, if it belongs to another program: that program renews it, and logging out there ends it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borrowed: Option<BorrowedFrom>,
}

/// The program to which a login belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BorrowedFrom {
    /// The program, as `remuda import --from` knows it.
    pub program: String,
    /// Its file.
    pub file: String,
    /// The entry in it; empty where the file holds one.
    pub slot: String,
}

/// All accounts, in the owner's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Accounts {
    /// When this was true.
    pub now: UnixSeconds,
    /// The accounts.
    pub accounts: Vec<AccountView>,
}

/// Names one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountRef {
    /// Label or id.
    pub account: String,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountShown {
    /// When this was true.
    pub now: UnixSeconds,
    /// The account.
    pub account: AccountView,
}

/// What to change about an account. Fields left out stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountChange {
    /// Label or id.
    pub account: String,
    /// Its new label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `true` switches it on, `false` off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Agents of other makers that may use it, all of them. Naming a new one needs `accept_terms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_hosts: Option<Vec<Host>>,
    /// The owner has read the wording that `GET /terms` gives.
    #[serde(default)]
    pub accept_terms: bool,
}

/// An account before and after a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountChanged {
    /// As it was.
    pub before: AccountView,
    /// As it is.
    pub account: AccountView,
    /// What a careful owner wants to know about it.
    pub notes: Vec<String>,
}

/// An account is gone, and so is its credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountRemoved {
    /// As it was.
    pub before: AccountView,
    /// Labels of the accounts on whose chains it stood.
    pub removed_from_chains: Vec<String>,
    /// Pools it belonged to.
    pub removed_from_pools: Vec<String>,
    /// Where requests without a pin go now; `None`: nowhere until an account is chosen.
    pub active: Option<String>,
}
