//! The last body of a conversation at rest: compressed, then sealed with a key that comes with each request and that the
//! relay does not keep.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::code::Code;
use crate::exchange::Standing;
use crate::message::Problem;

const NONCE: usize = 24;
/// Fast, and a conversation shrinks to a quarter with it.
const LEVEL: i32 = 1;

/// A sealed body.
#[derive(Debug)]
pub struct Sealed {
    /// Which body it is.
    pub standing: Standing,
    bytes: Box<[u8]>,
    plain: usize,
}

/// The key of a conversation, for the time of one request.
pub struct Key(XChaCha20Poly1305);

impl Key {
    /// Reads base64url without padding, 32 bytes.
    ///
    /// # Errors
    /// [`Code::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let malformed = || Problem::before(Code::Malformed, "a key that is not 32 bytes in base64url");
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?);
        XChaCha20Poly1305::new_from_slice(&bytes).map(Self).map_err(|_| malformed())
    }

    /// Seals a body.
    ///
    /// # Errors
    /// [`Code::Internal`] without randomness or memory.
    pub fn seal(&self, conversation: &str, standing: Standing, body: &[u8]) -> Result<Sealed, Problem> {
        let internal = |what: &str| Problem::before(Code::Internal, what.to_owned());
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| internal("no randomness"))?;
        let packed =
            Zeroizing::new(zstd::bulk::compress(body, LEVEL).map_err(|_| internal("a body was not compressed"))?);
        let payload = Payload { msg: &packed, aad: &belongs_to(conversation, standing) };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).map_err(|_| internal("a body was not sealed"))?;
        let bytes = [&nonce[..], &sealed].concat().into_boxed_slice();
        Ok(Sealed { standing, bytes, plain: body.len() })
    }

    /// Opens a body. `None`: it was sealed with another key, or for another conversation; it is as if there were none.
    #[must_use]
    pub fn open(&self, conversation: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, bytes) = sealed.bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: bytes, aad: &belongs_to(conversation, sealed.standing) };
        let packed = Zeroizing::new(self.0.decrypt(&XNonce::from(*nonce), payload).ok()?);
        zstd::bulk::decompress(&packed, sealed.plain).ok().map(Zeroizing::new)
    }
}

impl Sealed {
    /// Bytes in memory.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

fn belongs_to(conversation: &str, standing: Standing) -> Vec<u8> {
    format!("remuda relay body 1\n{conversation}\n{}\n{}", standing.revision, standing.hash).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::BodyHash;

    const A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const B: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

    #[test]
    fn a_body_opens_with_its_own_key_in_its_own_conversation_only() {
        let body = b"the secret plan ".repeat(100);
        let standing = Standing { hash: BodyHash::of(&body), revision: 3 };
        let sealed = Key::parse(A).unwrap().seal("one", standing, &body).unwrap();
        assert!(sealed.size() < body.len() / 2, "compressed");
        assert!(!sealed.bytes.windows(6).any(|w| w == b"secret"), "no text at rest");
        assert_eq!(Key::parse(A).unwrap().open("one", &sealed).unwrap().as_slice(), body);
        assert!(Key::parse(B).unwrap().open("one", &sealed).is_none());
        assert!(Key::parse(A).unwrap().open("two", &sealed).is_none());
        let mut harmed = sealed;
        harmed.standing.revision = 4;
        assert!(Key::parse(A).unwrap().open("one", &harmed).is_none());
    }

    #[test]
    fn a_key_has_32_bytes() {
        for text in ["", "AAAA", "not base64!", &A[1..], &format!("{A}A")] {
            assert_eq!(Key::parse(text).err().map(|p| p.code), Some(Code::Malformed), "{text}");
        }
    }
}
