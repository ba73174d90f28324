//! Durable state: the [`Store`] trait, its SQLite back end, the secrets envelope, locks and the ledger.
//!
//! Who calls what: the daemon opens one [`Store`] and shares it as `Arc<dyn Store>`. The gateway loads once and then
//! only writes behind ([`Store::apply`], [`Store::append`]); the credentials crate owns [`Store::rotate`] and the
//! refresh state; the control API and the command line own [`Store::edit`] and the rest.

pub mod client_key;
pub mod credential;
pub mod error;
pub mod fault;
pub mod herd;
pub mod ledger;
pub mod refresh;
pub mod session;
pub mod store;

pub use client_key::{ClientKey, KeyHash, KeyId, KeyScope};
pub use credential::{Credential, OauthPair, StoredCredential};
pub use error::StoreError;
pub use herd::{Acknowledgement, AuthHeader, Edit, Herd, HostGrant, Login, NewAccount, Profile, Removed};
pub use ledger::{Cursor, Page, RecordQuery, Retention};
pub use refresh::{Backoff, Intent, RefreshEnd, RefreshLock, RefreshState, Rotation, Sentence};
pub use session::SessionBinding;
pub use store::{Batch, Health, Store};
