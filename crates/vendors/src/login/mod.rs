//! Logins by OAuth (PKCE S256) as data: the caller opens the browser, listens, sends and stores.
//!
//! What is the same for all vendors is here: reading what came back, and the errors. What each vendor's pages and token
//! endpoint want is in `anthropic/login.rs`, `openai/login.rs` and `openai/shared_plan.rs`; the way without a browser is
//! in [`crate::openai::device`].

mod code;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use remuda_core::{CredentialKind, UnixSeconds, Vendor};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::profile::Profile;
use crate::refresh;
use crate::token_answer::TokenAnswer;
use crate::{anthropic, openai};

/// Whose login it is, and where that vendor listens.
#[derive(Clone, Debug)]
pub enum Flow {
    /// A Claude plan.
    Claude(anthropic::Endpoints),
    /// A ChatGPT plan, with Codex's own client id.
    Codex(openai::Endpoints),
    /// A ChatGPT plan that OpenAI shares with this program ("Sign in with ChatGPT").
    SharedPlan(openai::Endpoints, openai::Installation),
}

/// Where the browser ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// A port of this machine; see [`Flow::ports`].
    Loopback(u16),
    /// The vendor's page that shows a code to copy; where there is none, a loopback address at which nobody listens: the
    /// person copies the address of the page that cannot be shown.
    CopyCode,
    /// The vendor's own page: the code comes to us by another way (device login).
    Device,
}

/// One login under way. The two random values are the caller's: verifier and state must be independent.
#[derive(Clone, Debug)]
pub struct Login {
    /// Whose it is.
    pub flow: Flow,
    /// Where the browser ends up.
    pub redirect: Redirect,
    /// PKCE verifier: 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (32 random bytes as base64url).
    pub verifier: SecretString,
    /// Random value that comes back with the code.
    pub state: String,
}

/// What came back, to be turned into tokens.
#[derive(Clone, Debug)]
pub struct Code {
    /// The code. Works once.
    pub code: SecretString,
    /// The verifier that belongs to it, if the vendor made it (device login); `None`: the login's own.
    pub verifier: Option<SecretString>,
    /// The client id that the vendor issued with it (shared plans).
    pub client_id: Option<String>,
}

impl From<SecretString> for Code {
    fn from(code: SecretString) -> Self {
        Self { code, verifier: None, client_id: None }
    }
}

/// Why a login cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Nothing that looks like a code.
    #[error(
        "there is no code in this text; paste what the page shows (code#state), or the whole address of the last page"
    )]
    NoCode,
    /// The state is missing or of another login.
    #[error("this code belongs to another login attempt; start the login again and paste the newest code")]
    StateMismatch,
    /// The vendor or the person refused.
    #[error("the login was refused: {0}")]
    Refused(String),
    /// The token endpoint did not take the code.
    #[error(
        "the vendor did not accept the code (status {status}, {code}); a code works once and only for minutes: start \
         the login again"
    )]
    Exchange {
        /// HTTP status.
        status: u16,
        /// The vendor's code.
        code: String,
    },
    /// The token endpoint answered something else.
    #[error("the vendor's answer (status {0}) holds no token; try again in a minute")]
    NoToken(u16),
    /// The tokens lack a right without which they are of no use.
    #[error("the vendor granted this login no right to {0}; start again, and allow it on the vendor's page")]
    NotGranted(&'static str),
    /// The vendor ended the device code.
    #[error("the code on the vendor's page ran out before it was entered; start the login again")]
    Expired,
    /// The vendor has no device login for this person.
    #[error("the vendor offers no login by device code here; log in with the browser, or with --paste")]
    NoDeviceLogin,
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
    /// Not before this may it be refreshed (shared plans).
    pub earliest_refresh_at: Option<UnixSeconds>,
    /// Who it is, as far as the answer says.
    pub profile: Profile,
}

impl Flow {
    /// Whose it is.
    #[must_use]
    pub fn vendor(&self) -> Vendor {
        match self {
            Self::Claude(_) => Vendor::Anthropic,
            Self::Codex(_) | Self::SharedPlan(..) => Vendor::OpenAi,
        }
    }

