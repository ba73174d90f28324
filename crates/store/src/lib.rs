//! Durable state: the [`Store`] trait, its SQLite back end, the secrets envelope, locks and the ledger.
//!
//! Who calls what: the daemon opens one [`Store`] and shares it as `Arc<dyn Store>`. The gateway loads once and then
//! only writes behind ([`Store::apply`], [`Store::append`]); the credentials crate owns [`Store::rotate`] and the
//! refresh state; the control API and the command line own [`Store::edit`] and the rest.

pub mod client_key;
pub mod credential;
mod envelope;
pub mod error;
pub mod fault;
mod file_lock;
pub mod herd;
#[cfg(any(target_os = "macos", feature = "keyring"))]
mod keyring;
#[cfg(not(any(target_os = "macos", feature = "keyring")))]
#[path = "keyring_absent.rs"]
mod keyring;
pub mod ledger;
mod master_key;
pub mod origin;
pub mod permissions;
mod places;
pub mod poll;
pub mod refresh;
pub mod session;
pub mod sqlite;
pub mod store;
mod usage;
mod whole_file;

pub use client_key::{ClientKey, KeyHash, KeyId};
pub use credential::{Credential, OauthPair, StoredCredential};
pub use error::StoreError;
pub use herd::{
    Acknowledgement, AuthHeader, Borrowed, Edit, Endpoint, Halt, Herd, HostGrant, Login, NewAccount, Profile, Removed,
};
pub use ledger::{Cursor, Page, RecordQuery, Retention};
pub use master_key::KeySource;
pub use origin::{Mark, Origin};
pub use places::Places;
pub use poll::PollClaim;
pub use refresh::{Backoff, Condemned, Intent, RefreshEnd, RefreshLock, RefreshState, Rotation, Sentence};
pub use remuda_core::KeyScope;
pub use session::SessionBinding;
pub use sqlite::{SqliteOptions, SqliteStore, quarantine};
pub use store::{Batch, Health, Store};
pub use usage::{UsageGroup, UsageKey, UsageQuery, UsageRetention};
