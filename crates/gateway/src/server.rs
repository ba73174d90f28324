//! Listeners and connections: accept, hand each request to the gate and the routes, drain at the end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body::ClientBody;
use crate::guard::Guard;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A TCP connection.
    Tcp(SocketAddr),
    /// A Unix socket, with the user id that the kernel vouches for.
    Unix {
        /// User id of the peer's process.
        uid: u32,
    },
}

/// What answers requests that have passed the gate.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<ClientBody>> + Send;
    /// Answers a request that was turned away at the gate.
    fn turned_away(&self, why: crate::guard::Turned, request: &Request<Incoming>) -> Response<ClientBody>;
}

/// How long a client may take to send the head of a request, idle keep-alive time included: agents think between turns,
/// and a connection closed at the moment they speak again costs them a retry.
const HEAD_TIMEOUT: Duration = Duration::from_secs(300);
/// Pause after a failed accept (out of file descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts and serves connections until [`Server::drain`].
#[derive(Debug)]
pub struct Server<S> {
    service: Arc<S>,
    tasks: TaskTracker,
    stop_accepting: CancellationToken,
    cut: CancellationToken,
}

impl<S: Service> Server<S> {
    /// A server without listeners.
    pub fn new(service: Arc<S>) -> Self {
        Self {
            service,
            tasks: TaskTracker::new(),
            stop_accepting: CancellationToken::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Serves a TCP listener.
    pub fn listen_tcp(&self, listener: TcpListener, guard: Guard) {
        let server = self.handle(guard);
        self.tasks.spawn(async move {
            while let Some(accepted) = server.next(listener.accept()).await {
                match accepted {
                    Ok((stream, from)) => {
                        if let Err(error) = stream.set_nodelay(true) {
                            tracing::debug!(%error, "no TCP_NODELAY");
                        }
                        server.serve(stream, Peer::Tcp(from));
                    }
                    Err(error) => server.pause(&error).await,
                }
            }
        });
    }

    /// Serves a Unix socket.
    pub fn listen_unix(&self, listener: UnixListener) {
        let server = self.handle(Guard::unix());
        self.tasks.spawn(async move {
            while let Some(accepted) = server.next(listener.accept()).await {
                match accepted.and_then(|(stream, _)| Ok((stream.peer_cred()?.uid(), stream))) {
                    Ok((uid, stream)) => server.serve(stream, Peer::Unix { uid }),
                    Err(error) => server.pause(&error).await,
                }
            }
        });
    }

    /// Stops accepting, lets requests under way end, and cuts what is left at the deadline. True: nothing was cut.
    pub async fn drain(&self, deadline: Duration) -> bool {
        self.stop_accepting.cancel();
        self.tasks.close();
        let in_time = tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok();
        if !in_time {
            self.cut.cancel();
            self.tasks.wait().await;
        }
        in_time
    }

    fn handle(&self, guard: Guard) -> Handle<S> {
        Handle {
            service: Arc::clone(&self.service),
            guard: Arc::new(guard),
            tasks: self.tasks.clone(),
            stop_accepting: self.stop_accepting.clone(),
            cut: self.cut.clone(),
        }
    }
}

/// One listener's share of the server.
struct Handle<S> {
    service: Arc<S>,
    guard: Arc<Guard>,
    tasks: TaskTracker,
    stop_accepting: CancellationToken,
    cut: CancellationToken,
}

impl<S: Service> Handle<S> {
    async fn next<T>(&self, accept: impl Future<Output = T>) -> Option<T> {
        self.stop_accepting.run_until_cancelled(accept).await
    }

    async fn pause(&self, error: &io::Error) {
        tracing::warn!(%error, "a connection could not be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }

    fn serve<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: T, peer: Peer) {
        let (service, guard) = (Arc::clone(&self.service), Arc::clone(&self.guard));
        let (stop, cut) = (self.stop_accepting.clone(), self.cut.clone());
        self.tasks.spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let (service, guard) = (Arc::clone(&service), Arc::clone(&guard));
                async move {
                    Ok::<_, Infallible>(match guard.check(request.uri(), request.headers()) {
                        Ok(()) => service.call(request, peer).await,
                        Err(why) => service.turned_away(why, &request),
                    })
                }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), answer)
                .with_upgrades();
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection => ended,
                        () = cut.cancelled() => Ok(()),
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}
