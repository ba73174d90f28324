//! What an upstream answer means. The classes are those of `tests/cases/README.md`, section 2.

use serde::{Deserialize, Serialize};

use crate::time::UnixSeconds;

/// The meaning of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The request itself is refused: no account would serve it.
    RequestFault,
    /// The credential is out of date: try one refresh.
    CredentialStale,
    /// A login or a new key is needed.
    CredentialDead,
    /// The vendor has closed or suspended the account.
    AccountDisabled,
    /// A plan window is spent.
    WindowExhausted,
    /// This account cannot serve this model (now).
    ModelExhausted,
    /// Money, credits, spend limits.
    Billing,
    /// Too fast.
    Burst,
    /// The vendor has no capacity; another account of it would not help.
    Overloaded,
    /// A passing server fault.
    Transient,
    /// The path is blocked, not the account.
    NetworkBlocked,
    /// The vendor refuses this kind of client or use. Shown, never failed over.
    TermsRefused,
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This request only.
    Request,
    /// The credential.
    Credential,
    /// The whole account.
    Account,
    /// The account together with one model.
    Model,
    /// The vendor as a whole.
    Vendor,
    /// The network path.
    Network,
}

/// A classified refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verdict {
    /// What it means.
    pub class: Class,
    /// What it is about.
    pub scope: Scope,
    /// May another account be tried?
    pub fail_over: bool,
    /// Seconds to wait before the same account may be tried once more; `None`: do not retry the same account.
    pub retry_same_after_s: Option<f64>,
    /// When the refusal ends, if the vendor stated it believably.
    pub until: Option<UnixSeconds>,
    /// What it was concluded from, in words: "429, anthropic-ratelimit-unified-5h-status: rejected". Holds no secret and no
    /// text of the conversation.
    pub evidence: String,
}

impl Class {
    /// Does it say something about the account that refused?
    #[must_use]
    pub fn blames_account(self) -> bool {
        match self {
            Self::WindowExhausted
            | Self::ModelExhausted
            | Self::Billing
            | Self::Burst
            | Self::CredentialDead
            | Self::AccountDisabled => true,
            Self::RequestFault
            | Self::CredentialStale
            | Self::Overloaded
            | Self::Transient
            | Self::NetworkBlocked
            | Self::TermsRefused => false,
        }
    }

    /// The name used on the wire, in records and in rules: `window_exhausted`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestFault => "request_fault",
            Self::CredentialStale => "credential_stale",
            Self::CredentialDead => "credential_dead",
            Self::AccountDisabled => "account_disabled",
            Self::WindowExhausted => "window_exhausted",
            Self::ModelExhausted => "model_exhausted",
            Self::Billing => "billing",
            Self::Burst => "burst",
            Self::Overloaded => "overloaded",
            Self::Transient => "transient",
            Self::NetworkBlocked => "network_blocked",
            Self::TermsRefused => "terms_refused",
        }
    }
}
