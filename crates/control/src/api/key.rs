//! Client keys.

use remuda_gateway::keys::mint;
use remuda_store::{ClientKey, KeyId};
use uuid::Uuid;

use super::stored::Told;
use super::{Api, find};
use crate::types::{Code, Failure};
use crate::types::{Empty, KeyCreate, KeyCreated, KeyRef, KeyRevoked, KeyView, Keys, SentSecret};

/// Bytes of a longer working directory are not worth remembering.
const LONGEST_PROJECT: usize = 1024;
/// Longest name of a key.
const LONGEST_NAME: usize = 200;

impl Api {
    /// All keys that are still good.
    ///
    /// # Errors
    /// The store fails.
    pub async fn keys(&self, _: Empty) -> Result<Keys, Failure> {
        let now = self.now();
        let mut keys = self.good_keys().await?;
        keys.sort_by_key(|key| (key.created_at, key.id));
        Ok(Keys { now, keys: keys.iter().map(|key| self.key_view(key)).collect() })
    }

    /// Makes a key.
    ///
    /// # Errors
    /// The name is none, the pin is unknown, the machine has no randomness, or the store fails.
    pub async fn create_key(&self, create: KeyCreate) -> Result<KeyCreated, Failure> {
        let name = create.name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Failure::invalid("a key needs a name").remedy("say what it is for: --name laptop-pi"));
        }
        let pin = self.herd.look(|herd, _| create.pin.as_deref().map(|text| find::target(herd, text)).transpose())?;
        let (secret, hash, prefix) = mint().map_err(|error| {
            Failure::new(Code::Internal, "no key can be made: the machine has no randomness").why(error.to_string())
        })?;
        let now = self.now();
        let lifetime = create.lifetime_s.map(|s| i64::try_from(s).unwrap_or(i64::MAX));
        let key = ClientKey {
            id: KeyId(Uuid::now_v7()),
            hash,
            prefix,
            purpose: name.to_owned(),
            scope: create.scope,
            host: create.host,
            pin,
            pinned_by_project: create.pinned_by_project,
            project: create.project.filter(|text| !text.is_empty() && text.len() <= LONGEST_PROJECT),
            hold_s: create.hold_s.filter(|seconds| *seconds >= 0),
            expires_at: lifetime.map(|s| now.saturating_add(s)),
            created_at: now,
            last_used_at: None,
        };
        let view = self.key_view(&key);
        self.herd.add_key(key).await.told()?;
        Ok(KeyCreated { key: view, secret: SentSecret(secret) })
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// There is none, or several are meant, or the store fails.
    pub async fn revoke_key(&self, asked: KeyRef) -> Result<KeyRevoked, Failure> {
        let text = asked.key.trim();
        let all = self.good_keys().await?;
        let meant: Vec<&ClientKey> = match all.iter().find(|key| key.id.to_string() == text) {
            Some(exactly) => vec![exactly],
            None => all.iter().filter(|key| key.purpose == text || key.prefix == text).collect(),
        };
        let [key] = meant[..] else {
            let what = if meant.is_empty() { "there is no key" } else { "several keys are called" };
            return Err(
                Failure::new(Code::UnknownKey, format!("{what} {text:?}")).remedy("`remuda key list` shows the ids")
            );
        };
        self.herd.revoke_key(key.id).await.told()?;
        Ok(KeyRevoked { key: self.key_view(key) })
    }

    async fn good_keys(&self) -> Result<Vec<ClientKey>, Failure> {
        let now = self.now();
        let mut keys = self.herd.store().client_keys().await.told()?;
        keys.retain(|key| key.expires_at.is_none_or(|end| end > now));
        Ok(keys)
    }

    fn key_view(&self, key: &ClientKey) -> KeyView {
        KeyView {
            id: key.id.to_string(),
            begins_with: key.prefix.clone(),
            name: key.purpose.clone(),
            scope: key.scope,
            host: key.host,
            pin: self.herd.look(|herd, _| key.pin.as_ref().map(|target| find::written(herd, target))),
            project: key.project.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
        }
    }
}
