//! The live refresh discipline: what the gateway calls. See [`Keeper`].
//!
//! Decisions are made by `policy`, memory is kept by `entry`, a refresh is carried out by `flight`, the regular pass
//! is in `timer`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use remuda_core::route::Refreshed;
use remuda_core::{AccountId, AccountStatus, UnixSeconds};
use remuda_store::{RefreshEnd, Sentence, Store};
use remuda_vendors::refresh::TokenUrls;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::entry::{Entry, Landing, status};
use crate::exchange::Exchange;
use crate::flight::{fly, store_error};
use crate::policy::Decision;
use crate::token::{Token, TokenError};

/// Longest wait of one caller for a good token. A refresh that takes longer goes on.
const PATIENCE: Duration = Duration::from_secs(90);

/// More status changes than this that a receiver has not fetched make it lag.
const CHANGES: usize = 256;

/// A verdict on a credential, or a login, changed what the account can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Whose.
    pub account: AccountId,
    /// What it is now.
    pub status: AccountStatus,
    /// Why, in words for a person.
    pub why: String,
}

/// What stands in the way of refreshing an account.
#[derive(Clone, Debug)]
pub struct RefreshTrouble {
    /// A refresh is wanted and may not be sent before this second.
    pub retry_at: Option<UnixSeconds>,
    /// How the last try of this process failed.
    pub failure: Option<TokenError>,
}

/// Holds the tokens of all accounts, keeps them fresh, and is the only one who sends refresh tokens.
///
/// One exchange per token generation in this process and across processes; exchanges of one vendor never overlap; a new
/// pair is durable before anybody gets it; an exchange once begun is finished even when nobody waits for it any more.
///
/// A clone is another handle on the same keeper. Calls need a tokio runtime.
#[derive(Clone)]
pub struct Keeper {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) exchange: Arc<dyn Exchange>,
    pub(crate) token_urls: TokenUrls,
    /// At most as many as the store has accounts.
    entries: RwLock<HashMap<AccountId, Arc<Entry>>>,
    flights: TaskTracker,
    pub(crate) closing: CancellationToken,
    changes: broadcast::Sender<StatusChange>,
}

