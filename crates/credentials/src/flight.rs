//! One refresh from the lock to the published pair. Runs in a task of its own, so that nobody who stops waiting can stop
//! it; started by the keeper only.
//!
//! ```text
//! lock → read (adopt what another process stored) → write intent → read again → exchange
//!      → store by compare-and-set, flushed → publish
//! ```
//!
//! The lock spans all of it, across processes, per vendor. Whatever fails, the pair in the store stays.

use std::sync::Arc;
use std::time::Duration;

use remuda_core::{UnixSeconds, Vendor};
use remuda_store::{
    Backoff, Credential, OauthPair, RefreshEnd, RefreshLock, RefreshState, Rotation, Sentence, StoreError,
    StoredCredential, fault,
};
use remuda_vendors::Call;
use remuda_vendors::refresh::{RefreshAnswer, judge_refresh, refresh_call};
use secrecy::ExposeSecret;
use tokio::sync::watch;

use crate::entry::{Entry, condemnation};
use crate::exchange::{Answer, SendError};
use crate::keeper::Inner;
use crate::policy::{self, Decision};
use crate::token::TokenError;

/// Longest wait of a flight for the right to talk to the vendor's token endpoint. Others hold it for one exchange each,
/// and an exchange has a deadline of its own.
const LOCK_WAIT: Duration = Duration::from_secs(120);

/// How often a lock that is held is tried again: short beside an exchange, long beside a system call.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// When the lock could not be had: seconds until it is worth asking again.
const LOCK_REST_S: i64 = 5;

/// After a failure that left no other rest behind (the store, the lock): seconds without a refresh that nobody waits for.
const BACKGROUND_REST_S: i64 = 10;

/// First pause before a pair that could not be stored is stored again; doubles up to [`LONGEST_PERSIST_PAUSE`].
const FIRST_PERSIST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PERSIST_PAUSE: Duration = Duration::from_secs(30);

/// `Ok`: memory holds the newest state, look there (a newer pair may be there, or another decision).
type Outcome = Result<(), TokenError>;

/// Ends the flight for those who wait, even if it panics or is dropped.
struct Tower {
    entry: Arc<Entry>,
    waiting: watch::Sender<Option<Outcome>>,
    outcome: Option<Outcome>,
}

impl Tower {
    /// What is certain before the end.
    fn tell(&self, outcome: Outcome) {
        self.waiting.send_replace(Some(outcome));
    }
}

impl Drop for Tower {
    fn drop(&mut self) {
        // In this order: whoever hears the outcome may begin the next flight.
        self.entry.landed();
        if let Some(outcome) = self.outcome.take() {
            self.tell(outcome);
        }
    }
}

/// Runs one refresh and tells its outcome, as soon as it is certain: before the end if the new pair cannot be stored at
/// once.
pub(crate) async fn fly(inner: Arc<Inner>, entry: Arc<Entry>, waiting: watch::Sender<Option<Outcome>>) {
    let mut tower = Tower { entry: entry.clone(), waiting, outcome: None };
    let outcome = inner.refresh(&entry, &tower).await;
    if let Err(error) = &outcome {
        tracing::warn!(account = %entry.account, %error, "refresh failed");
        entry.no_background_before(inner.clock.now() + BACKGROUND_REST_S);
    }
    tower.outcome = Some(outcome);
}

impl Inner {
    async fn refresh(&self, entry: &Arc<Entry>, tower: &Tower) -> Outcome {
        let _turn = tokio::select! {
            turn = self.turn(entry.vendor) => turn?,
            () = self.clock.sleep(LOCK_WAIT) => {
                return Err(TokenError::Transient {
                    retry_at: self.clock.now() + LOCK_REST_S,
                    why: "another refresh of this vendor does not finish".to_owned(),
                });
            }
        };
        self.reread(entry).await?;
        if !self.should_send(entry)? {
            return Ok(());
        }
        let generation = entry.generation();
        if let Some(intent) = entry.intent().filter(|intent| intent.generation == generation) {
            tracing::warn!(
                account = %entry.account, since = intent.since,
                "an earlier refresh of this token was cut off: the vendor may have spent it"
            );
        }
        if self.sendable(entry, generation).is_none() {
            return Err(TokenError::NeedsLogin { why: format!("logins of {} cannot be refreshed", entry.vendor) });
        }
        if !self.store.begin_refresh(entry.account, generation, self.clock.now()).await.map_err(|e| store_error(&e))? {
            // A login was faster: logins do not take the lock.
            return self.reread(entry).await;
        }
        tracing::debug!(account = %entry.account, generation, "refresh: intent written");
        fault::point("after_intent");

        // What is sent is what the store holds, not what memory remembers.
        self.reread(entry).await?;
        let Some((call, sent)) = self.sendable(entry, generation) else {
            self.end(entry, generation, RefreshEnd::Withdrawn).await?;
            return Ok(());
        };

        fault::point("before_exchange");
        let mut answer = self.exchange.send(&call).await;
        if let Err(SendError::NotSent(why)) = &answer {
            // Only here is a second try safe: the single-use token has provably not been shown to anybody.
            tracing::debug!(account = %entry.account, %why, "refresh: not sent, trying once more");
            answer = self.exchange.send(&call).await;
        }
        fault::point("after_exchange");
        self.settle(entry, tower, generation, &sent, answer).await
    }

