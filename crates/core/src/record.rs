//! Decision records: why each request went where it went. `explain` prints them in plain words.

use serde::{Deserialize, Serialize};

use crate::account::{CostClass, Vendor};
use crate::id::{AccountId, RequestId, SessionKey};
use crate::protocol::Protocols;
use crate::request::{Host, RequestKind};
use crate::route::{Because, Outcome, Refreshed, SkipReason, StateChange, Weighing};
use crate::snapshot::Strategy;
use crate::time::UnixSeconds;
use crate::verdict::Verdict;

/// Version of the JSON form. Fields are only added within a version.
pub const RECORD_VERSION: u32 = 1;

/// How the source of a request was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SourceReason {
    /// `remuda run --account` or `--pool`.
    Process,
    /// `remuda use --session`.
    Session,
    /// `.remuda.toml`.
    Project,
    /// The session's home.
    Bound,
    /// The home of the conversation whose subagent this is.
    Parent,
    /// `remuda use`.
    Active,
}

/// A member of a pool that could take a conversation, and its rating by the pool's strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rival {
    /// Who.
    pub account: AccountId,
    /// Its label at the time.
    pub label: String,
    /// Its rating.
    #[serde(flatten)]
    pub because: Because,
}

/// The price of a switch, as it was weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Weighed {
    /// Label of the account whose cache is warm, at the time.
    pub label: String,
    /// What was decided, and both sides.
    #[serde(flatten)]
    pub weighing: Weighing,
}

/// How a pool has placed the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Placed {
    /// The pool's strategy.
    pub strategy: Strategy,
    /// The rating of the member that was taken.
    #[serde(flatten)]
    pub because: Because,
    /// The other members that could have taken it, the next best first; at most [`Placed::MOST_OTHERS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Rival>,
}

impl Placed {
    /// More members than this are not listed.
    pub const MOST_OTHERS: usize = 16;
}

/// A candidate that was passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Skipped {
    /// Who.
    pub account: AccountId,
    /// Its label at the time.
    pub label: String,
    /// Why.
    pub reason: SkipReason,
    /// Until when, where known.
    pub until: Option<UnixSeconds>,
}

/// How one upstream try ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum AttemptEnd {
    /// Content was released.
    Served,
    /// The client went away.
    Abandoned,
    /// Content was released, then it failed.
    BrokeOff {
        /// The meaning.
        verdict: Verdict,
    },
    /// Refused, with what it means.
    Refused {
        /// The meaning.
        verdict: Verdict,
        /// Did it arrive inside a stream that began with 200?
        in_stream: bool,
    },
    /// The connection failed before an answer.
    Unreachable {
        /// In words, without addresses of users.
        why: String,
    },
}

/// One upstream try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt {
    /// Who was asked.
    pub account: AccountId,
    /// Its label at the time.
    pub label: String,
    /// The model that was put in place of the one named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Milliseconds waited on purpose before this try.
    #[serde(default)]
    pub waited_ms: u64,
    /// How the refresh that this try's refusal asked for ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed: Option<Refreshed>,
    /// HTTP status, if one came.
    pub status: Option<u16>,
    /// The vendor's id of the request.
    pub upstream_request_id: Option<String>,
    /// Milliseconds from the start of the request to the start of this try.
    pub started_ms: u64,
    /// Milliseconds from the start of the try to the head of the answer.
    pub head_ms: Option<u64>,
    /// How it ended.
    pub ended: AttemptEnd,
    /// What was changed in the request, in words: `authorization replaced`, `anthropic-beta: oauth-2025-04-20 added`.
    pub changes: Vec<String>,
    /// What was uploaded in place of the body, if it went through a relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relayed: Option<Relayed>,
}

/// A body that went through the user's relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relayed {
    /// Bytes of the body that the vendor got.
    pub body_bytes: u64,
    /// Bytes that were uploaded to the relay for it.
    pub sent_bytes: u64,
    /// Was only sent what changed since the body before?
    pub delta: bool,
}

/// Tokens the vendor counted. `None`: not stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tokens {
    /// Input that no cache served.
    pub input: Option<u64>,
    /// Output.
    pub output: Option<u64>,
    /// Input read from the prompt cache.
    pub cache_read: Option<u64>,
    /// Input written to the five-minute prompt cache.
    pub cache_write_5m: Option<u64>,
    /// Input written to the one-hour prompt cache.
    pub cache_write_1h: Option<u64>,
    /// The part of the output that was reasoning. It is counted in `output` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

/// Everything about one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// [`RECORD_VERSION`] when it was written.
    pub version: u32,
    /// Its id.
    pub id: RequestId,
    /// When it arrived.
    pub at: UnixSeconds,
    /// Which agent sent it.
    pub host: Host,
    /// What it was for.
    pub kind: RequestKind,
    /// Whose models it named.
    pub vendor: Vendor,
    /// The protocol it was written in. Empty in records from before there were several.
    #[serde(default)]
    pub protocol: Protocols,
    /// Its path.
    pub path: String,
    /// Its conversation.
    pub session: Option<SessionKey>,
    /// The working directory of its agent, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The model it named.
    pub model: String,
    /// Where it was meant to go.
    pub source: Option<AccountId>,
    /// That account's label at the time.
    pub source_label: Option<String>,
    /// Why there.
    pub source_reason: SourceReason,
    /// The pool that it was meant for or that placed its session, without its `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_pool: Option<String>,
    /// How the pool chose among its members, when it has placed the conversation with this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Placed>,
    /// The price of a switch, if one was weighed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighed: Option<Weighed>,
    /// Who was passed over.
    pub skipped: Vec<Skipped>,
    /// Who was asked, in order.
    pub attempts: Vec<Attempt>,
    /// What was remembered because of it, in order.
    #[serde(default)]
    pub remembered: Vec<StateChange>,
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status the client got.
    pub client_status: u16,
    /// Milliseconds the client waited for the first byte.
    pub first_byte_ms: Option<u64>,
    /// Longest silence within the answer after its first byte, in milliseconds; `None`: it came in one piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_gap_ms: Option<u64>,
    /// Milliseconds until the end.
    pub total_ms: u64,
    /// Milliseconds spent waiting on purpose (retries, holds).
    pub held_ms: u64,
    /// Bytes of the request body.
    pub request_bytes: u64,
    /// Bytes of the answer's body that the client got.
    pub response_bytes: u64,
    /// What the vendor counted.
    pub tokens: Tokens,
    /// List price in US dollars; `None`: unknown, which is not zero.
    pub cost_usd: Option<f64>,
    /// What the prompt cache saved at list price, in US dollars: what the same input would have cost without it, less
    /// what it cost. `None`: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_saved_usd: Option<f64>,
    /// Edition of the price table that the cost comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<String>,
    /// What using the account that served costs its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_class: Option<CostClass>,
    /// Did the stream end without its terminal event?
    pub truncated: bool,
    /// Did its owner stop it while it was under way?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}
