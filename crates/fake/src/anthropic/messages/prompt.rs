//! A Messages request as far as the vendor looks into it. Unknown fields are fine.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::refused::Refused;
use crate::speech::tokens_of;

/// One content block with its place, for error texts: `messages.3.content.0`.
pub(crate) struct Block<'a> {
    pub(crate) path: String,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) value: Cow<'a, Value>,
}

impl Block<'_> {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.value.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn cache_control(&self) -> Option<&Value> {
        self.value.get("cache_control").filter(|value| !value.is_null())
    }

    /// Estimated: four bytes of JSON are one token.
    pub(crate) fn tokens(&self) -> u64 {
        tokens_of(self.content().len())
    }

    /// What the model sees: the block without its cache mark.
    pub(crate) fn content(&self) -> String {
        match self.value.as_ref() {
            Value::Object(fields) if fields.contains_key("cache_control") => {
                let mut fields = fields.clone();
                fields.remove("cache_control");
                Value::Object(fields).to_string()
            }
            other => other.to_string(),
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
    /// A word of the agent in between; Claude Code 2.1.329 sends such messages to `claude-opus-5-5`.
    System,
}

/// One message.
pub(crate) struct Turn<'a> {
    pub(crate) role: Role,
    pub(crate) blocks: Vec<Block<'a>>,
}

/// `thinking` of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    Disabled,
    /// With a budget: always thinks.
    Enabled,
    /// The model decides.
    Adaptive,
}

/// See the module.
pub(crate) struct Prompt<'a> {
    pub(crate) json: &'a Value,
    pub(crate) model: &'a str,
    pub(crate) max_tokens: u64,
    pub(crate) stream: bool,
    pub(crate) thinking: Thinking,
    /// `thinking.display` is `omitted`: blocks come without their text.
    pub(crate) thinking_omitted: bool,
    pub(crate) tools: Vec<Block<'a>>,
    pub(crate) system: Vec<Block<'a>>,
    pub(crate) turns: Vec<Turn<'a>>,
}

impl<'a> Prompt<'a> {
    pub(crate) fn read(json: &'a Value) -> Result<Self, Refused> {
        let required =
            |field: &str| json.get(field).ok_or_else(|| Refused::invalid(format!("{field}: Field required")));
        let model = required("model")?;
        let model = model.as_str().ok_or_else(|| Refused::invalid("model: Input should be a valid string"))?;
        let max_tokens = required("max_tokens")?.as_u64().filter(|n| *n > 0);
        let max_tokens =
            max_tokens.ok_or_else(|| Refused::invalid("max_tokens: Input should be greater than or equal to 1"))?;
        let stream = match json.get("stream") {
            None | Some(Value::Null) => false,
            Some(value) => {
                value.as_bool().ok_or_else(|| Refused::invalid("stream: Input should be a valid boolean"))?
            }
        };
        let (thinking, thinking_omitted) = thinking(json, max_tokens)?;
        let tools = json.get("tools").map(|tools| blocks(tools, "tools")).transpose()?.unwrap_or_default();
        let system = json.get("system").map(|system| blocks(system, "system")).transpose()?.unwrap_or_default();
        let messages = required("messages")?
            .as_array()
            .ok_or_else(|| Refused::invalid("messages: Input should be a valid list"))?;
        let turns = messages.iter().enumerate().map(|(at, message)| turn(at, message)).collect::<Result<_, _>>()?;
        Ok(Self { json, model, max_tokens, stream, thinking, thinking_omitted, tools, system, turns })
    }

    /// All blocks in the order in which the vendor caches them: tools, system, messages.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Block<'a>> {
        let messages = self.turns.iter().flat_map(|turn| &turn.blocks);
        self.tools.iter().chain(&self.system).chain(messages)
    }

    /// Estimated tokens of everything, and of each block.
    pub(crate) fn tokens(&self) -> (u64, Vec<u64>) {
        let each: Vec<u64> = self.blocks().map(Block::tokens).collect();
        (each.iter().sum(), each)
    }

    /// The blocks that the person, or a tool, said last.
    pub(crate) fn newest(&self) -> &[Block<'a>] {
        let turn = self.turns.iter().rev().find(|turn| turn.role == Role::User);
        turn.map(|turn| turn.blocks.as_slice()).unwrap_or_default()
    }

    pub(crate) fn has_tool(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.text("name") == name)
    }
}

fn thinking(json: &Value, max_tokens: u64) -> Result<(Thinking, bool), Refused> {
    let Some(thinking) = json.get("thinking").filter(|value| !value.is_null()) else {
        return Ok((Thinking::Disabled, false));
    };
    let omitted = thinking.get("display").and_then(Value::as_str) == Some("omitted");
    let mode = match thinking.get("type").and_then(Value::as_str) {
        Some("disabled") => Thinking::Disabled,
        Some("adaptive") => Thinking::Adaptive,
        Some("enabled") => {
            let budget = thinking.get("budget_tokens").and_then(Value::as_u64).unwrap_or_default();
            if budget < 1024 {
                return Err(Refused::invalid(
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                ));
            }
            if budget >= max_tokens {
                return Err(Refused::invalid("`max_tokens` must be greater than `thinking.budget_tokens`"));
            }
            Thinking::Enabled
        }
        _ => return Err(Refused::invalid("thinking.type: Input should be 'disabled', 'enabled' or 'adaptive'")),
    };
    Ok((mode, omitted))
}

fn turn(at: usize, message: &Value) -> Result<Turn<'_>, Refused> {
    let role = match message.get("role").and_then(Value::as_str) {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system") if at > 0 => Role::System,
        _ => return Err(Refused::invalid(format!("messages.{at}.role: Input should be 'user' or 'assistant'"))),
    };
    let path = format!("messages.{at}.content");
    let content = message.get("content").ok_or_else(|| Refused::invalid(format!("{path}: Field required")))?;
    let blocks = blocks(content, &path)?;
    if blocks.is_empty() {
        return Err(Refused::invalid(format!("messages.{at}: all messages must have non-empty content")));
    }
    Ok(Turn { role, blocks })
}

/// A list of blocks; a string stands for one text block.
fn blocks<'a>(content: &'a Value, path: &str) -> Result<Vec<Block<'a>>, Refused> {
    match content {
        Value::String(text) => {
            let value = Cow::Owned(json!({"type": "text", "text": text}));
            Ok(vec![Block { path: format!("{path}.0"), kind: Cow::Borrowed("text"), value }])
        }
        Value::Array(list) => {
            let block = |(at, value): (usize, &'a Value)| {
                let path = format!("{path}.{at}");
                let kind = value.get("type").and_then(Value::as_str);
                // Tools without a type are the client's own; every other block says what it is.
                let kind = kind.or_else(|| path.starts_with("tools.").then_some("custom"));
                let kind = kind.ok_or_else(|| Refused::invalid(format!("{path}.type: Field required")))?;
                Ok(Block { path, kind: Cow::Borrowed(kind), value: Cow::Borrowed(value) })
            };
            list.iter().enumerate().map(block).collect()
        }
        _ => Err(Refused::invalid(format!("{path}: Input should be a valid list"))),
    }
}
