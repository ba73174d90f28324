//! Scripted misbehaviour: what goes wrong, where in the answer, and for whom.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::FakeAccount;
use crate::log::Endpoint;
use crate::quota::Window;
use crate::refusal::VendorRefusal;

/// Whose requests a scripted fault meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody's.
    Any,
    /// Those of the account of this name.
    Account(String),
}

impl From<&str> for Who {
    fn from(name: &str) -> Self {
        Self::Account(name.to_owned())
    }
}

impl From<&FakeAccount> for Who {
    fn from(account: &FakeAccount) -> Self {
        Self::Account(account.name().to_owned())
    }
}

/// A place in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Nothing was sent, not even the status.
    BeforeHeaders,
    /// Status and headers are out.
    AfterHeaders,
    /// `message_start` and a `ping`, or `response.created` and `response.in_progress`, or the chunk with the role are out; no
    /// content block was opened.
    AfterHandshake,
    /// The first content delta is out.
    AfterContent,
    /// So many events are out (bytes, for answers that are no streams).
    After(usize),
}

/// How the bytes of a body are cut into writes. Each write is its own chunk and its own flush. Without any of these, events
/// that follow without a pause are chunks of their own and leave together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chunking {
    /// So many bytes each, without regard to events; 1 is every byte alone.
    Bytes(usize),
    /// Each event alone.
    Events,
    /// The whole body in one write.
    Whole,
    /// Inside each character of more than one byte. The answer gets such characters if it has none.
    SplitUtf8,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: the request is served, with the fault's other settings.
    Serve,
    /// Refused with a row of the vendor's error table.
    Refuse(VendorRefusal),
    /// Refused with exactly this.
    Answer {
        /// Status.
        status: u16,
        /// `content-type` of the body.
        content_type: String,
        /// Body as on the wire.
        body: String,
    },
    /// Refused with 429 because this window is spent, without touching the account's real windows. Alibaba tells of
    /// windows in words, API keys have none.
    Spent {
        /// The window.
        window: Window,
        /// Until it resets, in seconds.
        resets_in_s: i64,
    },
    /// 200 and then this row in the stream, as the protocol has it: `event: error`, `response.failed`,
    /// `data: {"error":…}`.
    ErrorEvent {
        /// The row; its status is not used.
        refusal: VendorRefusal,
        /// Where.
        at: Point,
    },
    /// The stream ends without its last event (`message_stop`, `response.completed`, `[DONE]`).
    Truncate {
        /// Where.
        at: Point,
        /// With the last chunk that ends a body properly, or by closing the connection.
        clean: bool,
    },
    /// No byte follows any more; the connection stays open until the client closes it.
    Stall {
        /// Where.
        at: Point,
    },
    /// TCP reset.
    Reset {
        /// Where.
        at: Point,
    },
}

