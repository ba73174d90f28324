//! Write-behind: what requests have learned is collected here and written to the store by one background task, so that
//! no request ever waits for the disk.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use remuda_core::record::Record;
use remuda_core::route::StateChange;
use remuda_core::{AccountId, Reading, SessionKey, UnixSeconds, Window};
use remuda_credentials::Clock;
use remuda_store::{Batch, KeyId, Origin, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Pause between two writes: what arrives meanwhile is written together.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest pause while the store refuses to be written.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Most decision records that wait for the disk; beyond it the oldest are dropped and counted.
const MOST_RECORDS: usize = 4_096;
/// Most findings that wait for the disk. They are small and rare; the bound is for a disk that stays full.
const MOST_CHANGES: usize = 100_000;

/// Collects what must be written. Shared by all requests.
pub struct Journal {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    pending: Mutex<Pending>,
    more: Notify,
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Pending {
    batch: Batch,
    records: Vec<Record>,
    dropped: u64,
}

impl Journal {
    /// A journal that writes to this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            pending: Mutex::new(Pending::default()),
            more: Notify::new(),
            writing: tokio::sync::Mutex::new(()),
        }
    }

    /// Findings of routing.
    pub fn changes(&self, changes: &[StateChange]) {
        if !changes.is_empty() {
            self.add(|p| p.batch.changes.extend_from_slice(changes));
        }
    }

    /// Quota readings of one account.
    pub fn readings(&self, account: AccountId, readings: &[(Window, Reading)]) {
        self.add(|p| {
            for (window, reading) in readings {
                let newest = (account, window.clone(), reading.clone());
                match p.batch.readings.iter_mut().find(|(a, w, _)| *a == account && w == window) {
                    Some(old) => *old = newest,
                    None => p.batch.readings.push(newest),
                }
            }
        });
    }

    /// A conversation was seen.
    pub fn touched(&self, session: SessionKey, now: UnixSeconds) {
        self.add(|p| p.batch.touched.push((session, now)));
    }

    /// A client key was used.
    pub fn key_used(&self, key: KeyId, now: UnixSeconds) {
        self.add(|p| p.batch.keys_used.push((key, now)));
    }

    /// Money was spent.
    pub fn spent(&self, account: AccountId, now: UnixSeconds, usd: f64) {
        self.add(|p| p.batch.spent.push((account, now, usd)));
    }

    /// An account gave out something that only it can read again.
    pub fn origins(&self, origins: impl IntoIterator<Item = Origin>) {
        self.add(|p| p.batch.origins.extend(origins));
    }

    /// A request has ended.
    pub fn record(&self, record: Record) {
        self.add(|p| {
            if p.records.len() >= MOST_RECORDS {
                p.records.drain(..MOST_RECORDS / 4);
                p.dropped += MOST_RECORDS as u64 / 4;
            }
            p.records.push(record);
        });
    }

    /// Writes everything that waits. Returns when it is handed to the disk; false: findings could not be written and
    /// wait on.
    pub async fn flush(&self) -> bool {
        let _one_at_a_time = self.writing.lock().await;
        let (batch, records, dropped) = {
            let mut pending = self.pending.lock();
            let Pending { batch, records, dropped } = std::mem::take(&mut *pending);
            (batch, records, dropped)
        };
        if dropped > 0 {
            tracing::debug!(dropped, "decision records came faster than the disk takes them; the oldest were dropped");
        }
        let now = self.clock.now();
        if !records.is_empty()
            && let Err(error) = self.store.append(records.into(), now).await
        {
            tracing::warn!(%error, "decision records could not be stored");
        }
        if !batch.is_empty() {
            let batch = Arc::new(batch);
            if let Err(error) = self.store.apply(Arc::clone(&batch), now).await {
                tracing::warn!(%error, "findings could not be stored and are kept in memory");
                self.put_back(batch);
                return false;
            }
        }
        true
    }

    /// Writes until `stop`, and once more then.
    pub async fn run(&self, stop: CancellationToken) {
        let mut pause = PAUSE;
        while stop.run_until_cancelled(self.more.notified()).await.is_some() {
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
            pause = if self.flush().await { PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        }
        self.flush().await;
    }

    fn add(&self, put: impl FnOnce(&mut Pending)) {
        put(&mut self.pending.lock());
        self.more.notify_one();
    }

    /// What could not be written goes before what came meanwhile.
    fn put_back(&self, batch: Arc<Batch>) {
        let mut old = Arc::unwrap_or_clone(batch);
        let mut pending = self.pending.lock();
        let newer = std::mem::take(&mut pending.batch);
        old.changes.extend(newer.changes);
        for newest in newer.readings {
            match old.readings.iter_mut().find(|(a, w, _)| *a == newest.0 && *w == newest.1) {
                Some(known) => *known = newest,
                None => old.readings.push(newest),
            }
        }
        old.touched.extend(newer.touched);
        old.keys_used.extend(newer.keys_used);
        old.spent.extend(newer.spent);
        old.origins.extend(newer.origins);
        bound(&mut old.changes);
        bound(&mut old.touched);
        bound(&mut old.keys_used);
        bound(&mut old.spent);
        bound(&mut old.origins);
        pending.batch = old;
        drop(pending);
        self.more.notify_one();
    }
}

fn bound<T>(list: &mut Vec<T>) {
    if list.len() > MOST_CHANGES {
        list.drain(..list.len() - MOST_CHANGES);
    }
}
