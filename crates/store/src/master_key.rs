//! The key that seals all credentials: made once, kept in the OS keyring or in a file, never shown.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::keyring;
use crate::whole_file;

const LENGTH: usize = 32;

/// Where a new key is put. It matters only once: afterwards the store knows where its key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySource {
    /// The OS keyring if this build can use one and it answers, else the key file.
    #[default]
    Auto,
    /// The key file, `key` in the configuration directory.
    File,
}

/// Where the key of a store is. Stored beside the secrets, so that a keyring that does not answer is an error and never
/// a reason to make a second key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    File,
    Keyring,
}

impl KeyPlace {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::File, Self::Keyring].into_iter().find(|place| place.as_str() == text)
    }

    /// For messages.
    pub(crate) fn describe(self, file: &Path) -> String {
        match self {
            Self::File => file.display().to_string(),
            Self::Keyring => "the OS keyring".to_owned(),
        }
    }
}

/// 32 random bytes.
pub(crate) struct MasterKey(Zeroizing<[u8; LENGTH]>);

impl MasterKey {
    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// Tells keys apart without telling them: a hash of the key under a name of its own.
    pub(crate) fn fingerprint(&self) -> String {
        let hash = Sha256::new().chain_update(b"remuda master key fingerprint 1").chain_update(self.bytes()).finalize();
        hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn random() -> Result<Self, StoreError> {
        let mut key = Zeroizing::new([0; LENGTH]);
        getrandom::fill(key.as_mut_slice()).map_err(|e| StoreError::Engine(Box::new(e)))?;
        Ok(Self(key))
    }

    /// `None`: these bytes are no key.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|key| Self(Zeroizing::new(key)))
    }
}

/// The key of a store that has secrets already.
pub(crate) fn existing(place: KeyPlace, file: &Path) -> Result<MasterKey, StoreError> {
    let missing = |why: &str| StoreError::KeyMissing { place: place.describe(file), why: why.to_owned() };
    match place {
        KeyPlace::File => read_file(file)?.ok_or_else(|| missing("there is no such file")),
        KeyPlace::Keyring => {
            keyring::read().map_err(|why| missing(&why))?.ok_or_else(|| missing("it has no such entry"))
        }
    }
}

/// The key for a store without secrets: one that is there, else a new one. The caller holds the lock on opening.
pub(crate) fn first(source: KeySource, file: &Path) -> Result<(KeyPlace, MasterKey), StoreError> {
    if source == KeySource::Auto && !file.exists() {
        match keyring::read_or_create() {
            Ok(key) => return Ok((KeyPlace::Keyring, key)),
            Err(why) => tracing::info!(why, "the key of the secrets goes into a file"),
        }
    }
    if let Some(key) = read_file(file)? {
        return Ok((KeyPlace::File, key));
    }
    let key = MasterKey::random()?;
    write_file(file, &key)?;
    Ok((KeyPlace::File, key))
}

fn read_file(path: &Path) -> Result<Option<MasterKey>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::io(path, e)),
    };
    match MasterKey::from_bytes(&bytes) {
        Some(key) => Ok(Some(key)),
        None => Err(StoreError::KeyMissing {
            place: path.display().to_string(),
            why: format!("the file has {} bytes, a key has {LENGTH}", bytes.len()),
        }),
    }
}

fn write_file(path: &Path, key: &MasterKey) -> Result<(), StoreError> {
    let mut file = whole_file::begin(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(key.bytes()).map_err(|e| StoreError::io(path, e))?;
    whole_file::finish(file, path)
}