    /// The exclusive right to talk to the vendor's token endpoint, among all flights of all processes. The waiting is on
    /// our clock, not in the store.
    async fn turn(&self, vendor: Vendor) -> Result<RefreshLock, TokenError> {
        loop {
            match self.store.refresh_lock(vendor, Duration::ZERO).await {
                Ok(lock) => return Ok(lock),
                Err(StoreError::Busy { .. }) => self.clock.sleep(LOCK_PAUSE).await,
                Err(error) => return Err(store_error(&error)),
            }
        }
    }

    /// The pair in memory and its refresh call, if it is still of this generation and of a vendor that refreshes.
    fn sendable(&self, entry: &Entry, generation: u64) -> Option<(Call, OauthPair)> {
        let (_, pair) = entry.pair().filter(|(now_stored, _)| *now_stored == generation)?;
        let issued = pair.client_id.as_deref();
        Some((refresh_call(entry.vendor, &self.token_urls, &pair.refresh, issued)?, pair))
    }

    async fn settle(
        &self,
        entry: &Arc<Entry>,
        tower: &Tower,
        generation: u64,
        sent: &OauthPair,
        answer: Result<Answer, SendError>,
    ) -> Outcome {
        let now = self.clock.now();
        let judged = match answer {
            Ok(answer) => judge_refresh(entry.vendor, answer.status, &answer.headers, &answer.body, now),
            Err(error) => RefreshAnswer::Transient { not_before: None, evidence: error.to_string() },
        };
        match judged {
            RefreshAnswer::Renewed { access, refresh, expires_at, earliest_refresh_at } => {
                let refresh = refresh.unwrap_or_else(|| sent.refresh.clone());
                let pair = OauthPair {
                    access,
                    refresh,
                    expires_at,
                    last_refresh_at: Some(now),
                    earliest_refresh_at,
                    client_id: sent.client_id.clone(),
                };
                self.persist(entry, tower, generation, sent, pair).await
            }
            RefreshAnswer::Permanent { code } => {
                self.condemn(entry, generation, sent, Sentence::LoginNeeded, code).await
            }
            RefreshAnswer::AccountDisabled { code } => {
                self.condemn(entry, generation, sent, Sentence::AccountClosed, code).await
            }
            RefreshAnswer::Config { code } => {
                let until = now + policy::CONFIG_REST_S;
                let why = TokenError::Config { retry_at: until, why: code.to_owned() };
                self.rest(entry, generation, until, why).await
            }
            RefreshAnswer::Transient { not_before, evidence } => {
                let until = policy::rest_after(entry.failures() + 1, not_before, now);
                let why = TokenError::Transient { retry_at: until, why: evidence };
                self.rest(entry, generation, until, why).await
            }
        }
    }

    /// Stores the new pair, then publishes it. If it cannot be stored, it is served from memory and stored as soon as that
    /// is possible; the lock is kept until then, so that no other process shows the spent token to the vendor.
    async fn persist(
        &self,
        entry: &Arc<Entry>,
        tower: &Tower,
        sent_generation: u64,
        sent: &OauthPair,
        pair: OauthPair,
    ) -> Outcome {
        let new = StoredCredential { credential: Credential::Oauth(pair.clone()), generation: sent_generation + 1 };
        let mut pause = FIRST_PERSIST_PAUSE;
        loop {
            match self.store.rotate(entry.account, sent.refresh.clone(), pair.clone()).await {
                Ok(Rotation::Stored { generation }) => {
                    tracing::info!(account = %entry.account, generation, "token refreshed");
                    entry.publish(StoredCredential { generation, ..new }, false);
                    return Ok(());
                }
                Ok(Rotation::Conflict { current }) => return self.yield_to(entry, new, current).await,
                Err(StoreError::UnknownAccount(_)) => return Err(TokenError::Missing),
                Err(error @ StoreError::Closed) => {
                    tracing::error!(account = %entry.account, "the refreshed token is lost: a login will be needed");
                    return Err(store_error(&error));
                }
                Err(error) => {
                    tracing::error!(
                        account = %entry.account, %error,
                        "the refreshed token is served from memory because it cannot be stored; trying again"
                    );
                    entry.publish(new.clone(), true);
                    tower.tell(Ok(()));
                    if self.closing.is_cancelled() {
                        self.clock.sleep(FIRST_PERSIST_PAUSE).await;
                    } else {
                        tokio::select! {
                            () = self.closing.cancelled() => {}
                            () = self.clock.sleep(pause) => {}
                        }
                        pause = (pause * 2).min(LONGEST_PERSIST_PAUSE);
                    }
                }
            }
        }
    }

