//! Secrets at rest: XChaCha20-Poly1305, bound to account and generation, so that a sealed secret moved to another row
//! or put back from an older one does not open.

use std::io;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use remuda_core::{AccountId, UnixSeconds};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credential::{Credential, OauthPair};
use crate::error::StoreError;
use crate::master_key::MasterKey;

/// First byte of the envelope: its form. After it 24 bytes of nonce, then the ciphertext with its tag.
const FORM: u8 = 1;
const NONCE: usize = 24;
const CONTEXT: &[u8] = b"remuda credential 1";

/// Seals and opens with one key.
pub(crate) struct Vault {
    key: MasterKey,
}

/// It does not open: damaged, moved, or sealed with another key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Vault {
    pub(crate) fn new(key: MasterKey) -> Self {
        Self { key }
    }

    /// The envelope of a credential. Two envelopes of one secret are never equal.
    pub(crate) fn seal(
        &self,
        account: AccountId,
        generation: u64,
        credential: &Credential,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = encode(credential).map_err(|e| StoreError::Engine(Box::new(e)))?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|e| StoreError::Engine(Box::new(e)))?;
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: &belongs_to(account, generation) })
            .map_err(|_| StoreError::Engine("a credential could not be encrypted".into()))?;
        let mut envelope = Vec::with_capacity(1 + NONCE + sealed.len());
        envelope.push(FORM);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed);
        Ok(envelope)
    }

    /// The credential of an envelope that was sealed for exactly this account and generation.
    pub(crate) fn open(&self, account: AccountId, generation: u64, envelope: &[u8]) -> Result<Credential, Unreadable> {
        let (form, rest) = envelope.split_first().ok_or(Unreadable)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or(Unreadable)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| Unreadable)?;
        if *form != FORM {
            return Err(Unreadable);
        }
        let plain = self
            .cipher()
            .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: &belongs_to(account, generation) })
            .map(Zeroizing::new)
            .map_err(|_| Unreadable)?;
        serde_json::from_slice::<Opened>(&plain).map(Credential::from).map_err(|_| Unreadable)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.bytes().into())
    }
}

fn belongs_to(account: AccountId, generation: u64) -> Vec<u8> {
    [CONTEXT, account.0.as_bytes(), &generation.to_be_bytes()].concat()
}

/// Written twice, the first time only to learn the length: a buffer that grows would leave pieces of the secret in
/// freed memory.
fn encode(credential: &Credential) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let form = Sealed::from(credential);
    let mut length = Length(0);
    serde_json::to_writer(&mut length, &form)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *plain, &form)?;
    Ok(plain)
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The plain form inside the envelope. Fields are only ever added.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Sealed<'a> {
    Oauth {
        access: &'a str,
        refresh: &'a str,
        expires_at: UnixSeconds,
        last_refresh_at: Option<UnixSeconds>,
        earliest_refresh_at: Option<UnixSeconds>,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
    },
    Static {
        token: &'a str,
    },
    Key {
        key: &'a str,
    },
    Borrowed {
        access: &'a str,
        expires_at: Option<UnixSeconds>,
        source: &'a str,
    },
}

impl<'a> From<&'a Credential> for Sealed<'a> {
    fn from(credential: &'a Credential) -> Self {
        match credential {
            Credential::Oauth(pair) => Self::Oauth {
                access: pair.access.expose_secret(),
                refresh: pair.refresh.expose_secret(),
                expires_at: pair.expires_at,
                last_refresh_at: pair.last_refresh_at,
                earliest_refresh_at: pair.earliest_refresh_at,
                client_id: pair.client_id.as_deref(),
            },
            Credential::Static { token } => Self::Static { token: token.expose_secret() },
            Credential::Key { key } => Self::Key { key: key.expose_secret() },
            Credential::Borrowed { access, expires_at, source } => {
                Self::Borrowed { access: access.expose_secret(), expires_at: *expires_at, source }
            }
        }
    }
}

/// The same on the way out.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Opened {
    Oauth {
        access: SecretString,
        refresh: SecretString,
        expires_at: UnixSeconds,
        last_refresh_at: Option<UnixSeconds>,
        earliest_refresh_at: Option<UnixSeconds>,
        client_id: Option<String>,
    },
    Static {
        token: SecretString,
    },
    Key {
        key: SecretString,
    },
    Borrowed {
        access: SecretString,
        expires_at: Option<UnixSeconds>,
        source: String,
    },
}

