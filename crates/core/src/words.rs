//! The one table of words for what routing decides and vendors answer: for `explain`, error messages and every view.

use crate::record::SourceReason;
use crate::request::{Host, RequestKind};
use crate::route::SkipReason;
use crate::verdict::Class;

impl SkipReason {
    /// Completes a sentence that begins with an account's label: "work *is resting*".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Unknown => "no longer exists",
            Self::NotGranted => {
                "may not serve this agent: its subscription is for its vendor's own (see `--allow-host`)"
            }
            Self::StandsAlone => "is a plan shared with one program: its terms allow no chain and no pool",
            Self::KillSwitch => "is below its hard reserve, or its quota is not known",
            Self::Reserved => "keeps what is left of it for more urgent work (see `remuda limit`)",
            Self::NeedsLogin => "needs a login",
            Self::Disabled => "was closed or suspended by its vendor",
            Self::Paused => "is switched off",
            Self::SameIdentity => "is the same real account as one that refused",
            Self::Cooling => "is resting",
            Self::Probing => "is being tried by another request",
            Self::ModelCooling => "is resting for this model",
            Self::OtherVendor => "is of another vendor and the chain names no model for it",
            Self::OtherProtocol => "does not speak the protocol of this request",
            Self::NotOwner => "does not keep what this request refers to",
            Self::VendorOverloaded => "is of a vendor that has no capacity now",
            Self::Metered => "costs money and no rule allows it now (see `remuda spend`)",
            Self::BelowMinimum => "is below its minimum",
            Self::UnknownQuota => "has a minimum and its quota is not known",
            Self::HopLimit => "stands behind the limit of moves",
            Self::Busy => "carries as many requests at once as it may",
        }
    }
}

impl Class {
    /// What the refusal means.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::RequestFault => "the request itself is not accepted",
            Self::CredentialStale => "the token is out of date",
            Self::CredentialDead => "a new login or key is needed",
            Self::AccountDisabled => "the vendor has closed the account",
            Self::WindowExhausted => "a plan window is spent",
            Self::ModelExhausted => "this model is not to be had on this account now",
            Self::Billing => "credits or a spend limit are used up",
            Self::Burst => "too many requests in a short time",
            Self::Overloaded => "the vendor has no capacity",
            Self::Transient => "a passing fault of the vendor",
            Self::NetworkBlocked => "the way to the vendor is blocked",
            Self::TermsRefused => "the vendor's terms do not allow this use",
        }
    }
}

impl SourceReason {
    /// Why the request was meant for that account.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Process => "chosen when the agent was started",
            Self::Session => "chosen for this session with `remuda use --session`",
            Self::Project => "chosen by the project's .remuda.toml",
            Self::Bound => "the session lives there",
            Self::Parent => "the conversation lives there whose subagent this is",
            Self::Active => "the active choice of `remuda use`",
        }
    }
}

impl Host {
    /// The name that its maker gave it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex CLI",
            Self::Pi => "Pi",
            Self::OpenCode => "OpenCode",
            Self::Qwen => "Qwen Code",
            Self::Other => "another program",
        }
    }
}

impl RequestKind {
    /// What it was for.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Main => "a turn of the conversation",
            Self::Subagent => "a turn of a subagent",
            Self::Side => "something on the side (a title, a summary)",
            Self::CountTokens => "a count of tokens",
            Self::Models => "a list of models",
            Self::Background => "work in the background",
        }
    }
}
