//! The body of what the client gets.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;

use crate::kept::Kept;
use crate::release::Release;

/// The body of a request, however it came.
pub enum RequestBody {
    /// Over HTTP.
    Http(hyper::body::Incoming),
    /// One frame of a WebSocket.
    Frame(Option<Bytes>),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Http(body) => Pin::new(body).poll_frame(cx),
            Self::Frame(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http(body) => body.is_end_stream(),
            Self::Frame(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http(body) => body.size_hint(),
            Self::Frame(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
        }
    }
}

/// Any error of a body; the connection is then cut, so that the client sees that something is missing.
pub type BodyFailure = Box<dyn std::error::Error + Send + Sync>;

/// See the module's description.
pub enum ClientBody {
    /// A few bytes, or none.
    Whole(Option<Bytes>),
    /// A vendor's answer on its way.
    Release(Box<Release>),
    /// An answer that was begun before there was one.
    Kept(Box<Kept>),
    /// Anything else, such as the control API's event stream.
    Other(UnsyncBoxBody<Bytes, BodyFailure>),
}

impl ClientBody {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::Whole(None)
    }

    /// These bytes.
    #[must_use]
    pub fn of(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|b: &Bytes| !b.is_empty()))
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Release(release) => Pin::new(release.as_mut()).poll_frame(cx),
            Self::Kept(kept) => Pin::new(kept.as_mut()).poll_frame(cx),
            Self::Other(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Release(_) | Self::Kept(_) => false,
            Self::Other(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Release(release) => release.size_hint(),
            Self::Kept(_) => SizeHint::default(),
            Self::Other(body) => body.size_hint(),
        }
    }
}
