//! What OpenAI says when it refuses, on api.openai.com and on the Codex backend. Sources: openai/codex (`codex-api`,
//! `protocol/src/error.rs`), developers.openai.com error-codes and sign-in-with-ChatGPT pages, published clients.

use remuda_core::Class::{
    AccountDisabled, Billing, Burst, ModelExhausted, NetworkBlocked, Overloaded, RequestFault, Transient,
    WindowExhausted,
};

use crate::table::At::{Any, NotServerFault};
use crate::table::Means::{Credential, Is, PlanWindow};
use crate::table::{CodeStatus, Row, Table, code, phrase, stands_for};

pub(crate) const TABLE: Table = Table {
    terms: &[],
    codes: CODES,
    phrases: PHRASES,
    statuses: STATUSES,
    overloaded_status: None,
    window_from_wait_s: None,
};

const CODES: &[Row] = &[
    // plan windows of a ChatGPT subscription
    code("usage_limit_reached", PlanWindow),
    code("usage_not_included", Is(Billing)),
    // money. The codes are many, the type insufficient_quota covers those that are not here
    code("insufficient_quota", Is(Billing)),
    code("credit_balance_exhausted", Is(Billing)),
    code("organization_spend_limit_exceeded", Is(Billing)),
    code("organization_usage_limit_exceeded", Is(Billing)),
    code("project_spend_limit_exceeded", Is(Billing)),
    code("billing_hard_limit_reached", Is(Billing)),
    // speed
    code("rate_limit_exceeded", Is(Burst)),
    code("slow_down", Is(Burst)),
    // capacity
    code("server_is_overloaded", Is(Overloaded)).saying(&["selected model is at capacity"]).about_model(),
    code("server_is_overloaded", Is(Overloaded)),
    code("model_not_found", Is(ModelExhausted)),
    // accounts and credentials
    code("account_deactivated", Is(AccountDisabled)),
    code("account_suspended", Is(AccountDisabled)),
    code("account_deleted", Is(AccountDisabled)),
    code("invalid_api_key", Credential),
    code("invalid_token", Credential),
    code("token_expired", Credential),
    code("token_invalidated", Credential),
    code("token_revoked", Credential),
    // the path
    code("unsupported_country_region_territory", Is(NetworkBlocked)),
    // the request
    code("context_length_exceeded", Is(RequestFault)),
    code("content_filter", Is(RequestFault)),
    code("previous_response_*", Is(RequestFault)),
    code("*_policy", Is(RequestFault)),
    // shared subscriptions: their limits are never evaded automatically
    code("subscription_sharing_*limit_exceeded", Is(WindowExhausted)).stays(),
    code("subscription_sharing_*not_eligible", Is(AccountDisabled)).stays(),
    code("subscription_sharing_*_unavailable", Is(Transient)),
    code("subscription_sharing_*invalid_user", Credential),
    code("subscription_sharing_*", Is(RequestFault)),
];

const PHRASES: &[Row] = &[
    // comes with server_error, or in `detail` without any code
    phrase(&["selected model is at capacity"], Any, Is(Overloaded)).about_model(),
    // depends on the plan
    phrase(&["is not supported when using codex with a chatgpt account"], NotServerFault, Is(ModelExhausted)),
    phrase(&["your input exceeds the context window"], NotServerFault, Is(RequestFault)),
    // seen on the Codex backend where a credential's code is missing
    phrase(&["encountered invalidated oauth token"], NotServerFault, Credential),
];

const STATUSES: &[CodeStatus] = &[
    stands_for("invalid_*", 400),
    stands_for("unsupported_*", 400),
    stands_for("rate_limit_error", 429),
    stands_for("server_error", 500),
];
