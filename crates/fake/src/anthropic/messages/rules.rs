//! The vendor's rules about a prompt, each with its wording: pairs of tool calls and results, thinking signatures, cache
//! marks.

use std::collections::HashSet;

use serde_json::Value;

use super::prompt::{Block, Prompt, Role, Thinking, Turn};
use crate::mint::Mint;
use crate::refused::Refused;

/// Most cache marks of one request.
const MOST_CACHE_MARKS: usize = 4;

pub(crate) fn check(prompt: &Prompt<'_>, mint: &Mint, account_uuid: &str) -> Result<(), Refused> {
    conversation(prompt)?;
    tools(prompt)?;
    pairs(&prompt.turns)?;
    thinking_first(prompt)?;
    cache_marks(prompt)?;
    signatures(prompt, mint, account_uuid)
}

fn conversation(prompt: &Prompt<'_>) -> Result<(), Refused> {
    let (Some(first), Some(last)) = (prompt.turns.first(), prompt.turns.last()) else {
        return Err(Refused::invalid("messages: at least one message is required"));
    };
    if first.role != Role::User {
        return Err(Refused::invalid("messages: first message must use the \"user\" role"));
    }
    if last.role == Role::Assistant {
        return Err(Refused::invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    let empty = |block: &Block<'_>| block.kind == "text" && block.text("text").is_empty();
    if prompt.system.iter().chain(prompt.turns.iter().flat_map(|turn| &turn.blocks)).any(empty) {
        return Err(Refused::invalid("messages: text content blocks must be non-empty"));
    }
    Ok(())
}

fn tools(prompt: &Prompt<'_>) -> Result<(), Refused> {
    let mut names = HashSet::new();
    for tool in &prompt.tools {
        let name = tool.text("name");
        if name.is_empty() && tool.kind == "custom" {
            return Err(Refused::invalid(format!("{}.custom.name: Field required", tool.path)));
        }
        if !name.is_empty() && !names.insert(name) {
            return Err(Refused::invalid("tools: Tool names must be unique."));
        }
    }
    Ok(())
}

/// Every call has its result in the next message, every result its call in the message before.
fn pairs(turns: &[Turn<'_>]) -> Result<(), Refused> {
    let ids = |turn: Option<&Turn<'_>>, kind: &str, field: &str| -> Vec<String> {
        let blocks = turn.into_iter().flat_map(|turn| &turn.blocks).filter(|block| block.kind == kind);
        blocks.map(|block| block.text(field).to_owned()).collect()
    };
    for (at, turn) in turns.iter().enumerate() {
        let calls = ids(Some(turn), "tool_use", "id");
        let answered = ids(turns.get(at + 1), "tool_result", "tool_use_id");
        let open: Vec<_> = calls.iter().filter(|id| !answered.contains(id)).map(String::as_str).collect();
        if !open.is_empty() {
            return Err(Refused::invalid(format!(
                "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
                 `tool_use` block must have a corresponding `tool_result` block in the next message.",
                open.join(", ")
            )));
        }
        let before = at.checked_sub(1).and_then(|before| turns.get(before));
        let known = ids(before, "tool_use", "id");
        for block in turn.blocks.iter().filter(|block| block.kind == "tool_result") {
            let id = block.text("tool_use_id");
            if !known.iter().any(|known| known == id) {
                return Err(Refused::invalid(format!(
                    "{}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must \
                     have a corresponding `tool_use` block in the previous message.",
                    block.path
                )));
            }
        }
    }
    Ok(())
}

/// With a thinking budget, an assistant message whose tools are being answered must begin with its thinking.
fn thinking_first(prompt: &Prompt<'_>) -> Result<(), Refused> {
    let [.., assistant, last] = prompt.turns.as_slice() else { return Ok(()) };
    let in_tool_loop = last.blocks.iter().any(|block| block.kind == "tool_result");
    let Some(first) = assistant.blocks.first() else { return Ok(()) };
    if prompt.thinking != Thinking::Enabled || !in_tool_loop || is_thinking(first) {
        return Ok(());
    }
    Err(Refused::invalid(format!(
        "{}.type: Expected `thinking` or `redacted_thinking`, but found `{}`. When `thinking` is enabled, a final \
         `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and \
         `tool_result` blocks). To avoid this requirement, disable `thinking`.",
        first.path, first.kind
    )))
}

fn is_thinking(block: &Block<'_>) -> bool {
    matches!(block.kind.as_ref(), "thinking" | "redacted_thinking")
}

fn cache_marks(prompt: &Prompt<'_>) -> Result<(), Refused> {
    let automatic = prompt.json.get("cache_control").filter(|value| !value.is_null());
    let mut marks: Vec<(String, &Value)> = prompt
        .blocks()
        .filter_map(|block| Some((format!("{}.cache_control", block.path), block.cache_control()?)))
        .collect();
    marks.extend(automatic.map(|mark| ("cache_control".to_owned(), mark)));
    if marks.len() > MOST_CACHE_MARKS {
        return Err(Refused::invalid(format!(
            "A maximum of {MOST_CACHE_MARKS} blocks with cache_control may be provided. Found {}.",
            marks.len()
        )));
    }
    let mut short_before = false;
    for (path, mark) in marks {
        if mark.get("type").and_then(Value::as_str) != Some("ephemeral") {
            return Err(Refused::invalid(format!("{path}.type: Input should be 'ephemeral'")));
        }
        match mark.get("ttl").map(|ttl| ttl.as_str().unwrap_or_default()) {
            None | Some("5m") => short_before = true,
            Some("1h") if short_before => {
                return Err(Refused::invalid(format!(
                    "{path}.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. \
                     Note that blocks are processed in the following order: `tools`, `system`, `messages`."
                )));
            }
            Some("1h") => {}
            Some(_) => return Err(Refused::invalid(format!("{path}.ttl: Input should be '5m' or '1h'"))),
        }
    }
    if let Some(block) = prompt.blocks().find(|block| is_thinking(block) && block.cache_control().is_some()) {
        return Err(Refused::invalid(format!("{}.cache_control: Extra inputs are not permitted", block.path)));
    }
    Ok(())
}

/// What a signature is bound to, as parts for [`Mint::sign`].
pub(crate) fn signed<'a>(account_uuid: &'a str, model: &'a str, kind: &'a str, text: &'a str) -> [&'a str; 4] {
    [account_uuid, model, kind, text]
}

/// Thinking blocks must be exactly those which this account got from this model.
fn signatures(prompt: &Prompt<'_>, mint: &Mint, account_uuid: &str) -> Result<(), Refused> {
    for block in prompt.turns.iter().flat_map(|turn| &turn.blocks) {
        let (field, text, kind) = match block.kind.as_ref() {
            "thinking" => ("signature", block.text("thinking"), "thinking"),
            "redacted_thinking" => ("data", "", "redacted_thinking"),
            _ => continue,
        };
        if !mint.verify(block.text(field), &signed(account_uuid, prompt.model, kind, text)) {
            return Err(Refused::invalid(format!("{}: Invalid `{field}` in `{kind}` block", block.path)));
        }
    }
    Ok(())
}
