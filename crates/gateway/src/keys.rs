//! Client keys in memory: minting them and recognising them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use remuda_core::UnixSeconds;
use remuda_store::{ClientKey, KeyHash, KeyId};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::headers::{KEY_HEADER, PROJECT_HEADER};

/// How every client key begins.
pub const PREFIX: &str = "rmd_";
/// Characters of a key that tables may show.
const SHOWN: usize = PREFIX.len() + 4;

/// Makes a new key: the text that is shown once, what it hashes to, and its first characters for tables.
///
/// # Errors
/// The operating system has no randomness.
pub fn mint() -> Result<(SecretString, KeyHash, String), getrandom::Error> {
    let mut random = [0u8; 32];
    getrandom::fill(&mut random)?;
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let (hash, shown) = (hash(&text), text[..SHOWN].to_owned());
    Ok((SecretString::from(text), hash, shown))
}

fn hash(text: &str) -> KeyHash {
    KeyHash(Sha256::digest(text.as_bytes()).into())
}

/// A key that was recognised.
#[derive(Clone, Debug)]
pub struct Known {
    /// The key.
    pub key: Arc<ClientKey>,
    /// When its pin was chosen, in the order of all choices; see [`crate::choice`].
    pub chosen: u64,
    used_at: Arc<AtomicI64>,
}

impl Known {
    /// Marks the key as used. True when the last mark is so old that the store should hear of it.
    #[must_use]
    pub fn mark_used(&self, now: UnixSeconds) -> bool {
        const TELL_AFTER_S: i64 = 600;
        let stale = now.saturating_sub(self.used_at.load(Ordering::Relaxed)) >= TELL_AFTER_S;
        if stale {
            self.used_at.store(now, Ordering::Relaxed);
        }
        stale
    }
}

/// All keys that open something. Bounded by the store.
#[derive(Debug, Default)]
pub struct ClientKeys {
    by_hash: HashMap<[u8; 32], Known>,
}

/// Why a request has no way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No header holds a client key.
    #[error("no client key: start the agent with `remuda run`, or make a key with `remuda key create`")]
    Missing,
    /// No such key, or it was revoked.
    #[error(
        "this client key is not known here or was revoked: start the agent with `remuda run`, or see `remuda key list`"
    )]
    Unknown,
    /// It has ended.
    #[error("this client key has expired: start the agent again with `remuda run`")]
    Expired,
}

impl ClientKeys {
    /// Adds a key.
    pub fn insert(&mut self, key: ClientKey, chosen: u64) {
        let used_at = Arc::new(AtomicI64::new(key.last_used_at.unwrap_or_default()));
        self.by_hash.insert(key.hash.0, Known { key: Arc::new(key), chosen, used_at });
    }

    /// Removes a key. True: it was there.
    pub fn remove(&mut self, id: KeyId) -> bool {
        let before = self.by_hash.len();
        self.by_hash.retain(|_, known| known.key.id != id);
        self.by_hash.len() < before
    }

    /// Removes what has expired.
    pub fn prune(&mut self, now: UnixSeconds) {
        self.by_hash.retain(|_, known| known.key.expires_at.is_none_or(|end| end > now));
    }

    /// Recognises the key that a request presents. Any presented key that is good opens; a host may hold a key of its
    /// vendor in one header and ours in another.
    ///
    /// The table is keyed by the hash of 256 random bits, so the time of the look-up tells nothing about a key; the
    /// final comparison takes constant time all the same.
    ///
    /// # Errors
    /// [`Refused`] says what to do.
    pub fn recognise(&self, headers: &HeaderMap, now: UnixSeconds) -> Result<Known, Refused> {
        let mut why = Refused::Missing;
        for text in presented(headers) {
            let hash = hash(text);
            match self.by_hash.get(&hash.0) {
                Some(known) if bool::from(known.key.hash.0.ct_eq(&hash.0)) => {
                    if known.key.expires_at.is_none_or(|end| end > now) {
                        return Ok(known.clone());
                    }
                    why = Refused::Expired;
                }
                _ if why == Refused::Missing => why = Refused::Unknown,
                _ => {}
            }
        }
        Err(why)
    }
}

