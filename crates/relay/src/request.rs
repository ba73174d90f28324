//! The content of an exchange record: which request this is, where it goes, and its body or what changed of it.
//!
//! One byte flags (1: the head is deflated, 2: the payload is), four bytes length of the head (big-endian), the head
//! (JSON [`Head`]), the payload (the body, or edits as [`crate::script`] writes them). Head and payload are compressed
//! apart, so that nobody who can put text into a conversation learns anything of a credential from lengths.

use bytes::{Bytes, BytesMut};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::coding::{self, CodingError};
use crate::exchange::{Form, Message};
use crate::hash::BodyHash;
use crate::message::{Pair, Problem, read};
use crate::script;

/// Most bytes of a head, unpacked.
pub const MOST_HEAD: usize = 256 * 1024;
const HEAD_PACKED: u8 = 1;
const PAYLOAD_PACKED: u8 = 2;

/// Everything about a request but its body. Holds the vendor's credential and the conversation's key, so it does not
/// print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// 32 hex digits, never used before.
    pub id: String,
    /// The conversation, as in the header.
    pub conversation: String,
    /// [`crate::message::Welcome::epoch`] as the client knows it.
    pub epoch: String,
    /// When it was sent, by the relay's clock, in milliseconds; in one conversation always later than before.
    pub at_ms: u64,
    /// See [`Message::revision`].
    pub revision: u64,
    /// `sha256:…` of the body that must result.
    pub next: String,
    /// `sha256:…` of the body that the edits refer to; absent: the payload is the whole body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The key that seals what the relay keeps: 32 bytes, base64url without padding.
    pub key: String,
    /// HTTP method.
    pub method: String,
    /// The vendor's URL.
    pub url: String,
    /// Headers for the vendor, the credential among them.
    pub headers: Vec<Pair>,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head").field("id", &self.id).field("revision", &self.revision).finish_non_exhaustive()
    }
}

/// Writes the content of an exchange record. The payload is compressed where that makes it shorter.
#[must_use]
pub fn write(head: &Head, payload: &[u8]) -> Bytes {
    let head = SecretString::from(serde_json::to_string(head).unwrap_or_default());
    let head = head.expose_secret().as_bytes();
    let (packed_head, packed) = (coding::pack(head), coding::pack(payload));
    let flags = if packed_head.is_some() { HEAD_PACKED } else { 0 } | if packed.is_some() { PAYLOAD_PACKED } else { 0 };
    let head = packed_head.as_deref().unwrap_or(head);
    let payload = packed.as_deref().unwrap_or(payload);
    let mut out = BytesMut::with_capacity(5 + head.len() + payload.len());
    out.extend_from_slice(&[flags]);
    out.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(head);
    out.extend_from_slice(payload);
    out.freeze()
}

/// The payload of an exchange, unpacked.
pub struct Payload(Vec<u8>);

/// Reads the content of an exchange record. The payload may unpack to at most `most` bytes.
///
/// # Errors
/// [`Code::Malformed`], [`Code::TooLarge`].
pub fn parse(content: &[u8], most: usize) -> Result<(Head, Payload), Problem> {
    let malformed = |what: &str| Problem::before(Code::Malformed, what.to_owned());
    let ([flags, length @ ..], rest) = content.split_first_chunk::<5>().ok_or_else(|| malformed("no head"))?;
    if flags & !(HEAD_PACKED | PAYLOAD_PACKED) != 0 {
        return Err(malformed("unknown flags"));
    }
    let length = u32::from_be_bytes(*length) as usize;
    let (head, payload) = rest.split_at_checked(length).ok_or_else(|| malformed("a head that is cut off"))?;
    let plain = |packed: bool, bytes: &[u8], most: usize| match packed {
        true => coding::unpack(bytes, most),
        false if bytes.len() > most => Err(CodingError::TooLarge),
        false => Ok(bytes.to_vec()),
    };
    let head = plain(flags & HEAD_PACKED != 0, head, MOST_HEAD).map_err(refused)?;
    let payload = plain(flags & PAYLOAD_PACKED != 0, payload, most).map_err(refused)?;
    let head: Head = read(&head)?;
    if head.id.len() != 32 || !head.id.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
        return Err(malformed("an id that is not 32 hex digits"));
    }
    Ok((head, Payload(payload)))
}

fn refused(error: CodingError) -> Problem {
    let code = match error {
        CodingError::Unreadable => Code::Malformed,
        CodingError::TooLarge => Code::TooLarge,
    };
    Problem::before(code, error.to_string())
}

impl Payload {
    /// As it came.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Runs `with` on the message that the head and this payload make.
    ///
    /// # Errors
    /// [`Code::Malformed`] if they make none; whatever `with` finds.
    pub fn message<T>(&self, head: &Head, with: impl FnOnce(&Message<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let hash =
            |text: &str| text.parse::<BodyHash>().map_err(|error| Problem::before(Code::Malformed, error.to_string()));
        let (revision, next) = (head.revision, hash(&head.next)?);
        match &head.base {
            None => with(&Message { revision, next, form: Form::Full(&self.0) }),
            Some(base) => {
                let ops = script::read(&self.0).map_err(|e| Problem::before(Code::Malformed, e.to_string()))?;
                with(&Message { revision, next, form: Form::Delta { base: hash(base)?, ops: &ops } })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head() -> Head {
        let hash = BodyHash::of(b"next").to_string();
        Head {
            id: "0123456789abcdef0123456789abcdef".to_owned(),
            conversation: "c".to_owned(),
            epoch: "e".to_owned(),
            at_ms: 1,
            revision: 1,
            next: hash,
            base: None,
            key: "k".to_owned(),
            method: "POST".to_owned(),
            url: "https://api.anthropic.com/v1/messages".to_owned(),
            headers: vec![("authorization".to_owned(), "Bearer sk-secret".to_owned())],
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(payload in proptest::collection::vec(any::<u8>(), 0..400), repeat in 1usize..5) {
            let payload = payload.repeat(repeat);
            let content = write(&head(), &payload);
            let (read, rest) = parse(&content, payload.len()).unwrap();
            prop_assert!(read == head());
            prop_assert_eq!(rest.0, payload);
        }

        #[test]
        fn any_content_is_read_or_refused(flags in 0u8..5, bytes in proptest::collection::vec(any::<u8>(), 0..200), length in 0u32..250) {
            let content = [&[flags][..], &length.to_be_bytes(), &bytes].concat();
            prop_assert!(parse(&content, 100).is_err(), "random bytes are no head");
        }

        #[test]
        fn a_content_with_a_flipped_bit_never_makes_it_fail(at in 0usize..400, bit in 0u8..8) {
            let mut content = write(&head(), &b"payload ".repeat(20)).to_vec();
            let at = at % content.len();
            content[at] ^= 1 << bit;
            if let Ok((head, payload)) = parse(&content, 1000) {
                drop(payload.message(&head, |_| Ok(())));
            }
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused_as_too_large() {
        let content = write(&head(), &[b'x'; 5000]);
        assert_eq!(parse(&content, 4999).err().map(|p| p.code), Some(Code::TooLarge));
        assert!(parse(&content, 5000).is_ok());
    }

    #[test]
    fn a_head_does_not_print_its_secrets() {
        assert!(!format!("{:?}", head()).contains("secret"));
    }
}
