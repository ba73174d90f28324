//! Login with a browser or a pasted code (OAuth, PKCE S256), as data: the caller opens, listens, sends and stores.

use remuda_core::UnixSeconds;
use secrecy::SecretString;

use super::endpoints::Endpoints;
use super::profile::Profile;
use crate::call::Call;

/// Where the browser ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// `http://localhost:<port>/callback`, any free port.
    Loopback(u16),
    /// The vendor's page that shows a code to copy.
    CopyCode,
}

/// One login under way. The two random values are the caller's: verifier and state must be independent.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where the vendor listens.
    pub endpoints: Endpoints,
    /// Where the browser ends up.
    pub redirect: Redirect,
    /// PKCE verifier: 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (32 random bytes as base64url).
    pub verifier: SecretString,
    /// Random value that comes back with the code.
    pub state: String,
}

/// What came back from the browser or was pasted.
#[derive(Clone, Debug)]
pub struct Pasted {
    /// The one-time code.
    pub code: SecretString,
}

/// Why a login cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Nothing that looks like a code.
    #[error(
        "there is no code in this text; paste what the page shows (code#state) or the whole address of the last page"
    )]
    NoCode,
    /// The state is of another login.
    #[error("this code belongs to another login attempt; start the login again and paste the newest code")]
    StateMismatch,
    /// The vendor or the person refused.
    #[error("the vendor refused the login: {0}")]
    Refused(String),
    /// The token endpoint refused the exchange.
    #[error("the vendor did not accept the code (status {status}{}); codes are single-use and expire within minutes: start again", .code.as_deref().map(|c| format!(", {c}")).unwrap_or_default())]
    Exchange {
        /// HTTP status.
        status: u16,
        /// The vendor's code, if it gave one.
        code: Option<String>,
    },
    /// The token endpoint answered something else.
    #[error("the vendor's answer (status {0}) holds no token; try again, and report this if it stays so")]
    NoToken(u16),
}

/// What a successful login brings.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Access token.
    pub access: SecretString,
    /// Single-use refresh token.
    pub refresh: Option<SecretString>,
    /// When the access token ends, counted from the answer.
    pub expires_at: UnixSeconds,
    /// Who it is, as far as the answer says.
    pub profile: Profile,
}

impl Login {
    /// The address to open in a browser.
    #[must_use]
    pub fn authorize_url(&self) -> String {
        self.endpoints.authorize.clone()
    }

    /// Reads what the callback brought or the person pasted: `code#state`, a full callback address, a query string, or the
    /// bare code.
    ///
    /// # Errors
    /// [`LoginError::NoCode`], [`LoginError::StateMismatch`], [`LoginError::Refused`].
    pub fn read_code(&self, _text: &str) -> Result<Pasted, LoginError> {
        Err(LoginError::NoCode)
    }

    /// The request that turns the code into tokens.
    #[must_use]
    pub fn exchange(&self, pasted: &Pasted) -> Call {
        Call {
            method: crate::call::Method::Post,
            url: self.endpoints.token.clone(),
            bearer: None,
            api_key: None,
            headers: &[],
            json: Some(pasted.code.clone()),
        }
    }

    /// Reads the answer to [`Login::exchange`]. `now` is the time of the answer.
    ///
    /// # Errors
    /// [`LoginError::Exchange`], [`LoginError::NoToken`].
    pub fn read_tokens(status: u16, _body: &[u8], _now: UnixSeconds) -> Result<Tokens, LoginError> {
        Err(LoginError::NoToken(status))
    }
}
