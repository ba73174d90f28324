//! Conversations: where they live, and stopping one that runs away.

use remuda_core::UnixSeconds;
use serde::{Deserialize, Serialize};

/// Which sessions?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionsAsked {
    /// Most sessions; left out: 50. At most 1000. Pinned and stopped ones always come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionView {
    /// Its name: the host's, a colon, the host's own id of it.
    pub session: String,
    /// Label of the account that serves it while it can.
    pub account: Option<String>,
    /// The pool that placed it there, with its `@`.
    pub pool: Option<String>,
    /// What a person has pinned it to: label or `@pool`.
    pub pin: Option<String>,
    /// When it was last seen, to within an hour.
    pub seen_at: Option<UnixSeconds>,
    /// How many of its requests are under way.
    pub live: u32,
    /// It was stopped: nothing of it is served until it is let go on.
    pub stopped: Option<SessionStop>,
}

/// Why and since when a session is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionStop {
    /// In words.
    pub why: String,
    /// Since when.
    pub at: UnixSeconds,
}

/// Sessions, the one seen last first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sessions {
    /// When this was true.
    pub now: UnixSeconds,
    /// The sessions.
    pub sessions: Vec<SessionView>,
}

/// Stop a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionHalt {
    /// The host's own session id, or a beginning of a known one.
    pub session: String,
    /// Why, for those who read it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Names a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionRef {
    /// The host's own session id, or a beginning of a known one.
    pub session: String,
}

/// A session was stopped or let go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionChanged {
    /// Its name.
    pub session: String,
    /// How it was stopped before.
    pub before: Option<SessionStop>,
    /// How it is stopped now.
    pub stopped: Option<SessionStop>,
    /// How many of its requests that were under way have been cut.
    pub cut: u32,
}
