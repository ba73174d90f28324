//! An answer in blocks: what the model says, with a thought before it where the request wants one.

use serde_json::Value;

use super::message::OutBlock;
use super::prompt::{Block, Prompt, Thinking};
use super::rules::signed;
use crate::config::Reply;
use crate::manner::Manner;
use crate::mint::Mint;
use crate::speech::{self, Asked, Speech, first_tokens, tokens_of};
use crate::state::Account;

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
        Thinking::Adaptive => speech::wants_thought(asked),
    };
    if thinks {
        let thinking = if prompt.thinking_omitted { "" } else { "The user wants an answer; I shall give it." };
        let signature = mint.sign(&signed(&account.account_uuid, prompt.model, "thinking", thinking));
        blocks.push(OutBlock::Thinking { thinking: thinking.to_owned(), signature });
    }
    let offers = |name: &str| prompt.has_tool(name);
    let asked = Asked { text: asked, result: newest_result(prompt), offers: &offers };
    blocks.extend(speech::speak(&asked, replies, manner.wide_text).into_iter().map(|speech| match speech {
        Speech::Text(text) => OutBlock::Text { text },
        Speech::Call { name, input } => OutBlock::ToolUse { id: mint.id("toolu_"), name, input: Speech::object(input) },
    }));
    blocks
}

/// The newest user text that a person wrote. Agents put reminders before and after it, as blocks of their own.
fn newest_text<'a>(prompt: &'a Prompt<'_>) -> &'a str {
    let written = |block: &&Block<'_>| block.kind == "text" && !speech::is_written_by_agent(block.text("text"));
    prompt.newest().iter().rev().find(written).map(|block| block.text("text").trim()).unwrap_or_default()
}

fn newest_result(prompt: &Prompt<'_>) -> Option<String> {
    let result = prompt.newest().iter().rev().find(|block| block.kind == "tool_result")?;
    Some(match result.value.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            blocks.iter().find_map(|block| block.get("text")?.as_str()).unwrap_or_default().to_owned()
        }
        _ => String::new(),
    })
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
            output.blocks.push(OutBlock::Text { text: first_tokens(&text, left).to_owned() });
            output.tokens = max_tokens;
        }
        break;
    }
    output
}
