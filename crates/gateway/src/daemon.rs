//! Everything that runs while Remuda serves, put together and taken apart in order. The binary and the tests use the
//! same one.

use std::sync::Arc;
use std::time::Duration;

use remuda_core::snapshot::Policy;
use remuda_credentials::{Clock, Exchange, Keeper};
use remuda_store::{Store, StoreError};
use remuda_upstream::Client;
use remuda_vendors::refresh::TokenUrls;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gateway::{Gateway, Settings};
use crate::herd::Herd;
use crate::journal::Journal;
use crate::poller::Poller;

/// How often unused upstream connections are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// Longest wait at the end for refreshes under way; they are finished rather than cut, because a refresh token may be
/// spent already.
const REFRESHES_END_WITHIN: Duration = Duration::from_secs(35);

/// What the surroundings provide.
pub struct Parts {
    /// Durable state.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The way to token endpoints.
    pub exchange: Arc<dyn Exchange>,
    /// Token endpoints other than the vendors' own.
    pub token_urls: TokenUrls,
    /// The way to the vendors.
    pub client: Client,
    /// The numbers of routing.
    pub policy: Policy,
    /// Endpoints and deadline.
    pub settings: Settings,
}

/// The running parts. Listening is the business of [`crate::Server`]: drain it first, then [`Daemon::stop`].
pub struct Daemon {
    /// Live state.
    pub herd: Arc<Herd>,
    /// Tokens.
    pub keeper: Keeper,
    /// Asks vendors what is left.
    pub poller: Arc<Poller>,
    /// The data plane.
    pub gateway: Arc<Gateway>,
    tasks: TaskTracker,
    stop: CancellationToken,
    journal: (Arc<Journal>, TaskTracker, CancellationToken),
}

impl Daemon {
    /// Reads the store and starts the background tasks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn start(parts: Parts) -> Result<Self, StoreError> {
        let Parts { store, clock, exchange, token_urls, client, policy, settings } = parts;
        let journal = Arc::new(Journal::new(Arc::clone(&store), Arc::clone(&clock)));
        let herd = Herd::load(Arc::clone(&store), Arc::clone(&journal), Arc::clone(&clock), policy).await?;
        let herd = Arc::new(herd);
        let keeper = Keeper::new(store, clock, Arc::clone(&exchange), token_urls);
        let (bases, poll) = (settings.bases.clone(), settings.poll);
        let poller = Arc::new(Poller::new(Arc::clone(&herd), keeper.clone(), exchange, bases, poll));
        let gateway = Gateway::new(
            Arc::clone(&herd),
            keeper.clone(),
            Arc::clone(&poller),
            Arc::clone(&journal),
            client.clone(),
            settings,
        );

        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(stop.clone().run_until_cancelled_owned(follow(Arc::clone(&herd), keeper.clone())));
        let timer = keeper.clone();
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move { timer.run_timer(jitter).await }));
        let asking = Arc::clone(&poller);
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move { asking.run().await }));
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                tokio::time::sleep(HOUSEKEEPING).await;
                client.close_expired();
            }
        }));
        let (writer, writing, written) = (Arc::clone(&journal), TaskTracker::new(), CancellationToken::new());
        let until = written.clone();
        writing.spawn(async move { writer.run(until).await });
        Ok(Self { herd, keeper, poller, gateway: Arc::new(gateway), tasks, stop, journal: (journal, writing, written) })
    }

    /// Ends the background tasks: refreshes under way are finished, what waits for the disk is written.
    pub async fn stop(self) {
        self.poller.shutdown().await;
        self.keeper.shutdown(REFRESHES_END_WITHIN).await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let (journal, writing, written) = self.journal;
        written.cancel();
        writing.close();
        writing.wait().await;
        drop(journal);
        self.herd.store().close().await;
    }
}

/// What the keeper finds out about accounts reaches routing.
async fn follow(herd: Arc<Herd>, keeper: Keeper) {
    let mut changes = keeper.status_changes();
    loop {
        match changes.recv().await {
            Ok(change) => {
                tracing::warn!(account = %change.account, status = ?change.status, why = %change.why, "account status");
                herd.status_found(change.account, change.status);
            }
            Err(RecvError::Lagged(_)) => {
                if let Err(error) = herd.refresh_from_store().await {
                    tracing::warn!(%error, "the accounts could not be read again");
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Spreads the regular passes of several daemons: up to ten seconds.
fn jitter() -> Duration {
    let mut random = [0u8; 2];
    match getrandom::fill(&mut random) {
        Ok(()) => Duration::from_millis(u64::from(u16::from_le_bytes(random)) * 10_000 / 65_536),
        Err(_) => Duration::ZERO,
    }
}
