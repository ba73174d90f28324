//! The gateway's own refusals in the protocol's error shape, so that the agent reads them as it reads the vendor's.

use remuda_core::{Protocol, UnixSeconds};
use serde_json::json;

/// Why the gateway itself refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 400: the request cannot be read.
    InvalidRequest,
    /// 401: wrong or missing client key.
    Authentication,
    /// 403: the client key does not reach this far.
    Permission,
    /// 404: no such path.
    NotFound,
    /// 413: the body is over the limit.
    TooLarge,
    /// 429: nobody can serve now; say when in `retry-after`.
    RateLimit,
    /// 500: our own fault.
    Internal,
    /// 502: the vendor cannot be reached.
    Unreachable,
    /// 504: the deadline is over.
    Timeout,
    /// 529 (Anthropic) or 503: no capacity.
    Overloaded,
}

/// A refusal in the protocol's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// HTTP status.
    pub status: u16,
    /// JSON body (`content-type: application/json`).
    pub body: String,
}

/// The protocol's error shape for a refusal of our own. `message` is for a person; `request_id` is ours.
#[must_use]
pub fn client_error(protocol: Protocol, kind: ErrorKind, message: &str, request_id: &str) -> ClientError {
    match protocol {
        Protocol::Messages => {
            let (status, name) = anthropic(kind);
            let error = json!({"type": name, "message": message});
            let body = json!({"type": "error", "error": error, "request_id": request_id});
            ClientError { status, body: body.to_string() }
        }
        Protocol::Responses | Protocol::Chat | Protocol::Codex => {
            let (status, name, code) = openai(kind);
            let error = json!({"message": message, "type": name, "param": null, "code": code});
            ClientError { status, body: json!({"error": error, "request_id": request_id}).to_string() }
        }
    }
}

/// A spent plan as the Codex backend says it; Codex shows the time and does not try again (openai/codex,
/// `protocol/src/error.rs`).
#[must_use]
pub fn usage_limit(message: &str, resets_at: UnixSeconds, resets_in_s: i64) -> ClientError {
    let error = json!({
        "type": "usage_limit_reached", "message": message, "resets_at": resets_at, "resets_in_seconds": resets_in_s,
    });
    ClientError { status: 429, body: json!({ "error": error }).to_string() }
}

/// platform.claude.com/docs/en/api/errors: every type has one status. 502 has none of its own.
fn anthropic(kind: ErrorKind) -> (u16, &'static str) {
    match kind {
        ErrorKind::InvalidRequest => (400, "invalid_request_error"),
        ErrorKind::Authentication => (401, "authentication_error"),
        ErrorKind::Permission => (403, "permission_error"),
        ErrorKind::NotFound => (404, "not_found_error"),
        ErrorKind::TooLarge => (413, "request_too_large"),
        ErrorKind::RateLimit => (429, "rate_limit_error"),
        ErrorKind::Internal => (500, "api_error"),
        ErrorKind::Unreachable => (502, "api_error"),
        ErrorKind::Timeout => (504, "timeout_error"),
        ErrorKind::Overloaded => (529, "overloaded_error"),
    }
}

/// Status, type, code.
fn openai(kind: ErrorKind) -> (u16, &'static str, Option<&'static str>) {
    match kind {
        ErrorKind::InvalidRequest => (400, "invalid_request_error", None),
        ErrorKind::Authentication => (401, "invalid_request_error", Some("invalid_api_key")),
        ErrorKind::Permission => (403, "invalid_request_error", None),
        ErrorKind::NotFound => (404, "invalid_request_error", None),
        ErrorKind::TooLarge => (413, "invalid_request_error", None),
        ErrorKind::RateLimit => (429, "rate_limit_error", Some("rate_limit_exceeded")),
        ErrorKind::Internal => (500, "server_error", None),
        ErrorKind::Unreachable => (502, "server_error", None),
        ErrorKind::Timeout => (504, "server_error", None),
        ErrorKind::Overloaded => (503, "server_error", Some("server_is_overloaded")),
    }
}

impl ClientError {
    /// The same refusal as the error event of a stream that has already begun with 200.
    #[must_use]
    pub fn sse_event(&self) -> String {
        format!("event: error\ndata: {}\n\n", self.body)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use remuda_core::{Class, CredentialKind, Vendor};
    use rstest::rstest;
    use serde_json::Value;

    use super::*;
    use crate::{UpstreamAnswer, classify};

    #[test]
    fn an_anthropic_refusal_looks_like_anthropics_own() {
        let error = client_error(Protocol::Messages, ErrorKind::TooLarge, "a \"body\"\nover 32 MB", "req-1");
        assert_eq!(error.status, 413);
        assert_eq!(
            serde_json::from_str::<Value>(&error.body).unwrap(),
            json!({"type": "error", "error": {"type": "request_too_large", "message": "a \"body\"\nover 32 MB"}, "request_id": "req-1"})
        );
        // one line, however the message is broken
        assert_eq!(error.sse_event().trim_end().lines().count(), 2);
    }

    #[rstest]
    fn our_own_refusals_mean_to_a_second_gateway_what_they_say(
        #[values((Vendor::Anthropic, Protocol::Messages), (Vendor::OpenAi, Protocol::Codex))] (vendor, protocol): (
            Vendor,
            Protocol,
        ),
        #[values(
            (ErrorKind::InvalidRequest, Class::RequestFault),
            (ErrorKind::Authentication, Class::CredentialDead),
            (ErrorKind::TooLarge, Class::RequestFault),
            (ErrorKind::RateLimit, Class::Burst),
            (ErrorKind::Unreachable, Class::Transient),
            (ErrorKind::Overloaded, Class::Overloaded),
        )]
        (kind, class): (ErrorKind, Class),
    ) {
        let error = client_error(protocol, kind, "said by the gateway", "req-1");
        let verdict = classify(&UpstreamAnswer {
            vendor,
            kind: CredentialKind::ApiKey,
            now: 1_795_168_800,
            model: "m",
            status: error.status,
            headers: &HeaderMap::new(),
            body: error.body.as_bytes(),
            in_stream: false,
        });
        assert_eq!(verdict.class, class);
    }
}
