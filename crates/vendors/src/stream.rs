//! What kind of event a stream brings: held back, content, failure or end. The commit point depends on it.

use remuda_core::Vendor;

/// Role of one event in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Says nothing yet: may be held back (`message_start`, `ping`, `response.created`, …).
    Handshake,
    /// Content, or anything unknown: once released there is no retry.
    Content,
    /// The stream failed: hand the event to [`crate::classify`] with `in_stream`.
    Failure,
    /// The stream is complete.
    End,
}

/// The kind of one SSE event (`event` is its name, if it has one) or text frame (`None`). `data` is read only as far as
/// needed.
#[must_use]
pub fn event_kind(_vendor: Vendor, _event: Option<&str>, _data: &[u8]) -> EventKind {
    EventKind::Content
}
