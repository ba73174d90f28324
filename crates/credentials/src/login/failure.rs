//! Why a login did not come about, and what the person can do.

use remuda_core::Label;
use remuda_vendors::anthropic::LoginError;

use super::entropy::NoEntropy;

/// Why a login did not come about. Nothing was stored, unless the variant says otherwise. No text holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginFailure {
    /// It ended, or never was.
    #[error("no such login is under way: it has ended, or took longer than ten minutes; start again")]
    Unknown,
    /// The person or the daemon gave it up.
    #[error("the login was cancelled")]
    Cancelled,
    /// Nobody finished it.
    #[error("nobody finished the login within ten minutes; start again")]
    TimedOut,
    /// About the code that came back.
    #[error(transparent)]
    Code(#[from] LoginError),
    /// The token endpoint gave no answer. If `spent` the code may be used up.
    #[error("the vendor could not be reached: {why}{}", if *.spent { "; start the login again" } else { "; try again" })]
    Unreachable {
        /// What happened.
        why: String,
        /// A new login is needed; otherwise the same code can be tried again.
        spent: bool,
    },
    /// A pair that cannot be refreshed would end within hours.
    #[error("the vendor gave no refresh token with this login; start again, and report this if it stays so")]
    NoRefreshToken,
    /// The same real account, or the same secret, is here under another label.
    #[error("this is the same account as {label}: log in with --label {label} to renew it")]
    Duplicate {
        /// Who holds it.
        label: Label,
    },
    /// Chains and pins name labels; another person or organisation must not slip under one.
    #[error(
        "{label} is the account of {holder}, but this login is of {newcomer}: choose another label, or remove {label} first"
    )]
    OtherIdentity {
        /// The label that was asked for.
        label: Label,
        /// Whose it is.
        holder: String,
        /// Whose this login is.
        newcomer: String,
    },
    /// The secret is of the wrong kind, or no secret at all.
    #[error("{0}")]
    BadSecret(String),
    /// The endpoint does not know the key.
    #[error(
        "{endpoint} does not accept this key (status {status}): check that it was copied whole and is still active"
    )]
    KeyRefused {
        /// Who refused it.
        endpoint: String,
        /// HTTP status.
        status: u16,
    },
    /// `--base-url` is not usable.
    #[error("the base URL {0}")]
    BadUrl(&'static str),
    /// No loopback port could be opened for the browser.
    #[error("no port for the browser's answer could be opened ({0}); log in with --paste")]
    NoPort(String),
    /// No random numbers.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The store refused.
    #[error("the login could not be stored: {0}")]
    NotStored(String),
    /// Something else came back from the store than went in. The account is there, its secret is not to be trusted.
    #[error("what was stored does not read back the same; see `remuda doctor`")]
    ReadBack,
}

impl LoginFailure {
    /// May the same login go on, with another code or at another time? Otherwise it has ended.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        matches!(
            self,
            Self::Code(LoginError::NoCode | LoginError::StateMismatch) | Self::Unreachable { spent: false, .. }
        )
    }
}
