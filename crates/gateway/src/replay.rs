//! A request body that can be sent more than once without being copied.
//!
//! The client's frames are reference-counted bytes. Whoever reads first pulls them from the client and keeps them; a
//! clone starts again at the beginning and goes on with the client's stream where the kept frames end. So the first
//! attempt streams at full speed, and a second one after a refusal in the middle of the upload loses nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;

/// Largest request body: the vendor's own limit (32 MB for Messages, platform.claude.com/docs/en/api/errors).
pub const MAX_BODY_BYTES: u64 = 32 * 1024 * 1024;

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The client went away or broke the framing.
    #[error("the request body ended early")]
    Client,
    /// More than [`MAX_BODY_BYTES`].
    #[error("the request body is larger than 32 MB")]
    TooLarge,
}

/// See the module's description. Cloning is cheap and starts from the beginning.
pub struct ReplayBody<B> {
    shared: Arc<Mutex<Shared<B>>>,
    at: usize,
    trailers_given: bool,
    exact: Option<u64>,
}

struct Shared<B> {
    source: Option<B>,
    frames: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    kept: u64,
    failed: Option<BodyError>,
}

impl<B> Clone for ReplayBody<B> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), at: 0, trailers_given: false, exact: self.exact }
    }
}

impl<B: Body<Data = Bytes> + Unpin> ReplayBody<B> {
    /// Wraps the client's body. A length that is known and too large is refused before a byte is read.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`].
    pub fn new(source: B) -> Result<Self, BodyError> {
        let exact = source.size_hint().exact();
        if exact.is_some_and(|n| n > MAX_BODY_BYTES) {
            return Err(BodyError::TooLarge);
        }
        let shared = Shared { source: Some(source), frames: Vec::new(), trailers: None, kept: 0, failed: None };
        Ok(Self { shared: Arc::new(Mutex::new(shared)), at: 0, trailers_given: false, exact })
    }

    /// Has every byte arrived from the client?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let shared = self.shared.lock();
        shared.source.is_none() && shared.failed.is_none()
    }

    /// The frames that have arrived so far. Cheap: they are reference-counted.
    #[must_use]
    pub fn arrived(&self) -> Vec<Bytes> {
        self.shared.lock().frames.clone()
    }

    /// Everything that has arrived so far in one piece. Copies unless it came in one piece.
    #[must_use]
    pub fn whole(&self) -> Bytes {
        match self.shared.lock().frames.as_slice() {
            [one] => one.clone(),
            frames => frames.concat().into(),
        }
    }

    /// Its length, where the client has announced it.
    #[must_use]
    pub fn exact(&self) -> Option<u64> {
        self.exact
    }

    /// Bytes that have arrived so far.
    #[must_use]
    pub fn arrived_bytes(&self) -> u64 {
        self.shared.lock().kept
    }

    /// What went wrong on the client's side, if anything.
    #[must_use]
    pub fn failure(&self) -> Option<BodyError> {
        self.shared.lock().failed
    }

    /// Pulls one more data frame from the client without moving this reader. `None`: the body is complete.
    ///
    /// # Errors
    /// The client went away, or the body is too large.
    pub async fn arrive(&self) -> Result<Option<Bytes>, BodyError> {
        std::future::poll_fn(|cx| self.shared.lock().poll_pull(cx)).await
    }
}

