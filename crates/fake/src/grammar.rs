//! The grammars of the vendors' streams: what a failure inside one looks like, and what goes before the content.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::answer::{Event, Part};
use crate::anthropic::messages;
use crate::refusal::{Refusal, Shape};
use crate::refused::Refused;

/// How a stream is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Anthropic Messages.
    Messages,
    /// OpenAI Responses; holds the response's id and model.
    Responses { id: String, model: String },
    /// OpenAI Chat Completions.
    Chat,
    /// Any protocol at Alibaba, whose gateway writes failures its own way; holds the request id.
    Qwen { request_id: String },
}

impl Grammar {
    /// An event that belongs to the handshake, for streams that would break off before they have one.
    pub(crate) fn handshake(&self) -> Option<Event> {
        match self {
            Self::Messages => Some(messages::ping()),
            Self::Responses { .. } | Self::Chat | Self::Qwen { .. } => None,
        }
    }

    /// The failure, after so many events.
    pub(crate) fn failure(&self, refused: &Refused, after: usize) -> Event {
        let raw = |text: String| Event { bytes: Bytes::from(text), part: Part::Closing };
        match self {
            Self::Messages => {
                let refused = match refused.row.kind {
                    "" => &Refused::saying(Refusal::ApiError, refused.message()),
                    _ => refused,
                };
                raw(format!("event: error\ndata: {{\"type\":\"error\",\"error\":{}}}\n\n", refused.error()))
            }
            Self::Responses { id, model } => responses_failure(refused, id, model, after),
            Self::Chat => raw(format!("data: {{\"error\":{}}}\n\n", refused.error())),
            Self::Qwen { request_id } => raw(format!(
                "id:{}\nevent:error\n:HTTP_STATUS/{}\ndata:{}\n\n",
                after + 1,
                refused.row.status,
                refused.native(request_id)
            )),
        }
    }
}

/// `response.failed`; for some rows `response.incomplete` or `error`. Codex 0.169 reads code, message and the fields of a
/// usage limit from it.
fn responses_failure(refused: &Refused, id: &str, model: &str, after: usize) -> Event {
    let error: Value = serde_json::from_str(&refused.error()).unwrap_or_default();
    let kind = if refused.row.kind.is_empty() { "server_error" } else { refused.row.kind };
    let code = refused.row.code.unwrap_or(kind);
    if code == "content_filter" {
        let response = json!({
            "id": id, "object": "response", "status": "incomplete", "model": model, "error": null,
            "incomplete_details": {"reason": "content_filter"}, "output": [],
        });
        let data = json!({"type": "response.incomplete", "sequence_number": after, "response": response});
        return Event::named(Part::Closing, "response.incomplete", &data);
    }
    if refused.row.shape == Shape::OpenAiEvent {
        let data = json!({
            "type": "error", "sequence_number": after, "code": code, "message": refused.message(), "param": null,
        });
        return Event::named(Part::Closing, "error", &data);
    }
    let mut inner = json!({"code": code, "message": refused.message()});
    for field in ["plan_type", "resets_at", "resets_in_seconds"] {
        if let Some(value) = error.get(field) {
            inner[field] = value.clone();
        }
    }
    let response = json!({
        "id": id, "object": "response", "status": "failed", "model": model, "error": inner,
        "incomplete_details": null, "output": [],
    });
    let data = json!({"type": "response.failed", "sequence_number": after, "response": response});
    Event::named(Part::Closing, "response.failed", &data)
}
