//! OpenAI: what its refusals and quota reports mean, on API keys and behind the Codex backend.

pub(crate) mod quota;
pub(crate) mod refusals;
pub(crate) mod token_endpoint;
