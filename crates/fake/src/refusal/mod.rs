//! The vendors' error tables: what a refusal is, how its body is written, and one table per vendor.

mod anthropic;
mod openai;
mod qwen;

pub use anthropic::Refusal;
pub use openai::OpenAiRefusal;
pub use qwen::QwenRefusal;

use serde::{Deserialize, Serialize};

/// A row of some vendor's error table. On `/__fake/`: `"overloaded"`, `{"openai":"usage_limit_reached"}`,
/// `{"qwen":"rate_quota"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VendorRefusal {
    /// OpenAI's: API keys, the Codex backend, login.
    #[serde(rename = "openai")]
    OpenAi(OpenAiRefusal),
    /// Alibaba's.
    Qwen(QwenRefusal),
    /// Anthropic's.
    #[serde(untagged)]
    Anthropic(Refusal),
}

impl From<Refusal> for VendorRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::Anthropic(refusal)
    }
}

impl From<OpenAiRefusal> for VendorRefusal {
    fn from(refusal: OpenAiRefusal) -> Self {
        Self::OpenAi(refusal)
    }
}

impl From<QwenRefusal> for VendorRefusal {
    fn from(refusal: QwenRefusal) -> Self {
        Self::Qwen(refusal)
    }
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{"type":"error","error":{"type","message"},"request_id"}`
    Api,
    /// As `Api` with `error.details`, given as a JSON text.
    ApiWith(&'static str),
    /// `{"error":<kind>,"error_description":<message>}`
    Oauth,
    /// `{"error":{"type","message"}}`, with more fields where a row has them: Anthropic's token limiter, the plan limits
    /// of the Codex backend.
    Bare,
    /// `{"error":{"message","type","param","code"}}`
    OpenAi,
    /// The same; in a stream of Responses it is an `error` event instead of `response.failed`.
    OpenAiEvent,
    /// `{"error":{"code","message","type"}}`
    Coded,
    /// `{"detail":<message>}`
    Detail,
    /// `{"detail":{"error_code":<code>}}`
    DetailCode,
    /// Alibaba's OpenAI-compatible paths:
    /// `{"error":{"message","type","param","code"},"id":"chatcmpl-…","request_id"}`
    QwenCompatible,
    /// Alibaba's own, also on its Anthropic-compatible paths: `{"code","message","request_id"}`
    QwenNative,
    /// The message is the body, of this content type.
    Raw(&'static str),
}

/// A row as data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) status: u16,
    /// `error.type`; for `QwenNative` not on the wire.
    pub(crate) kind: &'static str,
    /// `error.code`.
    pub(crate) code: Option<&'static str>,
    pub(crate) message: &'static str,
    pub(crate) shape: Shape,
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

/// Stands in the texts of spend limits for the first day of the next month.
const RESUME: &str = "{resume}";
/// Stands in Alibaba's texts for the time at which a window begins anew, as `08-12 14:52:00`.
const RESET: &str = "{reset}";

/// How far ahead that time is in a scripted refusal, in seconds.
pub(crate) const SCRIPTED_RESET_S: i64 = 3600;

impl VendorRefusal {
    pub(crate) const fn row(self) -> Row {
        match self {
            Self::Anthropic(refusal) => refusal.row(),
            Self::OpenAi(refusal) => refusal.row(),
            Self::Qwen(refusal) => refusal.row(),
        }
    }

    /// The row's text as it is said now.
    pub(crate) fn message(self, now: i64) -> String {
        let message = self.row().message;
        if message.contains(RESUME) {
            let today = utc(now).date();
            let next = today.last_of_month().tomorrow().unwrap_or(today);
            return message.replace(RESUME, &next.to_string());
        }
        message.replace(RESET, &month_day_time(now + SCRIPTED_RESET_S))
    }
}

/// `08-12 14:52:00`, in UTC and without a year, as Alibaba writes it.
pub(crate) fn month_day_time(unix_seconds: i64) -> String {
    let at = utc(unix_seconds);
    format!("{:02}-{:02} {:02}:{:02}:{:02}", at.month(), at.day(), at.hour(), at.minute(), at.second())
}

fn utc(unix_seconds: i64) -> jiff::Zoned {
    jiff::Timestamp::from_second(unix_seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC)
}
