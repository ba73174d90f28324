//! A Responses request as far as the vendor looks into it, with everything that an earlier response stands for.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::speech;

/// A tool that the request offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool<'a> {
    /// It takes plain text instead of a JSON object.
    pub(crate) custom: bool,
    /// The namespace that it stands in.
    pub(crate) namespace: Option<&'a str>,
}

/// See the module.
pub(crate) struct Prompt<'a> {
    pub(crate) json: &'a Value,
    pub(crate) model: &'a str,
    pub(crate) stream: bool,
    pub(crate) store: bool,
    /// All items, those of earlier responses first.
    pub(crate) items: Vec<Cow<'a, Value>>,
    pub(crate) max_output_tokens: Option<u64>,
    /// Reasoning is wanted in encrypted form.
    pub(crate) encrypted: bool,
    /// Reasoning is wanted in summary.
    pub(crate) summary: bool,
}

/// 400 about one parameter.
pub(crate) fn wrong(param: impl Into<String>, code: &'static str, message: impl Into<String>) -> Refused {
    Refused::saying(OpenAiRefusal::InvalidRequest, message).param(param).code(code)
}

/// A text field of an item.
pub(crate) fn text<'a>(item: &'a Value, field: &str) -> &'a str {
    item.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// What kind of item it is; a message need not say so.
pub(crate) fn kind(item: &Value) -> &str {
    item.get("type").and_then(Value::as_str).unwrap_or("message")
}

impl<'a> Prompt<'a> {
    /// `earlier` is what `previous_response_id` stands for.
    pub(crate) fn read(json: &'a Value, earlier: &'a [Value]) -> Result<Self, Refused> {
        let model = match json.get("model") {
            Some(Value::String(model)) => model.as_str(),
            Some(_) => return Err(wrong("model", "invalid_type", "Invalid type for 'model': expected a string.")),
            None => return Err(missing("model")),
        };
        let mut items: Vec<Cow<'a, Value>> = earlier.iter().map(Cow::Borrowed).collect();
        match json.get("input") {
            Some(Value::String(text)) => items.push(Cow::Owned(json!({"role": "user", "content": text}))),
            Some(Value::Array(list)) => {
                list.iter().enumerate().try_for_each(|(at, item)| check_item(at, item))?;
                items.extend(list.iter().map(Cow::Borrowed));
            }
            Some(_) => {
                let message = "Invalid type for 'input': expected one of an array of objects or string.";
                return Err(wrong("input", "invalid_type", message));
            }
            None => return Err(missing("input")),
        }
        let max_output_tokens = match json.get("max_output_tokens").filter(|value| !value.is_null()) {
            None => None,
            Some(value) => Some(value.as_u64().filter(|tokens| *tokens >= 16).ok_or_else(|| {
                let message = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.";
                wrong("max_output_tokens", "integer_below_min_value", message)
            })?),
        };
        let includes = json.get("include").and_then(Value::as_array);
        let encrypted = includes.is_some_and(|list| list.iter().any(|one| one == "reasoning.encrypted_content"));
        Ok(Self {
            json,
            model,
            stream: boolean(json, "stream", false)?,
            store: boolean(json, "store", true)?,
            items,
            max_output_tokens,
            encrypted,
            summary: json.pointer("/reasoning/summary").is_some_and(|summary| !summary.is_null()),
        })
    }

