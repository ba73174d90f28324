//! Where ids, tokens and signatures come from: one secret and a counter, so that a seeded vendor repeats itself.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// See the module.
pub(crate) struct Mint {
    secret: [u8; 32],
    count: AtomicU64,
}

impl Mint {
    /// `None` draws the secret from the system.
    pub(crate) fn new(seed: Option<u64>) -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        match seed {
            Some(seed) => secret[..8].copy_from_slice(&seed.to_le_bytes()),
            None => getrandom::fill(&mut secret)?,
        }
        Ok(Self { secret, count: AtomicU64::new(0) })
    }

    /// A hash that only this vendor can make. Parts are length-prefixed, so that they cannot run into each other.
    fn hash(&self, parts: &[&str]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.secret);
        for part in parts {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }

    fn next(&self, what: &str) -> [u8; 32] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        self.hash(&["next", what, &count.to_string()])
    }

    /// A new secret of this prefix, such as `sk-ant-oat01-`: as long as the vendor's, in base64url.
    pub(crate) fn secret(&self, prefix: &str) -> String {
        let (a, b) = (self.next(prefix), self.next(prefix));
        format!("{prefix}{}{}-AA", URL_SAFE_NO_PAD.encode(a), URL_SAFE_NO_PAD.encode(b))
    }

    /// A new id of this prefix, such as `req_` or `toolu_`: `01` and 22 letters and digits.
    pub(crate) fn id(&self, prefix: &str) -> String {
        const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        let hash = self.next(prefix);
        let tail: String = hash.iter().take(22).map(|byte| char::from(ALPHABET[usize::from(*byte) % 58])).collect();
        format!("{prefix}01{tail}")
    }

    /// The UUID that belongs to this text.
    pub(crate) fn uuid(&self, domain: &str, text: &str) -> String {
        let mut hash = self.hash(&["uuid", domain, text]);
        hash[6] = (hash[6] & 0x0f) | 0x40; // version 4
        hash[8] = (hash[8] & 0x3f) | 0x80; // RFC 9562 variant
        let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// A signature over these parts, fresh each time: nonce and MAC. As the vendor's, opaque base64.
    pub(crate) fn sign(&self, parts: &[&str]) -> String {
        let nonce = self.next("signature");
        let mut bytes = nonce.to_vec();
        bytes.extend(self.mac(&nonce, parts));
        STANDARD.encode(bytes)
    }

    /// Has it the form of a signature, whoever made it over what?
    pub(crate) fn looks_signed(signature: &str) -> bool {
        STANDARD.decode(signature).is_ok_and(|bytes| bytes.len() == 64)
    }

    /// Was this signature made by [`Mint::sign`] over these parts?
    pub(crate) fn verify(&self, signature: &str, parts: &[&str]) -> bool {
        let Ok(bytes) = STANDARD.decode(signature) else { return false };
        let Some((nonce, mac)) = bytes.split_first_chunk::<32>() else { return false };
        mac == self.mac(nonce, parts)
    }

    fn mac(&self, nonce: &[u8; 32], parts: &[&str]) -> [u8; 32] {
        let nonce = STANDARD.encode(nonce);
        let mut all = vec!["mac", nonce.as_str()];
        all.extend(parts);
        self.hash(&all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_parts_only() {
        let mint = Mint::new(Some(1)).unwrap();
        let signature = mint.sign(&["account", "model", "text"]);
        assert!(mint.verify(&signature, &["account", "model", "text"]));
        for other in [["b", "model", "text"], ["account", "b", "text"], ["account", "modeltext", ""]] {
            assert!(!mint.verify(&signature, &other), "{other:?}");
        }
        assert!(!mint.verify(&signature[..signature.len() - 4], &["account", "model", "text"]));
        assert!(!mint.verify("not base64!", &["account", "model", "text"]));
    }

    #[test]
    fn a_seed_repeats_everything_and_no_seed_repeats_nothing() {
        let (a, b) = (Mint::new(Some(7)).unwrap(), Mint::new(Some(7)).unwrap());
        assert_eq!(a.secret("sk-ant-oat01-"), b.secret("sk-ant-oat01-"));
        assert_ne!(a.secret("sk-ant-oat01-"), b.id("req_"));
        assert_ne!(Mint::new(None).unwrap().id("req_"), Mint::new(None).unwrap().id("req_"));
    }
}
