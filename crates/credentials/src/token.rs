//! What the gateway gets from the keeper: a token to send, or the reason why there is none and what helps.

use std::fmt;
use std::sync::Arc;

use remuda_core::{Class, CredentialKind, Scope, UnixSeconds, Verdict};
use secrecy::SecretString;

/// A secret that can be sent now. Cloning is cheap and copies no secret.
#[derive(Clone)]
pub struct Token {
    secret: Arc<SecretString>,
    generation: u64,
    kind: CredentialKind,
    expires_at: Option<UnixSeconds>,
}

impl Token {
    /// Wraps a secret.
    #[must_use]
    pub fn new(
        secret: Arc<SecretString>,
        generation: u64,
        kind: CredentialKind,
        expires_at: Option<UnixSeconds>,
    ) -> Self {
        Self { secret, generation, kind, expires_at }
    }

    /// The secret: an access token or a key.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Names this secret without showing it; give it to [`Keeper::rejected`](crate::Keeper::rejected) when the vendor
    /// refuses it. Grows with every change of the account's secret.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Decides how the secret is presented (bearer or key header).
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// When it ends, if that is known. Only a hint: the vendor decides.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        self.expires_at
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("generation", &self.generation)
            .field("kind", &self.kind)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Why there is no token now. The texts are for a person and hold no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// The vendor has condemned the current credential. Only a new login helps.
    #[error("login needed: {why}")]
    NeedsLogin {
        /// What the vendor said.
        why: String,
    },
    /// The vendor has closed the account; a login would not help.
    #[error("the vendor has closed this account: {why}")]
    Disabled {
        /// What the vendor said.
        why: String,
    },
    /// The login belongs to another program and that program has not renewed it. We never do.
    #[error("the login borrowed from {source_file} has run out; start the program that owns it, or log in separately")]
    WaitingForOwner {
        /// The file of the owner.
        source_file: String,
    },
    /// It did not work this time. The credential is kept; nothing is sent to the vendor before `retry_at`.
    #[error("the token could not be refreshed: {why}")]
    Transient {
        /// First second at which it is worth asking again.
        retry_at: UnixSeconds,
        /// What happened.
        why: String,
    },
    /// The token endpoint refuses us, not the user's login: a wrong client id or a wrong endpoint. A login would not help.
    #[error("the token endpoint refuses our request, not your login: {why}")]
    Config {
        /// First second at which it is worth asking again.
        retry_at: UnixSeconds,
        /// What the endpoint said.
        why: String,
    },
    /// The store could not be read or written. Nothing was sent to the vendor, nothing is lost.
    #[error("the store is not usable: {why}; see `remuda doctor`")]
    Store {
        /// What the store said.
        why: String,
    },
    /// There is no such account (any more), or it has no credential.
    #[error("no credential is stored for this account; log in with `remuda login`")]
    Missing,
}

impl TokenError {
    /// The refusal in the words of routing: what the gateway reports when an account cannot be asked for want of a token.
    /// Nothing is retried on the same account within the request; the chain goes on.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let (class, scope) = match self {
            Self::NeedsLogin { .. } | Self::Missing => (Class::CredentialDead, Scope::Credential),
            Self::Disabled { .. } => (Class::AccountDisabled, Scope::Account),
            Self::WaitingForOwner { .. } | Self::Transient { .. } | Self::Config { .. } | Self::Store { .. } => {
                (Class::Transient, Scope::Credential)
            }
        };
        Verdict { class, scope, fail_over: true, retry_same_after_s: None, until: None, evidence: self.to_string() }
    }
}
