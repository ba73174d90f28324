//! Secrets of accounts as types that cannot be printed. Each kind is its own variant, so that a static token can never
//! enter refresh code.

use remuda_core::UnixSeconds;
use secrecy::SecretString;

/// The secret of one account.
#[derive(Clone)]
pub enum Credential {
    /// OAuth pair that we own and refresh. The refresh token is single-use.
    Oauth(OauthPair),
    /// Long-lived token without a refresh token.
    Static {
        /// The token.
        token: SecretString,
    },
    /// API or plan key.
    Key {
        /// The key.
        key: SecretString,
    },
    /// Belongs to another program: read from its file, never refreshed, never revoked.
    Borrowed {
        /// The access token as last read.
        access: SecretString,
        /// When it ends, if known.
        expires_at: Option<UnixSeconds>,
        /// The file it was read from. Which program owns it is in [`crate::Profile::borrowed`].
        source: String,
    },
}

/// An OAuth token pair.
#[derive(Clone)]
pub struct OauthPair {
    /// Access token.
    pub access: SecretString,
    /// Single-use refresh token.
    pub refresh: SecretString,
    /// When the access token ends, counted from the answer that brought it.
    pub expires_at: UnixSeconds,
    /// When it was last refreshed or logged in.
    pub last_refresh_at: Option<UnixSeconds>,
    /// Refreshing before this burns the token (OpenAI token sharing).
    pub earliest_refresh_at: Option<UnixSeconds>,
    /// The client id that the vendor issued with this very login (OpenAI token sharing); `None`: the vendor's usual one.
    pub client_id: Option<String>,
}

/// A credential with its generation: it grows by one whenever the secret changes.
#[derive(Clone)]
pub struct StoredCredential {
    /// The secret.
    pub credential: Credential,
    /// Grows with every change.
    pub generation: u64,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Oauth(_) => "Credential::Oauth(..)",
            Self::Static { .. } => "Credential::Static(..)",
            Self::Key { .. } => "Credential::Key(..)",
            Self::Borrowed { .. } => "Credential::Borrowed(..)",
        })
    }
}

impl std::fmt::Debug for OauthPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OauthPair").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredCredential")
            .field("credential", &self.credential)
            .field("generation", &self.generation)
            .finish()
    }
}
