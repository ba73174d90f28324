//! Requests under way, and how one ended in short.

use remuda_core::record::{Record, Tokens};
use remuda_core::{AccountId, Class, CostClass, Host, RequestId, RequestKind, UnixSeconds, Vendor};
use serde::{Deserialize, Serialize};

/// Where a request under way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LiveStage {
    /// Nobody was asked yet.
    Routing,
    /// An account is being asked.
    Asking,
    /// It waits on purpose; [`LiveView::until`] says how long.
    Waiting,
    /// The answer goes to the client.
    Streaming,
}

/// A request under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LiveView {
    /// Its id.
    pub id: RequestId,
    /// When it arrived.
    pub at: UnixSeconds,
    /// Which agent sent it.
    pub host: Host,
    /// What it is for.
    pub kind: RequestKind,
    /// Its vendor protocol.
    pub vendor: Vendor,
    /// Its conversation.
    pub session: Option<String>,
    /// The working directory of its agent, where known.
    pub project: Option<String>,
    /// The model it names.
    pub model: String,
    /// Where it is.
    pub stage: LiveStage,
    /// When a wait ends.
    pub until: Option<UnixSeconds>,
    /// Who is or was asked last.
    pub account_id: Option<AccountId>,
    /// That account's label.
    pub account: Option<String>,
    /// How many times an account was asked.
    pub attempts: u32,
    /// Milliseconds since it arrived.
    pub age_ms: u64,
}

/// Requests under way, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LiveRequests {
    /// When this was true.
    pub now: UnixSeconds,
    /// The requests.
    pub requests: Vec<LiveView>,
}

/// Names a request under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LiveRef {
    /// Its id, or a beginning of the id that only it has.
    pub request: String,
}

/// A request was stopped: its agent sees an error, or a stream that is cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LiveStopped {
    /// As it was.
    pub request: LiveView,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// An account served it.
    Served,
    /// Nobody did; the client got an error.
    Failed,
    /// The answer failed after content had reached the client.
    BrokeOff,
    /// The client left.
    Abandoned,
    /// Its owner stopped it.
    Stopped,
}

/// A request that has ended, in short. The whole story: `GET /api/v1/requests/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestView {
    /// Its id.
    pub id: RequestId,
    /// When it arrived.
    pub at: UnixSeconds,
    /// Which agent sent it.
    pub host: Host,
    /// What it was for.
    pub kind: RequestKind,
    /// Its vendor protocol.
    pub vendor: Vendor,
    /// Its conversation.
    pub session: Option<String>,
    /// The working directory of its agent, where known.
    pub project: Option<String>,
    /// The model it named.
    pub model: String,
    /// Label of the account it was meant for.
    pub source: Option<String>,
    /// Label of the account that was asked last.
    pub account: Option<String>,
    /// That account's id.
    pub account_id: Option<AccountId>,
    /// How many times an account was asked.
    pub attempts: u32,
    /// Did another account serve than the one it was meant for?
    pub moved: bool,
    /// How it ended.
    pub ending: Ending,
    /// What went wrong.
    pub class: Option<Class>,
    /// HTTP status the client got; 0: none.
    pub status: u16,
    /// Milliseconds the client waited for the first byte.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds until the end.
    pub total_ms: u64,
    /// What the vendor counted.
    pub tokens: Tokens,
    /// List price in US dollars; `None`: unknown, which is not zero.
    pub cost_usd: Option<f64>,
    /// What using the account costs its owner.
    pub cost_class: Option<CostClass>,
}

impl From<&Record> for RequestView {
    fn from(record: &Record) -> Self {
        let last = record.attempts.last();
        Self {
            id: record.id,
            at: record.at,
            host: record.host,
            kind: record.kind,
            vendor: record.vendor,
            session: record.session.as_ref().map(|session| session.0.clone()),
            project: record.project.clone(),
            model: record.model.clone(),
            source: record.source_label.clone(),
            account: last.map(|attempt| attempt.label.clone()),
            account_id: last.map(|attempt| attempt.account),
            attempts: u32::try_from(record.attempts.len()).unwrap_or(u32::MAX),
            moved: last.is_some_and(|attempt| record.source.is_some_and(|source| source != attempt.account)),
            ending: Ending::of(record),
            class: record.outcome.class(),
            status: record.client_status,
            first_byte_ms: record.first_byte_ms,
            total_ms: record.total_ms,
            tokens: record.tokens,
            cost_usd: record.cost_usd,
            cost_class: record.cost_class,
        }
    }
}

impl Ending {
    /// How the request of this record ended.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        use remuda_core::record::AttemptEnd;
        use remuda_core::route::Outcome;
        let abandoned = record.attempts.last().is_some_and(|last| matches!(last.ended, AttemptEnd::Abandoned));
        match &record.outcome {
            _ if record.stopped => Self::Stopped,
            _ if abandoned => Self::Abandoned,
            Outcome::Served { .. } => Self::Served,
            Outcome::Error { .. } => Self::Failed,
            Outcome::StreamError { .. } => Self::BrokeOff,
        }
    }
}
