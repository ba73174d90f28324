//! The commit point, as types.
//!
//! A vendor's answer arrives as an [`Uncommitted`]: nothing of it has reached the client, so the request can still be
//! tried elsewhere. [`Uncommitted::judge`] reads on until the first content, the first failure or the end. Only
//! [`Uncommitted::commit`] makes a [`Committed`], and it consumes what it is called on: a retry after content does not
//! compile, because there is nothing left to throw away.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::BodyExt;
use remuda_core::Protocol;

use crate::arriving::Arriving;
use crate::tap::Tap;

/// Most bytes of handshake that are held back. Far more than any vendor sends before content.
const MOST_HELD: usize = 256 * 1024;

/// A 2xx or 3xx answer of which the client has seen nothing.
pub struct Uncommitted {
    status: StatusCode,
    headers: HeaderMap,
    held: Vec<Bytes>,
    rest: Arriving,
    tap: Tap,
    ended: bool,
    failure: Option<Bytes>,
    quota: Option<Bytes>,
}

/// An answer that is being released. There is no way back.
pub struct Committed {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, as the vendor sent them.
    pub headers: HeaderMap,
    /// What was held back.
    pub held: Vec<Bytes>,
    /// What is still to come.
    pub rest: Arriving,
    /// Has seen what was held back and goes on watching.
    pub tap: Tap,
    /// The vendor has sent everything: all of it is in `held`.
    pub ended: bool,
    /// Behind content, `held` has an event that says that the stream failed: this one, as it stood on the wire.
    pub failure: Option<Bytes>,
}

/// What the beginning of an answer means.
#[derive(Debug)]
pub enum Judged {
    /// Content comes: release it.
    Content,
    /// The stream began with 200 and then said that it failed. The event, as it stood on the wire.
    Failed(Bytes),
    /// The connection broke, or the stream ended, before there was any content.
    Broken(String),
}

impl Uncommitted {
    /// Takes over an answer whose head is here.
    #[must_use]
    pub fn new(protocol: Protocol, answer: Response<Arriving>) -> Self {
        let (head, rest) = answer.into_parts();
        let text = |name| head.headers.get(name).and_then(|v: &http::HeaderValue| v.to_str().ok());
        let tap = Tap::new(protocol, text(header::CONTENT_TYPE), text(header::CONTENT_ENCODING));
        Self {
            status: head.status,
            headers: head.headers,
            held: Vec::new(),
            rest,
            tap,
            ended: false,
            failure: None,
            quota: None,
        }
    }

    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What its handshake says about quota windows; told once.
    pub fn quota(&mut self) -> Option<Bytes> {
        self.quota.take()
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Holds a stream back until it is known how it begins, at most so long: then it is released as it is. An answer that is
    /// no readable stream is judged by its status alone.
    pub async fn judge(&mut self, longest: Duration) -> Judged {
        if !self.tap.reads_events() {
            return Judged::Content;
        }
        let held_until = tokio::time::Instant::now() + longest;
        let mut bytes = 0;
        loop {
            let frame = match tokio::time::timeout_at(held_until, self.rest.frame()).await {
                Err(_too_long) => return Judged::Content,
                Ok(None) => {
                    self.ended = true;
                    return if self.tap.is_complete() {
                        Judged::Content
                    } else {
                        Judged::Broken("the stream ended before its first content".to_owned())
                    };
                }
                Ok(Some(Err(error))) => return Judged::Broken(error.to_string()),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let seen = self.tap.feed(&data);
            bytes += data.len();
            self.held.push(data);
            self.quota = seen.quota.or(self.quota.take());
            // Content in front of the failure: the client may see it, and then the failure is the client's to handle.
            if seen.content {
                self.failure = seen.failure;
                return Judged::Content;
            }
            if let Some(event) = seen.failure {
                return Judged::Failed(event);
            }
            if bytes > MOST_HELD {
                return Judged::Content;
            }
        }
    }

    /// Releases the answer.
    #[must_use]
    pub fn commit(self) -> Committed {
        let Self { status, headers, held, rest, tap, ended, failure, quota: _ } = self;
        Committed { status, headers, held, rest, tap, ended, failure }
    }
}
