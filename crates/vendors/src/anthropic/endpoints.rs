//! Where Anthropic listens. Overridable for compatible endpoints, tests and the vendor in miniature.

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
    /// Public OAuth client id.
    pub client_id: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            authorize: "https://claude.ai/oauth/authorize".to_owned(),
            token: "https://platform.claude.com/v1/oauth/token".to_owned(),
            copy_code_redirect: "https://platform.claude.com/oauth/code/callback".to_owned(),
            api_base: "https://api.anthropic.com".to_owned(),
            client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e".to_owned(),
        }
    }
}
