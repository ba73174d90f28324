//! Durable state: the [`Store`] trait, its SQLite back end, the secrets envelope, locks and the ledger.

pub mod credential;

pub use credential::{Credential, StoredCredential};