    /// What kind of secret it brings.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Claude(_) | Self::Codex(_) => CredentialKind::Subscription,
            Self::SharedPlan(..) => CredentialKind::SharedPlan,
        }
    }

    /// Ports at which the vendor lets the browser end up, in order of preference. 0: any free one.
    #[must_use]
    pub fn ports(&self) -> &[u16] {
        match self {
            Self::Claude(_) | Self::SharedPlan(..) => &[0],
            Self::Codex(at) => &at.ports,
        }
    }

    /// The path at which the browser ends up.
    #[must_use]
    pub fn callback_path(&self) -> &'static str {
        match self {
            Self::Claude(_) => "/callback",
            Self::Codex(_) | Self::SharedPlan(..) => "/auth/callback",
        }
    }
}

impl Login {
    /// The address to open in a browser.
    #[must_use]
    pub fn authorize_url(&self) -> String {
        let (page, fields) = match &self.flow {
            Flow::Claude(at) => (at.authorize.clone(), anthropic::login::authorize(self)),
            Flow::Codex(at) => (at.authorize(), openai::login::authorize(self, at)),
            Flow::SharedPlan(at, installation) => {
                (at.shared_authorize(), openai::shared_plan::authorize(self, at, installation))
            }
        };
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let joint = if page.contains('?') { '&' } else { '?' };
        format!("{page}{joint}{query}")
    }

    /// Reads the code out of what the callback brought (its request target) or the person pasted: a full address or query
    /// string (`code=…&state=…`), `code#state`, or the bare code. All but the bare code must bring this login's state.
    ///
    /// # Errors
    /// [`LoginError::NoCode`], [`LoginError::StateMismatch`], [`LoginError::Refused`].
    pub fn read_code(&self, text: &str) -> Result<Code, LoginError> {
        code::read(text, &self.state)
    }

    /// The request that turns the code into tokens.
    #[must_use]
    pub fn exchange(&self, code: &Code) -> Call {
        match &self.flow {
            Flow::Claude(at) => anthropic::login::exchange(self, at, code),
            Flow::Codex(at) => openai::login::exchange(self, at, code),
            Flow::SharedPlan(at, installation) => openai::shared_plan::exchange(self, at, installation, code),
        }
    }

    /// Reads the answer to [`Login::exchange`]. `now` is the time of the answer.
    ///
    /// # Errors
    /// [`LoginError::Exchange`], [`LoginError::NoToken`], [`LoginError::NotGranted`].
    pub fn read_tokens(&self, status: u16, body: &[u8], now: UnixSeconds) -> Result<Tokens, LoginError> {
        let answer = read_answer(status, body, now)?;
        let profile = match &self.flow {
            Flow::Claude(_) => anthropic::profile::from_parts(&answer.account, &answer.organization),
            Flow::Codex(_) => openai::claims::profile(answer.id_token.as_ref(), &answer.access),
            Flow::SharedPlan(..) => {
                openai::shared_plan::check_scope(answer.scope.as_deref())?;
                openai::claims::profile(answer.id_token.as_ref(), &answer.access)
            }
        };
        Ok(Tokens {
            profile,
            access: answer.access,
            refresh: answer.refresh,
            expires_at: answer.expires_at,
            earliest_refresh_at: answer.earliest_refresh_at,
        })
    }

    /// Asks the vendor whose login this is, where the tokens do not tell; read the answer with [`Login::read_profile`].
    #[must_use]
    pub fn profile_call(&self, access: &SecretString) -> Option<Call> {
        match &self.flow {
            Flow::Claude(at) => Some(anthropic::profile::profile_call(at, access)),
            Flow::Codex(_) | Flow::SharedPlan(..) => None,
        }
    }

    /// Reads the answer to [`Login::profile_call`].
    #[must_use]
    pub fn read_profile(&self, body: &[u8]) -> Profile {
        serde_json::from_slice(body).map(|json| anthropic::profile::from_json(&json)).unwrap_or_default()
    }

    /// The PKCE challenge.
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret()))
    }
}

fn read_answer(status: u16, body: &[u8], now: UnixSeconds) -> Result<TokenAnswer, LoginError> {
    if (200..300).contains(&status) {
        return TokenAnswer::read(body, now).ok_or(LoginError::NoToken(status));
    }
    let json: serde_json::Value = serde_json::from_slice(body).map_err(|_| LoginError::NoToken(status))?;
    let code = refresh::code(&json).or_else(|| json.pointer("/error/type")?.as_str());
    let code = code.ok_or(LoginError::NoToken(status))?;
    Err(LoginError::Exchange { status, code: plain(code, 64) })
}

/// A vendor's text for a person: short, without control characters.
pub(crate) fn plain(text: &str, longest: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(longest).collect()
}
