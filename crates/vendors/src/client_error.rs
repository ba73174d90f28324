//! The gateway's own refusals in the vendor's error shape, so that the agent reads them as it reads the vendor's.

use remuda_core::Vendor;

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
    /// 502: the vendor cannot be reached.
    Unreachable,
    /// 504: the deadline is over.
    Timeout,
    /// 529 (Anthropic) or 503: the vendor has no capacity.
    Overloaded,
    /// 500: our own fault.
    Internal,
}

/// A refusal in the vendor's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// HTTP status.
    pub status: u16,
    /// JSON body.
    pub body: String,
}

/// The vendor's error shape for a refusal of our own. `message` is for a person; `request_id` is ours.
#[must_use]
pub fn client_error(_vendor: Vendor, _kind: ErrorKind, _message: &str, _request_id: &str) -> ClientError {
    ClientError { status: 500, body: String::new() }
}

impl ClientError {
    /// The same refusal as the error event of a stream that has already begun with 200.
    #[must_use]
    pub fn sse_event(&self) -> String {
        format!("event: error\ndata: {}\n\n", self.body)
    }
}
