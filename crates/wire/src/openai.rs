//! The token counts in the answers of Responses and Chat Completions, which name the same things differently.

use remuda_core::record::Tokens;
use serde::Deserialize;

/// An event of a stream has its usage in `response`, a chunk of a chat and an answer that is one JSON object on top.
#[derive(Deserialize)]
struct Carrier {
    #[serde(default)]
    response: Option<Response>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(alias = "prompt_tokens")]
    input_tokens: Option<u64>,
    #[serde(alias = "completion_tokens")]
    output_tokens: Option<u64>,
    #[serde(alias = "prompt_tokens_details", default)]
    input_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

impl From<Usage> for Tokens {
    /// These vendors count cached input within the input.
    fn from(usage: Usage) -> Self {
        let cached = usage.input_tokens_details.and_then(|details| details.cached_tokens);
        Self {
            input: usage.input_tokens.map(|all| all.saturating_sub(cached.unwrap_or_default())),
            output: usage.output_tokens,
            cache_read: cached,
            ..Self::default()
        }
    }
}

/// The token counts in the data of one event, one chunk or one JSON answer; `None` if there are none.
#[must_use]
pub fn tokens(json: &[u8]) -> Option<Tokens> {
    let carrier: Carrier = serde_json::from_slice(json).ok()?;
    carrier.response.and_then(|response| response.usage).or(carrier.usage).map(Tokens::from)
}
