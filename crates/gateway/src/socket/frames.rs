//! Frames of an agent's WebSocket: what they ask, and what they are told.

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, UPGRADE};
use http::request::Parts;
use http::{HeaderName, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::endpoint::Forward;

/// What the agent said when it opened its socket; every turn is sent with it.
pub(super) struct Opening {
    pub(super) head: Parts,
    pub(super) forward: Forward,
}

impl Opening {
    /// The head of a request over HTTP that says the same.
    pub(super) fn of(mut head: Parts, forward: Forward) -> Self {
        head.method = Method::POST;
        let socket: Vec<HeaderName> =
            head.headers.keys().filter(|name| name.as_str().starts_with("sec-websocket-")).cloned().collect();
        for name in socket.iter().chain([&UPGRADE, &CONNECTION]) {
            head.headers.remove(name);
        }
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        head.headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        Self { head, forward }
    }
}

/// What a frame asks.
pub(super) enum Asked {
    /// A response. `warm_up`: only its prompt is to be taken in; no turn.
    Create {
        /// `generate: false`.
        warm_up: bool,
    },
    /// Anything else.
    Other,
}

#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: Option<String>,
    generate: Option<bool>,
}

impl Asked {
    pub(super) fn of(frame: &[u8]) -> Self {
        match serde_json::from_slice::<Frame>(frame) {
            Ok(Frame { kind: Some(kind), generate }) if kind == "response.create" => {
                Self::Create { warm_up: generate == Some(false) }
            }
            _ => Self::Other,
        }
    }
}

/// Headers of a refusal that mean something to an agent.
fn is_told(name: &HeaderName) -> bool {
    *name == RETRY_AFTER || name.as_str().starts_with("x-codex-") || name.as_str() == "x-request-id"
}

/// A refusal as a frame: the wrapped error that Codex and Pi know. One that the vendor has wrapped already passes as it is.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    if let Some(json) = &parsed
        && json.get("type").and_then(Value::as_str) == Some("error")
        && json.get("status").is_some()
    {
        return String::from_utf8_lossy(body).into_owned();
    }
    let error = parsed.as_ref().and_then(|json| json.get("error").cloned()).or(parsed).unwrap_or_else(
        || json!({"type": "server_error", "message": String::from_utf8_lossy(body).chars().take(500).collect::<String>()}),
    );
    let told = headers.iter().filter(|(name, _)| is_told(name));
    let told: Map<String, Value> =
        told.filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?)))).collect();
    json!({"type": "error", "status": status.as_u16(), "error": error, "headers": told}).to_string()
}

/// A frame that is no `response.create`.
pub(super) fn not_understood() -> String {
    let error = json!({
        "type": "invalid_request_error", "code": "invalid_event",
        "message": "Remuda: only response.create is understood here", "param": "type",
    });
    json!({"type": "error", "status": 400, "error": error}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_ask_for_turns_and_warm_ups() {
        let asked = |text: &str| match Asked::of(text.as_bytes()) {
            Asked::Create { warm_up } => Some(warm_up),
            Asked::Other => None,
        };
        assert_eq!(asked(r#"{"type":"response.create","model":"m"}"#), Some(false));
        assert_eq!(asked(r#"{"model":"m","generate":false,"type":"response.create"}"#), Some(true));
        assert_eq!(asked(r#"{"type":"response.cancel"}"#), None);
        assert_eq!(asked("{"), None);
    }

    #[test]
    fn a_refusal_is_wrapped_once() {
        let headers = HeaderMap::from_iter([
            (RETRY_AFTER, HeaderValue::from_static("5")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        let body = Bytes::from_static(br#"{"error":{"type":"usage_limit_reached"}}"#);
        let wrapped = refusal(StatusCode::TOO_MANY_REQUESTS, &headers, &body);
        let json: Value = serde_json::from_str(&wrapped).unwrap();
        assert_eq!(
            json,
            json!({"type": "error", "status": 429, "error": {"type": "usage_limit_reached"}, "headers": {"retry-after": "5"}})
        );
        assert_eq!(refusal(StatusCode::BAD_REQUEST, &headers, &Bytes::from(wrapped.clone())), wrapped);
    }
}
