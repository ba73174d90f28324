//! Frames of Responses over WebSocket: the same JSON as a body over HTTP, with a `type` in it and some members less.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::splice::Edit;

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    generate: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stream: Option<&'a RawValue>,
    #[serde(borrow, default)]
    previous_response_id: Option<Cow<'a, str>>,
}

/// The response that a frame goes on from.
#[must_use]
pub fn previous(frame: &[u8]) -> Option<String> {
    let frame: Frame<'_> = serde_json::from_slice(frame).ok()?;
    frame.previous_response_id.map(Cow::into_owned).filter(|id| !id.is_empty())
}

/// The edits that make a frame a body over HTTP: without what only frames have, and asking for a stream.
#[must_use]
pub fn as_http(frame: &[u8]) -> Vec<Edit> {
    let Ok(parsed) = serde_json::from_slice::<Frame<'_>>(frame) else { return Vec::new() };
    let mut edits: Vec<Edit> = [(parsed.kind, "type"), (parsed.generate, "generate")]
        .into_iter()
        .filter_map(|(value, key)| member(frame, value?, key))
        .map(|range| Edit { range, with: Bytes::new() })
        .collect();
    match parsed.stream {
        Some(stream) if stream.get() == "true" => {}
        Some(stream) => edits.push(Edit { range: place(frame, stream), with: Bytes::from_static(b"true") }),
        None => {
            if let Some(brace) = frame.iter().position(|byte| *byte == b'{') {
                let at = brace as u64 + 1;
                edits.push(Edit { range: at..at, with: Bytes::from_static(b"\"stream\":true,") });
            }
        }
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits
}

/// Where a member stands, from its key on and with the comma behind it. `None` if it is the last one, or its key is
/// written in an unusual way: then it stays.
fn member(frame: &[u8], value: &RawValue, key: &str) -> Option<Range<u64>> {
    let value = place(frame, value);
    let (start, end) = (usize::try_from(value.start).ok()?, usize::try_from(value.end).ok()?);
    let before = frame[..start].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let key_start = before.len().checked_sub(key.len() + 2)?;
    if before[key_start + 1..before.len() - 1] != *key.as_bytes() {
        return None;
    }
    let behind = &frame[end..];
    let comma = behind.len() - behind.trim_ascii_start().len();
    match behind.get(comma)? {
        b',' => Some(key_start as u64..(end + comma + 1) as u64),
        // The last one goes with the comma in front of it.
        b'}' => {
            let front = before[..key_start].trim_ascii_end().strip_suffix(b",")?;
            Some(front.len() as u64..end as u64)
        }
        _ => None,
    }
}

fn place(frame: &[u8], raw: &RawValue) -> Range<u64> {
    let start = raw.get().as_ptr().addr().wrapping_sub(frame.as_ptr().addr()) as u64;
    start..start + raw.get().len() as u64
}
