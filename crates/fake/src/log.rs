//! What was received and what became of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};

use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::config::LogLimits;
use crate::site::Site;

/// What a request is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// In scripts only: whatever asks a model, by any protocol, also in a WebSocket.
    #[default]
    Inference,
    /// Anthropic Messages
    Messages,
    /// OpenAI Responses: `POST …/responses`, or one `response.create` in a WebSocket
    Responses,
    /// OpenAI Chat Completions
    ChatCompletions,
    /// `GET …/responses` to open a WebSocket
    Socket,
    /// `POST …/responses/compact`
    Compact,
    /// `POST /v1/responses/input_tokens`
    InputTokens,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// `GET …/models…`
    Models,
    /// `GET /oauth/authorize` of Anthropic or OpenAI
    Authorize,
    /// `POST /v1/oauth/token` of Anthropic, `POST /oauth/token` of OpenAI
    Token,
    /// `POST /oauth/revoke`
    Revoke,
    /// `POST /api/accounts/deviceauth/usercode`
    DeviceCode,
    /// `POST /api/accounts/deviceauth/token`
    DeviceToken,
    /// `GET /codex/device`: the page where a person confirms
    DevicePage,
    /// `GET /backend-api/wham/accounts/check`
    Accounts,
    /// `POST /backend-api/wham/rate-limit-reset-credits/consume`: never right for a gateway
    ConsumeReset,
    /// `GET /api/oauth/usage` of Anthropic, `GET /backend-api/wham/usage` of ChatGPT
    Usage,
    /// `GET /api/oauth/profile`
    Profile,
    /// `GET /api/oauth/claude_cli/roles`
    Roles,
    /// `HEAD /api/hello`
    Hello,
    /// Anything else.
    Other,
}

impl Endpoint {
    /// Does it ask a model?
    #[must_use]
    pub fn is_inference(self) -> bool {
        matches!(self, Self::Inference | Self::Messages | Self::Responses | Self::ChatCompletions)
    }
}

/// How far an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It is being prepared or sent.
    Open = 0,
    /// It was handed over to the end.
    Complete = 1,
    /// A scripted fault ended it.
    Broken = 2,
    /// The client went away first.
    ClientGone = 3,
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Seen {
    /// 1, 2, 3… since the start.
    pub number: u64,
    /// Unix milliseconds by the vendor's clock.
    pub at_ms: i64,
    /// Where it went.
    pub site: Site,
    /// What it is for.
    pub endpoint: Endpoint,
    /// Method; `WS` for a frame in a WebSocket, whose body is the frame's text and whose headers are the handshake's.
    pub method: String,
    /// Path and query as received, with the site's prefix.
    pub path: String,
    /// Headers as received, names in lower case.
    pub headers: HeaderMap,
    /// Body exactly as received, before any content decoding.
    pub body: Bytes,
    /// Name of the account that the credential belongs to.
    pub account: Option<String>,
    /// Model named in the body.
    pub model: Option<String>,
    /// The `request-id` it was answered with.
    pub request_id: String,
    /// Status it was answered with; `None`: none (yet).
    pub status: Option<u16>,
    /// Was content handed over (a content delta, or the whole message)?
    pub content: bool,
    /// How far the answer came.
    pub ending: Ending,
}

impl Seen {
    /// A header's value, if it is there and readable.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// How far an answer came, written by the connection that sends it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    status: AtomicU16,
    content: AtomicBool,
    ending: AtomicU8,
}

impl Progress {
    pub(crate) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Release);
    }

    pub(crate) fn content(&self) {
        self.content.store(true, Ordering::Release);
    }

    pub(crate) fn has_content(&self) -> bool {
        self.content.load(Ordering::Acquire)
    }

    /// Only the first word counts.
    pub(crate) fn end(&self, ending: Ending) {
        let _ = self.ending.compare_exchange(0, ending as u8, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(crate) fn ending(&self) -> Ending {
        match self.ending.load(Ordering::Acquire) {
            1 => Ending::Complete,
            2 => Ending::Broken,
            3 => Ending::ClientGone,
            _ => Ending::Open,
        }
    }
}

struct Entry {
    seen: Seen,
    progress: Arc<Progress>,
}

/// The log: bounded in requests and in bytes.
pub(crate) struct Log {
    limits: LogLimits,
    entries: VecDeque<Entry>,
    body_bytes: usize,
    count: u64,
}

impl Log {
    pub(crate) fn new(limits: LogLimits) -> Self {
        Self { limits, entries: VecDeque::new(), body_bytes: 0, count: 0 }
    }

    /// `seen.number` is given here.
    pub(crate) fn add(&mut self, mut seen: Seen, progress: Arc<Progress>) {
        self.count += 1;
        seen.number = self.count;
        self.body_bytes += seen.body.len();
        self.entries.push_back(Entry { seen, progress });
        while self.entries.len() > self.limits.requests || self.body_bytes > self.limits.body_bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.body_bytes -= oldest.seen.body.len();
        }
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        let now = |entry: &Entry| {
            let status = entry.progress.status.load(Ordering::Acquire);
            Seen {
                status: (status != 0).then_some(status),
                content: entry.progress.has_content(),
                ending: entry.progress.ending(),
                ..entry.seen.clone()
            }
        };
        self.entries.iter().map(now).collect()
    }
}
