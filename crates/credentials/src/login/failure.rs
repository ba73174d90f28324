//! Why a login did not come about, and what the person can do.

use remuda_core::Label;
use remuda_vendors::LoginError;

use super::entropy::NoEntropy;

/// Why a login did not come about. Nothing was stored, unless the variant says otherwise. No text holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginFailure {
    /// It ended, or never was.
    #[error("no such login is under way: it has ended, or took too long; start again")]
    Unknown,
    /// The person or the daemon gave it up.
    #[error("the login was cancelled")]
    Cancelled,
    /// Nobody finished it.
    #[error("nobody finished the login in time; start again")]
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
    /// Alibaba knows the form of the key, and serves nothing to it.
    #[error(
        "Alibaba answers \"invalid access token or token expired\" at {tried}. It says so when the plan has ended, and also \
         to a key of another kind: look in its console whether the plan is still valid, then log in again. The key itself \
         may well be right"
    )]
    PlanLapsed {
        /// Which endpoints say so.
        tried: String,
    },
    /// None of Alibaba's endpoints knows the key.
    #[error(
        "none of Alibaba's endpoints accepts this key ({tried}): check that it was copied whole, that it is still active, \
         and whether it belongs to a workspace with an address of its own (--base-url)"
    )]
    NowhereAtHome {
        /// Which were asked.
        tried: String,
    },
    /// Without an answer nobody knows where the key belongs.
    #[error("it could not be found out where this key belongs: {why}; try again, or give its address with --base-url")]
    HomeUnknown {
        /// What happened.
        why: String,
    },
    /// The address speaks nothing that we know.
    #[error("{url} speaks none of the protocols that were looked for ({looked_for}): {found}")]
    SpeaksNothing {
        /// The address.
        url: String,
        /// Which.
        looked_for: String,
        /// What it answered.
        found: String,
    },
    /// A plan that is shared with one program takes no part in chains and pools.
    #[error(
        "{label} stands on a chain or in a pool: OpenAI's terms for \"Sign in with ChatGPT\" forbid rotating and pooling. \
         Take it off them first, or log in under another label"
    )]
    StandsAlone {
        /// Which account.
        label: Label,
    },
    /// The vendor has no such way.
    #[error("{0}")]
    NoSuchWay(&'static str),
    /// `--base-url` is not usable.
    #[error("the base URL {0}")]
    BadUrl(&'static str),
    /// No loopback port could be opened for the browser.
    #[error("no port for the browser's answer could be opened ({0}); close the other login, or log in with --paste")]
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
