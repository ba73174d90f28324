//! The local back end: two SQLite files, one thread, any number of processes.
//!
//! `remuda.db` holds the herd and is small; `ledger.db` holds decision records and is written all day. Both are in WAL
//! mode. Credentials and commands of the owner are flushed before a call returns (`synchronous=FULL`), the rest is
//! written behind (`NORMAL`).

mod accounts;
mod behind;
mod client_keys;
mod columns;
mod credentials;
mod database;
mod edit;
mod engine;
mod failure;
mod file;
mod load;
mod origins;
mod polls;
mod quarantine;
mod records;
mod remove;
mod usage;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use remuda_core::poll::PollState;
use remuda_core::record::Record;
use remuda_core::{AccountId, RequestId, UnixSeconds, Vendor};
use secrecy::SecretString;

use self::engine::Engine;
pub use self::quarantine::{Quarantined, quarantine};
use self::worker::Worker;
use crate::client_key::{ClientKey, KeyId};
use crate::credential::{OauthPair, StoredCredential};
use crate::error::StoreError;
use crate::file_lock;
use crate::herd::{Edit, Herd, Login, NewAccount, Removed};
use crate::ledger::{Page, RecordQuery, Retention};
use crate::master_key::KeySource;
use crate::origin::Origin;
use crate::permissions::PathMode;
use crate::places::Places;
use crate::poll::PollClaim;
use crate::refresh::{RefreshEnd, RefreshLock, RefreshState, Rotation};
use crate::session::SessionBinding;
use crate::store::{Batch, Health, Store};
use crate::usage::{UsageGroup, UsageQuery};

/// How to open a local store.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// Where its files are.
    pub places: Places,
    /// Where its key is put when it is made.
    pub key_source: KeySource,
    /// How long records stay.
    pub retention: Retention,
}

impl SqliteOptions {
    /// Defaults, in these places.
    #[must_use]
    pub fn new(places: Places) -> Self {
        Self { places, key_source: KeySource::default(), retention: Retention::default() }
    }
}

/// A local store. Dropping it ends it like [`Store::close`].
pub struct SqliteStore {
    worker: Worker,
    places: Places,
}

impl SqliteStore {
    /// Opens the store, and makes it if it is not there. Checks the files, corrects modes, brings the schema up to date
    /// after a backup, and finds the key.
    ///
    /// # Errors
    /// Refuses, leaving everything as it is, what is damaged, newer, read-only or sealed with another key.
    pub async fn open(options: SqliteOptions, now: UnixSeconds) -> Result<Self, StoreError> {
        let places = options.places.clone();
        let worker = Worker::start(move || Engine::open(&options, now)).await?;
        Ok(Self { worker, places })
    }

    /// Modes that were not right when the store was opened, and what was done about each. How it is now:
    /// [`crate::permissions::check`].
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn permissions(&self) -> Result<Vec<PathMode>, StoreError> {
        self.worker.call(|engine| Ok(engine.modes.clone())).await
    }
}