/// One scripted fault. Faults are consumed in the order in which they were scripted; each meets the next request that it
/// matches (by default one that asks a model, with a valid credential).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub effect: Effect,
    /// Which endpoint; by default whatever asks a model.
    #[serde(default)]
    pub on: Endpoint,
    /// Only requests that name this model.
    #[serde(default)]
    pub model: Option<String>,
    /// How many requests it meets.
    #[serde(default = "once")]
    pub times: u32,
    /// Pause before status and headers, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// Pause before each event, in milliseconds, in place of [`crate::Config::event_delay`].
    #[serde(default)]
    pub pace_ms: Option<u64>,
    /// Headers added to the answer; they replace the answer's own of the same name, an empty value removes it.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Trailers after the body; sent only to clients that say `te: trailers` (RFC 9110, 6.5.1).
    #[serde(default)]
    pub trailers: Vec<(String, String)>,
    /// How the body is cut.
    #[serde(default)]
    pub chunking: Option<Chunking>,
    /// gzip, for clients that take it. Each event can be read when it has come.
    #[serde(default)]
    pub compressed: bool,
    /// Events of unknown types, comments and unknown block types between the others, unknown fields and headers.
    #[serde(default)]
    pub novelties: bool,
    /// Answer before the request's body was read. Such a fault matches without regard to the model.
    #[serde(default)]
    pub early: bool,
    /// The request takes effect before it goes wrong (a token is rotated, quota is used): only the answer is lost.
    #[serde(default)]
    pub after_effect: bool,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault with this effect and nothing else.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            on: Endpoint::Inference,
            model: None,
            times: 1,
            delay_ms: 0,
            pace_ms: None,
            headers: Vec::new(),
            trailers: Vec::new(),
            chunking: None,
            compressed: false,
            novelties: false,
            early: false,
            after_effect: false,
        }
    }

    /// No failure: lets one request pass, or carries odd manners ([`Fault::chunked`], [`Fault::with_novelties`]…).
    #[must_use]
    pub fn serve() -> Self {
        Self::new(Effect::Serve)
    }

    /// A row of the vendor's error table.
    #[must_use]
    pub fn refuse(refusal: impl Into<VendorRefusal>) -> Self {
        Self::new(Effect::Refuse(refusal.into()))
    }

    /// Exactly this answer.
    #[must_use]
    pub fn answer(status: u16, content_type: &str, body: &str) -> Self {
        Self::new(Effect::Answer { status, content_type: content_type.to_owned(), body: body.to_owned() })
    }

    /// 429: this window is spent for so many seconds. The account's own windows stay as they are.
    #[must_use]
    pub fn spent(window: Window, resets_in_s: i64) -> Self {
        Self::new(Effect::Spent { window, resets_in_s })
    }

    /// A failure inside the 200 stream.
    #[must_use]
    pub fn error_event(refusal: impl Into<VendorRefusal>, at: Point) -> Self {
        Self::new(Effect::ErrorEvent { refusal: refusal.into(), at })
    }

    /// The stream ends early; `clean` with a proper end of the body, else by closing the connection.
    #[must_use]
    pub fn truncate(at: Point, clean: bool) -> Self {
        Self::new(Effect::Truncate { at, clean })
    }

    /// Bytes stop.
    #[must_use]
    pub fn stall(at: Point) -> Self {
        Self::new(Effect::Stall { at })
    }

    /// TCP reset.
    #[must_use]
    pub fn reset(at: Point) -> Self {
        Self::new(Effect::Reset { at })
    }

    /// Meets requests to this endpoint instead of those that ask a model.
    #[must_use]
    pub fn on(mut self, endpoint: Endpoint) -> Self {
        self.on = endpoint;
        self
    }

    /// Meets only requests that name this model.
    #[must_use]
    pub fn for_model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// Meets so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Pause before the headers.
    #[must_use]
    pub fn delayed(mut self, pause: Duration) -> Self {
        self.delay_ms = millis(pause);
        self
    }

    /// Pause before each event.
    #[must_use]
    pub fn paced(mut self, pause: Duration) -> Self {
        self.pace_ms = Some(millis(pause));
        self
    }

    /// Adds a header to the answer, replacing one of that name; an empty value removes it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds `retry-after`, as it stands on the wire.
    #[must_use]
    pub fn retry_after(self, value: &str) -> Self {
        self.header("retry-after", value)
    }

    /// Adds a trailer.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Cuts the body.
    #[must_use]
    pub fn chunked(mut self, chunking: Chunking) -> Self {
        self.chunking = Some(chunking);
        self
    }

    /// gzip, for clients that take it.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.compressed = true;
        self
    }

    /// Unknown events, comments, block types and fields. (Claude Code 2.1.329 passes over all of it but the unknown block
    /// type, of which it dies.)
    #[must_use]
    pub fn with_novelties(mut self) -> Self {
        self.novelties = true;
        self
    }

    /// Answers before the request's body was read.
    #[must_use]
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// The request takes effect, only the answer is lost.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }
}

fn millis(pause: Duration) -> u64 {
    u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)
}
