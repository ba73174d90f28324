//! Leaving HTTP: a request that asks for another protocol on its connection, and the connection behind the vendor's yes.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::Connection;
use crate::incoming::Incoming;

/// What the vendor said to the wish for another protocol.
pub enum Upgrade {
    /// Yes (101): the connection speaks it from here on.
    Switched(HeaderMap, Upgraded),
    /// An ordinary answer.
    Refused(Response<Incoming>),
}

/// The body of a request that has none.
pub(crate) struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

/// A connection that has left HTTP. Its deadlines are its user's business.
pub struct Upgraded(pub(crate) Box<Connection>);

impl AsyncRead for Upgraded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let connection = &mut self.get_mut().0;
        if connection.buf.is_empty() {
            ready!(connection.poll_fill(cx))?;
        }
        let count = connection.buf.len().min(into.remaining());
        into.put_slice(&connection.buf[..count]);
        connection.buf.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().0.stream.poll_write(cx, &[IoSlice::new(data)])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The connection is closed when it is dropped.
        self.poll_flush(cx)
    }
}
