//! The one door to durable state. Every back end implements this trait and passes the suite in `tests/suite`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use remuda_core::poll::PollState;
use remuda_core::record::Record;
use remuda_core::route::StateChange;
use remuda_core::{AccountId, Reading, RequestId, SessionKey, UnixSeconds, Vendor, Window};
use secrecy::SecretString;

use crate::client_key::{ClientKey, KeyId};
use crate::credential::{OauthPair, StoredCredential};
use crate::error::StoreError;
use crate::herd::{Edit, Herd, Login, NewAccount, Removed};
use crate::ledger::{Page, RecordQuery};
use crate::origin::Origin;
use crate::poll::PollClaim;
use crate::refresh::{RefreshEnd, RefreshLock, RefreshState, Rotation};
use crate::session::SessionBinding;
use crate::usage::{UsageGroup, UsageQuery};

/// What the gateway has learned since the last time it wrote. Applied whole or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Findings of routing, in order.
    pub changes: Vec<StateChange>,
    /// Quota readings; the newest per account and window is enough. Those from before the account's last login are
    /// dropped: another credential earned them.
    pub readings: Vec<(AccountId, Window, Reading)>,
    /// Conversations that were seen, and when.
    pub touched: Vec<(SessionKey, UnixSeconds)>,
    /// Client keys that were used, and when.
    pub keys_used: Vec<(KeyId, UnixSeconds)>,
    /// US dollars spent by an account, and when. Added up by UTC day.
    pub spent: Vec<(AccountId, UnixSeconds, f64)>,
    /// What accounts gave out that only they can read again.
    pub origins: Vec<Origin>,
}

impl Batch {
    /// Is there nothing to write?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.readings.is_empty()
            && self.touched.is_empty()
            && self.keys_used.is_empty()
            && self.spent.is_empty()
            && self.origins.is_empty()
    }
}

/// What `doctor` tells about the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The back end: `sqlite`.
    pub back_end: &'static str,
    /// Where it is: a path, or an address without its secret.
    pub place: String,
    /// Version of the schema.
    pub schema: i64,
    /// Where the key of the secrets is, in words.
    pub key_place: String,
}

