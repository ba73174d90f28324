//! An answer before it goes on the wire: status, headers, and a text or the events of a stream.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use crate::grammar::Grammar;
use crate::quota::headers::Pairs;
use crate::refused::Refused;

/// One event of a stream, framed.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) bytes: Bytes,
    pub(crate) part: Part,
}

impl Event {
    /// `event: …`, `data: …`, an empty line.
    pub(crate) fn named(part: Part, name: &str, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).unwrap_or_default();
        Self { bytes: Bytes::from(format!("event: {name}\ndata: {data}\n\n")), part }
    }

    /// `data: …`, an empty line.
    pub(crate) fn data(part: Part, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).unwrap_or_default();
        Self { bytes: Bytes::from(format!("data: {data}\n\n")), part }
    }

    /// What stands after `data: `: the text of a WebSocket frame.
    pub(crate) fn text(&self) -> &str {
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        text.split_once("data: ").map_or(text, |(_, data)| data).trim_end_matches('\n')
    }
}

/// Which part of a stream an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// `message_start`, `response.created`, pings: nothing that an agent shows or keeps.
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
    Stream(Vec<Event>, Grammar),
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Pairs,
    pub(crate) content: Content,
    /// Stands in the stream where a script breaks it off.
    pub(crate) failure: Option<Refused>,
}

impl Answer {
    pub(crate) fn text(status: u16, kind: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Self {
        let content = Content::Text { kind: kind.into(), body: body.into() };
        Self { status, headers: Pairs::new(), content, failure: None }
    }

    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        Self::text(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
    }

    pub(crate) fn stream(events: Vec<Event>, grammar: Grammar) -> Self {
        Self { status: 200, headers: Pairs::new(), content: Content::Stream(events, grammar), failure: None }
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
