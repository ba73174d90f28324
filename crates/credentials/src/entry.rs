//! What the keeper remembers of one account: the newest secret, what the last refreshes left behind, and the refresh
//! under way. Used by the keeper only.
//!
//! The lock inside is never held across an await, and everything learned goes through [`Entry::learn`], so that an
//! older finding that arrives late cannot replace a newer one.

use std::sync::Arc;

use parking_lot::Mutex;
use remuda_core::{AccountId, AccountStatus, CredentialKind, UnixSeconds, Vendor};
use remuda_store::{Credential, Intent, OauthPair, RefreshState, Sentence, StoredCredential};
use secrecy::SecretString;
use tokio::sync::watch;

use crate::policy::{self, Decision, Facts};
use crate::token::{Token, TokenError};

/// How a refresh ended: memory holds the newest state, or why there is no new token. `None` while it is under way.
pub(crate) type Landing = watch::Receiver<Option<Result<(), TokenError>>>;

/// One account.
pub(crate) struct Entry {
    pub(crate) account: AccountId,
    pub(crate) vendor: Vendor,
    /// Says which kind of key a key is; the kinds of other secrets follow from the secret itself.
    kind: CredentialKind,
    state: Mutex<State>,
}

struct State {
    stored: StoredCredential,
    /// The secret to send, shared by all tokens given out.
    secret: Arc<SecretString>,
    refresh: RefreshState,
    /// Newest generation that the vendor refused.
    refused: Option<u64>,
    /// Why the last refresh of this generation failed, in words.
    failure: Option<TokenError>,
    flight: Option<Landing>,
    /// The pair in memory is newer than the store's, and the flight that brought it is trying to store it.
    unstored: bool,
    no_background_before: UnixSeconds,
}

/// What reading the store brought to light.
#[derive(Clone, Debug)]
pub(crate) enum Learned {
    /// Nothing new, or something newer that is now in memory.
    Adopted,
    /// Something newer, and the old one had been condemned: the account may be usable again.
    Revived,
    /// The store holds an older pair than memory: write this back.
    WriteBack(StoredCredential),
}

impl Entry {
    pub(crate) fn new(
        account: AccountId,
        vendor: Vendor,
        kind: CredentialKind,
        stored: StoredCredential,
        refresh: RefreshState,
    ) -> Self {
        let secret = Arc::new(secret_of(&stored.credential));
        let state = State {
            stored,
            secret,
            refresh,
            refused: None,
            failure: None,
            flight: None,
            unstored: false,
            no_background_before: UnixSeconds::MIN,
        };
        Self { account, vendor, kind, state: Mutex::new(state) }
    }

    /// What to do now, and the secret in case it is to be served.
    pub(crate) fn decide(&self, now: UnixSeconds) -> (Decision, Token) {
        let state = self.state.lock();
        (policy::decide(state.facts(self.vendor), now), self.token(&state))
    }

    /// The secret if it has not run out by the clock, whatever is believed about it.
    pub(crate) fn unexpired(&self, now: UnixSeconds) -> Option<Token> {
        let state = self.state.lock();
        policy::unexpired(&state.stored, now).then(|| self.token(&state))
    }

    /// When a refresh that is wanted may be sent, if not now; and how the last one failed.
    pub(crate) fn trouble(&self, now: UnixSeconds) -> (Option<UnixSeconds>, Option<TokenError>) {
        let state = self.state.lock();
        (policy::next_attempt_not_before(state.facts(self.vendor), now), state.failure.clone())
    }

    pub(crate) fn generation(&self) -> u64 {
        self.state.lock().stored.generation
    }

    /// The pair to refresh and its generation; `None` for secrets that have nothing to refresh.
    pub(crate) fn pair(&self) -> Option<(u64, OauthPair)> {
        let state = self.state.lock();
        match &state.stored.credential {
            Credential::Oauth(pair) => Some((state.stored.generation, pair.clone())),
            _ => None,
        }
    }

    /// Is the pair in memory still waiting to be stored?
    pub(crate) fn unstored(&self) -> bool {
        self.state.lock().unstored
    }

    pub(crate) fn no_background_before(&self, at: UnixSeconds) {
        self.state.lock().no_background_before = at;
    }

    pub(crate) fn may_fly_in_background(&self, now: UnixSeconds) -> bool {
        now >= self.state.lock().no_background_before
    }

    /// The refresh that was begun and has not ended, as far as the store tells.
    pub(crate) fn intent(&self) -> Option<Intent> {
        self.state.lock().refresh.intent
    }

    /// Passing failures in a row so far.
    pub(crate) fn failures(&self) -> u32 {
        self.state.lock().refresh.backoff.map_or(0, |backoff| backoff.failures)
    }

    /// Is the pair in memory the condemned one already?
    pub(crate) fn condemned(&self) -> bool {
        let state = self.state.lock();
        state.refresh.condemned.as_ref().is_some_and(|c| c.generation == state.stored.generation)
    }

    /// The vendor refused this generation.
    pub(crate) fn refuse(&self, generation: u64) {
        let mut state = self.state.lock();
        state.refused = state.refused.max(Some(generation));
    }