    /// The tools offered: in the request, in namespaces, and in items (Pi hands them over so).
    pub(crate) fn tool(&self, name: &str) -> Option<Tool<'_>> {
        let own = self.json.get("tools").and_then(Value::as_array).into_iter().flatten();
        let added = self.items.iter().filter(|item| kind(item) == "additional_tools");
        let added = added.filter_map(|item| item.get("tools")?.as_array()).flatten();
        let found = |tool: &Value| text(tool, "name") == name;
        for tool in own.chain(added) {
            let inner = tool.get("tools").and_then(Value::as_array).into_iter().flatten();
            if let Some(inner) = inner.into_iter().find(|tool| found(tool)) {
                let namespace = tool.get("name").and_then(Value::as_str);
                return Some(Tool { custom: kind(inner) == "custom", namespace });
            }
            if found(tool) && matches!(kind(tool), "function" | "custom") {
                return Some(Tool { custom: kind(tool) == "custom", namespace: None });
            }
        }
        None
    }

    /// Everything after the model's last word.
    fn newest(&self) -> impl Iterator<Item = &Value> {
        let said = |item: &&Value| {
            matches!(kind(item), "function_call" | "custom_tool_call" | "reasoning")
                || text(item, "role") == "assistant"
        };
        self.items.iter().rev().map(AsRef::as_ref).take_while(move |item| !said(item))
    }

    /// The newest text that a person wrote, wherever it is.
    pub(crate) fn newest_text(&self) -> &str {
        let messages = self.items.iter().rev().filter(|item| text(item, "role") == "user");
        messages.filter_map(|message| written(message)).next().unwrap_or_default().trim()
    }

    /// The newest result of a tool, if no person has said anything since.
    pub(crate) fn newest_result(&self) -> Option<String> {
        for item in self.newest() {
            if text(item, "role") == "user" && written(item).is_some() {
                return None;
            }
            if matches!(kind(item), "function_call_output" | "custom_tool_call_output") {
                return Some(match item.get("output") {
                    Some(Value::String(output)) => output.clone(),
                    Some(Value::Array(parts)) => {
                        parts.iter().find_map(|part| part.get("text")?.as_str()).unwrap_or_default().to_owned()
                    }
                    _ => String::new(),
                });
            }
        }
        None
    }

    /// Does the agent want the conversation so far packed into one item?
    pub(crate) fn wants_compaction(&self) -> bool {
        self.items.last().is_some_and(|item| kind(item) == "compaction_trigger")
    }

    /// What the model sees, in the order in which prefixes are cached.
    pub(crate) fn blocks(&self) -> Vec<String> {
        let tools = self.json.get("tools").and_then(Value::as_array).into_iter().flatten().map(Value::to_string);
        let instructions = self.json.get("instructions").and_then(Value::as_str).map(str::to_owned);
        tools.chain(instructions).chain(self.items.iter().map(|item| item.to_string())).collect()
    }
}

/// The part of a user's message that the person wrote.
fn written(message: &Value) -> Option<&str> {
    match message.get("content") {
        Some(Value::String(text)) => Some(text.as_str()).filter(|text| !speech::is_written_by_agent(text)),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().rev().filter(|part| text(part, "type") == "input_text");
            texts.map(|part| text(part, "text")).find(|text| !speech::is_written_by_agent(text))
        }
        _ => None,
    }
}

pub(crate) fn missing(param: &str) -> Refused {
    wrong(param, "missing_required_parameter", format!("Missing required parameter: '{param}'."))
}

pub(crate) fn boolean(json: &Value, field: &str, otherwise: bool) -> Result<bool, Refused> {
    match json.get(field) {
        None | Some(Value::Null) => Ok(otherwise),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(wrong(field, "invalid_type", format!("Invalid type for '{field}': expected a boolean."))),
    }
}

/// The fields that an item of a known kind cannot do without.
const REQUIRED: &[(&str, &[&str])] = &[
    ("function_call", &["call_id", "name", "arguments"]),
    ("function_call_output", &["call_id"]),
    ("custom_tool_call", &["call_id", "name", "input"]),
    ("custom_tool_call_output", &["call_id"]),
];

/// Kinds of parts, by who speaks.
const INPUT_PARTS: &[&str] = &["input_text", "input_image", "input_file", "input_audio"];
const OUTPUT_PARTS: &[&str] = &["output_text", "refusal"];

fn check_item(at: usize, item: &Value) -> Result<(), Refused> {
    let path = format!("input[{at}]");
    let Some(fields) = item.as_object() else {
        let message = format!("Invalid type for '{path}': expected an object.");
        return Err(wrong(path, "invalid_type", message));
    };
    if !fields.contains_key("type") && !fields.contains_key("role") {
        return Err(missing(&format!("{path}.type")));
    }
    if kind(item) == "message" {
        return check_message(&path, item);
    }
    let required = REQUIRED.iter().find(|(known, _)| *known == kind(item)).map_or(&[][..], |(_, fields)| *fields);
    match required.iter().find(|field| !fields.get(**field).is_some_and(Value::is_string)) {
        Some(field) => Err(missing(&format!("{path}.{field}"))),
        None => Ok(()),
    }
}

fn check_message(path: &str, message: &Value) -> Result<(), Refused> {
    let parts = match text(message, "role") {
        "user" | "system" | "developer" => INPUT_PARTS,
        "assistant" => OUTPUT_PARTS,
        other => {
            let text = format!(
                "Invalid value: '{other}'. Supported values are: 'assistant', 'system', 'developer', and 'user'."
            );
            return Err(wrong(format!("{path}.role"), "invalid_value", text));
        }
    };
    let Some(content) = message.get("content") else { return Err(missing(&format!("{path}.content"))) };
    for (at, part) in content.as_array().into_iter().flatten().enumerate() {
        let kind = text(part, "type");
        if !parts.contains(&kind) {
            let supported: Vec<_> = parts.iter().map(|part| format!("'{part}'")).collect();
            let text = format!("Invalid value: '{kind}'. Supported values are: {}.", supported.join(", "));
            return Err(wrong(format!("{path}.content[{at}].type"), "invalid_value", text));
        }
    }
    Ok(())
}
