//! The way in: [`Client::send`] takes a connection, writes the request, reads the head, hands over the body.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;

use crate::config::Config;
use crate::error::{BoxError, Error};
use crate::incoming::Incoming;
use crate::origin::Origin;

/// A pool of HTTP/1.1 connections to any number of origins. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct Client {}

/// What a client has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections opened.
    pub opened: u64,
    /// Requests sent on a connection that had served before.
    pub reused: u64,
    /// Requests sent again because the kept connection turned out to be closed.
    pub resent: u64,
    /// Unused connections kept at this moment.
    pub idle: usize,
}

impl Client {
    /// Makes a client without connections. Certificates of the platform are read at the first https request.
    ///
    /// # Errors
    /// [`Error::Certificates`] if [`Config::extra_ca_file`] cannot be read.
    pub fn new(config: Config) -> Result<Self, Error> {
        let _ = config;
        todo!("lands within the hour")
    }

    /// Sends one request and returns as soon as the head of the final answer is there, be the request's body written
    /// whole or not; [`Incoming`] goes on writing it unless the answer is a refusal (status ≥ 300).
    ///
    /// The request's path and query are sent as they stand; scheme and authority come from `origin`. Headers are
    /// sent as given, in lower case, except `host`, `connection`, `content-length`, `transfer-encoding` and `expect`,
    /// which are the client's own. A body whose size hint is exact gets a `content-length`, any other is sent in
    /// chunks.
    ///
    /// `B` is cloned before it is read when a kept connection is used: if the vendor had closed that connection, the
    /// request is sent once more, whole, on a fresh one. A clone must yield the same bytes from the start.
    ///
    /// # Errors
    /// See [`Error`]; ask [`Error::sent`] whether the vendor may have seen the request.
    pub async fn send<B>(&self, origin: &Origin, request: Request<B>) -> Result<Response<Incoming>, Error>
    where
        B: Body<Data = Bytes> + Clone + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let _ = (origin, request);
        todo!("lands within the hour")
    }

    /// Closes every unused connection.
    pub fn close_idle(&self) {}

    /// Closes the unused connections that have outlived [`Config::keep_idle_for`] or that the vendor has closed.
    /// Meant for a housekeeping timer; each request does the same for its own origin.
    pub fn close_expired(&self) {}

    /// Totals, for metrics and tests.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::default()
    }
}
