//! The real store, with a trace of what the keeper did to it and points at which its process dies.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use remuda_core::poll::PollState;
use remuda_core::record::Record;
use remuda_core::{AccountId, RequestId, UnixSeconds, Vendor};
use remuda_store::{
    Batch, ClientKey, Edit, Health, Herd, KeyId, Login, NewAccount, OauthPair, Origin, Page, PollClaim, RecordQuery,
    RefreshEnd, RefreshLock, RefreshState, Removed, Rotation, SessionBinding, Store, StoreError, StoredCredential,
    UsageGroup, UsageQuery,
};
use secrecy::SecretString;

use super::sim::{KillPoint, Trace};

pub struct Watched<S> {
    pub inner: Arc<S>,
    pub trace: Arc<Trace>,
    pub kill: Arc<KillPoint>,
}

/// Everything else goes to the real store as it is.
macro_rules! watched {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl<S: Store> Store for Watched<S> {
            async fn begin_refresh(&self, id: AccountId, generation: u64, now: UnixSeconds) -> Result<bool, StoreError> {
                self.trace.add("intent");
                self.inner.begin_refresh(id, generation, now).await
            }

            async fn credential(&self, id: AccountId) -> Result<StoredCredential, StoreError> {
                self.trace.add("reread");
                self.inner.credential(id).await
            }

            async fn rotate(&self, id: AccountId, sent: SecretString, new: OauthPair) -> Result<Rotation, StoreError> {
                if self.kill.is("during_persist") {
                    // Handed to the store's thread, and nobody is there any more to hear the answer.
                    let mut handed_over = Box::pin(self.inner.rotate(id, sent.clone(), new.clone()));
                    let _ = tokio::time::timeout(Duration::ZERO, &mut handed_over).await;
                    self.kill.pass("during_persist").await;
                }
                let rotation = self.inner.rotate(id, sent, new).await?;
                self.trace.add("persist");
                self.kill.pass("after_persist").await;
                Ok(rotation)
            }

            async fn refresh_lock(&self, vendor: Vendor, wait: Duration) -> Result<RefreshLock, StoreError> {
                self.trace.add("lock");
                self.inner.refresh_lock(vendor, wait).await
            }

            async fn records_by_prefix(&self, prefix: &str) -> Result<Vec<Record>, StoreError> {
                self.inner.records_by_prefix(prefix).await
            }

            async fn remove_pool(&self, name: &str) -> Result<Removed, StoreError> {
                self.inner.remove_pool(name).await
            }

            async fn close(&self) {
                self.inner.close().await;
            }

            $(async fn $name(&self, $($arg: $type),*) -> $answer {
                self.inner.$name($($arg),*).await
            })*
        }
    };
}

watched! {
    fn load(now: UnixSeconds) -> Result<Herd, StoreError>;
    fn add_account(new: NewAccount, now: UnixSeconds) -> Result<(), StoreError>;
    fn login(id: AccountId, login: Login, now: UnixSeconds) -> Result<u64, StoreError>;
    fn remove_account(id: AccountId) -> Result<Removed, StoreError>;
    fn edit(edits: Vec<Edit>, now: UnixSeconds) -> Result<(), StoreError>;
    fn advance(id: AccountId, newer: StoredCredential) -> Result<Rotation, StoreError>;
    fn refresh_state(id: AccountId) -> Result<RefreshState, StoreError>;
    fn end_refresh(id: AccountId, generation: u64, end: RefreshEnd) -> Result<bool, StoreError>;
    fn claim_poll(id: AccountId, seen: Option<UnixSeconds>, now: UnixSeconds) -> Result<PollClaim, StoreError>;
    fn end_poll(id: AccountId, state: PollState) -> Result<(), StoreError>;
    fn add_client_key(key: ClientKey) -> Result<(), StoreError>;
    fn client_keys() -> Result<Vec<ClientKey>, StoreError>;
    fn revoke_client_key(id: KeyId) -> Result<bool, StoreError>;
    fn prune_client_keys(now: UnixSeconds) -> Result<usize, StoreError>;
    fn sessions(now: UnixSeconds) -> Result<Vec<SessionBinding>, StoreError>;
    fn origins(now: UnixSeconds) -> Result<Vec<Origin>, StoreError>;
    fn forget_sessions() -> Result<usize, StoreError>;
    fn apply(batch: Arc<Batch>, now: UnixSeconds) -> Result<(), StoreError>;
    fn append(records: Arc<[Record]>, now: UnixSeconds) -> Result<(), StoreError>;
    fn record(id: RequestId) -> Result<Option<Record>, StoreError>;
    fn records(query: RecordQuery) -> Result<Page, StoreError>;
    fn usage(query: UsageQuery) -> Result<Vec<UsageGroup>, StoreError>;
    fn check() -> Result<Health, StoreError>;
}
