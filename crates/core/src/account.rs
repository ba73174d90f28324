//! Accounts: what routing needs to know of each. Secrets are not here; they live in the store.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, Label};
use crate::protocol::Protocols;
use crate::quota::{Reading, ReadingSource, Window};
use crate::request::Host;
use crate::snapshot::UnknownQuota;
use crate::time::UnixSeconds;
use crate::verdict::Class;

/// Who serves an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    /// Anthropic, or an endpoint that speaks its protocol.
    Anthropic,
    /// OpenAI, or an endpoint that speaks its protocols.
    #[serde(rename = "openai")]
    OpenAi,
    /// Alibaba's Qwen endpoints.
    Qwen,
}

impl Vendor {
    /// `anthropic`, `openai`, `qwen`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Qwen => "qwen",
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What kind of secret an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// OAuth pair of a subscription: rotates.
    Subscription,
    /// Long-lived subscription token (`claude setup-token`): cannot be refreshed.
    StaticToken,
    /// Pay-as-you-go key.
    ApiKey,
    /// Key of a plan (Alibaba's coding and token plans).
    PlanKey,
    /// Plan that its vendor shares with this one program ("Sign in with ChatGPT"): rotates like a subscription. The
    /// vendor's terms forbid rotating between accounts and pooling, so it never stands in and nobody stands in for it.
    SharedPlan,
}

impl CredentialKind {
    /// Is it an OAuth login of a person, not a key?
    #[must_use]
    pub fn is_login(self) -> bool {
        match self {
            Self::Subscription | Self::StaticToken | Self::SharedPlan => true,
            Self::ApiKey | Self::PlanKey => false,
        }
    }

    /// Do the vendor's terms forbid that it stands in for another account, or another for it?
    #[must_use]
    pub fn stands_alone(self) -> bool {
        self == Self::SharedPlan
    }
}

/// What using an account costs its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CostClass {
    /// Part of a subscription that is paid anyway.
    Included,
    /// Every token costs money.
    Metered,
    /// Costs nothing. Treated like [`CostClass::Included`].
    Free,
}

/// Whether an account can be asked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// As far as is known it serves.
    Ready,
    /// The vendor rejects the credential for good: the owner must log in again.
    NeedsLogin,
    /// The vendor has closed or suspended it.
    Disabled,
    /// Its owner has switched it off (`remuda accounts disable`).
    Paused,
}

/// Who the vendor says it is: person and organisation, as a fingerprint. Equal fingerprints are one real account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Identity(pub String);

/// A rest, with the evidence for it. Over at its second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cooldown {
    /// First second at which the account may be asked again.
    pub until: UnixSeconds,
    /// Why.
    pub reason: Class,
    /// Did the vendor state the time? If not, it is our default and ends with a single half-open probe.
    pub stated: bool,
    /// When it was recorded.
    pub since: UnixSeconds,
    /// What the vendor said, in words.
    pub evidence: String,
    /// While the one probe that ends an unstated rest is under way: until when others wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probing_until: Option<UnixSeconds>,
}

/// One login or key of one vendor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// Stable id.
    pub id: AccountId,
    /// The owner's name for it.
    pub label: Label,
    /// Who serves it.
    pub vendor: Vendor,
    /// What kind of secret it has.
    pub kind: CredentialKind,
    /// What using it costs.
    pub cost: CostClass,
    /// Can it be asked?
    pub status: AccountStatus,
    /// What it understands: its vendor's own protocols, or those of the endpoint where it lives.
    pub speaks: Protocols,
    /// Who it really is, when the vendor tells.
    pub identity: Option<Identity>,
    /// Hosts of other makers that the owner has allowed on this subscription, after reading the vendor's terms.
    pub allowed_hosts: Vec<Host>,
    /// Least remaining percent per window; below it the account is passed over.
    pub min_remaining: BTreeMap<Window, f64>,
    /// What a missing or outdated reading means for it; `None`: as for everyone.
    pub unknown_quota: Option<UnknownQuota>,
    /// The whole account rests.
    pub cooling: Option<Cooldown>,
    /// Single models rest. At most [`Account::MAX_MODEL_COOLDOWNS`].
    pub model_cooling: BTreeMap<String, Cooldown>,
    /// Newest reading of every window the vendor reports.
    pub readings: BTreeMap<Window, Reading>,
}

