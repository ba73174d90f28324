//! What the model says: simple rules from the prompt, always the same for the same prompt. See [`crate::Reply`].

use serde_json::{Value, json};

use super::message::OutBlock;
use super::prompt::{Block, Prompt, Thinking, tokens_of};
use super::rules::signed;
use crate::config::Reply;
use crate::manner::Manner;
use crate::mint::Mint;
use crate::state::Account;

/// Longest part of a prompt that is echoed, in characters.
const ECHO: usize = 120;
/// Highest number that is counted to.
const MOST_NUMBERS: u64 = 100_000;

/// A finished answer.
pub(crate) struct Output {
    pub(crate) blocks: Vec<OutBlock>,
    pub(crate) stop_reason: &'static str,
    pub(crate) tokens: u64,
}

pub(crate) fn answer(
    prompt: &Prompt<'_>,
    replies: &[Reply],
    mint: &Mint,
    account: &Account,
    manner: Manner,
) -> Vec<OutBlock> {
    let asked = newest_text(prompt);
    let mut blocks = Vec::new();
    let thinks = match prompt.thinking {
        Thinking::Disabled => false,
        Thinking::Enabled => true,
        Thinking::Adaptive => asked.to_lowercase().contains("think"),
    };
    if thinks {
        let thinking = if prompt.thinking_omitted { "" } else { "The user wants an answer; I shall give it." };
        let signature = mint.sign(&signed(&account.account_uuid, prompt.model, "thinking", thinking));
        blocks.push(OutBlock::Thinking { thinking: thinking.to_owned(), signature });
    }
    let wide = if manner.wide_text { " 🐎 ñandú 駿馬" } else { "" };
    match tool_call(prompt, asked) {
        Some((name, input)) => {
            blocks.push(OutBlock::Text { text: format!("I use the tool {name}.{wide}") });
            blocks.push(OutBlock::ToolUse { id: mint.id("toolu_"), name, input });
        }
        None => blocks.push(OutBlock::Text { text: format!("{}{wide}", say(prompt, asked, replies)) }),
    }
    blocks
}

/// The newest user text that a person wrote. Agents put reminders before and after it, as blocks of their own.
fn newest_text<'a>(prompt: &'a Prompt<'_>) -> &'a str {
    let written = |block: &&Block<'_>| block.kind == "text" && !block.text("text").starts_with("<system-reminder>");
    prompt.newest().iter().rev().find(written).map(|block| block.text("text").trim()).unwrap_or_default()
}

fn newest_result(prompt: &Prompt<'_>) -> Option<String> {
    let result = prompt.newest().iter().rev().find(|block| block.kind == "tool_result")?;
    let text = match result.value.get("content") {
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Array(blocks)) => blocks.iter().find_map(|block| block.get("text")?.as_str()).unwrap_or_default(),
        _ => "",
    };
    Some(text.lines().next().unwrap_or_default().to_owned())
}

/// `use tool NAME` or `use tool NAME with {…}`, if the request offers that tool and no result has come yet.
fn tool_call(prompt: &Prompt<'_>, asked: &str) -> Option<(String, Value)> {
    if newest_result(prompt).is_some() {
        return None;
    }
    let (_, rest) = asked.split_once("use tool ")?;
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
    if !prompt.has_tool(&name) {
        return None;
    }
    let input = rest.get(name.len()..).and_then(|rest| rest.trim_start().strip_prefix("with"));
    let input = input.and_then(|text| serde_json::Deserializer::from_str(text).into_iter::<Value>().next());
    let input = match input {
        Some(Ok(input @ Value::Object(_))) => input,
        _ => json!({}),
    };
    Some((name, input))
}

fn say(prompt: &Prompt<'_>, asked: &str, replies: &[Reply]) -> String {
    if let Some(result) = newest_result(prompt) {
        return format!("tool result: {result}");
    }
    if let Some(reply) = replies.iter().find(|reply| asked.contains(&reply.when)) {
        return reply.say.clone();
    }
    if let Some((_, rest)) = asked.split_once("count to ") {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(last @ 1..=MOST_NUMBERS) = digits.parse::<u64>() {
            return (1..=last).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        }
    }
    let echo: String = asked.chars().take(ECHO).collect();
    format!("pong {echo}").trim_end().to_owned()
}

/// Ends the answer where `max_tokens` does. Thinking counts first, as at the vendor.
pub(crate) fn cut(blocks: Vec<OutBlock>, max_tokens: u64) -> Output {
    let mut output = Output { blocks: Vec::new(), stop_reason: "end_turn", tokens: 0 };
    for block in blocks {
        let left = max_tokens - output.tokens;
        let wanted = match &block {
            OutBlock::Thinking { thinking, .. } => tokens_of(thinking.len()).max(1),
            OutBlock::Text { text } => tokens_of(text.len()).max(1),
            OutBlock::ToolUse { name, input, .. } => tokens_of(name.len() + input.to_string().len()).max(1),
        };
        if wanted <= left {
            if matches!(block, OutBlock::ToolUse { .. }) {
                output.stop_reason = "tool_use";
            }
            output.tokens += wanted;
            output.blocks.push(block);
            continue;
        }
        output.stop_reason = "max_tokens";
        if let OutBlock::Text { text } = block
            && left > 0
        {
            let most = usize::try_from(left).unwrap_or(usize::MAX).saturating_mul(4);
            let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            output.blocks.push(OutBlock::Text { text: text[..end].to_owned() });
            output.tokens = max_tokens;
        }
        break;
    }
    output
}