    /// Takes over what was read from the store.
    pub(crate) fn learn(&self, stored: StoredCredential, refresh: RefreshState) -> Learned {
        let mut state = self.state.lock();
        if policy::outdated(&stored, &state.stored) {
            return Learned::WriteBack(state.stored.clone());
        }
        let was_condemned = state.refresh.condemned.as_ref().is_some_and(|c| c.generation == state.stored.generation);
        let fresh =
            stored.generation != state.stored.generation || !same_secret(&stored.credential, &state.stored.credential);
        if fresh {
            state.secret = Arc::new(secret_of(&stored.credential));
            state.failure = None;
            if state.refused >= Some(stored.generation) {
                // the count began again at a lower generation; the refusal was about another secret
                state.refused = None;
            }
        }
        let still_condemned = refresh.condemned.as_ref().is_some_and(|c| c.generation == stored.generation);
        state.stored = stored;
        state.refresh = refresh;
        if was_condemned && !still_condemned { Learned::Revived } else { Learned::Adopted }
    }

    /// A pair of our own. `unstored`: it could not be stored yet.
    pub(crate) fn publish(&self, stored: StoredCredential, unstored: bool) {
        let mut state = self.state.lock();
        state.unstored = unstored;
        state.secret = Arc::new(secret_of(&stored.credential));
        state.stored = stored;
        state.refresh = RefreshState::default();
        state.failure = None;
    }

    /// A refresh of this generation failed. `state` is what was, or should have been, written to the store.
    pub(crate) fn fail(&self, generation: u64, refresh: RefreshState, failure: TokenError) {
        let mut state = self.state.lock();
        if state.stored.generation == generation {
            state.refresh = refresh;
            state.failure = Some(failure);
        }
    }

    /// Why nothing can be served, after [`Entry::decide`] said so.
    pub(crate) fn reason(&self, decision: Decision) -> TokenError {
        let state = self.state.lock();
        match decision {
            Decision::OwnerMustRenew => TokenError::WaitingForOwner {
                source_file: match &state.stored.credential {
                    Credential::Borrowed { source, .. } => source.clone(),
                    _ => String::new(),
                },
            },
            Decision::NotBefore(retry_at) => match &state.failure {
                Some(TokenError::Config { why, .. }) => TokenError::Config { retry_at, why: why.clone() },
                Some(TokenError::Transient { why, .. }) => TokenError::Transient { retry_at, why: why.clone() },
                _ => TokenError::Transient { retry_at, why: "refreshing rests after earlier failures".to_owned() },
            },
            _ => match &state.refresh.condemned {
                Some(condemned) => condemnation(condemned.sentence, &condemned.code),
                None => TokenError::NeedsLogin { why: "the vendor rejects this credential".to_owned() },
            },
        }
    }

    /// The refresh under way, or a new one begun with `begin`. Never two at once.
    pub(crate) fn join(&self, begin: impl FnOnce(watch::Sender<Option<Result<(), TokenError>>>)) -> Landing {
        let mut state = self.state.lock();
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let (sender, receiver) = watch::channel(None);
        state.flight = Some(receiver.clone());
        drop(state);
        begin(sender);
        receiver
    }

    /// The refresh is over; the next one may begin.
    pub(crate) fn landed(&self) {
        let mut state = self.state.lock();
        state.flight = None;
        state.unstored = false;
    }

    fn kind_of_login(&self) -> CredentialKind {
        if self.kind == CredentialKind::SharedPlan { self.kind } else { CredentialKind::Subscription }
    }

    fn token(&self, state: &State) -> Token {
        let (kind, expires_at) = match &state.stored.credential {
            Credential::Oauth(pair) => (self.kind_of_login(), Some(pair.expires_at)),
            // A borrowed secret may as well be a key that stands in another program's file.
            Credential::Borrowed { expires_at, .. } => (self.kind, *expires_at),
            Credential::Static { .. } => (CredentialKind::StaticToken, None),
            Credential::Key { .. } if self.kind == CredentialKind::PlanKey => (CredentialKind::PlanKey, None),
            Credential::Key { .. } => (CredentialKind::ApiKey, None),
        };
        Token::new(state.secret.clone(), state.stored.generation, kind, expires_at)
    }
}

impl State {
    fn facts(&self, vendor: Vendor) -> Facts<'_> {
        let generation = self.stored.generation;
        Facts {
            vendor,
            stored: &self.stored,
            refused: self.refused,
            condemned: self.refresh.condemned.as_ref().is_some_and(|c| c.generation == generation),
            rest_until: self.refresh.backoff.map(|backoff| backoff.until),
        }
    }
}

/// The error that a permanent verdict means for a caller.
pub(crate) fn condemnation(sentence: Sentence, code: &str) -> TokenError {
    match sentence {
        Sentence::LoginNeeded => TokenError::NeedsLogin { why: format!("the vendor answered {code}") },
        Sentence::AccountClosed => TokenError::Disabled { why: format!("the vendor answered {code}") },
    }
}

/// The status that a permanent verdict gives the account.
pub(crate) fn status(sentence: Sentence) -> AccountStatus {
    match sentence {
        Sentence::LoginNeeded => AccountStatus::NeedsLogin,
        Sentence::AccountClosed => AccountStatus::Disabled,
    }
}

fn secret_of(credential: &Credential) -> SecretString {
    match credential {
        Credential::Oauth(OauthPair { access: secret, .. })
        | Credential::Static { token: secret }
        | Credential::Key { key: secret }
        | Credential::Borrowed { access: secret, .. } => secret.clone(),
    }
}

/// Is it the same secret? For telling apart what we hold ourselves, so no constant time is needed.
fn same_secret(a: &Credential, b: &Credential) -> bool {
    use secrecy::ExposeSecret;
    secret_of(a).expose_secret() == secret_of(b).expose_secret()
}
