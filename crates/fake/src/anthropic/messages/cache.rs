//! Prompt-cache accounting: which prefix an account has cached for a model, and what a request reads and writes.
//!
//! Simplified against the vendor: tokens are estimated from bytes, the least cacheable length is one number for all
//! models, and an entry is there at once.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::message::{Creation, Usage};
use super::prompt::Prompt;

/// A mark also finds entries that end up to this many blocks before it.
const LOOKBACK: usize = 20;
/// Most entries of one account; the one that ends first goes.
const MOST_ENTRIES: usize = 10_000;

type Hash = [u8; 32];

#[derive(Clone, Copy, Debug)]
struct Entry {
    expires_ms: i64,
    life_ms: i64,
}

/// What one account has cached.
#[derive(Debug, Default)]
pub(crate) struct Cache(HashMap<Hash, Entry>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    FiveMinutes,
    OneHour,
}

impl Life {
    fn of(mark: &Value) -> Self {
        if mark.get("ttl").and_then(Value::as_str) == Some("1h") { Self::OneHour } else { Self::FiveMinutes }
    }

    fn ms(self) -> i64 {
        match self {
            Self::FiveMinutes => 300_000,
            Self::OneHour => 3_600_000,
        }
    }
}

/// The prefix that ends with one block.
struct Prefix {
    hash: Hash,
    /// Tokens up to and with this block.
    tokens: u64,
    mark: Option<Life>,
}

impl Cache {
    /// Reads the longest known prefix, writes those that are marked, and tells both as the vendor's `usage` does.
    pub(crate) fn account_for(&mut self, prompt: &Prompt<'_>, least_tokens: u64, now_ms: i64) -> Usage {
        self.0.retain(|_, entry| entry.expires_ms > now_ms);
        let prefixes = prefixes(prompt);
        let total = prefixes.last().map_or(0, |prefix| prefix.tokens);
        let marks: Vec<usize> = (0..prefixes.len())
            .filter(|at| prefixes.get(*at).is_some_and(|p| p.mark.is_some() && p.tokens >= least_tokens))
            .collect();
        let read = marks.iter().filter_map(|mark| self.longest_before(&prefixes, *mark, now_ms)).max().unwrap_or(0);
        let mut usage = Usage { cache_read_input_tokens: read, ..Usage::default() };
        let mut covered = read;
        for prefix in marks.iter().filter_map(|at| prefixes.get(*at)) {
            let Some(life) = prefix.mark else { continue };
            let fresh = prefix.tokens.saturating_sub(covered);
            match life {
                Life::FiveMinutes => usage.cache_creation.ephemeral_5m_input_tokens += fresh,
                Life::OneHour => usage.cache_creation.ephemeral_1h_input_tokens += fresh,
            }
            covered = covered.max(prefix.tokens);
            self.0.insert(prefix.hash, Entry { expires_ms: now_ms + life.ms(), life_ms: life.ms() });
        }
        while self.0.len() > MOST_ENTRIES {
            let Some(first) = self.0.iter().min_by_key(|(_, entry)| entry.expires_ms).map(|(hash, _)| *hash) else {
                break;
            };
            self.0.remove(&first);
        }
        let Creation { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long } = usage.cache_creation;
        usage.cache_creation_input_tokens = short + long;
        usage.input_tokens = total.saturating_sub(covered);
        usage
    }

    /// Tokens of the longest cached prefix that ends at this mark or at most [`LOOKBACK`] blocks before it. Reading it
    /// prolongs its life.
    fn longest_before(&mut self, prefixes: &[Prefix], mark: usize, now_ms: i64) -> Option<u64> {
        for prefix in prefixes.get(mark.saturating_sub(LOOKBACK)..=mark)?.iter().rev() {
            if let Some(entry) = self.0.get_mut(&prefix.hash) {
                entry.expires_ms = now_ms + entry.life_ms;
                return Some(prefix.tokens);
            }
        }
        None
    }
}

/// The prefixes in caching order. Each hash covers model and all blocks so far; from the first message on also what
/// invalidates cached messages: `tool_choice` and `thinking`.
fn prefixes(prompt: &Prompt<'_>) -> Vec<Prefix> {
    let mut hasher = Sha256::new();
    hasher.update(prompt.model);
    let before_messages = prompt.tools.len() + prompt.system.len();
    let mut tokens = 0;
    let mut all = Vec::new();
    for (at, block) in prompt.blocks().enumerate() {
        if at == before_messages {
            for field in ["tool_choice", "thinking"] {
                hasher.update(prompt.json.get(field).map(Value::to_string).unwrap_or_default());
                hasher.update([0]);
            }
        }
        let content = block.content();
        // The path of a block holds the message it belongs to: the same blocks split otherwise are another prompt.
        hasher.update(block.path.as_bytes());
        hasher.update([0]);
        hasher.update(&content);
        hasher.update([0]);
        tokens += crate::speech::tokens_of(content.len());
        all.push(Prefix { hash: hasher.clone().finalize().into(), tokens, mark: block.cache_control().map(Life::of) });
    }
    let automatic = prompt.json.get("cache_control").filter(|value| !value.is_null());
    if let (Some(mark), Some(last)) = (automatic, all.last_mut()) {
        last.mark.get_or_insert(Life::of(mark));
    }
    all
}
