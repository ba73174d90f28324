//! A body that is played from a list of steps: bytes, pauses, and every way in which an answer can break off.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::log::{Ending, Progress};

/// Tells a connection to end with a reset instead of a proper close.
#[derive(Debug, Default)]
pub(crate) struct Cut(AtomicBool);

impl Cut {
    pub(crate) fn reset(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_reset(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// One step.
#[derive(Debug)]
pub(crate) enum Step {
    /// These bytes.
    Send(Bytes),
    /// From here on content has been handed over.
    Content,
    /// What was sent so far leaves in a write of its own.
    Flush,
    /// Nothing for a while.
    Pause(Duration),
    /// The trailers; the last step.
    Trailers(HeaderMap),
    /// Nothing ever again.
    Hang,
    /// The connection closes here.
    Close,
    /// The connection is reset here.
    Reset,
}

/// See the module.
pub(crate) struct Play {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    length: Option<u64>,
    /// How it is recorded when all steps were played.
    finish: Ending,
    progress: Arc<Progress>,
    cut: Arc<Cut>,
}

impl Play {
    /// `length` is announced as `content-length`; without it the body is chunked.
    pub(crate) fn new(
        steps: impl Into<VecDeque<Step>>,
        length: Option<u64>,
        finish: Ending,
        progress: Arc<Progress>,
        cut: Arc<Cut>,
    ) -> Self {
        Self { steps: steps.into(), sleep: None, length, finish, progress, cut }
    }
}

impl Body for Play {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                std::task::ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            match self.steps.pop_front() {
                None => {
                    self.progress.end(self.finish);
                    return Poll::Ready(None);
                }
                Some(Step::Send(bytes)) => {
                    self.length = self.length.map(|left| left.saturating_sub(bytes.len() as u64));
                    if self.steps.is_empty() {
                        // With a known length hyper does not ask again after the last byte.
                        self.progress.end(self.finish);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Content) => self.progress.content(),
                Some(Step::Flush) => {
                    // hyper writes out what it has whenever the body is pending.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Pause(pause)) => self.sleep = Some(Box::pin(tokio::time::sleep(pause))),
                Some(Step::Trailers(trailers)) => {
                    self.progress.end(self.finish);
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Some(Step::Hang) => {
                    self.progress.end(Ending::Broken);
                    self.steps.push_front(Step::Hang);
                    return Poll::Pending;
                }
                Some(Step::Close) => {
                    self.progress.end(Ending::Broken);
                    return Poll::Ready(Some(Err(io::Error::other("scripted close"))));
                }
                Some(Step::Reset) => {
                    self.progress.end(Ending::Broken);
                    self.cut.reset();
                    return Poll::Ready(Some(Err(io::Error::other("scripted reset"))));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.progress.end(Ending::ClientGone);
    }
}
