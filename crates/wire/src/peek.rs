//! Finds a few members of a JSON object while its bytes stream by, for routing a request before (or without) holding
//! all of it.

use std::ops::{BitOr, Range};

use crate::members::{Path, Raw, Scan};

/// In the order of the bits of [`Wanted`].
const PATHS: &[Path] = &[
    Path { parent: None, key: "model" },
    Path { parent: None, key: "stream" },
    Path { parent: Some("metadata"), key: "user_id" },
    Path { parent: None, key: "max_tokens" },
    Path { parent: None, key: "prompt_cache_key" },
    Path { parent: None, key: "previous_response_id" },
    Path { parent: None, key: "tools" },
];

/// A set of members to look for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted(u8);

impl Wanted {
    /// Top-level `model`, a string.
    pub const MODEL: Self = Self(1);
    /// Top-level `stream`, a boolean.
    pub const STREAM: Self = Self(2);
    /// `metadata.user_id`, a string.
    pub const USER_ID: Self = Self(4);
    /// Top-level `max_tokens`, a whole number.
    pub const MAX_TOKENS: Self = Self(8);
    /// Top-level `prompt_cache_key`, a string.
    pub const CACHE_KEY: Self = Self(16);
    /// Top-level `previous_response_id`, a string.
    pub const PREVIOUS: Self = Self(32);
    /// Is there a top-level `tools`?
    pub const TOOLS: Self = Self(64);
}

impl BitOr for Wanted {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A string member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The string, escapes resolved.
    pub value: String,
    /// As it stands in the body, quotes included.
    pub raw: Vec<u8>,
    /// Where `raw` stands, counted from the first byte that was fed.
    pub range: Range<u64>,
}

/// What was found. A member that is absent, of another type, or unreadable is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Top-level `model`.
    pub model: Option<Text>,
    /// Top-level `stream`.
    pub stream: Option<bool>,
    /// `metadata.user_id`.
    pub user_id: Option<Text>,
    /// Top-level `max_tokens`.
    pub max_tokens: Option<u64>,
    /// Top-level `prompt_cache_key`.
    pub cache_key: Option<String>,
    /// Top-level `previous_response_id`.
    pub previous: Option<String>,
    /// Is there a top-level `tools`, of whatever type?
    pub tools: bool,
}

/// How a peek stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Feed more.
    More,
    /// Every wanted member has been seen. Feeding may stop; it may also go on, and then a repeated member counts with
    /// its last value, as JSON parsers have it.
    Found,
    /// The object has ended; what was not found is absent.
    Ended,
    /// This is no JSON object; nothing more will be learned, and what was found is not to be trusted.
    Malformed,
}

/// An incremental scan. It holds what was asked for and nothing else of the body; strings longer than 4 KiB are no
/// real value of these members and count as unreadable.
#[derive(Debug)]
pub struct Peek(Scan);

impl Peek {
    /// Looks for `wanted`.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        Self(Scan::new(PATHS, wanted.0))
    }

    /// Takes the next bytes of the body, split anywhere.
    pub fn feed(&mut self, bytes: &[u8]) -> Status {
        self.0.feed(bytes);
        self.status()
    }

    /// How it stands, without more bytes.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.0 {
            scan if scan.malformed() => Status::Malformed,
            scan if scan.complete() => Status::Found,
            scan if scan.ended() => Status::Ended,
            _ => Status::More,
        }
    }

    /// What was found.
    #[must_use]
    pub fn into_facts(self) -> Facts {
        Facts {
            model: self.0.value(0).and_then(text),
            stream: self.0.value(1).and_then(|raw| serde_json::from_slice(&raw.bytes).ok()),
            user_id: self.0.value(2).and_then(text),
            max_tokens: self.0.value(3).and_then(|raw| serde_json::from_slice(&raw.bytes).ok()),
            cache_key: self.0.value(4).and_then(Raw::text),
            previous: self.0.value(5).and_then(Raw::text),
            tools: self.0.seen(6),
        }
    }
}

fn text(raw: &Raw) -> Option<Text> {
    let range = raw.start..raw.start + raw.bytes.len() as u64;
    Some(Text { value: raw.text()?, raw: raw.bytes.clone(), range })
}
