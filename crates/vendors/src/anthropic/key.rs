//! What a pasted Anthropic secret is, by its prefix.

use remuda_core::CredentialKind;
use secrecy::SecretString;

use super::endpoints::Endpoints;
use crate::call::Call;

/// Asks for one model, which costs nothing: does the endpoint take this key? `bearer`: the key travels as
/// `authorization: Bearer` (some compatible endpoints) instead of `x-api-key`.
#[must_use]
pub fn check_call(endpoints: &Endpoints, key: &SecretString, bearer: bool) -> Call {
    let key = Some(key.clone());
    let (bearer, api_key) = if bearer { (key, None) } else { (None, key) };
    Call {
        bearer,
        api_key,
        headers: &[("anthropic-version", "2023-06-01"), ("accept", "application/json")],
        ..Call::get(format!("{}/v1/models?limit=1", endpoints.api_base.trim_end_matches('/')))
    }
}

/// Kind of a secret that a person gave us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `sk-ant-oat…`: long-lived subscription token (`claude setup-token`).
    StaticToken,
    /// `sk-ant-api…`: pay-as-you-go key.
    ApiKey,
    /// `sk-ant-ort…`: a refresh token.
    RefreshToken,
    /// `sk-ant-admin…`: administers an organisation, cannot call models.
    AdminKey,
    /// Anything else: fine for a compatible endpoint, wrong for Anthropic itself.
    Unknown,
}

impl KeyKind {
    /// Looks at the prefix only.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let prefixes = [
            ("sk-ant-oat", Self::StaticToken),
            ("sk-ant-api", Self::ApiKey),
            ("sk-ant-ort", Self::RefreshToken),
            ("sk-ant-admin", Self::AdminKey),
        ];
        prefixes.into_iter().find(|(prefix, _)| secret.starts_with(prefix)).map_or(Self::Unknown, |(_, kind)| kind)
    }

    /// The credential kind under which it can be stored, or why it cannot, in words for a person.
    ///
    /// # Errors
    /// The explanation. [`KeyKind::Unknown`] is an error here; a caller with a `--base-url` of its own takes such a key as
    /// [`CredentialKind::ApiKey`] without asking.
    pub fn credential_kind(self) -> Result<CredentialKind, &'static str> {
        match self {
            Self::StaticToken => Ok(CredentialKind::StaticToken),
            Self::ApiKey => Ok(CredentialKind::ApiKey),
            Self::RefreshToken => Err("this is a refresh token (sk-ant-ort…). It is single-use and belongs to the \
                program that logged in; log in anew instead of copying it"),
            Self::AdminKey => Err("this is an admin key (sk-ant-admin…). It administers the organisation and cannot \
                call models; create an API key (sk-ant-api…) in the Console"),
            Self::Unknown => Err("this does not look like an Anthropic secret: API keys begin with sk-ant-api, \
                long-lived tokens with sk-ant-oat"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sk-ant-oat01-x", Ok(CredentialKind::StaticToken))]
    #[case("sk-ant-api03-x", Ok(CredentialKind::ApiKey))]
    #[case("sk-ant-ort01-x", Err("refresh token"))]
    #[case("sk-ant-admin01-x", Err("admin key"))]
    #[case("sk-proj-x", Err("does not look like"))]
    #[case("", Err("does not look like"))]
    fn a_secret_is_known_by_its_prefix(#[case] secret: &str, #[case] expected: Result<CredentialKind, &str>) {
        match (KeyKind::of(secret).credential_kind(), expected) {
            (Ok(kind), Ok(expected)) => assert_eq!(kind, expected),
            (Err(why), Err(expected)) => assert!(why.contains(expected), "{why}"),
            (got, _) => panic!("{got:?}"),
        }
    }
}
