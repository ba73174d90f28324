//! OpenAI Responses: the part that all its houses (API keys, the Codex backend, Alibaba) have in common. What they let
//! in, and what it costs them, is their own.

mod compose;
mod events;
mod kept;
mod object;
pub(crate) mod prompt;
mod rules;

pub(crate) use kept::Kept;
pub(crate) use rules::encrypt;

use serde_json::Value;

use crate::answer::{Answer, Event};
use crate::config::Reply;
use crate::grammar::Grammar;
use crate::manner::Manner;
use crate::mint::Mint;
use crate::openai::cache::Prefixes;
use crate::refused::Refused;
use compose::Output;
use object::{Response, Usage};
use prompt::Prompt;

/// What an answer is made from.
pub(crate) struct Kitchen<'a> {
    pub(crate) mint: &'a Mint,
    pub(crate) replies: &'a [Reply],
    /// To whom encrypted content is bound.
    pub(crate) organization: &'a str,
    /// Does the model reason?
    pub(crate) reasons: bool,
    pub(crate) manner: Manner,
}

/// An answer that has not been paid for yet.
pub(crate) struct Prepared<'a> {
    pub(crate) prompt: Prompt<'a>,
    output: Output,
    manner: Manner,
    id: String,
}

/// An answer with everything that can be asked of it.
pub(crate) struct Done {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) events: Vec<Event>,
    /// The response in one piece.
    json: Vec<u8>,
    stream: bool,
    /// The conversation up to and with this response.
    pub(crate) items: Vec<Value>,
    pub(crate) store: bool,
}

/// Checks the request and makes up the answer.
pub(crate) fn prepare<'a>(
    json: &'a Value,
    earlier: &'a [Value],
    kitchen: &Kitchen<'_>,
) -> Result<Prepared<'a>, Refused> {
    let prompt = Prompt::read(json, earlier)?;
    rules::check(&prompt, kitchen.mint, kitchen.organization)?;
    let Kitchen { mint, replies, organization, reasons, manner } = *kitchen;
    let output = compose::answer(&prompt, replies, mint, organization, reasons, manner);
    Ok(Prepared { prompt, output, manner, id: mint.id("resp_") })
}

impl Prepared<'_> {
    /// Tokens that a limit per minute counts: the prompt's and the answer's.
    pub(crate) fn tokens(&self) -> u64 {
        self.input_tokens() + self.output.tokens
    }

    /// Tokens of the prompt.
    pub(crate) fn input_tokens(&self) -> u64 {
        self.prompt.blocks().iter().map(|block| crate::speech::tokens_of(block.len())).sum()
    }

    /// The answer, accounted for.
    pub(crate) fn finish(self, prefixes: &mut Prefixes, least_tokens: u64, now_ms: i64) -> Done {
        let key = prompt::text(self.prompt.json, "prompt_cache_key");
        let blocks = self.prompt.blocks();
        let (input, cached) = prefixes.account_for(self.prompt.model, key, &blocks, least_tokens, now_ms);
        let usage = Usage { input, cached, output: self.output.tokens, reasoning: self.output.reasoning_tokens };
        let Self { prompt, output, manner, id } = self;
        let response = Response { id, created_at: now_ms / 1000, prompt: &prompt, output, usage };
        let mut events = events::events(&response);
        if manner.novelties {
            events = events::among(events);
        }
        let mut json = serde_json::to_value(response.ended()).unwrap_or_default();
        if let (true, Value::Object(fields)) = (manner.novelties, &mut json) {
            fields.insert("herd".to_owned(), serde_json::json!({"size": 3, "names": ["Ñandú", null]}));
        }
        let json = if manner.novelties { serde_json::to_vec(&json) } else { serde_json::to_vec(&response.ended()) };
        let mut items: Vec<Value> = prompt.items.iter().map(|item| item.as_ref().clone()).collect();
        items.extend(response.output.items.iter().map(|item| serde_json::to_value(item).unwrap_or_default()));
        Done {
            id: response.id,
            model: prompt.model.to_owned(),
            events,
            json: json.unwrap_or_default(),
            stream: prompt.stream,
            items,
            store: prompt.store,
        }
    }
}

impl Done {
    /// As the answer of an HTTP request.
    pub(crate) fn answer(self) -> Answer {
        if self.stream {
            Answer::stream(self.events, Grammar::Responses { id: self.id, model: self.model })
        } else {
            Answer::text(200, "application/json", self.json)
        }
    }
}
