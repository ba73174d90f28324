//! The identity field of Claude Code: `metadata.user_id`, a JSON string that itself holds JSON text
//! `{"device_id":"…","account_uuid":"…","session_id":"…"}` (seen in 2.1.329, November 2026).
//!
//! Where the client states an account, the statement must agree with the credential that serves; where it states
//! none, none is invented.

use std::ops::Range;

use bytes::Bytes;

use crate::members::{Path, Scan};
use crate::peek::Text;
use crate::splice::Edit;

const PATHS: &[Path] = &[Path { parent: None, key: "account_uuid" }, Path { parent: None, key: "session_id" }];

/// A `metadata.user_id` of that form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserId {
    session_id: Option<String>,
    account: Option<Stated>,
    /// Behind the closing quote of the member.
    end: u64,
}

/// An account that the client states.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stated {
    uuid: String,
    /// Its characters in the body.
    range: Range<u64>,
}

impl UserId {
    /// Reads the member found by a peek. `None` if it is not a JSON object in a string.
    #[must_use]
    pub fn read(text: &Text) -> Option<Self> {
        let mut scan = Scan::new(PATHS, 0b11);
        scan.feed(text.value.as_bytes());
        if !scan.ended() {
            return None;
        }
        let not_empty = |text: &String| !text.is_empty();
        let account = scan.value(0).and_then(|raw| {
            let uuid = raw.text().filter(not_empty)?;
            let inner = usize::try_from(raw.start).ok()?;
            // Without its quotes.
            let start = offset_in_raw(&text.raw, inner + 1)?;
            let end = offset_in_raw(&text.raw, inner + raw.bytes.len() - 1)?;
            Some(Stated { uuid, range: text.range.start + start..text.range.start + end })
        });
        let session_id = scan.value(1).and_then(|raw| raw.text().filter(not_empty));
        Some(Self { session_id, account, end: text.range.end })
    }

    /// The conversation, if stated.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// The account the client believes in; `None` if absent or empty.
    #[must_use]
    pub fn account_uuid(&self) -> Option<&str> {
        self.account.as_ref().map(|stated| stated.uuid.as_str())
    }

    /// The edits that make the stated account `uuid` (empty: the credential has none). Empty if the client states no
    /// account, or this one already, or if `uuid` is not made of ASCII letters, digits and hyphens.
    #[must_use]
    pub fn restate(&self, uuid: &str) -> Vec<Edit> {
        let plain = uuid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match &self.account {
            Some(stated) if plain && stated.uuid != uuid => {
                vec![Edit { range: stated.range.clone(), with: Bytes::copy_from_slice(uuid.as_bytes()) }]
            }
            _ => Vec::new(),
        }
    }

    /// Like [`UserId::restate`], but the body keeps its length: what the new value is shorter is filled with spaces
    /// behind the closing quote of `user_id`, where JSON allows them. `None` if the new value is longer than the old.
    #[must_use]
    pub fn restate_same_length(&self, uuid: &str) -> Option<Vec<Edit>> {
        let mut edits = self.restate(uuid);
        let missing = usize::try_from(-crate::splice::growth(&edits)).ok()?;
        if missing > 0 {
            edits.push(Edit { range: self.end..self.end, with: Bytes::from(vec![b' '; missing]) });
        }
        Some(edits)
    }
}

/// Where the byte `inner` of a string's text begins in the string as it stands, quotes and escapes included.
fn offset_in_raw(raw: &[u8], inner: usize) -> Option<u64> {
    let (mut at, mut passed) = (1, 0);
    while passed < inner {
        let (raw_length, length) = match raw.get(at..)? {
            [b'\\', b'u', ..] => {
                let first = unit(raw, at)?;
                match first {
                    0xD800..=0xDBFF => (12, 4),
                    _ => (6, char::from_u32(first)?.len_utf8()),
                }
            }
            [b'\\', _, ..] => (2, 1),
            [_, ..] => (1, 1),
            [] => return None,
        };
        at += raw_length;
        passed += length;
    }
    (passed == inner).then_some(at as u64)
}

/// The number in the `\uXXXX` at `at`.
fn unit(raw: &[u8], at: usize) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(raw.get(at + 2..at + 6)?).ok()?, 16).ok()
}
