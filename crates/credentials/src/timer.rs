//! The regular pass over all accounts: tokens are renewed before a request has to wait, whatever their quota says.
//! Called by the daemon.

use std::time::Duration;

use remuda_core::{AccountId, AccountStatus};
use remuda_store::Herd;

use crate::flight::store_error;
use crate::keeper::Keeper;
use crate::policy::Decision;
use crate::token::TokenError;

/// Pause between two passes, without jitter. A fifth of the time in which a token may be refreshed early.
pub const TICK: Duration = Duration::from_secs(60);

impl Keeper {
    /// Passes over all accounts until [`Keeper::shutdown`]. `jitter` is added to each pause, so that the daemons of a
    /// team do not all come at once.
    pub async fn run_timer(&self, mut jitter: impl FnMut() -> Duration + Send) {
        while !self.inner().closing.is_cancelled() {
            for (account, outcome) in self.refresh_due().await {
                if let Err(error) = outcome {
                    tracing::warn!(%account, %error, "regular refresh");
                }
            }
            tokio::select! {
                () = self.inner().closing.cancelled() => return,
                () = self.inner().clock.sleep(TICK + jitter()) => {}
            }
        }
    }

    /// One pass: reads every account again and refreshes those that are due, one after the other. Exhausted and paused
    /// accounts too, so that they are ready when they are needed; not those that need a login. Returns what went wrong
    /// or was renewed.
    pub async fn refresh_due(&self) -> Vec<(AccountId, Result<(), TokenError>)> {
        let inner = self.inner();
        let herd = match self.read_all().await {
            Ok(herd) => herd,
            Err(error) => {
                tracing::warn!(%error, "the accounts could not be read for refreshing");
                return Vec::new();
            }
        };
        let mut done = Vec::new();
        for facts in herd.snapshot.accounts.values() {
            if matches!(facts.status, AccountStatus::NeedsLogin | AccountStatus::Disabled) {
                continue;
            }
            let Some(entry) = inner.known(facts.id) else { continue };
            if matches!(entry.decide(inner.clock.now()).0, Decision::Refresh | Decision::ServeAndRefresh) {
                done.push((facts.id, inner.take_off_and_land(&entry).await));
            }
        }
        done
    }

    /// Reads all accounts again: at the start, and when the store's revision shows that another process changed
    /// something. One account that cannot be read does not hide the others.
    ///
    /// # Errors
    /// [`TokenError::Store`] if the list of accounts cannot be read.
    pub async fn resync(&self) -> Result<(), TokenError> {
        self.read_all().await.map(|_| ())
    }

    async fn read_all(&self) -> Result<Herd, TokenError> {
        let inner = self.inner();
        let herd = inner.store.load(inner.clock.now()).await.map_err(|e| store_error(&e))?;
        let accounts = &herd.snapshot.accounts;
        inner.keep_only(|account| accounts.contains_key(&account));
        for facts in accounts.values() {
            let read = match inner.known(facts.id) {
                Some(entry) => inner.reread(&entry).await,
                None => inner.make_entry(facts).await.map(|_| ()),
            };
            if let Err(error) = read {
                tracing::warn!(account = %facts.label, %error, "the credential could not be read");
            }
        }
        Ok(herd)
    }
}
