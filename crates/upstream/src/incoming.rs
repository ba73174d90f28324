//! The body of an answer, read when it is asked for.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response};
use http_body::{Body, Frame, SizeHint};

use crate::chunked::Chunked;
use crate::connection::Connection;
use crate::error::{Error, Stage};
use crate::exchange::Answer;
use crate::head::{Framing, malformed};
use crate::origin::Origin;
use crate::pool::Pool;
use crate::upload::Uploading;

/// The body of an answer: data frames, one for everything that one read brought, then trailers if there are any.
///
/// It reads only when polled, so that a slow reader slows the vendor, and holds no buffer while it waits. Dropped
/// before its end it closes the connection; read to its end it gives the connection back to the pool.
pub struct Incoming {
    /// `None` when the body has ended or failed.
    flow: Option<Box<Flow>>,
    trailers: Option<HeaderMap>,
}

/// A body that has not ended.
struct Flow {
    connection: Box<Connection>,
    upload: Option<Box<dyn Uploading>>,
    rest: Rest,
    idle: Duration,
    /// Where the connection goes at the end, if it may serve again.
    home: Option<(Arc<Pool>, Origin)>,
}

/// What is still to come.
enum Rest {
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

/// What a poll of a body yields.
type Yield = Option<Result<Frame<Bytes>, Error>>;

impl Incoming {
    /// The answer as the caller gets it.
    pub(crate) fn respond(answer: Answer, pool: &Arc<Pool>, origin: &Origin, idle: Duration) -> Response<Self> {
        let Answer { head, mut connection, upload, written } = answer;
        let reusable = head.keep_alive && (written || upload.is_some());
        let rest = match head.framing {
            Framing::None => Rest::Length(0),
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::Chunked(Chunked::new()),
            Framing::UntilClose => Rest::UntilClose,
        };
        connection.watch.arm(idle);
        let home = reusable.then(|| (Arc::clone(pool), origin.clone()));
        let flow = Box::new(Flow { connection, upload, rest, idle, home });
        let mut body = Self { flow: Some(flow), trailers: None };
        if body.flow.as_ref().is_some_and(|flow| matches!(flow.rest, Rest::Length(0))) {
            body.end();
        }
        Response::from_parts(head.parts, body)
    }

    /// Parts with the connection: back to the pool if it is in order.
    fn end(&mut self) {
        if let Some(flow) = self.flow.take()
            && let Some((pool, origin)) = flow.home
            && flow.upload.is_none()
            && flow.connection.buf.is_empty()
        {
            pool.put(&origin, flow.connection);
        }
    }
}

impl Flow {
    /// Writes on what is left of the request. A failure is no failure of the answer; the connection ends with it.
    fn write_on(&mut self, cx: &mut Context<'_>) {
        if let Some(upload) = &mut self.upload
            && let Poll::Ready(outcome) = upload.poll(cx, &mut self.connection.stream)
        {
            self.upload = None;
            if outcome.is_err() {
                self.home = None;
            }
        }
    }

    /// Reads unless there is something left of an earlier read. `false`: the connection has ended.
    fn poll_some(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        if !self.connection.buf.is_empty() {
            return Poll::Ready(Ok(true));
        }
        match self.connection.poll_fill(cx) {
            Poll::Ready(Ok(filled)) => {
                self.connection.watch.arm(self.idle);
                Poll::Ready(Ok(filled > 0))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(closed(Some(error)))),
            Poll::Pending => {
                ready!(self.connection.watch.poll_expired(cx));
                Poll::Ready(Err(Error::Timeout { stage: Stage::Idle, after: self.idle, sent: true }))
            }
        }
    }

    /// The next piece of the body; empty at its end.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        loop {
            let open = ready!(self.poll_some(cx))?;
            if !open {
                let clean = matches!(self.rest, Rest::UntilClose);
                return Poll::Ready(if clean { Ok(Bytes::new()) } else { Err(closed(None)) });
            }
            let buf = &mut self.connection.buf;
            match &mut self.rest {
                Rest::UntilClose => return Poll::Ready(Ok(std::mem::take(buf).freeze())),
                Rest::Length(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(buf.len());
                    *left -= here as u64;
                    return Poll::Ready(Ok(take(buf, here).freeze()));
                }
                Rest::Chunked(chunked) => {
                    let decoded = chunked.decode(buf).map_err(malformed)?;
                    let mut data = take(buf, decoded.used);
                    data.truncate(decoded.payload.end);
                    let data = data.split_off(decoded.payload.start).freeze();
                    if !data.is_empty() || chunked.ended() {
                        return Poll::Ready(Ok(data));
                    }
                }
            }
        }
    }

    fn ended(&self) -> bool {
        match &self.rest {
            Rest::Length(left) => *left == 0,
            Rest::Chunked(chunked) => chunked.ended(),
            Rest::UntilClose => false,
        }
    }
}

/// The first `count` bytes; the whole buffer with its memory if that is all it holds.
fn take(buf: &mut BytesMut, count: usize) -> BytesMut {
    if count == buf.len() { std::mem::take(buf) } else { buf.split_to(count) }
}

fn closed(source: Option<io::Error>) -> Error {
    Error::Closed { before_head: false, source }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Yield> {
        let Some(flow) = &mut self.flow else {
            return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
        };
        flow.write_on(cx);
        let data = ready!(flow.poll_data(cx)).and_then(|data| {
            let trailers = match &mut flow.rest {
                Rest::Chunked(chunked) if chunked.ended() => chunked.take_trailers().map_err(malformed)?,
                _ => None,
            };
            Ok((data, trailers, flow.ended()))
        });
        match data {
            Ok((data, trailers, ended)) => {
                self.trailers = trailers;
                if ended || data.is_empty() {
                    self.end();
                }
                if data.is_empty() {
                    return self.poll_frame(cx);
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Err(error) => {
                self.flow = None;
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.flow.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.flow.as_deref() {
            None => SizeHint::with_exact(0),
            Some(Flow { rest: Rest::Length(left), .. }) => SizeHint::with_exact(*left),
            Some(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("ended", &self.is_end_stream()).finish_non_exhaustive()
    }
}
