//! What an upstream refusal means. The gateway asks this for every answer that is not a success.

use http::HeaderMap;
use remuda_core::{Class, CredentialKind, Scope, UnixSeconds, Vendor, Verdict};

/// Bytes of a body that are read; the rest is never looked at.
pub const MAX_BODY: usize = 64 * 1024;

/// One refusal, as it came.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamAnswer<'a> {
    /// Whose account was asked.
    pub vendor: Vendor,
    /// What it was asked with.
    pub kind: CredentialKind,
    /// When the answer came.
    pub now: UnixSeconds,
    /// The model that was asked for.
    pub model: &'a str,
    /// HTTP status; 200 (SSE) or 101 (WebSocket) for a failure inside a stream.
    pub status: u16,
    /// Headers of the answer.
    pub headers: &'a HeaderMap,
    /// The body, or (`in_stream`) the raw SSE event with its `event:`/`data:` lines, or the text frame. Decompressed. At most
    /// [`MAX_BODY`] bytes are read.
    pub body: &'a [u8],
    /// Did the failure arrive inside a stream that began well?
    pub in_stream: bool,
}

/// What the refusal means. Never fails: what cannot be read is neutral.
#[must_use]
pub fn classify(answer: &UpstreamAnswer<'_>) -> Verdict {
    Verdict {
        class: Class::RequestFault,
        scope: Scope::Request,
        fail_over: false,
        retry_same_after_s: None,
        until: None,
        evidence: answer.status.to_string(),
    }
}
