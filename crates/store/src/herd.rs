//! What the owner has said about accounts: the loaded whole, and the edits that change it.

use std::collections::BTreeMap;

use remuda_core::poll::PollState;
use remuda_core::snapshot::{ChainStep, KillSwitch, Minimum, Pool, SpendRule, Target, UnknownQuota};
use remuda_core::{
    Account, AccountId, AccountLimits, AccountStatus, Capabilities, CostClass, CredentialKind, Host, Identity, Label,
    Protocol, Protocols, SessionKey, Snapshot, UnixSeconds, Vendor, Window,
};
use serde::{Deserialize, Serialize};

use crate::credential::Credential;

/// Everything that is known, without secrets. [`crate::Store::load`] makes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Herd {
    /// For routing. Its `policy` is the default one: the numbers come from the configuration, not from the store.
    pub snapshot: Snapshot,
    /// What routing does not need. Has exactly the keys of `snapshot.accounts`.
    pub profiles: BTreeMap<AccountId, Profile>,
    /// `remuda use --session`: explicit choices for single conversations.
    pub session_pins: BTreeMap<SessionKey, Target>,
    /// What asking vendors about their usage endpoints has left behind.
    pub polls: BTreeMap<AccountId, PollState>,
    /// Conversations that their owner has stopped: nothing of theirs is served until they are let go.
    pub halts: BTreeMap<SessionKey, Halt>,
}

/// How an account's secret is presented to its vendor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthHeader {
    /// `authorization: Bearer …`
    #[default]
    Bearer,
    /// `x-api-key: …`
    XApiKey,
}

/// Where an account lives, how its secret travels there and what that place can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Base URLs by protocol, without a trailing slash, as `remuda_vendors::endpoint` has them. Empty: the vendor's own.
    /// Otherwise the account speaks exactly the protocols that stand here.
    pub bases: BTreeMap<Protocol, String>,
    /// How the secret travels.
    pub auth_header: AuthHeader,
    /// The endpoint's names for models by the names that agents use. [`Endpoint::ANY_MODEL`] stands for all that are not
    /// named; a model that nothing stands for travels under its own name.
    pub models: BTreeMap<String, String>,
    /// What the endpoint can do. `None`: what its vendor can.
    pub capabilities: Option<Capabilities>,
}

impl Endpoint {
    /// In a model map: every model that the map does not name.
    pub const ANY_MODEL: &str = "*";

    /// What an account here speaks.
    #[must_use]
    pub fn speaks(&self, vendor: Vendor, kind: CredentialKind) -> Protocols {
        if self.bases.is_empty() { Protocols::of_vendor(vendor, kind) } else { self.bases.keys().copied().collect() }
    }

    /// The endpoint's name for a model, if it has another one.
    #[must_use]
    pub fn model(&self, named: &str) -> Option<&str> {
        let found = self.models.get(named).or_else(|| self.models.get(Self::ANY_MODEL))?;
        (found != named).then_some(found)
    }
}

/// An account apart from its routing facts and its secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Where it lives and what can be had there.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// The person's e-mail address, as the vendor states it.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// The organisation's name.
    pub organisation: Option<String>,
    /// The plan in the vendor's words.
    pub plan: Option<String>,
    /// The vendor's id of the organisation. No secret.
    pub organisation_uuid: Option<String>,
    /// The vendor's id of the account; goes into `metadata.account_uuid`. No secret.
    pub account_uuid: Option<String>,
    /// When it was added. Set by [`crate::Store::add_account`], kept ever after.
    pub added_at: UnixSeconds,
    /// When its owner last logged in. Set by [`crate::Store::add_account`] and [`crate::Store::login`].
    pub last_login_at: UnixSeconds,
    /// The vendor's terms, as its owner acknowledged them.
    pub terms: Option<Acknowledgement>,
    /// Hosts of other makers that may use this subscription. `Account::allowed_hosts` is derived from these.
    pub grants: Vec<HostGrant>,
    /// The login belongs to another program, which refreshes it. `None`: it is ours.
    pub borrowed: Option<Borrowed>,
}

