//! A socket, plain or under TLS, with the one way of reading that the connection wants: no buffer is held while
//! nothing has come, and one call hands over everything that one read brought.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// See the module.
pub(crate) enum Stream {
    /// `http`.
    Plain(TcpStream),
    /// `https`.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Waits until there is something to read, makes `room` in `buf` only then, and appends what one read brings.
    /// Zero bytes: the orderly end of the connection.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut BytesMut,
        room: usize,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(tcp) => {
                ready!(tcp.poll_read_ready(cx))?;
                buf.reserve(room);
                // A read that does not fill the buffer also clears tokio's readiness: no second system call to learn
                // that the socket is empty.
                pin!(tcp.read_buf(buf)).poll(cx)
            }
            Self::Tls(tls) => {
                // Reading into nothing waits for plain text, an end or an error, and leaves the text with the session;
                // the read behind it then takes all records that have come.
                ready!(Pin::new(&mut *tls).poll_read(cx, &mut ReadBuf::new(&mut [])))?;
                buf.reserve(room);
                pin!(tls.read_buf(buf)).poll(cx)
            }
        }
    }

    /// Writes a prefix of `slices`.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    /// Pushes out what TLS has taken but not yet written.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    /// Between two requests: is the connection open, with nothing unasked for in it? Costs no system call unless
    /// something has come.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        let mut cx = Context::from_waker(Waker::noop());
        let read = match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(&mut cx, &mut byte),
            Self::Tls(tls) => Pin::new(tls).poll_read(&mut cx, &mut byte),
        };
        read.is_pending()
    }
}