impl Account {
    /// More models than this are never remembered as resting for one account.
    pub const MAX_MODEL_COOLDOWNS: usize = 64;
    /// More windows than this are never remembered for one account.
    pub const MAX_READINGS: usize = 32;

    /// An account as it is right after login: ready, nothing known.
    #[must_use]
    pub fn new(id: AccountId, label: Label, vendor: Vendor, kind: CredentialKind, cost: CostClass) -> Self {
        Self {
            id,
            label,
            vendor,
            kind,
            cost,
            status: AccountStatus::Ready,
            speaks: Protocols::of_vendor(vendor, kind),
            identity: None,
            allowed_hosts: Vec::new(),
            min_remaining: BTreeMap::new(),
            unknown_quota: None,
            cooling: None,
            model_cooling: BTreeMap::new(),
            readings: BTreeMap::new(),
        }
    }

    /// The newest reading of a bucket, whatever name it came under ([`Window::is_bucket`]).
    #[must_use]
    pub fn reading_of(&self, window: &Window) -> Option<&Reading> {
        match window {
            Window::Model(_) => {
                let same = self.readings.iter().filter(|(known, _)| known.is_bucket(window));
                same.map(|(_, reading)| reading).max_by_key(|reading| reading.read_at)
            }
            _ => self.readings.get(window),
        }
    }

    /// Takes over a reading unless a newer one is known. Of two readings of the same second the usage endpoint's counts,
    /// because it states the whole. True: it was taken over.
    pub fn learn(&mut self, window: Window, reading: Reading) -> bool {
        let full = self.readings.len() >= Self::MAX_READINGS;
        match self.readings.get_mut(&window) {
            Some(known) if known.read_at > reading.read_at => false,
            Some(known)
                if known.read_at == reading.read_at
                    && known.source == ReadingSource::Usage
                    && reading.source != ReadingSource::Usage =>
            {
                false
            }
            Some(known) => {
                *known = reading;
                true
            }
            None if full => false,
            None => {
                self.readings.insert(window, reading);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(used_percent: f64, read_at: UnixSeconds, source: ReadingSource) -> Reading {
        Reading { used_percent, resets_at: None, source, read_at }
    }

    fn account() -> Account {
        let label = Label::new("a").unwrap();
        let id = AccountId(uuid::Uuid::from_u128(1));
        Account::new(id, label, Vendor::Anthropic, CredentialKind::Subscription, CostClass::Included)
    }

    #[test]
    fn a_later_poll_of_older_knowledge_does_not_overwrite_a_newer_header() {
        let mut a = account();
        assert!(a.learn(Window::FiveHour, reading(50.0, 100, ReadingSource::Headers)));
        assert!(!a.learn(Window::FiveHour, reading(40.0, 99, ReadingSource::Usage)));
        assert!((a.readings[&Window::FiveHour].used_percent - 50.0).abs() < f64::EPSILON);
    }

    #[test]
    fn at_the_same_second_the_usage_endpoint_counts() {
        let mut a = account();
        a.learn(Window::FiveHour, reading(50.0, 100, ReadingSource::Headers));
        assert!(a.learn(Window::FiveHour, reading(51.0, 100, ReadingSource::Usage)));
        assert!(!a.learn(Window::FiveHour, reading(52.0, 100, ReadingSource::Headers)));
    }

    #[test]
    fn windows_are_bounded() {
        let mut a = account();
        for n in 0..100 {
            a.learn(Window::Model(format!("m{n}")), reading(1.0, 1, ReadingSource::Headers));
        }
        assert_eq!(a.readings.len(), Account::MAX_READINGS);
        assert!(a.learn(Window::Model("m0".to_owned()), reading(2.0, 2, ReadingSource::Headers)), "known ones go on");
    }
}
