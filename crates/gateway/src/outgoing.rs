//! The body of one attempt: the client's own, streamed and replayable; the same with Claude Code's identity field made
//! to agree with the account that serves, while it streams; or collected frames with a few ranges replaced.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::replay::{BodyError, ReplayBody};
use crate::restate::Restated;

/// See the module's description. Cloning is cheap and starts from the beginning.
pub enum Outgoing<B> {
    /// As the client sends it.
    Same(ReplayBody<B>),
    /// As the client sends it, except for the account that its identity field states.
    Restated(Box<Restated<B>>),
    /// With ranges replaced; all of it is in memory, the unchanged bytes shared.
    Changed(Frames),
}

/// A sequence of shared frames.
#[derive(Clone, Debug)]
pub struct Frames {
    frames: Arc<[Bytes]>,
    at: usize,
    left: u64,
}

impl Frames {
    /// A body of these frames.
    #[must_use]
    pub fn new(frames: Vec<Bytes>) -> Self {
        let left = frames.iter().map(|f| f.len() as u64).sum();
        Self { frames: frames.into(), at: 0, left }
    }

    /// The next frame.
    pub fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.get(self.at)?.clone();
        self.at += 1;
        self.left -= frame.len() as u64;
        Some(frame)
    }

    /// Bytes that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.get_mut().pop().map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.frames.len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl<B> Clone for Outgoing<B> {
    fn clone(&self) -> Self {
        match self {
            Self::Same(body) => Self::Same(body.clone()),
            Self::Restated(body) => Self::Restated(body.clone()),
            Self::Changed(frames) => Self::Changed(frames.clone()),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Outgoing<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Same(body) => Pin::new(body).poll_frame(cx),
            Self::Restated(body) => Pin::new(body.as_mut()).poll_frame(cx),
            Self::Changed(frames) => Poll::Ready(frames.pop().map(|frame| Ok(Frame::data(frame)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Same(body) => body.is_end_stream(),
            Self::Restated(body) => body.is_end_stream(),
            Self::Changed(frames) => frames.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Same(body) => body.size_hint(),
            Self::Restated(body) => body.body.size_hint(),
            Self::Changed(frames) => frames.size_hint(),
        }
    }
}