/// Whose login it is, and where that program keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Borrowed {
    /// The program, in the words of `remuda import`: `codex`, `pi`, `opencode-multi-auth`.
    pub program: String,
    /// Its file.
    pub file: String,
    /// The entry within the file, where it can hold several.
    pub slot: String,
}

/// Why and since when a conversation is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// In words.
    pub why: String,
    /// Since when.
    pub at: UnixSeconds,
}

/// A text was shown and accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Version of the text that was shown.
    pub text_version: String,
    /// When.
    pub at: UnixSeconds,
}

/// A host of another maker was allowed, after the vendor's wording was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostGrant {
    /// Which host.
    pub host: Host,
    /// What was shown.
    pub acknowledged: Acknowledgement,
}

/// A new account, stored whole or not at all.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its routing facts. `allowed_hosts` and `speaks` are ignored: `profile.grants` and `profile.endpoint` say them.
    pub account: Account,
    /// The rest. `added_at` and `last_login_at` are set by the store.
    pub profile: Profile,
    /// Its secret; becomes generation 1.
    pub credential: Credential,
}

/// Logging in again under a label that exists: updates in place.
#[derive(Clone, Debug)]
pub struct Login {
    /// The new secret.
    pub credential: Credential,
    /// Its kind (a key may replace a subscription).
    pub kind: CredentialKind,
    /// Who the vendor says it is now; `None` if it does not tell.
    pub identity: Option<Identity>,
    /// What the vendor says now. `added_at`, `terms` and `grants` of the stored profile are kept.
    pub profile: Profile,
}

/// One command of the owner. [`crate::Store::edit`] applies a list of them, all or none.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Another label. Unique without regard to case.
    Rename(AccountId, Label),
    /// Another status (`enable`, `disable`). Routing's own findings go through [`crate::Store::apply`] instead.
    Status(AccountId, AccountStatus),
    /// What using it costs.
    Cost(AccountId, CostClass),
    /// Least remaining percent per window; replaces all.
    MinRemaining(AccountId, BTreeMap<Window, f64>),
    /// What an unknown quota means for it; `None`: as for everyone.
    UnknownQuota(AccountId, Option<UnknownQuota>),
    /// The same two for everyone.
    Minimum(Minimum),
    /// Another endpoint.
    Endpoint(AccountId, Endpoint),
    /// The vendor's terms were acknowledged.
    Terms(AccountId, Acknowledgement),
    /// A host of another maker may use it.
    Grant(AccountId, HostGrant),
    /// It may no longer.
    Revoke(AccountId, Host),
    /// The owner's order. Accounts it does not name follow in their present order.
    Order(Vec<AccountId>),
    /// Where a request without pin and session goes.
    Active(Option<Target>),
    /// The chain of a source; empty clears it.
    Chain(AccountId, Vec<ChainStep>),
    /// Makes a pool or replaces it. Names are without `@`.
    Pool(String, Pool),
    /// The rule by which a metered account may stand in. `spent_today_usd` is ignored: spending is counted by
    /// [`crate::Batch::spent`] and survives a change of the rule.
    SpendRule(AccountId, Option<SpendRule>),
    /// What an account (`None`: any account) may be used for; replaces all of it.
    Limits(Option<AccountId>, AccountLimits),
    /// The hard reserves; replaces all.
    KillSwitch(KillSwitch),
    /// Pins a conversation, or (`None`) lets it go.
    PinSession(SessionKey, Option<Target>),
    /// Lets every conversation go (`remuda reset pins`).
    UnpinSessions,
    /// Stops a conversation, with the reason; or (`None`) lets it go on.
    Halt(SessionKey, Option<String>),
}

/// What a removal took along, for the person to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Sources whose chains named it.
    pub chains: Vec<AccountId>,
    /// Pools that held it.
    pub pools: Vec<String>,
    /// It was where requests went by default; now nothing is.
    pub was_active: bool,
    /// It had a chain of its own.
    pub own_chain: bool,
    /// It had a spend rule.
    pub spend_rule: bool,
    /// Conversations that were pinned to it.
    pub session_pins: usize,
    /// Conversations whose home it was.
    pub sessions: usize,
}
