//! Protocols: what an account understands, and what a request is written in. Nothing is translated between them, so an
//! account serves a request only if it speaks the request's own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::account::{CredentialKind, Vendor};

/// One wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Anthropic's Messages: `…/v1/messages`.
    Messages,
    /// OpenAI's Responses: `…/responses`.
    Responses,
    /// OpenAI's Chat Completions: `…/chat/completions`.
    Chat,
    /// The backend of the Codex CLI for ChatGPT subscriptions: Responses with rules of its own, over SSE and WebSocket.
    Codex,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Messages, Self::Responses, Self::Chat, Self::Codex];

    /// `messages`, `responses`, `chat`, `codex`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Responses => "responses",
            Self::Chat => "chat",
            Self::Codex => "codex",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Messages => 1,
            Self::Responses => 2,
            Self::Chat => 4,
            Self::Codex => 8,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of protocols. In JSON a list.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "Vec<Protocol>", into = "Vec<Protocol>")]
pub struct Protocols(u8);

impl Protocols {
    /// Every protocol.
    pub const ALL: Self = Self::of(&Protocol::ALL);

    /// These.
    #[must_use]
    pub const fn of(protocols: &[Protocol]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < protocols.len() {
            bits |= protocols[at].bit();
            at += 1;
        }
        Self(bits)
    }

    /// What a login or key speaks at its vendor, when nothing else is known about it. `remuda_vendors::endpoint` has the
    /// address of each.
    #[must_use]
    pub const fn of_vendor(vendor: Vendor, kind: CredentialKind) -> Self {
        use Protocol::{Chat, Codex, Messages, Responses};
        match (vendor, kind) {
            (Vendor::Anthropic, _) => Self::of(&[Messages]),
            (Vendor::OpenAi, CredentialKind::Subscription | CredentialKind::StaticToken) => Self::of(&[Codex]),
            // The API takes what Codex sends to its backend, so that a key can stand in for a subscription.
            (Vendor::OpenAi, CredentialKind::ApiKey | CredentialKind::PlanKey) => Self::of(&[Responses, Chat, Codex]),
            (Vendor::OpenAi, CredentialKind::SharedPlan) => Self::of(&[Responses]),
            (Vendor::Qwen, _) => Self::of(&[Messages, Responses, Chat]),
        }
    }

    /// Is it one of them?
    #[must_use]
    pub const fn contains(self, protocol: Protocol) -> bool {
        self.0 & protocol.bit() != 0
    }

    /// Is any of them in both sets?
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The protocols in it.
    pub fn iter(self) -> impl Iterator<Item = Protocol> {
        Protocol::ALL.into_iter().filter(move |protocol| self.contains(*protocol))
    }
}

impl From<Protocol> for Protocols {
    fn from(protocol: Protocol) -> Self {
        Self::of(&[protocol])
    }
}

impl FromIterator<Protocol> for Protocols {
    fn from_iter<I: IntoIterator<Item = Protocol>>(protocols: I) -> Self {
        Self(protocols.into_iter().fold(0, |bits, protocol| bits | protocol.bit()))
    }
}

impl From<Vec<Protocol>> for Protocols {
    fn from(protocols: Vec<Protocol>) -> Self {
        protocols.into_iter().collect()
    }
}

impl From<Protocols> for Vec<Protocol> {
    fn from(protocols: Protocols) -> Self {
        protocols.iter().collect()
    }
}

impl fmt::Debug for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What a compatible endpoint understands beside the protocol itself; checked when it is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Capabilities {
    /// `cache_control` may have a `ttl`.
    pub cache_ttl: bool,
    /// `anthropic-beta` headers are taken.
    pub betas: bool,
    /// `count_tokens` (Messages) or `input_tokens` (Responses) is served.
    pub count_tokens: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { cache_ttl: true, betas: true, count_tokens: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_a_list_in_json_and_keeps_each_once() {
        let set = Protocols::of(&[Protocol::Chat, Protocol::Messages, Protocol::Chat]);
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(text, r#"["messages","chat"]"#);
        assert_eq!(serde_json::from_str::<Protocols>(&text).unwrap(), set);
        assert!(set.contains(Protocol::Chat) && !set.contains(Protocol::Codex));
        assert!(set.meets(Protocols::ALL) && !set.meets(Protocol::Codex.into()));
    }

    #[test]
    fn every_kind_of_credential_speaks_something() {
        use CredentialKind::{ApiKey, PlanKey, SharedPlan, StaticToken, Subscription};
        for vendor in [Vendor::Anthropic, Vendor::OpenAi, Vendor::Qwen] {
            for kind in [Subscription, StaticToken, ApiKey, PlanKey, SharedPlan] {
                assert!(Protocols::of_vendor(vendor, kind).meets(Protocols::ALL), "{vendor} {kind:?}");
            }
        }
    }
}
