//! Anthropic's error table: every refusal that is known to occur, by name, as it stands on the wire.

use serde::{Deserialize, Serialize};

use super::{Row, Shape};

/// A row of Anthropic's error table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// 400, generic.
    InvalidRequest,
    /// 400, more tokens than the context holds.
    PromptTooLong,
    /// 400, an altered thinking signature.
    ThinkingSignature,
    /// 400, a thinking block of another conversation.
    BoundToOtherConversation,
    /// 404, a message thread that is not there.
    ThreadNotFound,
    /// 400, the spend limit a user set.
    SpendLimit,
    /// 400, the same for a workspace.
    WorkspaceSpendLimit,
    /// 400, third-party traffic on a subscription without credits.
    ThirdPartyApps,
    /// 400, closed organisation.
    OrganizationDisabled,
    /// 400, closed account.
    AccountDisabled,
    /// 400, no credit left.
    CreditTooLow,
    /// 402.
    PaymentRequired,
    /// 401 on a key.
    InvalidApiKey,
    /// 401 on a bearer token nobody issued.
    InvalidBearer,
    /// 401, the access token has run out.
    TokenExpired,
    /// 401, bearer token without the OAuth beta flag.
    OauthNotSupported,
    /// 401, the request carried `Origin`.
    Cors,
    /// 403, the access token was revoked.
    TokenRevoked,
    /// 403, the organisation does not allow OAuth (now).
    OauthNotAllowed,
    /// 403, the client is not Claude Code.
    OnlyClaudeCode,
    /// 403, the token lacks `user:profile`.
    ScopeMissing,
    /// 403 by the edge, a page.
    HtmlForbidden,
    /// 403 by the edge, a word.
    PlainForbidden,
    /// 404 naming the model.
    ModelNotFound,
    /// 404 for a path.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 409.
    Conflict,
    /// 413.
    TooLarge,
    /// 429 with no evidence at all but `x-should-retry: true`.
    BareBurst,
    /// 429 with an empty body and no headers.
    EmptyBurst,
    /// 429, a per-minute limit of requests.
    RequestsPerMinute,
    /// 429, a per-minute limit of input tokens.
    InputTokensPerMinute,
    /// 429, a per-minute limit of output tokens.
    OutputTokensPerMinute,
    /// 429, an account or model window. Scripted, it carries the account's real (perhaps free) windows: see
    /// [`crate::Fault::spent`] for a spent one.
    RateLimit,
    /// 429, the organisation's monthly cap, without `retry-after`.
    EnforcedSpendLimit,
    /// 429, fast mode without credits.
    FastModeCredits,
    /// 429, long context without credits.
    LongContextCredits,
    /// 429, extra usage required.
    ExtraUsageRequired,
    /// 500.
    ApiError,
    /// 502 by the edge, a page.
    BadGateway,
    /// 503, empty.
    Unavailable,
    /// 504.
    Timeout,
    /// 529.
    Overloaded,
    /// Token endpoint, 400: the refresh token has run out.
    GrantExpired,
    /// Token endpoint, 400: the refresh token or code is not (or no longer) valid.
    GrantInvalid,
    /// Token endpoint, 400: unknown client.
    InvalidClient,
    /// Token endpoint, 400: malformed request.
    InvalidTokenRequest,
    /// Token endpoint, 400: unknown grant type.
    UnsupportedGrantType,
    /// Token endpoint, 400: more scope than was granted.
    InvalidScope,
    /// Token endpoint, 429.
    TokenRateLimited,
}

const HTML: Shape = Shape::Raw("text/html; charset=UTF-8");
const REVOKED: &str = r#"{"error_visibility":"user_facing"}"#;
const PLAN_LIMIT: &str = "This request would exceed your account's rate limit. Please try again later.";
const RETRY: &[(&str, &str)] = &[("x-should-retry", "true")];
const NO_RETRY: &[(&str, &str)] = &[("x-should-retry", "false")];

const fn row(
    status: u16,
    kind: &'static str,
    shape: Shape,
    message: &'static str,
    headers: &'static [(&'static str, &'static str)],
) -> Row {
    Row { status, kind, code: None, message, shape, headers }
}

