//! What Alibaba's OpenAI-compatible paths want in a body.

use serde_json::Value;

use super::{models, row};
use crate::incoming::Call;
use crate::openai::responses::prompt::text;
use crate::refusal::QwenRefusal;
use crate::refused::Refused;
use crate::site::QwenPlan;

/// Who may speak; `developer` is not known here.
pub(crate) const ROLES: &[&str] = &["system", "assistant", "user", "tool", "function"];

/// Checks a completion's parameters; tells whether the model thinks.
pub(crate) fn completion(call: &Call, json: &Value, plan: QwenPlan) -> Result<bool, Refused> {
    let model = models::find(call, json, plan)?;
    let messages = json.get("messages").and_then(Value::as_array).into_iter().flatten();
    for (at, message) in messages.enumerate() {
        let role = text(message, "role");
        if !ROLES.contains(&role) {
            let message = format!(
                "{role} is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.{at}.role'"
            );
            return Err(row(call, QwenRefusal::InvalidParameter).words(message));
        }
    }
    let streaming = json.get("stream") == Some(&Value::Bool(true));
    if model.stream_only && !streaming {
        return Err(row(call, QwenRefusal::StreamOnly));
    }
    let thinks = model.thinks && json.get("enable_thinking") != Some(&Value::Bool(false));
    if thinks && !streaming {
        let message = "parameter.enable_thinking must be set to false for non-streaming calls";
        return Err(row(call, QwenRefusal::InvalidParameter).words(message));
    }
    Ok(thinks)
}
