//! Login as the vendor does it: the page at which a person consents, and the token endpoint.

pub(crate) mod authorize;
pub(crate) mod token;

/// Claude Code's public client id; the only client here.
pub(crate) const CLIENT_ID: &str = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";
/// The real vendor's page that shows the code for copying.
pub(crate) const COPY_CODE_REDIRECT: &str = "https://platform.claude.com/oauth/code/callback";
/// Its path here.
pub(crate) const COPY_CODE_PATH: &str = "/oauth/code/callback";
