//! One connection with what it keeps between requests: its read buffer's size and its timer.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;

use crate::stream::Stream;
use crate::watch::Watch;

/// Size of a read to begin with and at least.
const SMALLEST_READ: usize = 16 * 1024;
/// Size of a read at most.
const LARGEST_READ: usize = 256 * 1024;

pub(crate) struct Connection {
    pub(crate) stream: Stream,
    /// What has been read and not handed over. Holds no memory while it is empty.
    pub(crate) buf: BytesMut,
    pub(crate) watch: Watch,
    /// Size of the next read.
    room: usize,
    /// Has it served a request before the present one?
    pub(crate) reused: bool,
}

impl Connection {
    pub(crate) fn new(stream: Stream) -> Box<Self> {
        let buf = BytesMut::new();
        Box::new(Self { stream, buf, watch: Watch::new(), room: SMALLEST_READ, reused: false })
    }

    /// Appends what one read brings. Reads grow while they are filled and shrink again when little flows.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let filled = ready!(self.stream.poll_fill(cx, &mut self.buf, self.room))?;
        if filled >= self.room {
            self.room = (self.room * 2).min(LARGEST_READ);
        } else if filled < self.room / 4 {
            self.room = (self.room / 2).max(SMALLEST_READ);
        }
        Poll::Ready(Ok(filled))
    }
}
