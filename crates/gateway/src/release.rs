//! A committed answer on its way to the client: the vendor's bytes as they come, watched, and recorded at the end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use remuda_core::record::Tokens;
use remuda_core::{Class, Scope, Verdict};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::arriving::Arriving;
use crate::body::BodyFailure;
use crate::flight::Landing;
use crate::hold::Committed;
use crate::outgoing::Frames;
use crate::tap::Tap;

/// See the module's description. Dropped before its end it tells that the client has left, and the vendor's connection
/// is closed.
pub struct Release {
    held: Frames,
    rest: Option<Arriving>,
    tap: Tap,
    landing: Option<Landing>,
    bytes: u64,
    passed_at: Option<Instant>,
    longest_gap: Option<Duration>,
    /// Ready when the owner stops the request.
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    /// The vendor's stream has failed; told to the server one turn later, so that it first sends what it has buffered.
    failure: Option<BodyFailure>,
}

impl Release {
    /// Begins the release. The status and headers travel in front of it.
    #[must_use]
    pub fn new(committed: Committed, mut landing: Landing) -> (http::StatusCode, HeaderMap, Self) {
        let Committed { status, headers, held, rest, tap, ended, failure } = committed;
        if let Some(event) = failure {
            landing.failed_in_stream(&event);
        }
        let mut tap = tap;
        if tap.is_complete() {
            landing.gave_out(tap.given());
        }
        let rest = (!ended).then_some(rest);
        let stop = Box::pin(landing.stop().cancelled_owned());
        let landing = Some(landing);
        (
            status,
            headers,
            Self {
                held: Frames::new(held),
                rest,
                tap,
                landing,
                bytes: 0,
                passed_at: None,
                longest_gap: None,
                stop,
                failure: None,
            },
        )
    }

    fn passed(&mut self, data: &Bytes) {
        if self.bytes == 0
            && let Some(landing) = &mut self.landing
        {
            landing.first_byte();
        }
        let now = Instant::now();
        if let Some(last) = self.passed_at.replace(now) {
            self.longest_gap = Some(self.longest_gap.unwrap_or_default().max(now - last));
        }
        self.bytes += data.len() as u64;
    }

    /// The end: what was counted, and who is told.
    fn land(&mut self) -> Option<(Landing, Tokens)> {
        self.rest = None;
        let mut landing = self.landing.take()?;
        if let Some(gap) = self.longest_gap {
            landing.silent(gap);
        }
        let tokens = self.tap.tokens();
        landing.gave_out(self.tap.given());
        Some((landing, tokens))
    }

    fn ended(&mut self) {
        let Some((landing, tokens)) = self.land() else { return };
        if self.tap.is_complete() {
            landing.complete(tokens, self.bytes);
        } else {
            landing.truncated(tokens, self.bytes);
        }
    }

    /// The client sees a cut connection: an answer that ends cleanly would be taken for a whole one.
    fn stopped(&mut self) -> BodyFailure {
        if let Some((landing, tokens)) = self.land() {
            landing.stopped(tokens, self.bytes);
        }
        "stopped by its owner".into()
    }

    fn broke(&mut self, why: String) {
        let Some((landing, tokens)) = self.land() else { return };
        if self.tap.reads_events() && self.tap.is_complete() {
            // Everything had been said; only the framing's own end is missing.
            return landing.complete(tokens, self.bytes);
        }
        let verdict = Verdict {
            class: Class::Transient,
            scope: Scope::Vendor,
            fail_over: false,
            retry_same_after_s: None,
            until: None,
            evidence: why,
        };
        landing.broke_off(verdict, tokens, self.bytes);
    }
}

impl Body for Release {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let this = self.get_mut();
        if let Some(data) = this.held.pop() {
            this.passed(&data);
            if this.rest.is_none() && this.held.left() == 0 {
                this.ended();
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(failure) = this.failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        if this.rest.is_some() && this.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(this.stopped())));
        }
        let Some(rest) = this.rest.as_mut() else {
            this.ended();
            return Poll::Ready(None);
        };
        match Pin::new(rest).poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                this.ended();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                this.broke(error.to_string());
                this.failure = Some(Box::new(error));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    let seen = this.tap.feed(data);
                    // The next turn may come before this answer's framing has ended.
                    if this.tap.reads_events()
                        && this.tap.is_complete()
                        && let Some(landing) = &this.landing
                    {
                        landing.gave_out(this.tap.given());
                    }
                    this.passed(data);
                    if let (Some(event), Some(landing)) = (&seen.quota, &this.landing) {
                        landing.says_quota(event);
                    }
                    if let Some(event) = seen.failure
                        && let Some(landing) = &mut this.landing
                    {
                        landing.failed_in_stream(&event);
                    }
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.left();
        match self.rest.as_ref().map(Body::size_hint) {
            None => SizeHint::with_exact(held),
            Some(rest) => match rest.exact() {
                Some(left) => SizeHint::with_exact(held + left),
                None => SizeHint::default(),
            },
        }
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        // A server that knows the length stops asking when it has it.
        if self.held.left() == 0 && self.rest.as_ref().is_none_or(Body::is_end_stream) {
            self.ended();
        }
        let Some((landing, tokens)) = self.land() else { return };
        // Some agents hang up as soon as they have read the terminal event: that is no abort.
        if self.tap.reads_events() && self.tap.is_complete() {
            landing.complete(tokens, self.bytes);
        } else {
            landing.abandoned(tokens, self.bytes);
        }
    }
}