impl Refusal {
    /// The row. Texts: Anthropic's error pages and public reports of 2026; a table, hence the length of its lines.
    #[rustfmt::skip]
    pub(crate) const fn row(self) -> Row {
        use Shape::{Api, ApiWith, Bare, Oauth, Raw};
        const INVALID: &str = "invalid_request_error";
        const LIMIT: &str = "rate_limit_error";
        const DENIED: &str = "permission_error";
        const AUTH: &str = "authentication_error";
        match self {
            Self::InvalidRequest => row(400, INVALID, Api, "messages: Input should be a valid list", NO_RETRY),
            Self::PromptTooLong => row(400, INVALID, Api, "prompt is too long: 213462 tokens > 200000 maximum", NO_RETRY),
            Self::ThinkingSignature => row(400, INVALID, Api, "messages.1.content.0: Invalid `signature` in `thinking` block", NO_RETRY),
            Self::BoundToOtherConversation => row(400, INVALID, Api, "messages.1.content.0: `thinking` block is bound to a different conversation", NO_RETRY),
            Self::ThreadNotFound => row(404, "not_found_error", ApiWith(r#"{"error_code":"thread_not_found"}"#), "The message thread cannot be continued.", NO_RETRY),
            Self::SpendLimit => row(400, INVALID, Api, "You have reached your specified API usage limits. You will regain access on {resume} at 00:00 UTC.", NO_RETRY),
            Self::WorkspaceSpendLimit => row(400, INVALID, Api, "You have reached your specified workspace API usage limits. You will regain access on {resume} at 00:00 UTC.", NO_RETRY),
            Self::ThirdPartyApps => row(400, INVALID, Api, "Third-party apps now draw from your extra usage, not your plan limits. Add more at claude.ai/settings/usage and keep going.", NO_RETRY),
            Self::OrganizationDisabled => row(400, INVALID, Api, "This organization has been disabled.", NO_RETRY),
            Self::AccountDisabled => row(400, INVALID, Api, "Your account has been disabled.", NO_RETRY),
            Self::CreditTooLow => row(400, INVALID, Api, "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.", NO_RETRY),
            Self::PaymentRequired => row(402, "billing_error", Api, "Payment required.", NO_RETRY),
            Self::InvalidApiKey => row(401, AUTH, Api, "invalid x-api-key", NO_RETRY),
            Self::InvalidBearer => row(401, AUTH, Api, "Invalid bearer token", NO_RETRY),
            Self::TokenExpired => row(401, AUTH, Api, "OAuth token has expired. Please obtain a new token or refresh your existing token.", NO_RETRY),
            Self::OauthNotSupported => row(401, AUTH, Api, "OAuth authentication is currently not supported.", NO_RETRY),
            Self::Cors => row(401, AUTH, Api, "CORS requests are not allowed for this Organization because of its data retention settings.", NO_RETRY),
            Self::TokenRevoked => row(403, DENIED, ApiWith(REVOKED), "OAuth token has been revoked. Please obtain a new token.", NO_RETRY),
            Self::OauthNotAllowed => row(403, DENIED, Api, "OAuth authentication is currently not allowed for this organization.", NO_RETRY),
            Self::OnlyClaudeCode => row(403, DENIED, Api, "This credential is only authorized for use with Claude Code and cannot be used for other API requests.", NO_RETRY),
            Self::ScopeMissing => row(403, DENIED, Api, "OAuth token does not meet scope requirement user:profile", NO_RETRY),
            Self::HtmlForbidden => row(403, "", HTML, "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>", &[("server", "cloudflare")]),
            Self::PlainForbidden => row(403, "", Raw("text/plain"), "Forbidden", &[]),
            Self::ModelNotFound => row(404, "not_found_error", Api, "model: claude-opus-9", NO_RETRY),
            Self::NotFound => row(404, "not_found_error", Api, "Not Found", NO_RETRY),
            Self::MethodNotAllowed => row(405, INVALID, Api, "Method Not Allowed", NO_RETRY),
            Self::Conflict => row(409, "conflict_error", Api, "The resource is being changed by another request.", RETRY),
            Self::TooLarge => row(413, "request_too_large", Api, "Request exceeds the maximum size", NO_RETRY),
            Self::BareBurst => row(429, LIMIT, Api, "Error", RETRY),
            Self::EmptyBurst => row(429, "", Raw(""), "", &[]),
            Self::RequestsPerMinute => row(429, LIMIT, Api, "Number of requests has exceeded your per-minute rate limit", RETRY),
            Self::InputTokensPerMinute => row(429, LIMIT, Api, "Number of input tokens has exceeded your per-minute rate limit", RETRY),
            Self::OutputTokensPerMinute => row(429, LIMIT, Api, "Number of output tokens has exceeded your per-minute rate limit", RETRY),
            Self::RateLimit => row(429, LIMIT, Api, PLAN_LIMIT, RETRY),
            Self::EnforcedSpendLimit => row(429, LIMIT, ApiWith(r#"{"error_code":"enforced_spend_limit_reached"}"#), "You have reached your API usage limits: monthly spend. You will regain access on {resume} at 00:00 UTC.", NO_RETRY),
            Self::FastModeCredits => row(429, LIMIT, Api, "Usage credits are required for fast mode", NO_RETRY),
            Self::LongContextCredits => row(429, LIMIT, Api, "Extra usage is required for long context requests.", NO_RETRY),
            Self::ExtraUsageRequired => row(429, LIMIT, Api, "Extra usage required", NO_RETRY),
            Self::ApiError => row(500, "api_error", Api, "Internal server error", RETRY),
            Self::BadGateway => row(502, "", HTML, "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>", &[("server", "cloudflare")]),
            Self::Unavailable => row(503, "", Raw(""), "", &[]),
            Self::Timeout => row(504, "timeout_error", Api, "The request timed out", RETRY),
            Self::Overloaded => row(529, "overloaded_error", Api, "Overloaded", RETRY),
            Self::GrantExpired => row(400, "invalid_grant", Oauth, "Refresh token expired", &[]),
            Self::GrantInvalid => row(400, "invalid_grant", Oauth, "Refresh token is invalid or has been revoked", &[]),
            Self::InvalidClient => row(400, "invalid_client", Oauth, "Client not found", &[]),
            Self::InvalidTokenRequest => row(400, "invalid_request", Oauth, "Invalid request format", &[]),
            Self::UnsupportedGrantType => row(400, "unsupported_grant_type", Oauth, "Unsupported grant type", &[]),
            Self::InvalidScope => row(400, "invalid_scope", Oauth, "The requested scope exceeds the scope granted", &[]),
            Self::TokenRateLimited => row(429, LIMIT, Bare, "Rate limited. Please try again later.", &[]),
        }
    }
}