/// Durable state.
///
/// * **Durable** methods return after the change is flushed to the disk: everything about credentials and every
///   command of the owner. **Written behind** are [`Store::apply`] and [`Store::append`]: a power cut may cost the last
///   moment of those, never their consistency. The death of the process costs neither.
/// * A change is made whole or not at all, also when the caller stops waiting: what was handed over is carried out.
/// * Nothing here ever deletes a credential except [`Store::remove_account`].
/// * Several processes may use one store. Each change compares with what is stored, never with what a caller remembers.
/// * Calls need a tokio runtime. They have a deadline of their own ([`StoreError::Timeout`]).
/// * Every list has a bound: the `MAX_` constants of this module.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // --- the herd -----------------------------------------------------------------------------------------------

    /// Everything but secrets, at one instant. `now` tells which day's spending counts. Rests that are over are there
    /// too: the end of one that was a guess needs a probe.
    async fn load(&self, now: UnixSeconds) -> Result<Herd, StoreError>;

    /// Stores account, profile and credential together; the account becomes the last in order.
    ///
    /// # Errors
    /// [`StoreError::LabelTaken`], [`StoreError::IdentityTaken`] with the label that holds it.
    async fn add_account(&self, new: NewAccount, now: UnixSeconds) -> Result<(), StoreError>;

    /// Replaces an account's secret after its owner logged in: generation + 1, verdict, intent and back-off cleared,
    /// status `ready` unless its owner paused it. What was read of the account's quota before is forgotten. Returns the
    /// generation.
    ///
    /// # Errors
    /// [`StoreError::IdentityTaken`] if the login turns out to be that of another account.
    async fn login(&self, id: AccountId, login: Login, now: UnixSeconds) -> Result<u64, StoreError>;

    /// Removes an account with its credential, and every mention of it. The only way a credential ever disappears.
    async fn remove_account(&self, id: AccountId) -> Result<Removed, StoreError>;

    /// Removes a pool and every mention of it. Its accounts stay.
    async fn remove_pool(&self, name: &str) -> Result<Removed, StoreError>;

    /// Carries out commands of the owner in order, all or none.
    ///
    /// # Errors
    /// [`StoreError::UnknownAccount`] and [`StoreError::UnknownPool`] for what a command names and is not there,
    /// [`StoreError::LabelTaken`], [`StoreError::LimitReached`].
    async fn edit(&self, edits: Vec<Edit>, now: UnixSeconds) -> Result<(), StoreError>;

    // --- credentials --------------------------------------------------------------------------------------------

    /// The secret of an account, as it is on the disk now.
    ///
    /// # Errors
    /// [`StoreError::CredentialUnreadable`] if it cannot be opened. That is never "no credential".
    async fn credential(&self, id: AccountId) -> Result<StoredCredential, StoreError>;

    /// Stores a new pair if the refresh token that was sent is still the stored one: generation + 1, verdict, intent and
    /// back-off cleared, `needs_login` becomes `ready`. On the disk when it returns. Doing the same again finds its own
    /// pair and says `Stored`, so it is safe to repeat after [`StoreError::Timeout`] or [`StoreError::Full`].
    async fn rotate(&self, id: AccountId, sent: SecretString, new: OauthPair) -> Result<Rotation, StoreError>;

    /// Stores exactly this credential if its generation is higher than the stored one. For a newer secret that is known
    /// from elsewhere: memory, after an old backup was put back; another program's file, for a borrowed login. Clears
    /// verdict, intent and back-off; `needs_login` becomes `ready`.
    async fn advance(&self, id: AccountId, newer: StoredCredential) -> Result<Rotation, StoreError>;

    /// What the last refreshes left behind.
    async fn refresh_state(&self, id: AccountId) -> Result<RefreshState, StoreError>;

    /// Writes down that this generation's refresh token is about to be sent. `false`: a newer secret is stored, do not
    /// send; read it.
    async fn begin_refresh(&self, id: AccountId, generation: u64, now: UnixSeconds) -> Result<bool, StoreError>;

    /// Writes down how it ended without a new pair, and clears the intent. `false`: a newer secret is stored, the
    /// outcome concerns nobody any more and nothing was written.
    async fn end_refresh(&self, id: AccountId, generation: u64, end: RefreshEnd) -> Result<bool, StoreError>;

    /// Waits at most `wait` for the exclusive right to talk to a vendor's token endpoint, across all processes on this
    /// store. Held across read, exchange and write.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the time is over.
    async fn refresh_lock(&self, vendor: Vendor, wait: Duration) -> Result<RefreshLock, StoreError>;

    // --- asking what is left ------------------------------------------------------------------------------------

    /// Takes the right to ask a vendor about an account, across all processes: one account of a vendor at a time, none
    /// that rests after a failure, none that was asked about after `seen` (what the caller knew to be the last time).
    ///
    /// # Errors
    /// [`StoreError::UnknownAccount`].
    async fn claim_poll(
        &self,
        id: AccountId,
        seen: Option<UnixSeconds>,
        now: UnixSeconds,
    ) -> Result<PollClaim, StoreError>;

    /// Gives the right back, with what is to be remembered. After a login in between nothing is.
    async fn end_poll(&self, id: AccountId, state: PollState) -> Result<(), StoreError>;

    // --- client keys --------------------------------------------------------------------------------------------

    /// Stores a key's hash and scope.
    async fn add_client_key(&self, key: ClientKey) -> Result<(), StoreError>;

    /// All keys, newest first, expired ones too until they are pruned.
    async fn client_keys(&self) -> Result<Vec<ClientKey>, StoreError>;

    /// `false`: there was none.
    async fn revoke_client_key(&self, id: KeyId) -> Result<bool, StoreError>;

    /// Deletes what has expired; returns how many.
    async fn prune_client_keys(&self, now: UnixSeconds) -> Result<usize, StoreError>;

    // --- conversations ------------------------------------------------------------------------------------------

    /// Homes of conversations, most recently seen first, at most [`MAX_SESSIONS`], none unseen for
    /// [`SESSION_AGE_S`].
    async fn sessions(&self, now: UnixSeconds) -> Result<Vec<SessionBinding>, StoreError>;

    /// Who gave out what, newest first, at most [`MAX_ORIGINS`], none older than [`ORIGIN_AGE_S`].
    async fn origins(&self, now: UnixSeconds) -> Result<Vec<Origin>, StoreError>;

    /// Forgets all homes; returns how many.
    async fn forget_sessions(&self) -> Result<usize, StoreError>;

    // --- written behind -----------------------------------------------------------------------------------------

    /// Writes what the gateway has learned, in one transaction. What concerns an account that was removed meanwhile is
    /// dropped. After any error but [`StoreError::Timeout`] the same batch can be given again.
    async fn apply(&self, batch: Arc<Batch>, now: UnixSeconds) -> Result<(), StoreError>;

    /// Appends decision records in one transaction, adds what they used, and drops what is beyond retention. A record
    /// whose id is there is replaced and counts once, so appending again is safe.
    async fn append(&self, records: Arc<[Record]>, now: UnixSeconds) -> Result<(), StoreError>;

    // --- the ledger ---------------------------------------------------------------------------------------------

    /// One record.
    async fn record(&self, id: RequestId) -> Result<Option<Record>, StoreError>;

    /// Records whose id begins with this text (hex digits; dashes do not count), newest first, at most 10. A text
    /// without a digit or with other characters finds nothing.
    async fn records_by_prefix(&self, prefix: &str) -> Result<Vec<Record>, StoreError>;

    /// A page of records, newest first.
    async fn records(&self, query: RecordQuery) -> Result<Page, StoreError>;

    /// Sums of what was used, for each bucket in which something was; at most 1000 buckets.
    async fn usage(&self, query: UsageQuery) -> Result<Vec<UsageGroup>, StoreError>;

    // --- care ---------------------------------------------------------------------------------------------------

    /// Checks everything thoroughly. Slow: for `doctor`.
    ///
    /// # Errors
    /// What is wrong: [`StoreError::Corrupt`], or an account whose credential is unreadable.
    async fn check(&self) -> Result<Health, StoreError>;

    /// Finishes what was handed over and lets go of everything. Later calls fail with [`StoreError::Closed`].
    async fn close(&self);
}

/// Most accounts.
pub const MAX_ACCOUNTS: usize = 1_000;
/// Most steps of a chain.
pub const MAX_CHAIN: usize = 64;
/// Most pools.
pub const MAX_POOLS: usize = 256;
/// Most client keys, expired ones included.
pub const MAX_CLIENT_KEYS: usize = 10_000;
/// Most pinned conversations; beyond it the oldest pin is dropped.
pub const MAX_SESSION_PINS: usize = 10_000;
/// Most stopped conversations; beyond it the oldest is let go.
pub const MAX_HALTS: usize = 1_000;
/// Most remembered homes; beyond it those unseen for longest are dropped.
pub const MAX_SESSIONS: usize = 50_000;
/// Most remembered origins; beyond it the oldest are dropped.
pub const MAX_ORIGINS: usize = 50_000;
/// An origin older than this many seconds (30 days) is forgotten.
pub const ORIGIN_AGE_S: i64 = 30 * 24 * 3600;
/// Seconds within which a poll must end. Longer than any call to a vendor takes.
pub const POLL_LEASE_S: i64 = 60;
/// A conversation unseen for this many seconds (30 days) has no home any more.
pub const SESSION_AGE_S: i64 = 30 * 24 * 3600;
