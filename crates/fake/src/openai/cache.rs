//! Automatic prefix caching, as OpenAI and Alibaba do it: no marks, long prefixes only, in steps.
//!
//! Simplified against the vendors: tokens are estimated from bytes, and an entry is there at once and for one life.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::speech::tokens_of;

/// Cached tokens come in multiples of this.
const STEP: u64 = 128;
/// Life of an entry since its last use: 5 to 10 minutes at OpenAI.
const LIFE_MS: i64 = 600_000;
/// Most entries of one account; the one that ends first goes.
const MOST_ENTRIES: usize = 10_000;

/// What one account has cached: prefixes and when they are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Prefixes(HashMap<[u8; 32], i64>);

impl Prefixes {
    /// Tokens of the whole prompt and of its longest cached prefix; remembers all its prefixes. `key` is
    /// `prompt_cache_key`, `blocks` what the model sees, in order.
    pub(crate) fn account_for(
        &mut self,
        model: &str,
        key: &str,
        blocks: &[String],
        least_tokens: u64,
        now_ms: i64,
    ) -> (u64, u64) {
        self.0.retain(|_, ends| *ends > now_ms);
        let mut hasher = Sha256::new();
        hasher.update(model);
        hasher.update([0]);
        hasher.update(key);
        let (mut total, mut cached) = (0, 0);
        for block in blocks {
            hasher.update([0]);
            hasher.update(block);
            total += tokens_of(block.len());
            if total < least_tokens {
                continue;
            }
            if self.0.insert(hasher.clone().finalize().into(), now_ms + LIFE_MS).is_some() {
                cached = total / STEP * STEP;
            }
        }
        while self.0.len() > MOST_ENTRIES {
            let Some(first) = self.0.iter().min_by_key(|(_, ends)| **ends).map(|(hash, _)| *hash) else { break };
            self.0.remove(&first);
        }
        (total, cached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_prefix_is_read_again_within_its_life_and_in_steps() {
        let mut prefixes = Prefixes::default();
        let (long, other) = ("x".repeat(5000), "y".to_owned());
        let mut ask = |key: &str, blocks: &[&String], now| {
            let blocks: Vec<String> = blocks.iter().map(|block| (*block).clone()).collect();
            prefixes.account_for("m", key, &blocks, 1024, now)
        };
        assert_eq!(ask("k", &[&long], 0), (1250, 0));
        assert_eq!(ask("k", &[&long, &other], 1), (1251, 1152));
        assert_eq!(ask("else", &[&long], 1), (1250, 0), "another key");
        assert_eq!(ask("k", &[&other, &long], 1), (1251, 0), "another beginning");
        assert_eq!(ask("k", &[&long], 700_000), (1250, 0), "too late");
        assert_eq!(ask("k", &[&other], 0), (1, 0), "short prompts are not cached");
        assert_eq!(ask("k", &[&other], 0), (1, 0));
    }
}
