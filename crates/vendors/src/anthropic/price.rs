//! List prices, for the cost in records. Unknown is not zero.

use remuda_core::record::Tokens;

/// What these tokens cost at list price, in US dollars. `None` for a model whose price is not known.
#[must_use]
pub fn cost_usd(_model: &str, _tokens: &Tokens) -> Option<f64> {
    None
}
