//! Quota windows from headers, usage endpoints and in-stream events.

use http::HeaderMap;
use remuda_core::{Reading, UnixSeconds, Vendor, Window};

/// Windows that an answer's headers report. On the way of every answer, so it returns at once, without allocating, when
/// there are none. Each window occurs once.
#[must_use]
pub fn windows_from_headers(_vendor: Vendor, _headers: &HeaderMap, _now: UnixSeconds) -> Vec<(Window, Reading)> {
    Vec::new()
}

/// Windows in the answer of the vendor's usage endpoint.
#[must_use]
pub fn windows_from_usage(_vendor: Vendor, _json: &serde_json::Value, _now: UnixSeconds) -> Vec<(Window, Reading)> {
    Vec::new()
}

/// Windows in one in-stream event (the JSON after `data:`, or a text frame). Cheap for events that are of another kind.
#[must_use]
pub fn windows_from_event(_vendor: Vendor, _data: &[u8], _now: UnixSeconds) -> Vec<(Window, Reading)> {
    Vec::new()
}
