//! Which parameters the endpoints of API keys know, and which of them a model takes.

use serde_json::Value;

use super::models;
use super::responses::prompt::{boolean, missing, text, wrong};
use crate::refused::Refused;

/// Of `/v1/responses`.
const RESPONSES: &[&str] = &[
    "background",
    "client_metadata",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Of `/v1/chat/completions`.
const CHAT: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

fn known(json: &Value, names: &[&str]) -> Result<(), Refused> {
    let unknown =
        json.as_object().into_iter().flatten().map(|(name, _)| name).find(|name| !names.contains(&name.as_str()));
    match unknown {
        Some(name) => Err(wrong(name.clone(), "unknown_parameter", format!("Unknown parameter: '{name}'."))),
        None => Ok(()),
    }
}

fn unsupported(name: &str, advice: &str) -> Refused {
    let message = format!("Unsupported parameter: '{name}' is not supported with this model.{advice}");
    wrong(name, "unsupported_parameter", message)
}

/// Is it there and not null?
fn has(json: &Value, name: &str) -> bool {
    json.get(name).is_some_and(|value| !value.is_null())
}

fn stream_options(json: &Value) -> Result<(), Refused> {
    if has(json, "stream_options") && !boolean(json, "stream", false)? {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(wrong("stream_options", "invalid_value", message));
    }
    Ok(())
}

/// Checks a Responses request; tells whether its model reasons.
pub(crate) fn responses(json: &Value) -> Result<bool, Refused> {
    if !has(json, "model") {
        return Err(missing("model"));
    }
    let model = models::find(text(json, "model"))?;
    known(json, RESPONSES)?;
    stream_options(json)?;
    let effort = json.pointer("/reasoning/effort").filter(|effort| !effort.is_null());
    if model.reasons {
        let samples = effort.is_some_and(|effort| effort == "none");
        if let Some(name) =
            ["temperature", "top_p", "top_logprobs"].iter().filter(|_| !samples).find(|name| has(json, name))
        {
            return Err(unsupported(name, ""));
        }
    } else if effort.is_some() {
        return Err(unsupported("reasoning.effort", ""));
    }
    if json.get("background") == Some(&Value::Bool(true)) && json.get("store") == Some(&Value::Bool(false)) {
        return Err(wrong("background", "invalid_value", "Background mode requires 'store' to be true."));
    }
    Ok(model.reasons)
}

/// Checks a Chat Completions request.
pub(crate) fn chat(json: &Value) -> Result<(), Refused> {
    if !has(json, "model") {
        return Err(wrong("model", "missing_required_parameter", "you must provide a model parameter"));
    }
    let model = models::find(text(json, "model"))?;
    known(json, CHAT)?;
    stream_options(json)?;
    if model.reasons {
        if has(json, "max_tokens") {
            return Err(unsupported("max_tokens", " Use 'max_completion_tokens' instead."));
        }
        if let Some(value) = json.get("temperature").and_then(Value::as_f64).filter(|value| *value != 1.0) {
            let message = format!(
                "Unsupported value: 'temperature' does not support {value} with this model. Only the default (1) value is \
                 supported."
            );
            return Err(wrong("temperature", "unsupported_value", message));
        }
    } else if has(json, "reasoning_effort") {
        return Err(unsupported("reasoning_effort", ""));
    }
    Ok(())
}
