//! OpenAI's error table: API keys, the Codex backend, and the login.

use serde::{Deserialize, Serialize};

use super::{Row, Shape};

/// A row of OpenAI's error table. In a stream it comes as `response.failed` (Responses) or `data: {"error":…}` (Chat
/// Completions) with its code and text, on a WebSocket as a wrapped error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenAiRefusal {
    /// 400, generic.
    InvalidRequest,
    /// 400, a parameter this endpoint does not know.
    UnknownParameter,
    /// 400, `context_length_exceeded`.
    ContextLengthExceeded,
    /// 400 of the Codex backend: the same as `{"detail":…}`.
    ContextDetail,
    /// 400, `invalid_prompt`.
    InvalidPrompt,
    /// 400, `previous_response_not_found`.
    PreviousResponseNotFound,
    /// 400, encrypted reasoning of another organisation.
    InvalidEncryptedContent,
    /// 400, `websocket_connection_limit_reached`.
    WebsocketConnectionLimit,
    /// 400 of the Codex backend: `{"detail":"Unsupported parameter: …"}`.
    UnsupportedParameterDetail,
    /// 400 of the Codex backend: the model is not for ChatGPT accounts.
    ModelNotForChatGpt,
    /// 401, an API key nobody issued.
    InvalidApiKey,
    /// 401 of the Codex backend: the access token has run out.
    TokenExpired,
    /// 401 of the Codex backend: the login was ended.
    TokenInvalidated,
    /// 401 of the Codex backend: the token was revoked.
    TokenRevoked,
    /// 401, `{"detail":"Unauthorized"}`: no token, or none that this vendor issued.
    Unauthorized,
    /// 401, `{"detail":{"error_code":"invalid_token"}}`.
    InvalidTokenDetail,
    /// 401, closed account.
    AccountDeactivated,
    /// 401, suspended account.
    AccountSuspended,
    /// 401, deleted account.
    AccountDeleted,
    /// 402.
    PaymentRequired,
    /// 403, a ChatGPT token where an API key is wanted.
    MissingScopes,
    /// 403, unsupported country.
    UnsupportedCountry,
    /// 403 by the edge, a page.
    HtmlForbidden,
    /// 404 naming the model.
    ModelNotFound,
    /// 404 for a path.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 413.
    TooLarge,
    /// 426 on a WebSocket handshake.
    UpgradeRequired,
    /// 429, per-minute limit of requests.
    RequestsPerMinute,
    /// 429, per-minute limit of tokens.
    TokensPerMinute,
    /// 429, `slow_down`.
    SlowDown,
    /// 429 with an empty body and no headers.
    EmptyBurst,
    /// 429, a plan window. Scripted, it carries the account's own plan and windows and a reset in an hour; see
    /// [`crate::Fault::spent`] for a particular window.
    UsageLimitReached,
    /// 429, the plan has no Codex.
    UsageNotIncluded,
    /// 429, `insufficient_quota`.
    InsufficientQuota,
    /// 429, type `insufficient_quota`, code `credit_balance_exhausted`.
    CreditBalanceExhausted,
    /// 429, type `insufficient_quota`, code `organization_spend_limit_exceeded`.
    OrganizationSpendLimit,
    /// 429, type `insufficient_quota`, code `project_spend_limit_exceeded`.
    ProjectSpendLimit,
    /// 429, type `insufficient_quota`, code `organization_usage_limit_exceeded`.
    OrganizationUsageLimit,
    /// 429, type `insufficient_quota`, code `billing_hard_limit_reached`.
    BillingHardLimit,
    /// 500, code null; in a stream `server_error`.
    ServerError,
    /// 502 by the edge, a page.
    BadGateway,
    /// 503, `server_is_overloaded`.
    ServerIsOverloaded,
    /// 503, `slow_down`.
    UnavailableSlowDown,
    /// 503 of the Codex backend: the model is at capacity, as `{"detail":…}`; in a stream `server_error` with that text.
    ModelAtCapacity,
    /// 504, empty.
    Timeout,
    /// 400; in a stream `cyber_policy`.
    CyberPolicy,
    /// 400; in a stream `response.incomplete` with reason `content_filter`.
    ContentFilter,
    /// In a stream the event `error` instead of `response.failed`, code `server_error`; else 500.
    ErrorEvent,
    /// Plan limit of a shared subscription.
    SharingUsageLimit,
    /// Limit by the workplace of a shared subscription.
    SharingWorkplaceLimit,
    /// 503, passing trouble of subscription sharing.
    SharingUnavailable,
    /// 503, the same about the person.
    SharingUserUnavailable,
    /// 401, not (or no longer) a person who shares.
    SharingInvalidUser,
    /// 401, an API key with another organisation's `OpenAI-Organization`.
    MismatchedOrganization,
    /// 403, no subscription to share.
    SharingNotEligible,
    /// 403, an endpoint that is not for shared plans.
    SharingNotAuthorized,
    /// 400, a parameter that is not for shared plans.
    SharingUnsupported,
    /// Login, 401: the refresh token was used before.
    RefreshTokenReused,
    /// Login, 401: the refresh token's time has come.
    RefreshTokenExpired,
    /// Login, 401: the refresh token's login was ended.
    RefreshTokenInvalidated,
    /// Login, 400: the code or refresh token is none of ours.
    InvalidGrant,
    /// Login, 401: unknown client.
    InvalidClient,
    /// Login, 400: malformed.
    InvalidTokenRequest,
    /// Login, 400.
    UnsupportedGrantType,
    /// Login, 400: more scope than was granted.
    InvalidScope,
    /// Login, 403: nobody has confirmed the device code yet.
    DevicePending,
    /// Login, 429: polled too fast.
    DeviceSlowDown,
    /// Login, 404: device codes are not enabled, or there is no such code.
    DeviceNotFound,
    /// Login, 429.
    TokenRateLimited,
    /// Login, 503: `temporarily_unavailable`.
    TokenUnavailable,
}

