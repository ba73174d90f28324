//! What the vendors' terms say about a kind of credential: shown before a login and before another host is granted.

use remuda_core::{CredentialKind, Vendor};

/// Facts about the vendor's terms for one kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Shown before logging in with such a credential; `None`: no conflict found, nothing to show.
    pub before_login: Option<&'static str>,
    /// Shown before another vendor's host may use it; `None`: no grant needed.
    pub before_grant: Option<&'static str>,
    /// Name of the source and the date of its text.
    pub source: &'static str,
}

/// The terms that concern this kind of credential.
#[must_use]
pub fn terms(_vendor: Vendor, _kind: CredentialKind) -> Terms {
    Terms { before_login: None, before_grant: None, source: "" }
}