/// What a request presents, our own header first.
fn presented(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let own = headers.get_all(KEY_HEADER).iter().filter_map(|v| v.to_str().ok());
    let bearer = headers.get_all(AUTHORIZATION).iter().filter_map(|v| v.to_str().ok()).filter_map(|v| {
        let (scheme, text) = v.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(text)
    });
    let key = headers.get_all("x-api-key").iter().filter_map(|v| v.to_str().ok());
    let project = headers.get_all(PROJECT_HEADER).iter().filter_map(|v| v.to_str().ok());
    own.chain(bearer).chain(key).chain(project).map(str::trim).filter(|text| !text.is_empty()).take(8)
}

#[cfg(test)]
mod tests {
    use remuda_core::Host;
    use rstest::rstest;
    use secrecy::ExposeSecret;

    use super::*;

    fn keys(expires_at: Option<UnixSeconds>) -> (ClientKeys, String, KeyId) {
        let (text, hash, prefix) = mint().unwrap();
        let id = KeyId(uuid::Uuid::now_v7());
        let key = ClientKey {
            id,
            hash,
            prefix,
            purpose: "test".to_owned(),
            host: Host::Claude,
            pin: None,
            scope: remuda_store::KeyScope::Agent,
            pinned_by_project: false,
            project: None,
            hold_s: None,
            expires_at,
            created_at: 0,
            last_used_at: None,
        };
        let mut all = ClientKeys::default();
        all.insert(key, 0);
        (all, text.expose_secret().to_owned(), id)
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[rstest]
    #[case("x-remuda-key", "")]
    #[case("authorization", "Bearer ")]
    #[case("authorization", "bearer ")]
    #[case("x-api-key", "")]
    #[case("openai-project", "")]
    fn a_key_opens_in_every_header_that_hosts_use(#[case] name: &'static str, #[case] scheme: &str) {
        let (all, text, id) = keys(None);
        let known = all.recognise(&headers(name, &format!("{scheme}{text}")), 100).unwrap();
        assert_eq!(known.key.id, id);
    }

    #[test]
    fn our_key_beside_the_hosts_own_credential_opens() {
        let (all, text, _) = keys(None);
        let mut both = headers("authorization", "Bearer sk-ant-oat01-own");
        both.insert(KEY_HEADER, text.parse().unwrap());
        assert!(all.recognise(&both, 100).is_ok());
    }

    #[rstest]
    #[case::absent(HeaderMap::new(), Refused::Missing)]
    #[case::empty(headers("authorization", "Bearer "), Refused::Missing)]
    #[case::basic(headers("authorization", "Basic cm1kXw=="), Refused::Missing)]
    #[case::forged(headers("x-api-key", "rmd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Refused::Unknown)]
    #[case::vendor_key(headers("x-api-key", "sk-ant-api03-x"), Refused::Unknown)]
    fn nothing_else_opens(#[case] presented: HeaderMap, #[case] why: Refused) {
        let (all, _, _) = keys(None);
        assert_eq!(all.recognise(&presented, 100).unwrap_err(), why);
    }

    #[test]
    fn a_cut_or_lengthened_key_does_not_open() {
        let (all, text, _) = keys(None);
        for wrong in [&text[..text.len() - 1], &format!("{text}A"), &text.to_uppercase(), PREFIX] {
            assert_eq!(all.recognise(&headers("x-api-key", wrong), 100).unwrap_err(), Refused::Unknown);
        }
    }

    #[test]
    fn a_key_ends_at_its_second_and_a_revoked_one_at_once() {
        let (mut all, text, id) = keys(Some(100));
        let presented = headers("x-api-key", &text);
        assert!(all.recognise(&presented, 99).is_ok());
        assert_eq!(all.recognise(&presented, 100).unwrap_err(), Refused::Expired);
        assert!(all.remove(id));
        assert_eq!(all.recognise(&presented, 99).unwrap_err(), Refused::Unknown);
    }

    #[test]
    fn the_store_hears_of_a_used_key_every_ten_minutes_at_most() {
        let (all, text, _) = keys(None);
        let known = all.recognise(&headers("x-api-key", &text), 10_000).unwrap();
        assert!(known.mark_used(10_000));
        let again = all.recognise(&headers("x-api-key", &text), 10_000).unwrap();
        assert!(!again.mark_used(10_599));
        assert!(again.mark_used(10_600));
    }

    #[test]
    fn two_keys_are_never_the_same() {
        let (a, b) = (mint().unwrap(), mint().unwrap());
        assert_ne!(a.0.expose_secret(), b.0.expose_secret());
        assert_eq!(a.2.len(), SHOWN);
    }
}
