//! The parts of a refusal that count as evidence: its codes, its message, its error object, its wrapped headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use remuda_core::UnixSeconds;
use serde_json::Value;

use crate::own_words::OwnWords;
use crate::time::{Wait, moment_in, prose, seconds_in};

/// Bytes of a body that are read; the rest is never looked at.
pub const MAX_BODY: usize = 64 * 1024;
/// Headers of a wrapped error that are read.
const MAX_WRAPPED_HEADERS: usize = 64;
/// Longer codes are no codes.
const MAX_CODE: usize = 128;

/// One refusal, parsed.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The body, or the `response` of a failed one; null if it is no JSON.
    root: Value,
    /// Is there JSON at all?
    pub(crate) is_json: bool,
}

impl Refusal {
    /// Reads a body, or the raw event of a stream. Never fails: what is no JSON has no codes and no message.
    pub(crate) fn read(body: &[u8], in_stream: bool) -> Self {
        let cut = body.len() > MAX_BODY;
        let body = body[..body.len().min(MAX_BODY)].trim_ascii();
        let parsed = serde_json::from_slice::<Value>(body).ok();
        let parsed = parsed.or_else(|| if in_stream { last_event(body) } else { None });
        // a JSON body that was cut off cannot be read, but it is no block page either
        let is_json = parsed.is_some() || (cut && body.starts_with(b"{"));
        let mut root = parsed.unwrap_or(Value::Null);
        if root.get("response").is_some_and(Value::is_object) {
            root = root["response"].take();
        }
        Self { root, is_json }
    }

    /// Structured codes, in the order in which they count.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> + Clone {
        [
            "/error/details/error_code",
            "/error/code",
            "/error/type",
            "/code",
            "/detail/error_code",
            "/incomplete_details/reason",
        ]
        .into_iter()
        .filter_map(|path| self.root.pointer(path)?.as_str())
        .filter(|code| !code.is_empty() && code.len() <= MAX_CODE)
    }

    /// What the vendor says, in text.
    pub(crate) fn message(&self) -> &str {
        ["/error/message", "/message", "/detail"]
            .into_iter()
            .find_map(|path| self.root.pointer(path)?.as_str())
            .unwrap_or_default()
    }

    /// The status inside an error that a WebSocket wraps: the frame itself has none.
    pub(crate) fn wrapped_status(&self) -> Option<u16> {
        let status = self.root.get("status")?.as_u64()?;
        u16::try_from(status).ok().filter(|status| (400..600).contains(status))
    }

    /// The headers inside a wrapped error, on top of those of the answer. `None` if it wraps none.
    pub(crate) fn wrapped_headers(&self, outer: &HeaderMap) -> Option<HeaderMap> {
        let wrapped = self.root.get("headers")?.as_object()?;
        let mut headers = outer.clone();
        for (name, value) in wrapped.iter().take(MAX_WRAPPED_HEADERS) {
            let value = match value {
                Value::String(text) => HeaderValue::from_str(text),
                Value::Number(number) => HeaderValue::from_str(&number.to_string()),
                _ => continue,
            };
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
                headers.insert(name, value);
            }
        }
        Some(headers)
    }

    /// When to come back, as the body says: the structured fields anywhere in the error object, else the vendor's own words.
    pub(crate) fn stated(&self, words: &OwnWords, now: UnixSeconds) -> Option<Wait> {
        let error =
            ["error", "detail"].into_iter().filter_map(|key| self.root.get(key)).find(|value| value.is_object());
        stated_fields(error.unwrap_or(&self.root), now).or_else(|| prose::stated(words, now))
    }
}

/// The later of `resets_at` and `resets_in_seconds`, at any depth. Recursion is bounded by the parser's own limit of 128.
fn stated_fields(value: &Value, now: UnixSeconds) -> Option<Wait> {
    match value {
        Value::Object(fields) => fields.iter().fold(None, |latest, (name, value)| {
            let stated = match name.as_str() {
                "resets_at" => moment_in(value, now),
                "resets_in_seconds" => seconds_in(value, now),
                _ => stated_fields(value, now),
            };
            Wait::later(latest, stated)
        }),
        Value::Array(items) => items.iter().fold(None, |latest, item| Wait::later(latest, stated_fields(item, now))),
        _ => None,
    }
}

/// The JSON of the last server-sent event in a text that has any. Comments, ids and names are no evidence.
fn last_event(text: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(text);
    let mut events = vec![String::new()];
    for line in text.lines() {
        if line.is_empty() {
            events.push(String::new());
        } else if let (Some(data), Some(event)) = (line.strip_prefix("data:"), events.last_mut()) {
            event.push_str(data);
            event.push('\n');
        }
    }
    events.iter().rev().find_map(|data| serde_json::from_str(data).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_in_the_order_in_which_they_count() {
        let body =
            br#"{"code":"d","detail":{"error_code":"e"},"error":{"type":"c","code":"b","details":{"error_code":"a"}}}"#;
        let refusal = Refusal::read(body, false);
        assert_eq!(refusal.codes().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn the_last_event_counts_and_comments_do_not() {
        let raw = b"event: message_start\ndata: {\"code\":\"old\"}\n\n:HTTP_STATUS/429\nevent:error\r\ndata:{\"code\":\ndata:\"new\"}\n\n";
        assert_eq!(Refusal::read(raw, true).codes().collect::<Vec<_>>(), ["new"]);
        assert!(!Refusal::read(raw, false).is_json);
    }

    #[test]
    fn a_body_over_the_limit_is_not_read_but_still_json() {
        let mut body = br#"{"error":{"code":"x","message":""#.to_vec();
        body.resize(MAX_BODY + 10, b'a');
        let refusal = Refusal::read(&body, false);
        assert!(refusal.is_json);
        assert_eq!(refusal.codes().count(), 0);
    }
}
