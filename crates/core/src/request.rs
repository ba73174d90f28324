//! What routing needs to know of a request, found by peeking at it, not by parsing it.

use serde::{Deserialize, Serialize};

use crate::account::Vendor;
use crate::id::{AccountId, SessionKey};
use crate::snapshot::Target;

/// An agent program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// Claude Code.
    Claude,
    /// Codex CLI.
    Codex,
    /// Pi.
    Pi,
    /// OpenCode.
    #[serde(rename = "opencode")]
    OpenCode,
    /// Qwen Code.
    Qwen,
    /// Anything else that holds a client key.
    Other,
}

impl Host {
    /// `claude`, `codex`, `pi`, `opencode`, `qwen`, `other`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Pi => "pi",
            Self::OpenCode => "opencode",
            Self::Qwen => "qwen",
            Self::Other => "other",
        }
    }

    /// The vendor whose own agent this is. A subscription serves its vendor's own host without a grant.
    #[must_use]
    pub fn maker(self) -> Option<Vendor> {
        match self {
            Self::Claude => Some(Vendor::Anthropic),
            Self::Codex => Some(Vendor::OpenAi),
            Self::Qwen => Some(Vendor::Qwen),
            Self::Pi | Self::OpenCode | Self::Other => None,
        }
    }
}

/// What the request is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// A turn of the main conversation.
    #[default]
    Main,
    /// A turn of a subagent.
    Subagent,
    /// Token counting.
    CountTokens,
    /// A listing of models.
    Models,
    /// Cache warm-up or a probe of ours.
    Background,
}

/// One request, as routing sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestFacts {
    /// The conversation it belongs to, if the host says so.
    pub session: Option<SessionKey>,
    /// The model it names.
    pub model: String,
    /// What it is for.
    pub kind: RequestKind,
    /// Which agent sent it, as its client key says.
    pub host: Host,
    /// A fresh manual choice that has not had its one real attempt yet.
    pub choice: Option<AccountId>,
    /// The account this session is bound to, or that a pin names (a choice that already had its attempt).
    pub bound: Option<AccountId>,
    /// Where to place it when neither is known: the pin of its client key or session, when that is a pool. `None`: the
    /// snapshot's active target.
    pub within: Option<Target>,
    /// Can the body be sent again?
    pub replayable: bool,
}
