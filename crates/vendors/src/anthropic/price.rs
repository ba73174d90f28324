//! List prices, for the cost in records. Unknown is not zero.
//!
//! Source: platform.claude.com/docs/en/about-claude/pricing. Standard speed, global inference, no batch: what the vendor adds
//! or takes off for options is not in here.

use remuda_core::record::Tokens;

/// When the table was last compared with its source.
pub const PRICES_OF: &str = "2026-10-24";

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Price {
    input: f64,
    write_5m: f64,
    write_1h: f64,
    read: f64,
    output: f64,
}

/// Any prompt length.
const ANY: u64 = u64::MAX;

/// Model without `claude-` and date; up to how many prompt tokens the price holds; input, cache writes for five minutes and one
/// hour, cache reads, output.
#[rustfmt::skip]
const PRICES: &[(&str, u64, Price)] = &[
    ("fable-5-1",  ANY,     per_million(10.00, 12.50,  20.00, 0.25, 50.00)),
    ("fable-5",    ANY,     per_million(10.00, 12.50,  20.00, 1.00, 50.00)),
    ("opus-5-5",   ANY,     per_million( 4.00,  5.00,   8.00, 0.20, 20.00)),
    ("opus-5",     ANY,     per_million( 5.00,  6.25,  10.00, 0.50, 25.00)),
    ("opus-4-8",   ANY,     per_million( 5.00,  6.25,  10.00, 0.50, 25.00)),
    ("opus-4-7",   ANY,     per_million( 5.00,  6.25,  10.00, 0.50, 25.00)),
    ("opus-4-6",   ANY,     per_million( 5.00,  6.25,  10.00, 0.50, 25.00)),
    ("opus-4-5",   ANY,     per_million( 5.00,  6.25,  10.00, 0.50, 25.00)),
    // cache reads were 0.20 until 2026-10-07
    ("sonnet-5-5", ANY,     per_million( 2.00,  2.50,   4.00, 0.10, 10.00)),
    ("sonnet-5",   ANY,     per_million( 2.00,  2.50,   4.00, 0.20, 10.00)),
    ("sonnet-4-6", ANY,     per_million( 3.00,  3.75,   6.00, 0.30, 15.00)),
    ("sonnet-4-5", 200_000, per_million( 3.00,  3.75,   6.00, 0.30, 15.00)),
    ("haiku-5-5",  100_000, per_million( 0.10,  0.125,  0.20, 0.01,  0.50)),
    ("haiku-5-5",  ANY,     per_million( 0.50,  0.625,  1.00, 0.05,  2.50)),
    ("haiku-4-5",  ANY,     per_million( 1.00,  1.25,   2.00, 0.10,  5.00)),
];

const fn per_million(input: f64, write_5m: f64, write_1h: f64, read: f64, output: f64) -> Price {
    Price { input, write_5m, write_1h, read, output }
}

/// What the prompt cache saved: what the same input would have cost without it, less what it cost. Negative while writes
/// have not paid off. `None` where the cost is unknown.
#[must_use]
pub fn cache_saved_usd(model: &str, tokens: &Tokens) -> Option<f64> {
    let cached = [tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h];
    let all = cached.into_iter().chain([tokens.input]).flatten().fold(0, u64::saturating_add);
    let without = Tokens { input: Some(all), output: tokens.output, ..Tokens::default() };
    Some(cost_usd(model, &without)? - cost_usd(model, tokens)?)
}

/// What these tokens cost at list price, in US dollars. `None` for a model whose price is not known, and where the vendor
/// counted nothing.
#[must_use]
pub fn cost_usd(model: &str, tokens: &Tokens) -> Option<f64> {
    let count = |tokens: Option<u64>| tokens.unwrap_or(0);
    tokens.input.or(tokens.output)?;
    let prompt = [tokens.input, tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h]
        .into_iter()
        .fold(0, |sum: u64, tokens| sum.saturating_add(count(tokens)));
    let family = family(model);
    let (.., price) = PRICES.iter().find(|(name, longest, _)| *name == family && prompt <= *longest)?;
    let cost = count(tokens.input) as f64 * price.input
        + count(tokens.cache_write_5m) as f64 * price.write_5m
        + count(tokens.cache_write_1h) as f64 * price.write_1h
        + count(tokens.cache_read) as f64 * price.read
        + count(tokens.output) as f64 * price.output;
    Some(cost / 1e6)
}

/// `claude-opus-4-5-20251101`, `claude-opus-5[1m]` → `opus-4-5`, `opus-5`.
fn family(model: &str) -> &str {
    let model = model.split('[').next().unwrap_or(model);
    let model = model.strip_prefix("claude-").unwrap_or(model);
    match model.rsplit_once('-') {
        Some((family, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => family,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MILLION: Option<u64> = Some(1_000_000);

    #[rstest]
    #[case("claude-opus-5", 5.0 + 25.0 + 0.5 + 6.25 + 10.0)]
    #[case("claude-opus-5[1m]", 46.75)]
    #[case("claude-opus-4-5-20251101", 46.75)]
    #[case("claude-haiku-5-5", 0.5 + 2.5 + 0.05 + 0.625 + 1.0)]
    fn every_kind_of_token_has_its_price(#[case] model: &str, #[case] expected: f64) {
        let tokens = Tokens {
            input: MILLION,
            output: MILLION,
            cache_read: MILLION,
            cache_write_5m: MILLION,
            cache_write_1h: MILLION,
            reasoning: None,
        };
        assert!((cost_usd(model, &tokens).unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn a_long_prompt_may_cost_more_per_token() {
        let cost = |input| cost_usd("claude-haiku-5-5", &Tokens { input: Some(input), ..Tokens::default() }).unwrap();
        assert!((cost(100_000) - 0.01).abs() < 1e-9);
        assert!((cost(100_001) - 0.050_000_5).abs() < 1e-9);
    }

    #[rstest]
    // A write for five minutes costs a quarter more than plain input, a read a tenth of it.
    #[case(Tokens { input: Some(0), cache_read: MILLION, ..Tokens::default() }, 5.0 - 0.5)]
    #[case(Tokens { input: Some(0), cache_write_5m: MILLION, ..Tokens::default() }, 5.0 - 6.25)]
    #[case(Tokens { input: MILLION, output: MILLION, ..Tokens::default() }, 0.0)]
    fn the_cache_saves_what_the_same_input_would_have_cost(#[case] tokens: Tokens, #[case] expected: f64) {
        assert!((cache_saved_usd("claude-opus-5", &tokens).unwrap() - expected).abs() < 1e-9);
        assert_eq!(cache_saved_usd("claude-opus-9", &tokens), None);
    }

    #[rstest]
    #[case("claude-opus-9", Tokens { input: MILLION, ..Tokens::default() })]
    #[case("gpt-5.6-sol", Tokens { input: MILLION, ..Tokens::default() })]
    #[case("claude-sonnet-4-5", Tokens { input: MILLION, ..Tokens::default() })]
    #[case("claude-opus-5", Tokens::default())]
    #[case("", Tokens { input: MILLION, ..Tokens::default() })]
    fn what_is_not_known_has_no_price(#[case] model: &str, #[case] tokens: Tokens) {
        assert_eq!(cost_usd(model, &tokens), None);
    }
}
