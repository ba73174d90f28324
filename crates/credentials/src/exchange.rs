//! The network as an effect: sends a [`Call`] to a vendor's token, profile or model endpoint.
//!
//! Used by the keeper and the login engine. Failures are told apart by the one question that matters for single-use
//! tokens: can the vendor have seen the request?

use async_trait::async_trait;
use http::HeaderMap;
use remuda_vendors::Call;

/// A vendor's answer, whatever its status.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, cut off at [`MAX_BODY`]. Holds tokens: never logged, never part of an error.
    pub body: Vec<u8>,
}

/// More than this is never read of an answer. Token and profile answers have a few kilobytes, model lists some dozens.
pub const MAX_BODY: usize = 1 << 20;

/// Why there is no answer. The texts hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The request never left: no address, no connection, no TLS. The vendor cannot have seen the token.
    #[error("no connection: {0}")]
    NotSent(String),
    /// It may have arrived, so a single-use token in it may be spent.
    #[error("no answer: {0}")]
    MaybeSent(String),
}

/// Sends calls.
#[async_trait]
pub trait Exchange: Send + Sync + 'static {
    /// Sends one call, once, and reads the answer.
    ///
    /// # Errors
    /// [`SendError`] says whether the request can have reached the vendor.
    async fn send(&self, call: &Call) -> Result<Answer, SendError>;
}
