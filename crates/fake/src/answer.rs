//! An answer before it goes on the wire: status, headers, and a text or the events of a stream.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use crate::quota::headers::Pairs;
use crate::refusal::{Refusal, Shape};

/// One event of a stream, framed.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) bytes: Bytes,
    pub(crate) part: Part,
}

/// Which part of a stream an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// `message_start` and pings: nothing that an agent shows or keeps.
    Handshake,
    /// A content block opens.
    Opening,
    /// A content delta.
    Content,
    /// What follows the content.
    Closing,
}

/// What an answer says.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A body in one piece.
    Text {
        /// Empty: no `content-type`.
        kind: Cow<'static, str>,
        body: Bytes,
    },
    /// Server-sent events.
    Stream(Vec<Event>),
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Pairs,
    pub(crate) content: Content,
}

impl Answer {
    pub(crate) fn text(status: u16, kind: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Self {
        let content = Content::Text { kind: kind.into(), body: body.into() };
        Self { status, headers: Pairs::new(), content }
    }

    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        Self::text(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
    }

    pub(crate) fn with(mut self, headers: Pairs) -> Self {
        self.headers.extend(headers);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A refusal on its way: the row, perhaps in other words, perhaps with headers.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    refusal: Refusal,
    message: Option<String>,
    pub(crate) headers: Pairs,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, message: None, headers: Pairs::new() }
    }
}

impl Refused {
    /// The row with this text in place of its example text.
    pub(crate) fn saying(refusal: Refusal, message: impl Into<String>) -> Self {
        Self { refusal, message: Some(message.into()), headers: Pairs::new() }
    }

    /// 400 `invalid_request_error`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::saying(Refusal::InvalidRequest, message)
    }

    pub(crate) fn with(mut self, headers: Pairs) -> Self {
        self.headers.extend(headers);
        self
    }

    pub(crate) fn answer(self, request_id: &str) -> Answer {
        let row = self.refusal.row();
        let message = self.message.as_deref().unwrap_or(row.message);
        let (kind, body) = match row.shape {
            Shape::Raw(kind) => (kind, message.to_owned()),
            Shape::Oauth => {
                let body = format!(r#"{{"error":{},"error_description":{}}}"#, quoted(row.kind), quoted(message));
                ("application/json", body)
            }
            Shape::Bare => ("application/json", format!(r#"{{"error":{}}}"#, error_object(row.kind, message, None))),
            Shape::Api | Shape::ApiWith(_) => {
                let error = error_object(row.kind, message, details(row.shape));
                (
                    "application/json",
                    format!(r#"{{"type":"error","error":{error},"request_id":{}}}"#, quoted(request_id)),
                )
            }
        };
        let fixed = row.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Answer::text(row.status, kind, body).with(fixed.collect()).with(self.headers)
    }

    /// The same as the data of an `event: error`.
    pub(crate) fn event(refusal: Refusal, now: i64) -> Event {
        let row = refusal.row();
        let kind = if row.kind.is_empty() { "api_error" } else { row.kind };
        let error = error_object(kind, &refusal.message(now), details(row.shape));
        let bytes = format!("event: error\ndata: {{\"type\":\"error\",\"error\":{error}}}\n\n");
        Event { bytes: bytes.into(), part: Part::Closing }
    }
}

fn details(shape: Shape) -> Option<&'static str> {
    if let Shape::ApiWith(details) = shape { Some(details) } else { None }
}

fn error_object(kind: &str, message: &str, details: Option<&str>) -> String {
    let details = details.map(|details| format!(r#","details":{details}"#)).unwrap_or_default();
    format!(r#"{{"type":{},"message":{}{details}}}"#, quoted(kind), quoted(message))
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