/// For tests of those who use a store.
#[cfg(feature = "fault-points")]
impl SqliteStore {
    /// The next `times` writes of a credential fail as on a full disk.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn fail_persists(&self, times: u32) -> Result<(), StoreError> {
        self.worker
            .call(move |engine| {
                engine.failing_persists = times;
                Ok(())
            })
            .await
    }

    /// The file with the accounts may not grow beyond this many pages of 4096 bytes.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.worker.call(move |engine| engine.herd.limit_pages(pages)).await
    }

    /// Puts exactly this credential there, an older generation too: as if an old backup had been restored.
    ///
    /// # Errors
    /// As [`Store::advance`].
    pub async fn plant_credential(&self, id: AccountId, credential: StoredCredential) -> Result<(), StoreError> {
        self.worker.call(move |engine| credentials::plant(engine, id, &credential)).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("places", &self.places).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, now: UnixSeconds) -> Result<Herd, StoreError> {
        self.worker.call(move |engine| load::herd(engine, now)).await
    }

    async fn add_account(&self, new: NewAccount, now: UnixSeconds) -> Result<(), StoreError> {
        self.worker.call(move |engine| accounts::add(engine, &new, now)).await
    }

    async fn login(&self, id: AccountId, login: Login, now: UnixSeconds) -> Result<u64, StoreError> {
        self.worker.call(move |engine| accounts::login(engine, id, &login, now)).await
    }

    async fn remove_account(&self, id: AccountId) -> Result<Removed, StoreError> {
        self.worker.call(move |engine| engine.herd.durable(|tx| remove::account(tx, id))).await
    }

    async fn remove_pool(&self, name: &str) -> Result<Removed, StoreError> {
        let name = name.to_owned();
        self.worker.call(move |engine| engine.herd.durable(|tx| remove::pool(tx, &name))).await
    }

    async fn edit(&self, edits: Vec<Edit>, now: UnixSeconds) -> Result<(), StoreError> {
        self.worker.call(move |engine| engine.herd.durable(|tx| edit::all(tx, &edits, now))).await
    }

    async fn credential(&self, id: AccountId) -> Result<StoredCredential, StoreError> {
        self.worker.call(move |engine| credentials::read(engine, id)).await
    }

    async fn rotate(&self, id: AccountId, sent: SecretString, new: OauthPair) -> Result<Rotation, StoreError> {
        self.worker.call(move |engine| credentials::rotate(engine, id, &sent, new)).await
    }

    async fn advance(&self, id: AccountId, newer: StoredCredential) -> Result<Rotation, StoreError> {
        self.worker.call(move |engine| credentials::advance(engine, id, &newer)).await
    }

    async fn refresh_state(&self, id: AccountId) -> Result<RefreshState, StoreError> {
        self.worker.call(move |engine| engine.herd.read(|tx| credentials::refresh_state(tx, id))).await
    }

    async fn begin_refresh(&self, id: AccountId, generation: u64, now: UnixSeconds) -> Result<bool, StoreError> {
        self.worker.call(move |engine| engine.herd.durable(|tx| credentials::begin(tx, id, generation, now))).await
    }

    async fn end_refresh(&self, id: AccountId, generation: u64, end: RefreshEnd) -> Result<bool, StoreError> {
        self.worker.call(move |engine| engine.herd.durable(|tx| credentials::end(tx, id, generation, &end))).await
    }

    async fn refresh_lock(&self, vendor: Vendor, wait: Duration) -> Result<RefreshLock, StoreError> {
        let path = self.places.locks().join(format!("refresh-{vendor}.lock"));
        let what = format!("the refresh of {vendor} logins");
        tokio::task::spawn_blocking(move || file_lock::acquire(&path, wait, &what).map(RefreshLock::new))
            .await
            .map_err(|e| StoreError::Engine(Box::new(e)))?
    }

    async fn claim_poll(
        &self,
        id: AccountId,
        seen: Option<UnixSeconds>,
        now: UnixSeconds,
    ) -> Result<PollClaim, StoreError> {
        self.worker.call(move |engine| engine.herd.relaxed(|tx| polls::claim(tx, id, seen, now))).await
    }

    async fn end_poll(&self, id: AccountId, state: PollState) -> Result<(), StoreError> {
        self.worker.call(move |engine| engine.herd.relaxed(|tx| polls::end(tx, id, &state))).await
    }

    async fn add_client_key(&self, key: ClientKey) -> Result<(), StoreError> {
        self.worker.call(move |engine| engine.herd.durable(|tx| client_keys::add(tx, &key))).await
    }

    async fn client_keys(&self) -> Result<Vec<ClientKey>, StoreError> {
        self.worker.call(|engine| engine.herd.read(client_keys::all)).await
    }

    async fn revoke_client_key(&self, id: KeyId) -> Result<bool, StoreError> {
        self.worker.call(move |engine| engine.herd.durable(|tx| client_keys::revoke(tx, id))).await
    }

    async fn prune_client_keys(&self, now: UnixSeconds) -> Result<usize, StoreError> {
        self.worker.call(move |engine| engine.herd.durable(|tx| client_keys::prune(tx, now))).await
    }

    async fn sessions(&self, now: UnixSeconds) -> Result<Vec<SessionBinding>, StoreError> {
        self.worker.call(move |engine| engine.herd.read(|tx| behind::sessions(tx, now))).await
    }

    async fn origins(&self, now: UnixSeconds) -> Result<Vec<Origin>, StoreError> {
        self.worker.call(move |engine| engine.herd.read(|tx| origins::read(tx, now))).await
    }

    async fn forget_sessions(&self) -> Result<usize, StoreError> {
        self.worker.call(|engine| engine.herd.durable(|tx| Ok(tx.execute("DELETE FROM session", [])?))).await
    }

    async fn apply(&self, batch: Arc<Batch>, now: UnixSeconds) -> Result<(), StoreError> {
        self.worker.call(move |engine| engine.herd.relaxed(|tx| behind::apply(tx, &batch, now))).await
    }

    async fn append(&self, records: Arc<[Record]>, now: UnixSeconds) -> Result<(), StoreError> {
        self.worker.call(move |engine| records::append(engine, &records, now)).await
    }

    async fn record(&self, id: RequestId) -> Result<Option<Record>, StoreError> {
        self.worker.call(move |engine| engine.ledger.read(|tx| records::one(tx, id))).await
    }

    async fn records_by_prefix(&self, prefix: &str) -> Result<Vec<Record>, StoreError> {
        let prefix = prefix.to_owned();
        self.worker.call(move |engine| engine.ledger.read(|tx| records::by_prefix(tx, &prefix))).await
    }

    async fn records(&self, query: RecordQuery) -> Result<Page, StoreError> {
        self.worker.call(move |engine| engine.ledger.read(|tx| records::page(tx, &query))).await
    }

    async fn usage(&self, query: UsageQuery) -> Result<Vec<UsageGroup>, StoreError> {
        self.worker.call(move |engine| engine.ledger.read(|tx| usage::sums(tx, &query))).await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        self.worker.call(credentials::check).await
    }

    async fn close(&self) {
        self.worker.close().await;
    }
}
