//! Where Anthropic listens. Overridable for compatible endpoints, tests and the vendor in miniature.

use super::token_endpoint::TOKEN_URL;

/// Anthropic's addresses. [`Default`] is the real vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Page where a person allows the login.
    pub authorize: String,
    /// Exchange and refresh of tokens.
    pub token: String,
    /// Redirect of the copy-code way: the page that shows `code#state`.
    pub copy_code_redirect: String,
    /// Base of the API, without a trailing slash.
    pub api_base: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            authorize: "https://claude.ai/oauth/authorize".to_owned(),
            token: TOKEN_URL.to_owned(),
            copy_code_redirect: "https://platform.claude.com/oauth/code/callback".to_owned(),
            api_base: "https://api.anthropic.com".to_owned(),
        }
    }
}
