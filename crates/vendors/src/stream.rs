//! What kind of event a stream brings: held back, content, failure or end. The gateway's commit point depends on it.

use std::borrow::Cow;

use remuda_core::Protocol;
use serde::Deserialize;
use serde_json::Value;

use self::EventKind::{Content, End, Failure, Handshake};

/// Role of one event in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Says nothing yet: may be held back (`message_start`, `ping`, `response.created`, …).
    Handshake,
    /// Content, or anything unknown: once released there is no retry.
    Content,
    /// The stream failed: hand the event to [`crate::classify()`] with `in_stream`.
    Failure,
    /// The stream is complete.
    End,
}

/// platform.claude.com build-with-claude/streaming
const ANTHROPIC: &[(&str, EventKind)] =
    &[("message_start", Handshake), ("ping", Handshake), ("error", Failure), ("message_stop", End)];

/// Responses over SSE and WebSocket; openai/codex `codex-api/src/sse/responses.rs`
const OPENAI: &[(&str, EventKind)] = &[
    ("codex.rate_limits", Handshake),
    ("keepalive", Handshake),
    ("codex.response.metadata", Handshake),
    ("response.queued", Handshake),
    ("response.created", Handshake),
    ("response.in_progress", Handshake),
    ("response.failed", Failure),
    ("error", Failure),
    ("response.completed", End),
    ("response.incomplete", End),
    ("response.done", End),
];

/// Chunks of chat completions have no names; Alibaba names its failures.
const CHAT: &[(&str, EventKind)] = &[("error", Failure)];

/// The `type` of a nameless event; the rest is passed over.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type", default)]
    name: Option<Cow<'a, str>>,
}

/// The kind of one SSE event (`event` is its name, if it has one) or text frame (`None`). `data` is read only where there is no
/// name.
#[must_use]
pub fn event_kind(protocol: Protocol, event: Option<&str>, data: &[u8]) -> EventKind {
    let table = match protocol {
        Protocol::Messages => ANTHROPIC,
        Protocol::Responses | Protocol::Codex => OPENAI,
        Protocol::Chat => CHAT,
    };
    let named = |name: &str| table.iter().find(|(known, _)| *known == name).map_or(Content, |(_, kind)| *kind);
    if let Some(name) = event {
        return named(name);
    }
    if data.trim_ascii() == b"[DONE]" {
        return End;
    }
    if let Ok(Typed { name: Some(name) }) = serde_json::from_slice(data) {
        return named(&name);
    }
    serde_json::from_slice(data).map_or(Content, |json| chat_chunk(&json))
}

/// A chunk of a chat completion, which has neither name nor type.
fn chat_chunk(json: &Value) -> EventKind {
    let choices = json.get("choices").and_then(Value::as_array);
    if json.get("error").is_some_and(|error| !error.is_null()) || (choices.is_none() && json.get("code").is_some()) {
        return Failure;
    }
    let says_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    // the first chunk names the role and nothing else
    let only_role = |choice: &Value| {
        choice.get("finish_reason").is_none_or(Value::is_null)
            && choice
                .get("delta")
                .and_then(Value::as_object)
                .is_some_and(|delta| delta.iter().all(|(key, value)| key == "role" || says_nothing(value)))
    };
    match choices {
        Some(choices) if !choices.is_empty() && choices.iter().all(only_role) => Handshake,
        _ => Content,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Protocol::Messages, Some("message_start"), "", Handshake)]
    #[case(Protocol::Messages, Some("ping"), "", Handshake)]
    #[case(Protocol::Messages, Some("content_block_start"), "", Content)]
    #[case(Protocol::Messages, Some("novel_event"), "", Content)]
    #[case(Protocol::Messages, Some("error"), "", Failure)]
    #[case(Protocol::Messages, Some("message_stop"), "", End)]
    #[case(Protocol::Messages, None, r#"{"type":"error","error":{}}"#, Failure)]
    #[case(Protocol::Responses, Some("response.created"), "", Handshake)]
    #[case(Protocol::Responses, None, r#"{"type":"response.output_text.delta","delta":"error"}"#, Content)]
    #[case(Protocol::Responses, None, r#"{"type":"response.failed"}"#, Failure)]
    #[case(Protocol::Responses, None, "[DONE]", End)]
    #[case(
        Protocol::Chat,
        None,
        r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        Handshake
    )]
    #[case(Protocol::Chat, None, r#"{"choices":[{"delta":{"content":"x"}}]}"#, Content)]
    #[case(Protocol::Chat, None, r#"{"choices":[{"delta":{"role":"assistant","tool_calls":[]}}]}"#, Content)]
    #[case(Protocol::Chat, None, r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, Content)]
    #[case(Protocol::Chat, None, r#"{"error":{"code":"rate_limit_exceeded"}}"#, Failure)]
    #[case(Protocol::Chat, None, r#"{"code":"Throttling","message":"x"}"#, Failure)]
    #[case(Protocol::Chat, Some("error"), "", Failure)]
    #[case(Protocol::Messages, None, r#"{"code":"Throttling","message":"x"}"#, Failure)]
    #[case(Protocol::Codex, Some("codex.rate_limits"), "", Handshake)]
    #[case(Protocol::Responses, Some("keepalive"), "", Handshake)]
    #[case(Protocol::Chat, None, "garbage", Content)]
    fn what_is_unknown_is_content(
        #[case] protocol: Protocol,
        #[case] event: Option<&str>,
        #[case] data: &str,
        #[case] expected: EventKind,
    ) {
        assert_eq!(event_kind(protocol, event, data.as_bytes()), expected);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(data in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = event_kind(Protocol::Chat, None, &data);
        }
    }
}
