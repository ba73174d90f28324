//! Alibaba's error table. Each row has a code of its own kind and an OpenAI-like one; which is written depends on the
//! path.

use serde::{Deserialize, Serialize};

use super::{Row, Shape};

/// A row of Alibaba's error table. On OpenAI-compatible paths it comes as
/// `{"error":{"message","type","param","code"},"id","request_id"}`, on Anthropic-compatible ones as
/// `{"code","message","request_id"}`, and in a stream as `event:error` with the latter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QwenRefusal {
    /// 400, generic.
    InvalidParameter,
    /// 400, the input is too long.
    InputTooLong,
    /// 400, the model answers in streams only.
    StreamOnly,
    /// 400, the content filter on the input.
    InputInspectionFailed,
    /// 400, the content filter on the output.
    OutputInspectionFailed,
    /// 400, overdue payment.
    Arrearage,
    /// 401, a bad key.
    InvalidApiKey,
    /// 401, no key, or one where it is not looked for.
    NoApiKey,
    /// 401 of plans: another kind of key, or a plan that has lapsed.
    PlanTokenExpired,
    /// 403, a plan's key where pay-as-you-go keys are wanted.
    PlanKeyElsewhere,
    /// 403.
    AccessDenied,
    /// 403, the account may not use this model.
    ModelAccessDenied,
    /// 403, the model was not bought.
    Unpurchased,
    /// 403, free tier only, and it is used up.
    FreeTierOnly,
    /// 403 by the edge, a page.
    HtmlForbidden,
    /// 404 naming the model.
    ModelNotFound,
    /// 404 of a plan naming the model.
    ModelNotInPlan,
    /// 404 with an empty body: no such path.
    NotFound,
    /// 405, empty.
    MethodNotAllowed,
    /// 413.
    TooLarge,
    /// 429, generic throttling.
    Throttling,
    /// 429, requests per minute.
    RateQuota,
    /// 429, the rate rose too fast.
    BurstRate,
    /// 429, too many at once.
    Concurrency,
    /// 429, no capacity.
    ResourceExhausted,
    /// 429, tokens per minute, or a spent plan: the vendor says the same for both.
    AllocationQuota,
    /// 429, the same in OpenAI's words.
    CurrentQuota,
    /// 429 of the Coding Plan: five hours.
    HourQuota,
    /// 429 of the Coding Plan: a week.
    WeekQuota,
    /// 429 of the Coding Plan: a month.
    MonthQuota,
    /// 429 of the Token Plan: one window, with its reset an hour ahead.
    TokenPlanWeek,
    /// 429 of the Token Plan without a reset.
    TokenPlanTotal,
    /// 429, free quota used up.
    FreeQuota,
    /// 429 with an empty body and no headers.
    EmptyBurst,
    /// 500.
    InternalError,
    /// 503.
    Unavailable,
    /// 504 by the edge, a page.
    GatewayTimeout,
}

/// A row with both of its codes.
struct Both {
    row: Row,
    /// `code` of the native shape.
    native: &'static str,
}

const HTML: Shape = Shape::Raw("text/html");
const INVALID: &str = "invalid_request_error";
const QUOTA: &str = "insufficient_quota";
const ALLOCATION: &str = "Throttling.AllocationQuota";

const fn both(
    status: u16,
    native: &'static str,
    kind: &'static str,
    code: &'static str,
    message: &'static str,
) -> Both {
    Both { row: Row { status, kind, code: Some(code), message, shape: Shape::QwenCompatible, headers: &[] }, native }
}

const fn raw(status: u16, kind: Shape, message: &'static str) -> Both {
    Both { row: Row { status, kind: "", code: None, message, shape: kind, headers: &[] }, native: "" }
}

impl QwenRefusal {
    /// The row as on OpenAI-compatible paths.
    pub(crate) const fn row(self) -> Row {
        self.both().row
    }

    /// The row as on Anthropic-compatible paths and in streams.
    pub(crate) const fn native(self) -> Row {
        let Both { row, native } = self.both();
        match row.shape {
            Shape::QwenCompatible => Row { code: Some(native), shape: Shape::QwenNative, ..row },
            _ => row,
        }
    }

