//! Anthropic's token endpoint: where it listens and which of its codes end a login.

use crate::refresh::{CLIENT_AT_FAULT, TokenEndpoint};

/// Exchange and refresh.
pub(crate) const TOKEN_URL: &str = "https://platform.claude.com/v1/oauth/token";
/// Public client id of the subscription login.
pub(crate) const CLIENT_ID: &str = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";

pub(crate) const ENDPOINT: TokenEndpoint = TokenEndpoint {
    url: Some(TOKEN_URL),
    client_id: CLIENT_ID,
    // 400 "Refresh token expired" and "… is invalid or has been revoked" come with invalid_grant
    permanent: &["invalid_grant", "invalid_refresh_token"],
    account: &[],
    config: CLIENT_AT_FAULT,
};
