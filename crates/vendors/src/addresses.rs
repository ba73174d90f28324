//! Where all vendors listen, for whoever must be told of other places (tests, the vendor in miniature, a company's own).

use crate::{anthropic, openai, qwen};

/// The addresses of every vendor. [`Default`] is the real ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Anthropic's.
    pub anthropic: anthropic::Endpoints,
    /// OpenAI's.
    pub openai: openai::Endpoints,
    /// Alibaba's.
    pub qwen: qwen::Endpoints,
}
