//! Refreshing OAuth tokens: what to send and what the answer means. The credentials crate sends, locks and stores.

use http::HeaderMap;
use remuda_core::{UnixSeconds, Vendor};
use secrecy::SecretString;

use crate::call::Call;

/// What a token endpoint's answer to a refresh means.
#[derive(Clone, Debug)]
pub enum RefreshAnswer {
    /// A new pair.
    Renewed {
        /// New access token.
        access: SecretString,
        /// New refresh token; `None`: keep the old one.
        refresh: Option<SecretString>,
        /// When the access token ends, counted from the answer.
        expires_at: UnixSeconds,
        /// Not before this may the next refresh be sent (OpenAI token sharing).
        earliest_refresh_at: Option<UnixSeconds>,
    },
    /// The refresh token is dead, **if it is still the stored one**: a login is needed.
    Permanent {
        /// The vendor's code.
        code: &'static str,
    },
    /// The account is closed; a login would not help.
    AccountDisabled {
        /// The vendor's code.
        code: &'static str,
    },
    /// Our request is wrong (client id, format); no login helps. Wait 900 s.
    Config {
        /// The vendor's code.
        code: &'static str,
    },
    /// It may work later. Condemns nobody.
    Transient {
        /// When to try again, if the vendor stated it believably.
        not_before: Option<UnixSeconds>,
        /// In words, without secrets: `403 without JSON`.
        evidence: String,
    },
}

/// The refresh request of this vendor. `token_url` replaces the vendor's own endpoint. `None`: this vendor's logins cannot
/// be refreshed (Qwen's ended on 2026-04-15).
#[must_use]
pub fn refresh_call(_vendor: Vendor, _token_url: Option<&str>, _refresh: &SecretString) -> Option<Call> {
    None
}

/// Reads the answer to a refresh that was sent. `now` is the time of the answer.
///
/// Permanent only if the answer is a 4xx with JSON whose **code** (`error.code`, `error` as a string, or `code`) is in the
/// vendor's list. Whether the refused token is still the stored one is the caller's question.
#[must_use]
pub fn judge_refresh(
    _vendor: Vendor,
    status: u16,
    _headers: &HeaderMap,
    _body: &[u8],
    _now: UnixSeconds,
) -> RefreshAnswer {
    RefreshAnswer::Transient { not_before: None, evidence: status.to_string() }
}
