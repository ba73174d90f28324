//! The way in: [`Client::send`] takes a connection, writes the request, reads the head, hands over the body.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;

use crate::config::Config;
use crate::connect::connect;
use crate::connected::Connected;
use crate::connection::Connection;
use crate::error::{BoxError, Error};
use crate::exchange::{Exchange, Failure, Limits};
use crate::head::{Sending, encode, encode_upgrade};
use crate::incoming::Incoming;
use crate::origin::Origin;
use crate::pool::Pool;
use crate::tls::Tls;
use crate::upgrade::{Nothing, Upgrade, Upgraded};

/// A pool of HTTP/1.1 connections to any number of origins. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: Config,
    tls: Tls,
    pool: Arc<Pool>,
    opened: AtomicU64,
    reused: AtomicU64,
    resent: AtomicU64,
}

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
        let tls = Tls::new(config.extra_ca_file.as_deref())?;
        let pool = Arc::new(Pool::new(&config));
        let (opened, reused, resent) = Default::default();
        Ok(Self(Arc::new(Inner { config, tls, pool, opened, reused, resent })))
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
        let Inner { config, tls, pool, .. } = &*self.0;
        let (parts, body) = request.into_parts();
        let sending = body.size_hint().exact().map_or(Sending::Chunked, Sending::Length);
        let head = encode(origin, &parts, sending);
        let limits = Limits { head: config.head_timeout, idle: config.idle_timeout };
        let answered = |answer| Incoming::respond(answer, pool, origin, config.idle_timeout);

        if let Some(connection) = pool.take(origin) {
            self.0.reused.fetch_add(1, Ordering::Relaxed);
            let (head, body) = (head.clone(), body.clone());
            match Exchange::new(connection, head, parts.method.clone(), body, sending, limits).run().await {
                Ok(answer) => return Ok(answered(answer)),
                Err(Failure { error, stale: false }) => return Err(error),
                Err(Failure { error, stale: true }) => {
                    tracing::debug!(%origin, %error, "a kept connection had been closed; sending the request again");
                    self.0.resent.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        let connection = Connection::new(connect(origin, tls, config.connect_timeout).await?);
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        let exchange = Exchange::new(connection, head, parts.method, body, sending, limits);
        exchange.run().await.map(answered).map_err(|failure| failure.error)
    }

    /// Opens a connection for another protocol than requests and answers. It does not come from the pool and does not go
    /// there.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Tls`], [`Error::Timeout`].
    pub async fn connect(&self, origin: &Origin) -> Result<Connected, Error> {
        connect(origin, &self.0.tls, self.0.config.connect_timeout).await.map(Connected)
    }

    /// Asks for another protocol on a connection of its own. Headers are sent as given, `upgrade` among them; `connection`
    /// is the client's own.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn upgrade(&self, origin: &Origin, request: Request<()>) -> Result<Upgrade, Error> {
        let Inner { config, tls, pool, .. } = &*self.0;
        let (parts, ()) = request.into_parts();
        let head = encode_upgrade(origin, &parts);
        let limits = Limits { head: config.head_timeout, idle: config.idle_timeout };
        let connection = Connection::new(connect(origin, tls, config.connect_timeout).await?);
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        let exchange = Exchange::new(connection, head, parts.method, Nothing, Sending::Length(0), limits);
        let answer = exchange.switching().run().await.map_err(|failure| failure.error)?;
        Ok(if answer.head.parts.status == http::StatusCode::SWITCHING_PROTOCOLS {
            Upgrade::Switched(answer.head.parts.headers, Upgraded(answer.connection))
        } else {
            Upgrade::Refused(Incoming::respond(answer, pool, origin, config.idle_timeout))
        })
    }

    /// Closes every unused connection.
    pub fn close_idle(&self) {
        self.0.pool.clear();
    }

    /// Closes the unused connections that have outlived [`Config::keep_idle_for`] or that the vendor has closed.
    /// Meant for a housekeeping timer; each request does the same for its own origin.
    pub fn close_expired(&self) {
        self.0.pool.clear_expired();
    }

    /// Totals, for metrics and tests.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            opened: self.0.opened.load(Ordering::Relaxed),
            reused: self.0.reused.load(Ordering::Relaxed),
            resent: self.0.resent.load(Ordering::Relaxed),
            idle: self.0.pool.count(),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
