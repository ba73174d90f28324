//! What routing needs to know of a request, found by peeking at it, not by parsing it.

use serde::{Deserialize, Serialize};

use crate::account::Vendor;
use crate::id::{AccountId, SessionKey};
use crate::protocol::Protocols;
use crate::snapshot::Target;
use crate::time::UnixSeconds;

/// An agent program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// What a client key opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// Requests to the vendors, nothing else.
    #[default]
    Agent,
    /// The control API too.
    Admin,
}

/// What the request is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// A turn of the main conversation.
    #[default]
    Main,
    /// A turn of a subagent.
    Subagent,
    /// Something the agent asks on the side: a title, a summary, a note to remember.
    Side,
    /// Token counting.
    CountTokens,
    /// A listing of models.
    Models,
    /// Cache warm-up or a probe of ours.
    Background,
}

impl RequestKind {
    /// Does the vendor count it against plan windows? Counting tokens and listing models are answered by accounts whose
    /// windows are spent, too.
    #[must_use]
    pub fn draws_on_quota(self) -> bool {
        match self {
            Self::Main | Self::Subagent | Self::Side | Self::Background => true,
            Self::CountTokens | Self::Models => false,
        }
    }
}

/// Where a session lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Home {
    /// The account that serves it while it can.
    pub account: AccountId,
    /// The pool that placed it there, without its `@`. Only then do the pool's other members stand in; a session that
    /// came to the same account by itself has nothing to do with them.
    pub pool: Option<String>,
}

/// How far a pin reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PinScope {
    /// `remuda run --account` or `--pool`.
    Process,
    /// `remuda use --session`.
    Session,
    /// `.remuda.toml`.
    Project,
    /// `remuda use`. Fresh it moves even a session that has a home; afterwards it is what [`crate::Snapshot::active`] is,
    /// the place of sessions without one.
    Global,
}

/// A person's explicit choice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pin {
    /// What was chosen. If it is gone, the request is refused: a pin is never replaced by a guess.
    pub target: Target,
    /// How far it reaches.
    pub scope: PinScope,
    /// A manual choice that has not had its one real attempt yet: the account is asked whatever is believed about it, and
    /// the session moves there.
    pub fresh: bool,
}

/// One request, as routing sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestFacts {
    /// The conversation it belongs to, if the host says so.
    pub session: Option<SessionKey>,
    /// Whose models it names, as its path says.
    pub vendor: Vendor,
    /// The protocol it is written in. Several only where it makes no difference: in a listing of models.
    pub protocol: Protocols,
    /// The model it names.
    pub model: String,
    /// What it is for.
    pub kind: RequestKind,
    /// Which agent sent it, as its client key says.
    pub host: Host,
    /// The choice that holds for it, if a person made one. The narrowest: process before session before project before
    /// global.
    pub pin: Option<Pin>,
    /// Where its session lives, if it has a home.
    pub bound: Option<Home>,
    /// The account that keeps something the request refers to (an earlier response, a file): nobody else can serve it.
    pub owner: Option<AccountId>,
    /// Can the body be sent again?
    pub replayable: bool,
    /// What is known of its conversation.
    #[serde(default)]
    pub conversation: Conversation,
}

/// What is known of the conversation that a request belongs to, besides where it lives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Conversation {
    /// The conversation that started this one: this is a subagent's, and the host says whose.
    ///
    /// A subagent is a conversation of its own. It goes where its parent goes, with one difference: where a pool has
    /// placed the parent, the pool places each of its subagents anew, so that a fan-out is not pinned to one account.
    pub parent: Option<SessionKey>,
    /// Where that one lives.
    pub parent_home: Option<Home>,
    /// For how many seconds its process may be kept waiting when nobody can serve (`remuda run --hold`); goes before the
    /// limits of its source.
    pub patience_s: Option<i64>,
    /// Where its prompt is in the cache, if anywhere.
    pub warm: Option<Warmth>,
}

/// A conversation's prompt in the cache of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Warmth {
    /// Whose cache.
    pub account: AccountId,
    /// How many tokens of it.
    pub tokens: u64,
    /// Until when they stay there unless they are used again.
    pub until: UnixSeconds,
    /// What writing them anew costs more than reading them, in US dollars at list price; `None`: not known.
    pub rewrite_usd: Option<f64>,
    /// While the conversation is on a detour although its home could serve: what that has cost, at list price.
    pub spent_away_usd: f64,
}
