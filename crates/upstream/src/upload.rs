//! The writing side of an exchange: head and body frames, gathered into as few writes as the socket allows.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;

use crate::error::BoxError;
use crate::head::{Sending, field};
use crate::stream::Stream;

/// Frames are gathered up to this many bytes before they are written.
const GATHER: usize = 256 * 1024;
/// Most slices in one write.
const SLICES: usize = 64;

/// A request on its way. `B` is dropped as soon as it has yielded all.
pub(crate) struct Upload<B> {
    queue: VecDeque<Bytes>,
    queued: usize,
    body: Option<B>,
    sending: Sending,
    /// Has any byte been written?
    pub(crate) sent: bool,
    /// Did the last poll take a frame or write a byte?
    pub(crate) moved: bool,
    /// Is it the caller's body that is being waited for?
    pub(crate) waits_for_body: bool,
}

/// Why an upload ended early.
#[derive(Debug)]
pub(crate) enum UploadError {
    /// The vendor's side.
    Socket(io::Error),
    /// The caller's side.
    Body(BoxError),
}

/// An upload that goes on while the answer is already being read.
pub(crate) trait Uploading: Send {
    /// Ready when everything is written.
    fn poll(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<Result<(), UploadError>>;
}

impl<B> Upload<B> {
    pub(crate) fn new(head: Bytes, body: B, sending: Sending) -> Self {
        let queued = head.len();
        let body = (sending != Sending::Length(0)).then_some(body);
        Self { queue: VecDeque::from([head]), queued, body, sending, sent: false, moved: false, waits_for_body: false }
    }

    fn push(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        self.queue.push_back(bytes);
    }

    fn push_data(&mut self, data: Bytes) -> Result<(), UploadError> {
        match &mut self.sending {
            _ if data.is_empty() => {}
            Sending::Length(left) => {
                let Some(rest) = left.checked_sub(data.len() as u64) else {
                    return Err(UploadError::Body("it is longer than it said".into()));
                };
                *left = rest;
                self.push(data);
            }
            Sending::Chunked => {
                self.push(Bytes::from(format!("{:x}\r\n", data.len())));
                self.push(data);
                self.push(Bytes::from_static(b"\r\n"));
            }
        }
        Ok(())
    }

    fn push_end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), UploadError> {
        match self.sending {
            Sending::Length(0) => {}
            Sending::Length(_) => return Err(UploadError::Body("it is shorter than it said".into())),
            Sending::Chunked => {
                let mut end = BytesMut::from(&b"0\r\n"[..]);
                for (name, value) in trailers.into_iter().flatten() {
                    field(&mut end, name, value.as_bytes());
                }
                end.extend_from_slice(b"\r\n");
                self.push(end.freeze());
            }
        }
        self.body = None;
        Ok(())
    }

    /// Writes what is queued, all of it or until the socket is full.
    fn poll_write(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<()>> {
        while self.queued > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut used = 0;
            for (slice, bytes) in slices.iter_mut().zip(&self.queue) {
                *slice = IoSlice::new(bytes);
                used += 1;
            }
            let written = ready!(stream.poll_write(cx, &slices[..used]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent = true;
            self.moved = true;
            self.forget(written);
        }
        Poll::Ready(Ok(()))
    }

    fn forget(&mut self, mut written: usize) {
        self.queued -= written;
        while let Some(first) = self.queue.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.queue.pop_front();
        }
    }
}

impl<B> Upload<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// Takes frames of the body as long as there are any and they fit.
    fn gather(&mut self, cx: &mut Context<'_>) -> Result<(), UploadError> {
        self.waits_for_body = false;
        while let Some(body) = &mut self.body
            && self.queued < GATHER
            && self.queue.len() < SLICES
        {
            match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.moved = true;
                    match frame.into_data().map_err(|frame| frame.into_trailers()) {
                        Ok(data) => self.push_data(data)?,
                        Err(Ok(trailers)) => self.push_end(Some(&trailers))?,
                        Err(Err(_)) => {}
                    }
                }
                Poll::Ready(Some(Err(error))) => return Err(UploadError::Body(error.into())),
                Poll::Ready(None) => self.push_end(None)?,
                Poll::Pending => {
                    self.waits_for_body = true;
                    break;
                }
            }
        }
        Ok(())
    }
}

impl<B> Uploading for Upload<B>
where
    B: Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<Result<(), UploadError>> {
        self.moved = false;
        loop {
            self.gather(cx)?;
            if self.queued == 0 && self.body.is_some() {
                // All that the caller gave is on its way; what TLS holds back must not wait for more.
                ready!(stream.poll_flush(cx)).map_err(UploadError::Socket)?;
                return Poll::Pending;
            }
            if let Err(error) = ready!(self.poll_write(cx, stream)) {
                return Poll::Ready(Err(UploadError::Socket(error)));
            }
            if self.body.is_none() {
                return stream.poll_flush(cx).map_err(UploadError::Socket);
            }
        }
    }
}