const HTML: Shape = Shape::Raw("text/html; charset=UTF-8");
const INVALID: &str = "invalid_request_error";
const QUOTA: &str = "insufficient_quota";
const QUOTA_TEXT: &str = "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.";
const OVERLOADED_TEXT: &str = "Our servers are currently overloaded. Please try again later.";

const fn row(status: u16, kind: &'static str, code: &'static str, shape: Shape, message: &'static str) -> Row {
    let code = if code.is_empty() { None } else { Some(code) };
    Row { status, kind, code, message, shape, headers: &[] }
}

impl OpenAiRefusal {
    /// The row. Texts: OpenAI's error pages, the sources of its client and public reports of 2026; a table, hence the
    /// length of its lines.
    #[rustfmt::skip]
    pub(crate) const fn row(self) -> Row {
        use Shape::{Bare, Coded, Detail, DetailCode, OpenAi, OpenAiEvent, Raw};
        match self {
            Self::InvalidRequest => row(400, INVALID, "", OpenAi, "Invalid type for 'input': expected one of an array of objects or string."),
            Self::UnknownParameter => row(400, INVALID, "unknown_parameter", OpenAi, "Unknown parameter."),
            Self::ContextLengthExceeded => row(400, INVALID, "context_length_exceeded", OpenAi, "Your input exceeds the context window of this model. Please adjust your input and try again."),
            Self::ContextDetail => row(400, INVALID, "context_length_exceeded", Detail, "Your input exceeds the context window of this model. Please adjust your input and try again."),
            Self::InvalidPrompt => row(400, INVALID, "invalid_prompt", OpenAi, "Invalid prompt: your prompt was flagged as potentially violating our usage policy."),
            Self::PreviousResponseNotFound => row(400, INVALID, "previous_response_not_found", OpenAi, "Previous response with id not found."),
            Self::InvalidEncryptedContent => row(400, INVALID, "invalid_encrypted_content", OpenAi, "The encrypted content could not be verified. Reason: Encrypted content organization_id did not match the target organization."),
            Self::WebsocketConnectionLimit => row(400, INVALID, "websocket_connection_limit_reached", OpenAi, "Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue."),
            Self::UnsupportedParameterDetail => row(400, INVALID, "unsupported_parameter", Detail, "Unsupported parameter: max_output_tokens"),
            Self::ModelNotForChatGpt => row(400, INVALID, "model_not_found", Detail, "The 'gpt-5-codex' model is not supported when using Codex with a ChatGPT account."),
            Self::InvalidApiKey => row(401, INVALID, "invalid_api_key", OpenAi, "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys."),
            Self::TokenExpired => row(401, INVALID, "token_expired", OpenAi, "Provided authentication token is expired. Please try signing in again."),
            Self::TokenInvalidated => row(401, INVALID, "token_invalidated", OpenAi, "Your authentication token has been invalidated. Please try signing in again."),
            Self::TokenRevoked => row(401, INVALID, "token_revoked", OpenAi, "Encountered invalidated oauth token for user, failing request"),
            Self::Unauthorized => row(401, INVALID, "", Detail, "Unauthorized"),
            Self::InvalidTokenDetail => row(401, INVALID, "invalid_token", DetailCode, ""),
            Self::AccountDeactivated => row(401, INVALID, "account_deactivated", OpenAi, "Your OpenAI account has been deactivated, please check your email for more information."),
            Self::AccountSuspended => row(401, INVALID, "account_suspended", OpenAi, "Your account has been suspended."),
            Self::AccountDeleted => row(401, INVALID, "account_deleted", OpenAi, "This account no longer exists."),
            Self::PaymentRequired => row(402, INVALID, "", OpenAi, "Payment Required"),
            Self::MissingScopes => row(403, INVALID, "missing_scope", OpenAi, "You have insufficient permissions for this operation. Missing scopes: api.responses.write. Check that you have the correct role in your organization and project, and if you're using a restricted API key, that it has the necessary scopes."),
            Self::UnsupportedCountry => row(403, "request_forbidden", "unsupported_country_region_territory", OpenAi, "Country, region, or territory not supported"),
            Self::HtmlForbidden => Row { headers: &[("server", "cloudflare")], ..row(403, "", "", HTML, "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head></html>") },
            Self::ModelNotFound => row(404, INVALID, "model_not_found", OpenAi, "The model `gpt-9` does not exist or you do not have access to it."),
            Self::NotFound => row(404, INVALID, "", OpenAi, "Invalid URL"),
            Self::MethodNotAllowed => row(405, INVALID, "method_not_supported", OpenAi, "Not allowed for this URL"),
            Self::TooLarge => row(413, INVALID, "", OpenAi, "The request body is too large."),
            Self::UpgradeRequired => row(426, "", "", Raw("text/plain"), "Upgrade Required"),
            Self::RequestsPerMinute => row(429, "requests", "rate_limit_exceeded", OpenAi, "Rate limit reached for requests per min (RPM). Please try again in 11.054s. Visit https://platform.openai.com/account/rate-limits to learn more."),
            Self::TokensPerMinute => row(429, "tokens", "rate_limit_exceeded", OpenAi, "Rate limit reached on tokens per min (TPM). Please try again in 11.054s. Visit https://platform.openai.com/account/rate-limits to learn more."),
            Self::SlowDown => row(429, "rate_limit_error", "slow_down", OpenAi, "Your traffic is ramping up too fast. Please slow down."),
            Self::EmptyBurst => row(429, "", "", Raw(""), ""),
            Self::UsageLimitReached => row(429, "usage_limit_reached", "", Bare, "The usage limit has been reached"),
            Self::UsageNotIncluded => row(429, "usage_not_included", "", Bare, "To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus."),
            Self::InsufficientQuota => row(429, QUOTA, "insufficient_quota", OpenAi, QUOTA_TEXT),
            Self::CreditBalanceExhausted => row(429, QUOTA, "credit_balance_exhausted", OpenAi, QUOTA_TEXT),
            Self::OrganizationSpendLimit => row(429, QUOTA, "organization_spend_limit_exceeded", OpenAi, QUOTA_TEXT),
            Self::ProjectSpendLimit => row(429, QUOTA, "project_spend_limit_exceeded", OpenAi, QUOTA_TEXT),
            Self::OrganizationUsageLimit => row(429, QUOTA, "organization_usage_limit_exceeded", OpenAi, QUOTA_TEXT),
            Self::BillingHardLimit => row(429, QUOTA, "billing_hard_limit_reached", OpenAi, QUOTA_TEXT),
            Self::ServerError => row(500, "server_error", "", OpenAi, "The server had an error while processing your request. Sorry about that!"),
            Self::BadGateway => Row { headers: &[("server", "cloudflare")], ..row(502, "", "", HTML, "<html><body><center><h1>502 Bad Gateway</h1></center></body></html>") },
            Self::ServerIsOverloaded => row(503, "server_error", "server_is_overloaded", OpenAi, OVERLOADED_TEXT),
            Self::UnavailableSlowDown => row(503, "server_error", "slow_down", OpenAi, "Your traffic is ramping up too fast. Please slow down."),
            Self::ModelAtCapacity => row(503, "server_error", "server_error", Detail, "Selected model is at capacity. Please try a different model."),
            Self::Timeout => row(504, "", "", Raw(""), ""),
            Self::CyberPolicy => row(400, INVALID, "cyber_policy", OpenAi, "This request was blocked by our cyber policy."),
            Self::ContentFilter => row(400, INVALID, "content_filter", OpenAi, "The response was filtered."),
            Self::ErrorEvent => row(500, "server_error", "server_error", OpenAiEvent, "The server had an error while processing your request. Sorry about that!"),
            Self::SharingUsageLimit => row(429, "request_error", "subscription_sharing_usage_limit_exceeded", Coded, "Usage limit reached for this app."),
            Self::SharingWorkplaceLimit => row(429, "request_error", "subscription_sharing_workplace_individual_usage_limit_exceeded", Coded, "Limit set by your workplace."),
            Self::SharingUnavailable => row(503, "request_error", "subscription_sharing_usage_unavailable", Coded, "Try again."),
            Self::SharingUserUnavailable => row(503, "request_error", "subscription_sharing_user_unavailable", Coded, "Try again."),
            Self::SharingInvalidUser => row(401, "request_error", "subscription_sharing_invalid_user", Coded, "Invalid user."),
            Self::MismatchedOrganization => row(401, INVALID, "mismatched_organization", OpenAi, "OpenAI-Organization header should match organization for API key"),
            Self::SharingNotEligible => row(403, "request_error", "subscription_sharing_user_not_eligible", Coded, "Not eligible."),
            Self::SharingNotAuthorized => row(403, "request_error", "chatpass_v2_scope_not_authorized", Coded, "This endpoint is not authorized for shared plans."),
            Self::SharingUnsupported => row(400, "request_error", "subscription_sharing_unsupported_capability", Coded, "This parameter is not supported for shared plans."),
            Self::RefreshTokenReused => row(401, INVALID, "refresh_token_reused", OpenAi, "Your refresh token has already been used to generate a new access token. Please try signing in again."),
            Self::RefreshTokenExpired => row(401, INVALID, "refresh_token_expired", OpenAi, "Could not validate your token. Please try signing in again."),
            Self::RefreshTokenInvalidated => row(401, INVALID, "refresh_token_invalidated", OpenAi, "Your session has ended. Please log in again."),
            Self::InvalidGrant => row(400, INVALID, "invalid_grant", OpenAi, "The provided authorization grant is invalid, expired or revoked."),
            Self::InvalidClient => row(401, INVALID, "invalid_client", OpenAi, "Client authentication failed."),
            Self::InvalidTokenRequest => row(400, INVALID, "invalid_request", OpenAi, "Invalid request."),
            Self::UnsupportedGrantType => row(400, INVALID, "unsupported_grant_type", OpenAi, "Unsupported grant type."),
            Self::InvalidScope => row(400, INVALID, "invalid_scope", OpenAi, "The requested scope exceeds the scope granted."),
            Self::DevicePending => row(403, INVALID, "deviceauth_authorization_pending", OpenAi, "Device authorization is pending. Please try again."),
            Self::DeviceSlowDown => row(429, INVALID, "slow_down", OpenAi, "Polling too fast."),
            Self::DeviceNotFound => row(404, INVALID, "deviceauth_not_found", OpenAi, "Device authorization not found."),
            Self::TokenRateLimited => row(429, "rate_limit_error", "rate_limit_exceeded", OpenAi, "Too many requests. Please try again later."),
            Self::TokenUnavailable => row(503, "server_error", "temporarily_unavailable", OpenAi, "The service is temporarily unavailable."),
        }
    }
}
