//! Qwen's logins ended on 2026-04-15 (qwen-code's own documentation): there is nothing to refresh.

use crate::refresh::TokenEndpoint;

pub(crate) const ENDPOINT: TokenEndpoint =
    TokenEndpoint { url: None, client_id: "", permanent: &[], account: &[], config: &[] };
