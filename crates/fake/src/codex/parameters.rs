//! What the Codex backend wants in a body, and what it does not take.

use serde_json::Value;

use super::{detail, models};
use crate::openai::responses::prompt::{kind, text};
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;

/// Not taken at all.
const UNSUPPORTED: &[&str] = &[
    "max_output_tokens",
    "max_tokens",
    "max_completion_tokens",
    "metadata",
    "prompt_cache_retention",
    "safety_identifier",
    "stream_options",
    "temperature",
    "top_p",
];

/// Over HTTP nothing can be gone on from, and every answer is a stream.
pub(crate) fn http(json: &Value) -> Result<(), Refused> {
    if json.get("stream") != Some(&Value::Bool(true)) {
        return Err(detail("Stream must be set to true"));
    }
    if json.get("previous_response_id").is_some_and(|id| !id.is_null()) {
        return Err(detail("Unsupported parameter: previous_response_id"));
    }
    Ok(())
}

/// By either way in. `continues`: it goes on from an earlier response, which had its instructions.
pub(crate) fn any(json: &Value, continues: bool) -> Result<(), Refused> {
    let model = text(json, "model");
    if model.is_empty() {
        return Err(detail("Model is required"));
    }
    if !models::exists(model) {
        return Err(Refused::saying(
            OpenAiRefusal::ModelNotForChatGpt,
            format!("The '{model}' model is not supported when using Codex with a ChatGPT account."),
        ));
    }
    if let Some(name) = UNSUPPORTED.iter().find(|name| json.get(**name).is_some()) {
        return Err(detail(format!("Unsupported parameter: {name}")));
    }
    if json.get("store") != Some(&Value::Bool(false)) {
        return Err(detail("Store must be set to false"));
    }
    let Some(input) = json.get("input").and_then(Value::as_array) else {
        return Err(detail("Input must be a list"));
    };
    if input.iter().any(|item| kind(item) == "message" && text(item, "role") == "system") {
        return Err(detail("System messages are not allowed"));
    }
    // Codex 0.169 gives its instructions as a message of the developer; other clients in the field.
    let in_input = || input.iter().any(|item| text(item, "role") == "developer");
    match json.get("instructions") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Null) | None if continues || in_input() => Ok(()),
        Some(Value::Null) | None => Err(detail("Instructions are required")),
        Some(_) => Err(detail("Instructions are not valid")),
    }
}