    /// Somebody stored another pair during the exchange. A later login is never overwritten; an old backup is.
    async fn yield_to(&self, entry: &Entry, new: StoredCredential, current: StoredCredential) -> Outcome {
        tracing::warn!(
            account = %entry.account, ours = new.generation, theirs = current.generation,
            "another pair was stored during the refresh"
        );
        if policy::outdated(&current, &new) {
            entry.publish(new, true);
        }
        self.reread(entry).await
    }

    async fn condemn(
        &self,
        entry: &Entry,
        generation: u64,
        sent: &OauthPair,
        sentence: Sentence,
        code: &'static str,
    ) -> Outcome {
        // A verdict is about the token that was sent. Unless the store still holds that one, it concerns nobody; and a
        // store that cannot be read proves nothing.
        self.reread(entry).await?;
        let current = entry.pair().is_some_and(|(now_stored, pair)| {
            now_stored == generation && pair.refresh.expose_secret() == sent.refresh.expose_secret()
        });
        if !current {
            return Ok(());
        }
        let at = self.clock.now();
        let code = code.to_owned();
        let end = RefreshEnd::Condemned { at, sentence, code: code.clone() };
        if !self.end(entry, generation, end).await? {
            return Ok(());
        }
        let error = condemnation(sentence, &code);
        let condemned = remuda_store::refresh::Condemned { generation, at, sentence, code };
        entry.fail(generation, RefreshState { condemned: Some(condemned), ..RefreshState::default() }, error.clone());
        self.announce_sentence(entry.account, sentence, &error).await;
        Err(error)
    }

    async fn rest(&self, entry: &Entry, generation: u64, until: UnixSeconds, why: TokenError) -> Outcome {
        let backoff = Backoff { until, failures: entry.failures() + 1 };
        let state = RefreshState { backoff: Some(backoff), ..RefreshState::default() };
        entry.fail(generation, state, why.clone());
        if self.end(entry, generation, RefreshEnd::Backoff(backoff)).await? { Err(why) } else { Ok(()) }
    }

    /// Writes the end down. `false`: a newer pair is stored, and now in memory too.
    async fn end(&self, entry: &Entry, generation: u64, end: RefreshEnd) -> Result<bool, TokenError> {
        match self.store.end_refresh(entry.account, generation, end).await {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.reread(entry).await?;
                Ok(false)
            }
            Err(error) => {
                // Memory knows it; another process will find out by itself.
                tracing::warn!(account = %entry.account, %error, "the outcome of a refresh could not be written down");
                Ok(true)
            }
        }
    }

    /// Is a refresh still wanted and allowed? `false`: there is a good token already.
    fn should_send(&self, entry: &Entry) -> Result<bool, TokenError> {
        match entry.decide(self.clock.now()).0 {
            Decision::Serve => Ok(false),
            Decision::ServeAndRefresh | Decision::Refresh => Ok(true),
            decision => Err(entry.reason(decision)),
        }
    }

    /// Reads the account's secret again and takes over what is newer. If memory is newer (an old backup was put back),
    /// memory is written back.
    ///
    /// # Errors
    /// [`TokenError::Store`], [`TokenError::Missing`].
    pub(crate) async fn reread(&self, entry: &Entry) -> Result<(), TokenError> {
        use crate::entry::Learned;

        let stored = self.store.credential(entry.account).await.map_err(|e| store_error(&e))?;
        let refresh = self.store.refresh_state(entry.account).await.map_err(|e| store_error(&e))?;
        let was = stored.generation;
        match entry.learn(stored, refresh) {
            Learned::Adopted => Ok(()),
            Learned::Revived => {
                self.announce_revival(entry.account).await;
                Ok(())
            }
            Learned::WriteBack(memory) => {
                let ours = memory.generation;
                match self.store.advance(entry.account, memory).await.map_err(|e| store_error(&e))? {
                    Rotation::Stored { .. } => tracing::warn!(
                        account = %entry.account, stored = was, memory = ours,
                        "the store held an older pair than memory, as after restoring a backup: the newer one is written back"
                    ),
                    // It was read a moment before the newer one was stored.
                    Rotation::Conflict { current } => {
                        entry.learn(current, RefreshState::default());
                    }
                }
                Ok(())
            }
        }
    }
}

/// What a failing store means for a caller.
pub(crate) fn store_error(error: &StoreError) -> TokenError {
    match error {
        StoreError::UnknownAccount(_) => TokenError::Missing,
        other => TokenError::Store { why: other.to_string() },
    }
}
