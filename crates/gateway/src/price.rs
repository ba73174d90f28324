//! What a request is held to have cost where its price is not known. Unknown is not zero: against a daily ceiling it counts
//! as the dearest that is known. Records still say that it is unknown.

use remuda_core::record::Tokens;

/// The dearest model whose price is known.
const DEAREST: &str = "claude-fable-5";
/// A body that the vendor has not counted has at most so many tokens: agents' prompts have three to four bytes a token.
const BYTES_A_TOKEN: u64 = 3;

/// US dollars. `sent`: bytes of the request's body, for when the vendor has counted nothing.
#[must_use]
pub fn at_most_usd(tokens: &Tokens, sent: u64) -> f64 {
    let counted = tokens.input.or(tokens.output).is_some();
    let tokens = if counted { *tokens } else { Tokens { input: Some(sent / BYTES_A_TOKEN), ..Tokens::default() } };
    remuda_vendors::anthropic::cost_usd(DEAREST, &tokens).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unknown_is_counted_as_the_dearest() {
        let tokens = Tokens { input: Some(1_000_000), output: Some(100_000), ..Tokens::default() };
        assert!((at_most_usd(&tokens, 0) - 15.0).abs() < 1e-9);
        assert!((at_most_usd(&Tokens::default(), 3_000_000) - 10.0).abs() < 1e-9, "what was not counted, too");
    }
}
