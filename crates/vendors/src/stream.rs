//! What kind of event a stream brings: held back, content, failure or end. The gateway's commit point depends on it.

use remuda_core::Vendor;
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

/// On the Anthropic-compatible path the events are Anthropic's; on both paths failures come as `event:error`.
const QWEN: &[(&str, EventKind)] = ANTHROPIC;

/// The kind of one SSE event (`event` is its name, if it has one) or text frame (`None`). `data` is read only where there is no
/// name.
#[must_use]
pub fn event_kind(vendor: Vendor, event: Option<&str>, data: &[u8]) -> EventKind {
    let table = match vendor {
        Vendor::Anthropic => ANTHROPIC,
        Vendor::OpenAi => OPENAI,
        Vendor::Qwen => QWEN,
    };
    let named = |name: &str| table.iter().find(|(known, _)| *known == name).map_or(Content, |(_, kind)| *kind);
    if let Some(name) = event {
        return named(name);
    }
    if data.trim_ascii() == b"[DONE]" {
        return End;
    }
    match serde_json::from_slice::<Value>(data) {
        Ok(json) => match json.get("type").and_then(Value::as_str) {
            Some(name) => named(name),
            None => chat_chunk(&json),
        },
        Err(_) => Content,
    }
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
    #[case(Vendor::Anthropic, Some("message_start"), "", Handshake)]
    #[case(Vendor::Anthropic, Some("ping"), "", Handshake)]
    #[case(Vendor::Anthropic, Some("content_block_start"), "", Content)]
    #[case(Vendor::Anthropic, Some("novel_event"), "", Content)]
    #[case(Vendor::Anthropic, Some("error"), "", Failure)]
    #[case(Vendor::Anthropic, Some("message_stop"), "", End)]
    #[case(Vendor::Anthropic, None, r#"{"type":"error","error":{}}"#, Failure)]
    #[case(Vendor::OpenAi, Some("response.created"), "", Handshake)]
    #[case(Vendor::OpenAi, None, r#"{"type":"response.output_text.delta","delta":"error"}"#, Content)]
    #[case(Vendor::OpenAi, None, r#"{"type":"response.failed"}"#, Failure)]
    #[case(Vendor::OpenAi, None, "[DONE]", End)]
    #[case(
        Vendor::OpenAi,
        None,
        r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        Handshake
    )]
    #[case(Vendor::OpenAi, None, r#"{"choices":[{"delta":{"content":"x"}}]}"#, Content)]
    #[case(Vendor::OpenAi, None, r#"{"choices":[{"delta":{"role":"assistant","tool_calls":[]}}]}"#, Content)]
    #[case(Vendor::OpenAi, None, r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, Content)]
    #[case(Vendor::OpenAi, None, r#"{"error":{"code":"rate_limit_exceeded"}}"#, Failure)]
    #[case(Vendor::Qwen, None, r#"{"code":"Throttling","message":"x"}"#, Failure)]
    #[case(Vendor::Qwen, Some("error"), "", Failure)]
    #[case(Vendor::Qwen, None, "garbage", Content)]
    fn what_is_unknown_is_content(
        #[case] vendor: Vendor,
        #[case] event: Option<&str>,
        #[case] data: &str,
        #[case] expected: EventKind,
    ) {
        assert_eq!(event_kind(vendor, event, data.as_bytes()), expected);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(data in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = event_kind(Vendor::Qwen, None, &data);
        }
    }
}
