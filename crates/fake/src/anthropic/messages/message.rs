//! A message as the vendor writes it: field order as on the wire.

use serde::Serialize;
use serde_json::Value;

use super::compose::Output;

/// Tokens written to the cache, by life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Creation {
    pub(crate) ephemeral_5m_input_tokens: u64,
    pub(crate) ephemeral_1h_input_tokens: u64,
}

/// What a request cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    pub(crate) input_tokens: u64,
    pub(crate) cache_creation_input_tokens: u64,
    pub(crate) cache_read_input_tokens: u64,
    pub(crate) cache_creation: Creation,
    pub(crate) output_tokens: u64,
    pub(crate) service_tier: &'static str,
}

/// A content block of an answer.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum OutBlock {
    Thinking { thinking: String, signature: String },
    Text { text: String },
    ToolUse { id: String, name: String, input: Value },
}

/// See the module.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    pub(crate) id: String,
    role: &'static str,
    pub(crate) model: &'a str,
    pub(crate) content: Vec<OutBlock>,
    pub(crate) stop_reason: Option<&'static str>,
    stop_sequence: Option<&'static str>,
    pub(crate) usage: Usage,
}

impl<'a> Message<'a> {
    pub(crate) fn new(id: String, model: &'a str, output: Output, usage: Usage) -> Self {
        Self {
            kind: "message",
            id,
            role: "assistant",
            model,
            content: output.blocks,
            stop_reason: Some(output.stop_reason),
            stop_sequence: None,
            usage: Usage { output_tokens: output.tokens, service_tier: "standard", ..usage },
        }
    }

    /// As `message_start` has it: no content yet, no reason to stop, the first token.
    pub(crate) fn begun(&self) -> Self {
        let usage = Usage { output_tokens: 1, ..self.usage };
        Self { content: Vec::new(), stop_reason: None, usage, ..self.clone() }
    }
}
