//! The token counts in Anthropic's answers, read from the few events that have them.

use remuda_core::record::Tokens;
use serde::Deserialize;

/// `message_start` has its usage in `message`; `message_delta` and an answer that is one JSON message have it on top.
#[derive(Deserialize)]
struct Carrier {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        // Without a breakdown all writes are of the five-minute kind, which is the default.
        let (cache_write_5m, cache_write_1h) = match usage.cache_creation {
            Some(written) => (written.ephemeral_5m_input_tokens, written.ephemeral_1h_input_tokens),
            None => (usage.cache_creation_input_tokens, None),
        };
        Self {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_read: usage.cache_read_input_tokens,
            cache_write_5m,
            cache_write_1h,
            reasoning: None,
        }
    }
}

/// The token counts in the data of `message_start` or `message_delta`; `None` if there are none.
#[must_use]
pub fn event_tokens(data: &[u8]) -> Option<Tokens> {
    let carrier: Carrier = serde_json::from_slice(data).ok()?;
    carrier.message.and_then(|message| message.usage).or(carrier.usage).map(Tokens::from)
}

/// The token counts of an answer that is one JSON message; `None` if there are none.
#[must_use]
pub fn message_tokens(body: &[u8]) -> Option<Tokens> {
    let carrier: Carrier = serde_json::from_slice(body).ok()?;
    carrier.usage.map(Tokens::from)
}

/// Takes over what `newer` states. Counts are cumulative: the last statement of each is the right one.
pub fn merge_tokens(total: &mut Tokens, newer: Tokens) {
    total.input = newer.input.or(total.input);
    total.output = newer.output.or(total.output);
    total.cache_read = newer.cache_read.or(total.cache_read);
    total.cache_write_5m = newer.cache_write_5m.or(total.cache_write_5m);
    total.cache_write_1h = newer.cache_write_1h.or(total.cache_write_1h);
    total.reasoning = newer.reasoning.or(total.reasoning);
}
