//! An answer in items: what the model says, with reasoning before it where the person wants it to think.

use serde_json::Value;

use super::object::OutItem;
use super::prompt::Prompt;
use super::rules::encrypt;
use crate::config::Reply;
use crate::manner::Manner;
use crate::mint::Mint;
use crate::speech::{self, Asked, Speech, first_tokens, tokens_of};

/// What the model thinks, where its thoughts are summed up.
const THOUGHT: &str = "The user wants an answer; I shall give it.";
/// Tokens of reasoning that nobody gets to see.
const REASONING_TOKENS: u64 = 64;

/// A finished answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    pub(crate) items: Vec<OutItem>,
    /// It ends where `max_output_tokens` does.
    pub(crate) cut: bool,
    pub(crate) tokens: u64,
    pub(crate) reasoning_tokens: u64,
}

pub(crate) fn answer(
    prompt: &Prompt<'_>,
    replies: &[Reply],
    mint: &Mint,
    organization: &str,
    reasons: bool,
    manner: Manner,
) -> Output {
    let mut output = Output::default();
    if prompt.wants_compaction() {
        let encrypted = encrypt(mint, organization, "compaction");
        output.items.push(OutItem::Compaction { id: mint.id("cmp_"), encrypted });
        output.tokens = REASONING_TOKENS;
        return output;
    }
    let asked = prompt.newest_text();
    if reasons && speech::wants_thought(asked) {
        output.items.push(OutItem::Reasoning {
            id: mint.id("rs_"),
            summary: prompt.summary.then(|| THOUGHT.to_owned()),
            encrypted: prompt.encrypted.then(|| encrypt(mint, organization, "reasoning")),
        });
        output.reasoning_tokens = REASONING_TOKENS;
        output.tokens = REASONING_TOKENS;
    }
    let offers = |name: &str| prompt.tool(name).is_some();
    let asked = Asked { text: asked, result: prompt.newest_result(), offers: &offers };
    for speech in speech::speak(&asked, replies, manner.wide_text) {
        let item = match speech {
            Speech::Text(text) => OutItem::Message { id: mint.id("msg_"), text },
            Speech::Call { name, input } => call(prompt, mint, name, input),
        };
        output.tokens += item.tokens();
        output.items.push(item);
    }
    cut(output, prompt.max_output_tokens)
}

fn call(prompt: &Prompt<'_>, mint: &Mint, name: String, input: Value) -> OutItem {
    let call_id = mint.id("call_");
    let tool = prompt.tool(&name);
    let namespace = tool.and_then(|tool| tool.namespace).map(str::to_owned);
    if tool.is_some_and(|tool| tool.custom) {
        let input = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
        OutItem::Custom { id: mint.id("ctc_"), call_id, name, namespace, input }
    } else {
        let arguments = Speech::object(input).to_string();
        OutItem::Function { id: mint.id("fc_"), call_id, name, namespace, arguments }
    }
}

/// Ends the answer where `max_output_tokens` does. Reasoning counts first.
fn cut(output: Output, most: Option<u64>) -> Output {
    let Some(most) = most.filter(|most| *most < output.tokens) else { return output };
    let mut short = Output { items: Vec::new(), cut: true, tokens: output.reasoning_tokens, ..output };
    for item in output.items {
        let left = most.saturating_sub(short.tokens);
        let wanted = item.tokens();
        if wanted <= left {
            short.tokens += wanted;
            short.items.push(item);
            continue;
        }
        if let OutItem::Message { id, text } = item
            && left > 0
        {
            let text = first_tokens(&text, left).to_owned();
            short.tokens += tokens_of(text.len());
            short.items.push(OutItem::Message { id, text });
        }
        break;
    }
    short
}
