//! The event stream, `GET /api/v1/events`: what happens, as it happens.
//!
//! Server-sent events. `id` is opaque and names a place in the stream: a client that comes back with it in
//! `Last-Event-ID` (or `?after=`) gets what it has missed, or a [`Event::Resync`] when that is not kept any more. `event`
//! is the kind, `data` an [`Event`] as JSON. Comments keep the connection alive.

use remuda_core::{AccountId, RequestId, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::{AccountView, AlertView, ChainView, LiveView, PinView, PoolView, RequestView, WindowView};

/// Path of the stream.
pub const EVENTS_PATH: &str = "/api/v1/events";

/// Which events?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventsAsked {
    /// Kinds, separated by commas; left out: all. `resync` always comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<String>,
    /// Go on behind this place, like the `Last-Event-ID` header. Left out: from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The kinds of events, as `event:` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// [`Event::Resync`].
    Resync,
    /// [`Event::Herd`].
    Herd,
    /// [`Event::Accounts`].
    Accounts,
    /// [`Event::Windows`].
    Windows,
    /// [`Event::Decisions`].
    Decisions,
    /// [`Event::Holds`].
    Holds,
    /// [`Event::Logins`].
    Logins,
    /// [`Event::Alerts`].
    Alerts,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Resync,
        Self::Herd,
        Self::Accounts,
        Self::Windows,
        Self::Decisions,
        Self::Holds,
        Self::Logins,
        Self::Alerts,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::Herd => "herd",
            Self::Accounts => "accounts",
            Self::Windows => "windows",
            Self::Decisions => "decisions",
            Self::Holds => "holds",
            Self::Logins => "logins",
            Self::Alerts => "alerts",
        }
    }
}

/// Something that happened, with the state of what it concerns at the moment it was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Something may have been missed: read `GET /api/v1/overview` again. Also the first event of a stream that begins
    /// without a place, so that a client can begin with it.
    Resync {
        /// When.
        at: UnixSeconds,
    },
    /// The owner changed accounts, chains, pools, pins or the active target. Holds all of them.
    Herd {
        /// When.
        at: UnixSeconds,
        /// All of it.
        #[serde(flatten)]
        herd: HerdView,
    },
    /// One account has changed: status or rests.
    Accounts {
        /// When.
        at: UnixSeconds,
        /// The account.
        account: Box<AccountView>,
    },
    /// One account's windows were read.
    Windows {
        /// When.
        at: UnixSeconds,
        /// The account's id.
        account_id: AccountId,
        /// Its label.
        account: String,
        /// Its windows, shortest first.
        windows: Vec<WindowView>,
    },
    /// A request began, moved or ended.
    Decisions {
        /// When.
        at: UnixSeconds,
        /// What.
        #[serde(flatten)]
        step: Step,
    },
    /// A request waits on purpose, or no longer.
    Holds {
        /// When.
        at: UnixSeconds,
        /// The request: `waiting` until its `until`, or in another stage when the wait is over.
        request: LiveView,
    },
    /// A login has moved on.
    Logins {
        /// When.
        at: UnixSeconds,
        /// The login.
        login: String,
        /// How it stands.
        stage: LoginStep,
        /// Label of the account, once there is one.
        account: Option<String>,
    },
    /// An alert was raised, or is over.
    Alerts {
        /// When.
        at: UnixSeconds,
        /// The alert.
        alert: AlertView,
    },
}

/// A step of a request's way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "what", content = "request", rename_all = "snake_case")]
pub enum Step {
    /// It was understood and is on its way.
    Started(LiveView),
    /// Another account is asked than before.
    Moved(LiveView),
    /// Its first byte went to the client.
    Streaming(LiveView),
    /// It is over.
    Finished(Box<RequestView>),
}

impl Step {
    /// The request's id.
    #[must_use]
    pub fn id(&self) -> RequestId {
        match self {
            Self::Started(live) | Self::Moved(live) | Self::Streaming(live) => live.id,
            Self::Finished(request) => request.id,
        }
    }
}

/// How a login stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoginStep {
    /// It waits for the vendor's page.
    Waiting,
    /// The credential is stored.
    Done,
    /// It failed.
    Failed,
    /// Its owner dropped it.
    Cancelled,
}

/// Everything that the owner decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HerdView {
    /// Where requests without a pin go: label or `@pool`.
    pub active: Option<String>,
    /// All accounts, in the owner's order.
    pub accounts: Vec<AccountView>,
    /// All pools, by name.
    pub pools: Vec<PoolView>,
    /// All chains that are not empty, in the owner's order of accounts.
    pub chains: Vec<ChainView>,
    /// Sessions that a person has pinned; at most 100.
    pub pins: Vec<PinView>,
}

impl Event {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Resync { .. } => EventKind::Resync,
            Self::Herd { .. } => EventKind::Herd,
            Self::Accounts { .. } => EventKind::Accounts,
            Self::Windows { .. } => EventKind::Windows,
            Self::Decisions { .. } => EventKind::Decisions,
            Self::Holds { .. } => EventKind::Holds,
            Self::Logins { .. } => EventKind::Logins,
            Self::Alerts { .. } => EventKind::Alerts,
        }
    }
}
