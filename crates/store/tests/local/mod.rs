//! A local store in a directory of its own, and looks at its bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use remuda_core::{Account, AccountId, CostClass, CredentialKind, Label, UnixSeconds, Vendor};
use remuda_store::{
    Credential, KeySource, NewAccount, OauthPair, Places, Profile, SqliteOptions, SqliteStore, StoreError,
};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const NOW: UnixSeconds = 1_795_168_800;
pub(crate) const ID: AccountId = AccountId(Uuid::from_u128(1));

pub(crate) fn places(directory: &TempDir) -> Places {
    Places { state: directory.path().join("state"), config: directory.path().join("config") }
}

pub(crate) async fn open(places: &Places) -> Result<SqliteStore, StoreError> {
    let options = SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(places.clone()) };
    SqliteStore::open(options, NOW).await
}

pub(crate) fn pair(n: u32) -> OauthPair {
    OauthPair {
        access: SecretString::from(format!("at{n}")),
        refresh: SecretString::from(format!("rt{n}")),
        expires_at: NOW,
        last_refresh_at: None,
        earliest_refresh_at: None,
        client_id: None,
    }
}

pub(crate) fn account(id: AccountId, label: &str, credential: Credential) -> NewAccount {
    let label = Label::new(label).unwrap();
    let account = Account::new(id, label, Vendor::Anthropic, CredentialKind::Subscription, CostClass::Included);
    NewAccount { account, profile: Profile::default(), credential }
}

/// `at2 rt2 generation 2`.
pub(crate) async fn stored(store: &dyn remuda_store::Store) -> String {
    let stored = store.credential(ID).await.unwrap();
    let Credential::Oauth(pair) = stored.credential else { panic!("no pair") };
    format!("{} {} generation {}", pair.access.expose_secret(), pair.refresh.expose_secret(), stored.generation)
}

/// Every file below a directory with its bytes.
pub(crate) fn bytes_below(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}
