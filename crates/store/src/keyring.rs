//! The key in the OS keyring: macOS Keychain, and with the feature `keyring` the Secret Service of a Linux desktop.
//! Errors are words for a person: the caller only chooses another place or refuses.

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use crate::master_key::MasterKey;

const SERVICE: &str = "remuda";
const NAME: &str = "master key";

fn entry() -> Result<Entry, Error> {
    #[cfg(target_os = "macos")]
    let store = apple_native_keyring_store::keychain::Store::new()?;
    #[cfg(not(target_os = "macos"))]
    let store = zbus_secret_service_keyring_store::Store::new()?;
    store.build(SERVICE, NAME, None)
}

/// The key that is there.
pub(crate) fn read() -> Result<Option<MasterKey>, String> {
    match entry().and_then(|entry| entry.get_secret()).map(Zeroizing::new) {
        Ok(bytes) => MasterKey::from_bytes(&bytes).map(Some).ok_or_else(|| "its entry is no key".to_owned()),
        Err(Error::NoEntry) => Ok(None),
        Err(e) => Err(e.to_string()),
    }
}

/// The key that is there, else a new one, read back before it counts.
pub(crate) fn read_or_create() -> Result<MasterKey, String> {
    if let Some(key) = read()? {
        return Ok(key);
    }
    let key = MasterKey::random().map_err(|e| e.to_string())?;
    entry().and_then(|entry| entry.set_secret(key.bytes())).map_err(|e| e.to_string())?;
    match read()? {
        Some(stored) if stored.fingerprint() == key.fingerprint() => Ok(stored),
        _ => Err("the keyring did not keep the key".to_owned()),
    }
}
