//! Sees an answer pass: which events begin and end it, whether it fails, what it counts. Touches no byte.

use bytes::Bytes;
use remuda_core::Protocol;
use remuda_core::record::Tokens;
use remuda_store::Mark;
use remuda_vendors::event_kind;
use remuda_vendors::stream::EventKind;
use remuda_wire::anthropic::{event_tokens, merge_tokens, message_tokens};
use remuda_wire::openai;
use remuda_wire::sse::{Event, Scanner};

use crate::plain::Plain;
use crate::provenance::Gathering;

/// Bytes of a JSON answer that are kept to read its token counts; a longer one is not counted.
const MOST_JSON: usize = 4 * 1024 * 1024;

/// What a frame brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Something that a person or an agent would see: from here on there is no retry.
    pub content: bool,
    /// The event that says that the stream failed, as it stood on the wire.
    pub failure: Option<Bytes>,
    /// What an event says about quota windows.
    pub quota: Option<Bytes>,
}

/// Inspects one answer.
pub struct Tap {
    plain: Plain,
    form: Form,
    notes: Notes,
}

enum Form {
    Events(Box<Scanner>),
    Json(Vec<Bytes>, usize),
    Other,
}

/// What was understood of an answer so far.
struct Notes {
    protocol: Protocol,
    tokens: Tokens,
    given: Gathering,
    ended: bool,
}

impl Tap {
    /// For an answer with this `content-type` and `content-encoding`.
    #[must_use]
    pub fn new(protocol: Protocol, content_type: Option<&str>, content_encoding: Option<&str>) -> Self {
        let kind = content_type.map(|t| t.split(';').next().unwrap_or(t).trim().to_ascii_lowercase());
        let form = match kind.as_deref() {
            Some("text/event-stream") => Form::Events(Box::default()),
            Some("application/json") => Form::Json(Vec::new(), 0),
            _ => Form::Other,
        };
        Self { plain: Plain::of(content_encoding), form, notes: Notes::new(protocol) }
    }

    /// Is this a stream of events that can be read, so that its beginning can be held back and judged?
    #[must_use]
    pub fn reads_events(&self) -> bool {
        matches!(self.form, Form::Events(_)) && self.plain.is_readable()
    }

    /// Takes the next frame.
    pub fn feed(&mut self, frame: &Bytes) -> Seen {
        let mut seen = Seen::default();
        match &mut self.form {
            Form::Events(scanner) => {
                let readable = self.plain.read(frame);
                let notes = &mut self.notes;
                scanner.feed(&readable, |event| notes.take(&event, &mut seen));
                if !self.plain.is_readable() {
                    seen.content = true;
                }
            }
            Form::Json(frames, kept) => {
                *kept += frame.len();
                if *kept <= MOST_JSON {
                    frames.push(frame.clone());
                } else {
                    self.form = Form::Other;
                }
                seen.content = true;
            }
            Form::Other => seen.content = true,
        }
        seen
    }

    /// Did the stream say that it is complete? Always true for answers that are no stream: their framing says it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.notes.ended || !self.reads_events()
    }

    /// What was counted. For a JSON answer this reads it, so call it once, at the end.
    #[must_use]
    pub fn tokens(&mut self) -> Tokens {
        if let Form::Json(frames, _) = &mut self.form {
            let mut text = Vec::new();
            for frame in std::mem::take(frames) {
                text.extend_from_slice(&self.plain.read(&frame));
            }
            self.notes.whole(&text);
        }
        self.notes.tokens
    }

    /// What the account gave out so far that only it can read again; told once.
    #[must_use]
    pub fn given(&mut self) -> Vec<Mark> {
        self.notes.given.finish()
    }
}

impl Notes {
    fn new(protocol: Protocol) -> Self {
        Self { protocol, tokens: Tokens::default(), given: Gathering::default(), ended: false }
    }

    fn take(&mut self, event: &Event<'_>, seen: &mut Seen) {
        if event.comment {
            return;
        }
        let data = event.data.unwrap_or_default();
        let name = std::str::from_utf8(event.name).ok().filter(|n| !n.is_empty());
        match event_kind(self.protocol, name, data) {
            EventKind::Handshake => {
                if self.protocol == Protocol::Codex && has(data, b"codex.rate_limits") {
                    seen.quota = Some(Bytes::copy_from_slice(data));
                }
            }
            EventKind::Content => {
                seen.content = true;
                self.given.event(self.protocol, name, data);
            }
            EventKind::End => {
                seen.content = true;
                self.ended = true;
                self.given.event(self.protocol, name, data);
            }
            EventKind::Failure => {
                if seen.failure.is_none() {
                    seen.failure = Some(as_on_the_wire(event));
                }
            }
        }
        self.count(name, data);
    }

    /// Only the few events that carry counts are read.
    fn count(&mut self, name: Option<&str>, data: &[u8]) {
        let counted = match self.protocol {
            Protocol::Messages => match name {
                Some("message_start" | "message_delta") => event_tokens(data),
                _ => None,
            },
            Protocol::Responses | Protocol::Codex => match name {
                Some("response.completed" | "response.incomplete" | "response.failed" | "response.done") => {
                    openai::tokens(data)
                }
                _ => None,
            },
            // Text of the model has its quotes escaped.
            Protocol::Chat => has(data, b"\"usage\"").then(|| openai::tokens(data)).flatten(),
        };
        if let Some(counted) = counted {
            merge_tokens(&mut self.tokens, counted);
        }
    }

    /// An answer that is one JSON object.
    fn whole(&mut self, json: &[u8]) {
        let counted = match self.protocol {
            Protocol::Messages => message_tokens(json),
            Protocol::Responses | Protocol::Chat | Protocol::Codex => openai::tokens(json),
        };
        if let Some(counted) = counted {
            merge_tokens(&mut self.tokens, counted);
        }
        self.given.answer(self.protocol, json);
    }
}

fn has(data: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(data, text).is_some()
}

fn as_on_the_wire(event: &Event<'_>) -> Bytes {
    let mut text = Vec::new();
    if !event.name.is_empty() {
        text.extend_from_slice(b"event: ");
        text.extend_from_slice(event.name);
        text.push(b'\n');
    }
    for line in event.data.unwrap_or_default().split(|b| *b == b'\n') {
        text.extend_from_slice(b"data: ");
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.push(b'\n');
    Bytes::from(text)
}
