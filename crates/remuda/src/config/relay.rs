//! `[relay]`: send what changed of a body to a relay of the user's, which calls the vendor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bounded;

/// The relay of this installation. Its token is no setting: `remuda relay on` keeps it in a file for its owner alone. All
/// of it holds at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Relay {
    /// Send large requests through the relay.
    pub(crate) enabled: bool,
    /// Where the relay is, for example `https://remuda-relay.me.workers.dev`.
    pub(crate) url: Option<String>,
    /// How it is spoken to.
    pub(crate) transport: RelayTransport,
    /// Bodies with fewer bytes go directly.
    pub(crate) min_bytes: Bounded<0, 33_554_432>,
    /// Send a request directly if the relay cannot take it.
    pub(crate) fallback_to_direct: bool,
    /// Only requests of these accounts; empty: of all.
    pub(crate) accounts: Vec<String>,
    /// Only requests of these agents; empty: of all.
    pub(crate) hosts: Vec<RelayHost>,
}

/// Ways to speak to a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RelayTransport {
    /// A POST per request.
    #[default]
    Http,
    /// A WebSocket per conversation.
    WebSocket,
}

/// Agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RelayHost {
    /// Claude Code.
    Claude,
    /// Codex CLI.
    Codex,
    /// Pi.
    Pi,
    /// OpenCode.
    OpenCode,
    /// Qwen Code.
    Qwen,
}

impl From<RelayHost> for remuda_core::Host {
    fn from(host: RelayHost) -> Self {
        match host {
            RelayHost::Claude => Self::Claude,
            RelayHost::Codex => Self::Codex,
            RelayHost::Pi => Self::Pi,
            RelayHost::OpenCode => Self::OpenCode,
            RelayHost::Qwen => Self::Qwen,
        }
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            enabled: false,
            url: None,
            transport: RelayTransport::default(),
            // Below, the head of a message would be more than one percent of it.
            min_bytes: Bounded::new(32_768),
            fallback_to_direct: true,
            accounts: Vec::new(),
            hosts: Vec::new(),
        }
    }
}
