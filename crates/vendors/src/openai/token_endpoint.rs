//! OpenAI's token endpoint for Codex logins. Sources: openai/codex (`login/src/auth/manager.rs`), openai/codex#31162.

use crate::refresh::{CLIENT_AT_FAULT, TokenEndpoint};

/// Public client id of the Codex CLI.
pub(crate) const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";

pub(crate) const ENDPOINT: TokenEndpoint = TokenEndpoint {
    url: Some("https://auth.openai.com/oauth/token"),
    client_id: CLIENT_ID,
    permanent: &[
        "refresh_token_expired",
        "refresh_token_reused",
        "refresh_token_invalidated",
        "invalid_grant",
        "invalid_refresh_token",
        "token_invalidated",
        "token_expired",
        "token_revoked",
        "app_session_terminated",
        "account_session_expired",
    ],
    account: &["account_deactivated", "account_suspended", "account_deleted"],
    config: CLIENT_AT_FAULT,
};