    /// Texts: Alibaba's error pages and public reports of 2026; a table, hence the length of its lines.
    #[rustfmt::skip]
    const fn both(self) -> Both {
        match self {
            Self::InvalidParameter => both(400, "InvalidParameter", INVALID, "invalid_parameter_error", "The provided parameters are invalid."),
            Self::InputTooLong => both(400, "InvalidParameter", INVALID, "invalid_parameter_error", "Range of input length should be [1, 129024]"),
            Self::StreamOnly => both(400, "InvalidParameter", INVALID, "invalid_parameter_error", "This model only support stream mode, please enable the stream parameter to access the model."),
            Self::InputInspectionFailed => both(400, "DataInspectionFailed", "data_inspection_failed", "data_inspection_failed", "Input data may contain inappropriate content."),
            Self::OutputInspectionFailed => both(400, "DataInspectionFailed", "data_inspection_failed", "data_inspection_failed", "Output data may contain inappropriate content."),
            Self::Arrearage => both(400, "Arrearage", "Arrearage", "Arrearage", "Access denied, please make sure your account is in good standing."),
            Self::InvalidApiKey => both(401, "InvalidApiKey", INVALID, "invalid_api_key", "Incorrect API key provided."),
            Self::NoApiKey => both(401, "InvalidApiKey", INVALID, "invalid_api_key", "No API-key provided."),
            Self::PlanTokenExpired => both(401, "InvalidApiKey", INVALID, "invalid_api_key", "invalid access token or token expired"),
            Self::PlanKeyElsewhere => both(403, "InvalidApiKey", INVALID, "invalid_api_key", "invalid api-key"),
            Self::AccessDenied => both(403, "AccessDenied", "access_denied", "access_denied", "Access denied."),
            Self::ModelAccessDenied => both(403, "Model.AccessDenied", "access_denied", "model_access_denied", "Model access denied."),
            Self::Unpurchased => both(403, "AccessDenied.Unpurchased", "access_denied", "access_denied", "Access to model denied. Please make sure you are eligible for using the model."),
            Self::FreeTierOnly => both(403, "AllocationQuota.FreeTierOnly", QUOTA, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the \"use free tier only\" mode in the management console."),
            Self::HtmlForbidden => raw(403, HTML, "<!doctypehtml><html><body>request blocked</body></html>"),
            Self::ModelNotFound => both(404, "ModelNotFound", INVALID, "model_not_found", "The model `qwen9-max` does not exist or you do not have access to it."),
            Self::ModelNotInPlan => both(404, "ModelNotFound", INVALID, "model_not_found", "model 'qwen9-max' is not supported"),
            Self::NotFound => raw(404, Shape::Raw(""), ""),
            Self::MethodNotAllowed => raw(405, Shape::Raw(""), ""),
            Self::TooLarge => both(413, "InvalidParameter", INVALID, "request_too_large", "Exceeded limit on max bytes per request body"),
            Self::Throttling => both(429, "Throttling", "rate_limit_error", "limit_requests", "Requests throttling triggered."),
            Self::RateQuota => both(429, "Throttling.RateQuota", "limit_requests", "limit_requests", "Requests rate limit exceeded, please try again later."),
            Self::BurstRate => both(429, "Throttling.BurstRate", "limit_burst_rate", "limit_burst_rate", "Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time."),
            Self::Concurrency => both(429, "Throttling.Concurrency", "limit_requests", "limit_concurrency", "Too many concurrent requests."),
            Self::ResourceExhausted => both(429, "Throttling.ResourceExhausted", "rate_limit_error", "resource_exhausted", "Resource exhausted, please try again later."),
            Self::AllocationQuota => both(429, ALLOCATION, QUOTA, QUOTA, "Allocated quota exceeded, please increase your quota limit."),
            Self::CurrentQuota => both(429, ALLOCATION, QUOTA, QUOTA, "You exceeded your current quota, please check your plan and billing details."),
            Self::HourQuota => both(429, ALLOCATION, QUOTA, QUOTA, "hour allocated quota exceeded."),
            Self::WeekQuota => both(429, ALLOCATION, QUOTA, QUOTA, "week allocated quota exceeded."),
            Self::MonthQuota => both(429, ALLOCATION, QUOTA, QUOTA, "month allocated quota exceeded."),
            Self::TokenPlanWeek => both(429, ALLOCATION, QUOTA, QUOTA, "Your token-plan 1-week quota has been exhausted. The quota will reset at {reset} UTC."),
            Self::TokenPlanTotal => both(429, ALLOCATION, QUOTA, QUOTA, "Your token-plan quota has been exhausted."),
            Self::FreeQuota => both(429, ALLOCATION, QUOTA, QUOTA, "Free allocated quota exceeded."),
            Self::EmptyBurst => raw(429, Shape::Raw(""), ""),
            Self::InternalError => both(500, "InternalError", "internal_error", "internal_error", "An internal error has occured, please try again later or contact service support."),
            Self::Unavailable => both(503, "ServiceUnavailable", "service_unavailable", "service_unavailable", "Service is unavailable, please try again later."),
            Self::GatewayTimeout => raw(504, HTML, "<html><body><h1>504 Gateway Time-out</h1></body></html>"),
        }
    }
}