impl Keeper {
    /// A keeper that knows nothing yet; [`Keeper::resync`] fills its memory, and so does every call.
    ///
    /// `token_urls` replaces vendors' own token endpoints (the vendor in miniature, tests).
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        exchange: Arc<dyn Exchange>,
        token_urls: impl Into<TokenUrls>,
    ) -> Self {
        let inner = Inner {
            store,
            clock,
            exchange,
            token_urls: token_urls.into(),
            entries: RwLock::default(),
            flights: TaskTracker::new(),
            closing: CancellationToken::new(),
            changes: broadcast::Sender::new(CHANGES),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The token to send for this account. From memory when it is valid; starts a refresh in the background when the
    /// token is soon due; waits for a refresh only when there is no valid token.
    ///
    /// # Errors
    /// [`TokenError`]: why there is none, and what helps. [`TokenError::verdict`] puts it in the words of routing.
    pub async fn token(&self, account: AccountId) -> Result<Token, TokenError> {
        match self.cached(account) {
            Some(token) => Ok(token),
            None => self.inner.obtain(&self.inner.entry(account).await?).await,
        }
    }

    /// [`Keeper::token`] without waiting: `Some` when a valid token is in memory, which is nearly always.
    #[must_use]
    pub fn cached(&self, account: AccountId) -> Option<Token> {
        let entry = self.inner.known(account)?;
        match entry.decide(self.inner.clock.now()) {
            (Decision::Serve, token) => Some(token),
            (Decision::ServeAndRefresh, token) => {
                self.inner.take_off_in_background(&entry);
                Some(token)
            }
            _ => None,
        }
    }

    /// The token for a person's own choice of account (`Action::Send` where the account is the request's `choice`): one
    /// real attempt is made whatever is believed about the credential, as long as there is a secret that has not run out.
    ///
    /// # Errors
    /// As [`Keeper::token`].
    pub async fn token_of_choice(&self, account: AccountId) -> Result<Token, TokenError> {
        match self.token(account).await {
            Ok(token) => Ok(token),
            Err(error) => {
                self.inner.known(account).and_then(|entry| entry.unexpired(self.inner.clock.now())).ok_or(error)
            }
        }
    }

    /// The vendor refused the token of this generation (`Action::Refresh`). Refreshes once per generation: a late report
    /// about an older generation answers [`Refreshed::Renewed`] without an exchange. After `Renewed`,
    /// [`Keeper::cached`] has the new token; otherwise [`Keeper::token`] tells why there is none.
    pub async fn rejected(&self, account: AccountId, generation: u64) -> Refreshed {
        let obtained = match self.inner.entry(account).await {
            Ok(entry) => {
                entry.refuse(generation);
                self.inner.obtain(&entry).await
            }
            Err(error) => Err(error),
        };
        match obtained {
            Ok(_) => Refreshed::Renewed,
            Err(TokenError::NeedsLogin { .. } | TokenError::Disabled { .. } | TokenError::Missing) => {
                Refreshed::Permanent
            }
            Err(_) => Refreshed::Transient,
        }
    }

    /// The account was removed: drop its secret from memory.
    pub fn forget(&self, account: AccountId) {
        self.inner.entries.write().remove(&account);
    }

    /// The account was added, logged in again, or changed by another process: read it again. What the store holds is
    /// adopted, unless it is an old backup: then the newer pair in memory is written back.
    ///
    /// # Errors
    /// [`TokenError::Store`] and [`TokenError::Missing`].
    pub async fn adopt(&self, account: AccountId) -> Result<(), TokenError> {
        match self.inner.known(account) {
            Some(entry) => match self.inner.reread(&entry).await {
                Err(TokenError::Missing) => {
                    self.forget(account);
                    Err(TokenError::Missing)
                }
                done => done,
            },
            None => self.inner.entry(account).await.map(|_| ()),
        }
    }

    /// Is refreshing this account in trouble? For status displays. `None`: no, as far as memory knows.
    #[must_use]
    pub fn trouble(&self, account: AccountId) -> Option<RefreshTrouble> {
        let (retry_at, failure) = self.inner.known(account)?.trouble(self.inner.clock.now());
        (retry_at.is_some() || failure.is_some()).then_some(RefreshTrouble { retry_at, failure })
    }

    /// Status changes from now on. A receiver that lagged reads the accounts from the store again.
    #[must_use]
    pub fn status_changes(&self) -> broadcast::Receiver<StatusChange> {
        self.inner.changes.subscribe()
    }

    /// Begins no more refreshes and waits for those under way, at most this long. Exchanges are not cancelled. `false`:
    /// the time was too short for one of them.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        self.inner.closing.cancel();
        self.inner.flights.close();
        tokio::select! {
            () = self.inner.flights.wait() => true,
            () = self.inner.clock.sleep(deadline) => false,
        }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl Inner {
    pub(crate) fn known(&self, account: AccountId) -> Option<Arc<Entry>> {
        self.entries.read().get(&account).cloned()
    }

    /// Drops the memory of accounts that are no longer in the store.
    pub(crate) fn keep_only(&self, keep: impl Fn(AccountId) -> bool) {
        self.entries.write().retain(|account, _| keep(*account));
    }

    /// The account's memory; read from the store the first time.
    pub(crate) async fn entry(&self, account: AccountId) -> Result<Arc<Entry>, TokenError> {
        if let Some(entry) = self.known(account) {
            return Ok(entry);
        }
        let herd = self.store.load(self.clock.now()).await.map_err(|e| store_error(&e))?;
        let facts = herd.snapshot.accounts.get(&account).ok_or(TokenError::Missing)?;
        self.make_entry(facts).await
    }

    pub(crate) async fn make_entry(&self, facts: &remuda_core::Account) -> Result<Arc<Entry>, TokenError> {
        let stored = self.store.credential(facts.id).await.map_err(|e| store_error(&e))?;
        let refresh = self.store.refresh_state(facts.id).await.map_err(|e| store_error(&e))?;
        let entry = Arc::new(Entry::new(facts.id, facts.vendor, facts.kind, stored, refresh));
        // Two callers may have read at once; all must share one entry, or there would be two flights.
        Ok(self.entries.write().entry(facts.id).or_insert(entry).clone())
    }

    /// A good token, by a refresh if need be. Waits at most [`PATIENCE`].
    pub(crate) async fn obtain(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<Token, TokenError> {
        tokio::select! {
            obtained = self.obtain_at_last(entry) => obtained,
            () = self.clock.sleep(PATIENCE) => Err(TokenError::Transient {
                retry_at: self.clock.now() + 1,
                why: "the refresh takes too long".to_owned(),
            }),
        }
    }

    async fn obtain_at_last(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<Token, TokenError> {
        let mut read = false;
        loop {
            match entry.decide(self.clock.now()) {
                (Decision::Serve, token) => return Ok(token),
                (Decision::ServeAndRefresh, token) => {
                    self.take_off_in_background(entry);
                    return Ok(token);
                }
                (Decision::Refresh, _) if entry.unstored() => {
                    // The refreshed pair ran out, or was refused, before it could be stored. Its flight still holds it.
                    return Err(TokenError::Store { why: "the refreshed token could not be stored yet".to_owned() });
                }
                // More than once if what the flight brought or found has been refused or has run out meanwhile.
                (Decision::Refresh, _) => self.take_off_and_land(entry).await?,
                (_, _) if !read => {
                    // Before anybody is turned away: another process, or a login, may have mended it.
                    read = true;
                    self.reread(entry).await?;
                }
                (Decision::Condemned, _) if !entry.condemned() => self.condemn_unrefreshable(entry).await?,
                (decision, _) => return Err(entry.reason(decision)),
            }
        }
    }

    /// A refused secret that has no refresh token is dead at once. `Err`: it is; `Ok`: there is a newer one.
    async fn condemn_unrefreshable(&self, entry: &Entry) -> Result<(), TokenError> {
        let end = RefreshEnd::Condemned {
            at: self.clock.now(),
            sentence: Sentence::LoginNeeded,
            code: "401 without a way to refresh".to_owned(),
        };
        let condemned = self.store.end_refresh(entry.account, entry.generation(), end).await;
        let condemned = condemned.map_err(|e| store_error(&e))?;
        self.reread(entry).await?;
        if !condemned {
            return Ok(());
        }
        let error = entry.reason(Decision::Condemned);
        self.announce_sentence(entry.account, Sentence::LoginNeeded, &error).await;
        Err(error)
    }

    /// The refresh under way, or a new one.
    pub(crate) fn take_off(self: &Arc<Self>, entry: &Arc<Entry>) -> Landing {
        entry.join(|waiting| {
            if self.closing.is_cancelled() {
                entry.landed();
                let why = "remuda is stopping".to_owned();
                waiting.send_replace(Some(Err(TokenError::Transient { retry_at: self.clock.now() + 1, why })));
                return;
            }
            self.flights.spawn(fly(self.clone(), entry.clone(), waiting));
        })
    }

    /// A refresh that nobody waits for.
    fn take_off_in_background(self: &Arc<Self>, entry: &Arc<Entry>) {
        if entry.may_fly_in_background(self.clock.now()) {
            self.take_off(entry);
        }
    }

    /// Waits for the refresh under way, or a new one.
    pub(crate) async fn take_off_and_land(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<(), TokenError> {
        let mut landing = self.take_off(entry);
        let outcome = landing.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| {
            // It panicked, or its runtime is going down.
            let why = "the refresh ended without a result".to_owned();
            Err(TokenError::Transient { retry_at: self.clock.now() + 1, why })
        })
    }

    fn announce(&self, account: AccountId, status: AccountStatus, why: &str) {
        // An error only says that nobody listens.
        let _ = self.changes.send(StatusChange { account, status, why: why.to_owned() });
    }

    /// A secret was condemned. An account that its owner has paused stays paused.
    pub(crate) async fn announce_sentence(&self, account: AccountId, sentence: Sentence, why: &TokenError) {
        if self.stored_status(account).await != Some(AccountStatus::Paused) {
            self.announce(account, status(sentence), &why.to_string());
        }
    }

    /// Something newer replaced a condemned secret. What that makes of the account is the store's word.
    pub(crate) async fn announce_revival(&self, account: AccountId) {
        if let Some(status) = self.stored_status(account).await {
            self.announce(account, status, "a newer credential was stored");
        }
    }

    async fn stored_status(&self, account: AccountId) -> Option<AccountStatus> {
        let herd = self.store.load(self.clock.now()).await;
        herd.inspect_err(|error| tracing::warn!(%account, %error, "the account's status could not be read"))
            .ok()
            .and_then(|herd| Some(herd.snapshot.accounts.get(&account)?.status))
    }
}
