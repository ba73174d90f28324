//! A refusal on its way: a row of some vendor's table, perhaps in other words, with headers and more fields.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::quota::headers::Pairs;
use crate::refusal::{Refusal, Row, Shape, VendorRefusal};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) row: Row,
    more: Box<More>,
}

/// What is said beyond the row.
#[derive(Clone, Debug, Default)]
struct More {
    /// In place of the row's text.
    message: Option<String>,
    /// `error.param` of OpenAI's shapes.
    param: Option<String>,
    /// More fields of the error object.
    fields: Vec<(&'static str, Value)>,
    headers: Pairs,
}

impl<R: Into<VendorRefusal>> From<R> for Refused {
    fn from(refusal: R) -> Self {
        Self::from_row(refusal.into().row())
    }
}

impl Refused {
    pub(crate) fn from_row(row: Row) -> Self {
        Self { row, more: Box::default() }
    }

    /// The row with this text in place of its example text.
    pub(crate) fn saying(refusal: impl Into<VendorRefusal>, message: impl Into<String>) -> Self {
        Self::from(refusal).words(message)
    }

    /// Anthropic's 400 `invalid_request_error`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::saying(Refusal::InvalidRequest, message)
    }

    /// In these words.
    pub(crate) fn words(mut self, message: impl Into<String>) -> Self {
        self.more.message = Some(message.into());
        self
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.more.param = Some(param.into());
        self
    }

    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.row.code = Some(code);
        self
    }

    pub(crate) fn field(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.fields.push((name, value.into()));
        self
    }

    pub(crate) fn with(mut self, headers: Pairs) -> Self {
        self.more.headers.extend(headers);
        self
    }

    /// Its headers but those of the row.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.more.headers
    }

    pub(crate) fn message(&self) -> &str {
        self.more.message.as_deref().unwrap_or(self.row.message)
    }

    /// The inner error object of every shape that has one.
    pub(crate) fn error(&self) -> String {
        let (kind, message) = (quoted(self.row.kind), quoted(self.message()));
        let code = self.row.code.map_or_else(|| "null".to_owned(), quoted);
        let mut object = match self.row.shape {
            Shape::ApiWith(details) => format!(r#"{{"type":{kind},"message":{message},"details":{details}"#),
            Shape::Api | Shape::Bare | Shape::Oauth => format!(r#"{{"type":{kind},"message":{message}"#),
            Shape::Coded => format!(r#"{{"code":{code},"message":{message},"type":{kind}"#),
            Shape::QwenNative => format!(r#"{{"code":{code},"message":{message}"#),
            Shape::OpenAi
            | Shape::OpenAiEvent
            | Shape::QwenCompatible
            | Shape::Detail
            | Shape::DetailCode
            | Shape::Raw(_) => {
                let param = self.more.param.as_deref().map_or_else(|| "null".to_owned(), quoted);
                let kind = if self.row.kind.is_empty() { "null" } else { &kind };
                format!(r#"{{"message":{message},"type":{kind},"param":{param},"code":{code}"#)
            }
        };
        for (name, value) in &self.more.fields {
            object.push_str(&format!(",{}:{value}", quoted(name)));
        }
        object.push('}');
        object
    }

    pub(crate) fn answer(self, request_id: &str) -> Answer {
        let id = quoted(request_id);
        let json = match self.row.shape {
            Shape::Raw(_) => None,
            Shape::Oauth => {
                let (error, text) = (quoted(self.row.kind), quoted(self.message()));
                Some(format!(r#"{{"error":{error},"error_description":{text}}}"#))
            }
            Shape::Bare | Shape::OpenAi | Shape::OpenAiEvent | Shape::Coded => {
                Some(format!(r#"{{"error":{}}}"#, self.error()))
            }
            Shape::Api | Shape::ApiWith(_) => {
                Some(format!(r#"{{"type":"error","error":{},"request_id":{id}}}"#, self.error()))
            }
            Shape::Detail => Some(json!({"detail": self.message()}).to_string()),
            Shape::DetailCode => Some(json!({"detail": {"error_code": self.row.code}}).to_string()),
            Shape::QwenCompatible => {
                let chat = quoted(&format!("chatcmpl-{request_id}"));
                Some(format!(r#"{{"error":{},"id":{chat},"request_id":{id}}}"#, self.error()))
            }
            Shape::QwenNative => Some(self.native(request_id)),
        };
        let (kind, body) = match (json, self.row.shape) {
            (Some(json), _) => ("application/json", json),
            (None, Shape::Raw(kind)) => (kind, self.message().to_owned()),
            (None, _) => ("", String::new()),
        };
        let fixed = self.row.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Answer::text(self.row.status, kind, body).with(fixed.collect()).with(self.more.headers)
    }

    /// Alibaba's own shape, whatever the row's is.
    pub(crate) fn native(&self, request_id: &str) -> String {
        let (code, message) = (quoted(self.row.code.unwrap_or("InternalError")), quoted(self.message()));
        format!(r#"{{"code":{code},"message":{message},"request_id":{}}}"#, quoted(request_id))
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