impl<B: Body<Data = Bytes> + Unpin> Shared<B> {
    fn poll_pull(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        if let Some(error) = self.failed {
            return Poll::Ready(Err(error));
        }
        loop {
            let Some(source) = self.source.as_mut() else { return Poll::Ready(Ok(None)) };
            match Pin::new(source).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.source = None;
                    return Poll::Ready(Ok(None));
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(self.fail(BodyError::Client))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        self.kept += data.len() as u64;
                        if self.kept > MAX_BODY_BYTES {
                            return Poll::Ready(Err(self.fail(BodyError::TooLarge)));
                        }
                        self.frames.push(data.clone());
                        return Poll::Ready(Ok(Some(data)));
                    }
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
            }
        }
    }

    fn fail(&mut self, error: BodyError) -> BodyError {
        self.failed = Some(error);
        self.source = None;
        self.frames = Vec::new();
        error
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ReplayBody<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let mut shared = this.shared.lock();
        if let Some(error) = shared.failed {
            return Poll::Ready(Some(Err(error)));
        }
        if let Some(data) = shared.frames.get(this.at) {
            this.at += 1;
            return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
        }
        match shared.poll_pull(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            Poll::Ready(Ok(Some(data))) => {
                this.at += 1;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Ready(Ok(None)) => match shared.trailers.clone() {
                Some(trailers) if !this.trailers_given => {
                    this.trailers_given = true;
                    Poll::Ready(Some(Ok(Frame::trailers(trailers))))
                }
                _ => Poll::Ready(None),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        let shared = self.shared.lock();
        shared.source.is_none()
            && shared.failed.is_none()
            && self.at >= shared.frames.len()
            && (self.trailers_given || shared.trailers.is_none())
    }

    fn size_hint(&self) -> SizeHint {
        if let Some(exact) = self.exact {
            return SizeHint::with_exact(exact);
        }
        let shared = self.shared.lock();
        if shared.source.is_none() && shared.trailers.is_none() {
            return SizeHint::with_exact(shared.kept);
        }
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::BodyExt;
    use proptest::prelude::*;

    use super::*;

    /// A client that sends these pieces, then ends or breaks off.
    struct Client {
        pieces: VecDeque<Bytes>,
        breaks: bool,
        length: Option<u64>,
    }

    impl Body for Client {
        type Data = Bytes;
        type Error = &'static str;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            Poll::Ready(match self.pieces.pop_front() {
                Some(piece) => Some(Ok(Frame::data(piece))),
                None if self.breaks => Some(Err("gone")),
                None => None,
            })
        }
        fn size_hint(&self) -> SizeHint {
            self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    fn client(pieces: &[&[u8]]) -> Client {
        let pieces = pieces.iter().map(|p| Bytes::copy_from_slice(p)).collect();
        Client { pieces, breaks: false, length: None }
    }

    fn block<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    proptest! {
        #[test]
        fn every_reader_sees_every_byte_wherever_the_one_before_it_stopped(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..12),
            stops in proptest::collection::vec(0usize..14, 0..4),
        ) {
            let whole: Vec<u8> = pieces.concat();
            let refs: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            block(async {
                let body = ReplayBody::new(client(&refs)).unwrap();
                for stop in stops {
                    let mut attempt = body.clone();
                    for _ in 0..stop {
                        if attempt.frame().await.is_none() {
                            break;
                        }
                    }
                }
                let seen = body.clone().collect().await.unwrap().to_bytes();
                assert_eq!(seen, whole);
                assert_eq!(body.clone().collect().await.unwrap().to_bytes(), whole);
                assert!(body.is_complete());
                assert_eq!(body.size_hint().exact(), Some(whole.len() as u64));
            });
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_a_byte_is_read() {
        let mut big = client(&[]);
        big.length = Some(MAX_BODY_BYTES + 1);
        assert_eq!(ReplayBody::new(big).err(), Some(BodyError::TooLarge));
    }

    #[test]
    fn an_unannounced_length_over_the_limit_is_noticed_on_the_way() {
        let piece = vec![0u8; 20 * 1024 * 1024];
        let body = ReplayBody::new(client(&[&piece, &piece])).unwrap();
        assert_eq!(block(body.clone().collect()).err(), Some(BodyError::TooLarge));
        assert_eq!(body.failure(), Some(BodyError::TooLarge));
        assert_eq!(body.arrived_bytes(), 40 * 1024 * 1024, "counted");
        assert!(body.arrived().is_empty(), "given back");
    }

    #[test]
    fn a_client_that_breaks_off_fails_every_reader() {
        let mut source = client(&[b"half"]);
        source.breaks = true;
        let body = ReplayBody::new(source).unwrap();
        assert_eq!(block(body.clone().collect()).err(), Some(BodyError::Client));
        assert_eq!(block(body.clone().collect()).err(), Some(BodyError::Client));
        assert!(!body.is_complete());
    }
}
