//! One request on one connection, up to the head of its answer: writing and reading at the same time, because an
//! answer may come before the request has been taken whole, and a refusal may stand behind a failed write.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::Method;
use http_body::Body;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::{BoxError, Error, Stage};
use crate::head::{self, Head, MAX_HEAD, Sending};
use crate::upload::{Upload, UploadError, Uploading};

/// A kept connection that had been closed shows it within a round trip of its next use. A later loss without a byte
/// of an answer may as well be a request that the vendor was working on, which must not be sent twice behind the
/// caller's back.
const STALE_WITHIN: Duration = Duration::from_secs(2);

/// Informational heads before the final one.
const MAX_INFORMATIONAL: u8 = 16;

/// The deadlines of an exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) head: Duration,
    pub(crate) idle: Duration,
}

pub(crate) struct Exchange<B> {
    connection: Box<Connection>,
    upload: Upload<B>,
    state: Writing,
    method: Method,
    limits: Limits,
    started: Instant,
    /// Bytes of `connection.buf` in which the end of the head was searched.
    searched: usize,
    /// Has any byte of an answer come?
    answered: bool,
    informational: u8,
    /// Does the request ask for another protocol?
    switching: bool,
}

enum Writing {
    Going,
    Done,
    Failed(io::Error),
}

/// A head with what is needed to read the body behind it.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) connection: Box<Connection>,
    /// What still has to be written while the body is read.
    pub(crate) upload: Option<Box<dyn Uploading>>,
    /// Was the request taken whole?
    pub(crate) written: bool,
}

/// Why there is no answer.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The connection was kept from an earlier request and had been closed before this one: send it again.
    pub(crate) stale: bool,
}

impl<B> Exchange<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(
        mut connection: Box<Connection>,
        head: Bytes,
        method: Method,
        body: B,
        sending: Sending,
        limits: Limits,
    ) -> Self {
        connection.watch.arm(limits.idle);
        Self {
            connection,
            upload: Upload::new(head, body, sending),
            state: Writing::Going,
            method,
            limits,
            started: Instant::now(),
            searched: 0,
            answered: false,
            informational: 0,
            switching: false,
        }
    }

    /// The request asks for another protocol: a 101 is a final head.
    pub(crate) fn switching(self) -> Self {
        Self { switching: true, ..self }
    }

    /// Runs it. Dropping the future closes the connection.
    pub(crate) async fn run(mut self) -> Result<Answer, Failure> {
        match std::future::poll_fn(|cx| self.poll(cx)).await {
            Ok(head) => Ok(self.answer(head)),
            Err(error) => {
                let stale = self.is_stale(&error);
                Err(Failure { error, stale })
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Error>> {
        if let Err(error) = self.write(cx) {
            return Poll::Ready(Err(error));
        }
        loop {
            match self.connection.poll_fill(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.closed(None))),
                Poll::Ready(Ok(_)) => self.answered = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.closed(Some(error)))),
                Poll::Pending => break,
            }
            if let Some(head) = self.head().transpose() {
                return Poll::Ready(head);
            }
        }
        self.poll_deadline(cx)
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if !matches!(self.state, Writing::Going) {
            return Ok(());
        }
        match self.upload.poll(cx, &mut self.connection.stream) {
            Poll::Ready(Ok(())) => {
                self.state = Writing::Done;
                self.connection.watch.arm(self.limits.head);
            }
            Poll::Ready(Err(UploadError::Socket(error))) => {
                // The vendor may have refused and closed without reading on: its answer is read first.
                self.state = Writing::Failed(error);
                self.connection.watch.arm(self.limits.idle);
            }
            Poll::Ready(Err(UploadError::Body(source))) => {
                return Err(Error::Body { source, sent: self.upload.sent });
            }
            Poll::Pending if self.upload.moved => self.connection.watch.arm(self.limits.idle),
            Poll::Pending => {}
        }
        Ok(())
    }

    /// The final head, if it is complete.
    fn head(&mut self) -> Result<Option<Head>, Error> {
        let buf = &mut self.connection.buf;
        while let Some(end) = head::end(&buf[..buf.len().min(MAX_HEAD)], self.searched) {
            let head = head::parse(&buf[..end], &self.method)?;
            buf.advance(end);
            self.searched = 0;
            let status = head.parts.status;
            if status == http::StatusCode::SWITCHING_PROTOCOLS {
                if self.switching {
                    return Ok(Some(head));
                }
                return Err(head::malformed("101 for a request that asked for no other protocol"));
            }
            if !status.is_informational() {
                if buf.is_empty() {
                    *buf = BytesMut::new();
                }
                return Ok(Some(head));
            }
            self.informational += 1;
            if self.informational > MAX_INFORMATIONAL {
                return Err(head::malformed("more than 16 informational heads"));
            }
        }
        if buf.len() >= MAX_HEAD {
            return Err(head::malformed("a head larger than 64 KiB"));
        }
        self.searched = buf.len();
        Ok(None)
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Error>> {
        let (stage, after) = match self.state {
            Writing::Going if self.upload.waits_for_body => return Poll::Pending,
            Writing::Going | Writing::Failed(_) => (Stage::Send, self.limits.idle),
            Writing::Done => (Stage::Head, self.limits.head),
        };
        match self.connection.watch.poll_expired(cx) {
            Poll::Ready(()) => Poll::Ready(Err(Error::Timeout { stage, after, sent: self.upload.sent })),
            Poll::Pending => Poll::Pending,
        }
    }

    /// The connection ended before the head was complete.
    fn closed(&mut self, source: Option<io::Error>) -> Error {
        match std::mem::replace(&mut self.state, Writing::Done) {
            Writing::Failed(source) if !self.answered => Error::Write { source, sent: self.upload.sent },
            _ => Error::Closed { before_head: true, source },
        }
    }

    fn is_stale(&self, error: &Error) -> bool {
        let lost = matches!(error, Error::Write { .. } | Error::Closed { .. });
        self.connection.reused && lost && !self.answered && self.started.elapsed() < STALE_WITHIN
    }

    fn answer(self, head: Head) -> Answer {
        let written = matches!(self.state, Writing::Done);
        // A refusal needs no more of the request; any other answer may depend on the rest of it.
        let goes_on = matches!(self.state, Writing::Going) && head.parts.status.as_u16() < 300;
        let upload = goes_on.then(|| Box::new(self.upload) as Box<dyn Uploading>);
        Answer { head, connection: self.connection, upload, written }
    }
}
