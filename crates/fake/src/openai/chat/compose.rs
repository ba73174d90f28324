//! An answer in one message: what the model says, and the tools it calls.

use serde_json::Value;

use super::prompt::Prompt;
use crate::config::Reply;
use crate::manner::Manner;
use crate::mint::Mint;
use crate::speech::{self, Asked, Speech, first_tokens, tokens_of};

/// What a model that shows its thoughts thinks.
const THOUGHT: &str = "The user wants an answer; I shall give it.";

/// A call of a tool.
#[derive(Clone, Debug)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// A finished answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    /// `reasoning_content` of Alibaba's thinking models.
    pub(crate) thought: Option<String>,
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) finish_reason: &'static str,
    pub(crate) tokens: u64,
    pub(crate) thought_tokens: u64,
}

/// `thinks`: thoughts are shown before the answer.
pub(crate) fn compose(prompt: &Prompt<'_>, replies: &[Reply], mint: &Mint, thinks: bool, manner: Manner) -> Output {
    let mut output = Output { finish_reason: "stop", ..Output::default() };
    if thinks {
        output.thought_tokens = tokens_of(THOUGHT.len());
        output.tokens = output.thought_tokens;
        output.thought = Some(THOUGHT.to_owned());
    }
    let offers = |name: &str| prompt.offers(name);
    let asked = Asked { text: prompt.newest_text(), result: prompt.newest_result(), offers: &offers };
    for speech in speech::speak(&asked, replies, manner.wide_text) {
        let left = prompt.max_tokens.map_or(u64::MAX, |most| most.saturating_sub(output.tokens));
        match speech {
            Speech::Text(text) => {
                let wanted = tokens_of(text.len()).max(1);
                if wanted > left {
                    first_tokens(&text, left).clone_into(&mut output.text);
                    output.tokens += left;
                    output.finish_reason = "length";
                    return output;
                }
                output.tokens += wanted;
                output.text = text;
            }
            Speech::Call { name, input } => {
                let arguments = Speech::object(input).to_string();
                let wanted = tokens_of(name.len() + arguments.len()).max(1);
                if wanted > left {
                    output.finish_reason = "length";
                    return output;
                }
                output.tokens += wanted;
                output.finish_reason = "tool_calls";
                output.calls.push(ToolCall { id: mint.id("call_"), name, arguments });
            }
        }
    }
    output
}

/// As they stand in a message.
pub(crate) fn calls_json(calls: &[ToolCall]) -> Vec<Value> {
    let call = |(index, call): (usize, &ToolCall)| {
        serde_json::json!({
            "index": index, "id": call.id, "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        })
    };
    calls.iter().enumerate().map(call).collect()
}