impl From<Opened> for Credential {
    fn from(opened: Opened) -> Self {
        match opened {
            Opened::Oauth { access, refresh, expires_at, last_refresh_at, earliest_refresh_at, client_id } => {
                Self::Oauth(OauthPair { access, refresh, expires_at, last_refresh_at, earliest_refresh_at, client_id })
            }
            Opened::Static { token } => Self::Static { token },
            Opened::Key { key } => Self::Key { key },
            Opened::Borrowed { access, expires_at, source } => Self::Borrowed { access, expires_at, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::new(MasterKey::from_bytes(&[byte; 32]).unwrap())
    }

    fn account(n: u128) -> AccountId {
        AccountId(Uuid::from_u128(n))
    }

    fn key(text: &str) -> Credential {
        Credential::Key { key: SecretString::from(text) }
    }

    fn told(credential: &Credential) -> String {
        match Sealed::from(credential) {
            Sealed::Oauth { access, refresh, expires_at, last_refresh_at, earliest_refresh_at, client_id } => {
                format!("{access:?} {refresh:?} {expires_at} {last_refresh_at:?} {earliest_refresh_at:?} {client_id:?}")
            }
            Sealed::Static { token } => format!("static {token:?}"),
            Sealed::Key { key } => format!("key {key:?}"),
            Sealed::Borrowed { access, expires_at, source } => format!("{access:?} {expires_at:?} {source:?}"),
        }
    }

    fn credentials() -> impl Strategy<Value = Credential> {
        let text = || any::<String>().prop_map(SecretString::from);
        prop_oneof![
            (text(), text(), any::<i64>(), any::<Option<i64>>(), any::<Option<i64>>(), any::<Option<String>>())
                .prop_map(|(access, refresh, expires_at, last_refresh_at, earliest_refresh_at, client_id)| {
                    Credential::Oauth(OauthPair {
                        access,
                        refresh,
                        expires_at,
                        last_refresh_at,
                        earliest_refresh_at,
                        client_id,
                    })
                }),
            text().prop_map(|token| Credential::Static { token }),
            text().prop_map(|key| Credential::Key { key }),
            (text(), any::<Option<i64>>(), any::<String>())
                .prop_map(|(access, expires_at, source)| Credential::Borrowed { access, expires_at, source }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_as_it_was(credential in credentials(), n: u128, generation: u64) {
            let sealed = vault(1).seal(account(n), generation, &credential).unwrap();
            let opened = vault(1).open(account(n), generation, &sealed).unwrap();
            prop_assert_eq!(told(&opened), told(&credential));
        }

        #[test]
        fn a_changed_envelope_does_not_open(at: prop::sample::Index, bit in 0..8_u32) {
            let mut sealed = vault(1).seal(account(1), 1, &key("secret")).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert_eq!(vault(1).open(account(1), 1, &sealed).err(), Some(Unreadable));
        }

        #[test]
        fn a_shortened_envelope_does_not_open(at: prop::sample::Index) {
            let sealed = vault(1).seal(account(1), 1, &key("secret")).unwrap();
            let shortened = &sealed[..at.index(sealed.len())];
            prop_assert_eq!(vault(1).open(account(1), 1, shortened).err(), Some(Unreadable));
        }
    }

    #[test]
    fn an_envelope_opens_only_with_its_key_for_its_account_and_generation() {
        let sealed = vault(1).seal(account(1), 1, &key("secret")).unwrap();
        assert!(vault(1).open(account(1), 1, &sealed).is_ok());
        for (vault, account, generation) in
            [(vault(2), account(1), 1), (vault(1), account(2), 1), (vault(1), account(1), 2)]
        {
            assert_eq!(vault.open(account, generation, &sealed).err(), Some(Unreadable));
        }
    }

    #[test]
    fn two_envelopes_of_one_secret_differ() {
        let seal = || vault(1).seal(account(1), 1, &key("secret")).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_field_of_a_newer_remuda_does_not_hide_the_secret() {
        let plain = br#"{"key":{"key":"secret","rotates_at":7}}"#;
        let opened: Credential = serde_json::from_slice::<Opened>(plain).unwrap().into();
        assert_eq!(told(&opened), told(&key("secret")));
    }
}
