//! A Chat Completions request as far as the vendors look into it.

use serde_json::Value;

use crate::openai::responses::prompt::{boolean, missing, text, wrong};
use crate::refused::Refused;
use crate::speech::{self, tokens_of};

/// Who may speak at OpenAI.
pub(crate) const ROLES: &[&str] = &["system", "assistant", "user", "function", "tool", "developer"];

/// See the module.
pub(crate) struct Prompt<'a> {
    pub(crate) json: &'a Value,
    pub(crate) model: &'a str,
    pub(crate) stream: bool,
    /// A last chunk tells the usage.
    pub(crate) include_usage: bool,
    pub(crate) messages: &'a [Value],
    pub(crate) max_tokens: Option<u64>,
}

impl<'a> Prompt<'a> {
    /// `roles` are those that this vendor knows.
    pub(crate) fn read(json: &'a Value, roles: &[&str]) -> Result<Self, Refused> {
        let model = json.get("model").and_then(Value::as_str).ok_or_else(|| missing("model"))?;
        let messages = match json.get("messages") {
            Some(Value::Array(messages)) if !messages.is_empty() => messages,
            Some(Value::Array(_)) => {
                let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty \
                               array instead.";
                return Err(wrong("messages", "empty_array", message));
            }
            Some(_) => {
                return Err(wrong("messages", "invalid_type", "Invalid type for 'messages': expected an array."));
            }
            None => return Err(missing("messages")),
        };
        for (at, message) in messages.iter().enumerate() {
            check(at, message, roles)?;
        }
        pairs(messages)?;
        let limit = |name: &str| json.get(name).and_then(Value::as_u64);
        Ok(Self {
            json,
            model,
            stream: boolean(json, "stream", false)?,
            include_usage: json.pointer("/stream_options/include_usage") == Some(&Value::Bool(true)),
            messages,
            max_tokens: limit("max_completion_tokens").or_else(|| limit("max_tokens")),
        })
    }

    pub(crate) fn offers(&self, name: &str) -> bool {
        let tools = self.json.get("tools").and_then(Value::as_array).into_iter().flatten();
        tools.filter_map(|tool| tool.get("function")).any(|function| text(function, "name") == name)
    }

    /// The newest text that a person wrote.
    pub(crate) fn newest_text(&self) -> &str {
        let said = self.messages.iter().rev().filter(|message| text(message, "role") == "user");
        said.filter_map(written).next().unwrap_or_default().trim()
    }

    /// The newest result of a tool, if no person has said anything since.
    pub(crate) fn newest_result(&self) -> Option<String> {
        for message in self.messages.iter().rev() {
            match text(message, "role") {
                "assistant" => return None,
                "user" if written(message).is_some() => return None,
                "tool" => return Some(content(message)),
                _ => {}
            }
        }
        None
    }

    /// What the model sees, in the order in which prefixes are cached.
    pub(crate) fn blocks(&self) -> Vec<String> {
        let tools = self.json.get("tools").and_then(Value::as_array).into_iter().flatten();
        tools.chain(self.messages).map(Value::to_string).collect()
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.blocks().iter().map(|block| tokens_of(block.len())).sum()
    }
}

fn parts(message: &Value) -> impl DoubleEndedIterator<Item = &str> {
    let parts = message.get("content").and_then(Value::as_array).into_iter().flatten();
    parts.filter(|part| text(part, "type") == "text").map(|part| text(part, "text"))
}

/// The part of a user's message that the person wrote.
fn written(message: &Value) -> Option<&str> {
    match message.get("content") {
        Some(Value::String(text)) => Some(text.as_str()).filter(|text| !speech::is_written_by_agent(text)),
        _ => parts(message).rev().find(|text| !speech::is_written_by_agent(text)),
    }
}

fn content(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        _ => parts(message).next().unwrap_or_default().to_owned(),
    }
}

fn check(at: usize, message: &Value, roles: &[&str]) -> Result<(), Refused> {
    let role = text(message, "role");
    if !roles.contains(&role) {
        let supported: Vec<_> = roles.iter().map(|role| format!("'{role}'")).collect();
        let text = format!("Invalid value: '{role}'. Supported values are: {}.", supported.join(", "));
        return Err(wrong(format!("messages[{at}].role"), "invalid_value", text));
    }
    let empty = message.get("content").is_none_or(Value::is_null);
    if empty && (role != "assistant" || message.get("tool_calls").is_none()) {
        let text = format!("Invalid value for 'content': expected a string, got null. ('messages[{at}].content')");
        return Err(wrong(format!("messages[{at}].content"), "invalid_type", text));
    }
    Ok(())
}

/// Every call has its result before anything else is said, every result its call.
fn pairs(messages: &[Value]) -> Result<(), Refused> {
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if text(message, "role") == "tool" {
            let id = text(message, "tool_call_id");
            if !open.contains(&id) {
                let text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with \
                            'tool_calls'.";
                return Err(wrong(format!("messages.[{at}].role"), "invalid_value", text));
            }
            open.retain(|waiting| *waiting != id);
            continue;
        }
        unanswered(&open, at)?;
        let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        open = calls.map(|call| text(call, "id")).collect();
    }
    unanswered(&open, messages.len())
}

fn unanswered(open: &[&str], at: usize) -> Result<(), Refused> {
    if open.is_empty() {
        return Ok(());
    }
    let text = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The \
         following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    Err(wrong(format!("messages.[{at}].role"), "invalid_value", text))
}
