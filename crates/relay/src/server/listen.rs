//! Accepts connections, over TLS where a certificate is given, and ends everything in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::server::door::Door;
use crate::server::limit::Limit;
use crate::server::socket::Sockets;
use crate::server::{Relay, Tokens};

/// How long a client may take to send the head of a request, time between requests included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after a failed accept (out of file descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often the file of tokens is looked at.
const TOKENS_EVERY: Duration = Duration::from_secs(2);

/// A relay that is being served. [`Listening::end`] ends it.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    relay: Arc<Relay>,
    sockets: Sockets,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file is unreadable or holds something else.
    #[error("{} cannot be used as PEM {what}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// `certificates` or `private key`.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// Certificate and key do not belong together.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Reads a certificate chain and its key.
///
/// # Errors
/// See [`CertificateError`].
pub fn tls(certificates: &Path, key: &Path) -> Result<TlsAcceptor, CertificateError> {
    let refused = |path: &Path, what, why: String| CertificateError::File { path: path.to_owned(), what, why };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect)
            .map_err(|error| refused(certificates, "certificates", error.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| refused(key, "private key", e.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves a relay on a listener. With `token_file` the tokens follow that file.
///
/// # Errors
/// The listener has no address.
pub fn serve(
    relay: Arc<Relay>,
    tokens: Tokens,
    token_file: Option<PathBuf>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
) -> std::io::Result<Listening> {
    let address = listener.local_addr()?;
    let (tasks, stop, sockets) = (TaskTracker::new(), CancellationToken::new(), Sockets::default());
    let tokens = Arc::new(tokens);
    let limit = Limit::new(relay.settings.per_minute);
    let door = Door { relay: Arc::clone(&relay), tokens: Arc::clone(&tokens), limit, sockets: sockets.clone() };
    tasks.spawn(Arc::clone(&relay).keep_house(stop.clone()));
    if let Some(path) = token_file {
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move { follow(&tokens, &path).await }));
    }
    let acceptor = Acceptor { door: Arc::new(door), tls, tasks: tasks.clone(), stop: stop.clone() };
    tasks.spawn(async move { acceptor.run(listener).await });
    Ok(Listening { address, relay, sockets, tasks, stop })
}

impl Listening {
    /// The relay behind it.
    #[must_use]
    pub fn relay(&self) -> &Arc<Relay> {
        &self.relay
    }

    /// Takes nothing new, waits for calls under way until the deadline, then ends them too.
    pub async fn end(self, deadline: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait()).await.is_err() {
            tracing::info!("connections are cut");
        }
        self.relay.end().await;
        self.sockets.end().await;
        self.tasks.wait().await;
    }
}

async fn follow(tokens: &Tokens, path: &Path) {
    let stamp = |path: &Path| std::fs::metadata(path).and_then(|m| Ok((m.modified()?, m.len()))).ok();
    let mut seen = stamp(path);
    loop {
        tokio::time::sleep(TOKENS_EVERY).await;
        let now = stamp(path);
        if now == seen {
            continue;
        }
        seen = now;
        match tokens.reread(path) {
            Ok(()) => tracing::info!("the tokens were read again"),
            Err(error) => tracing::error!(%error, "the tokens stay as they were"),
        }
    }
}

struct Acceptor {
    door: Arc<Door>,
    tls: Option<TlsAcceptor>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Acceptor {
    async fn run(&self, listener: TcpListener) {
        while let Some(accepted) = self.stop.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "no TCP_NODELAY");
                    }
                    let (door, stop, tls) = (Arc::clone(&self.door), self.stop.clone(), self.tls.clone());
                    self.tasks.spawn(async move {
                        match tls {
                            None => connection(door, stream, stop).await,
                            Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                                Ok(Ok(stream)) => connection(door, stream, stop).await,
                                Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                                Err(_) => tracing::debug!("no TLS in time"),
                            },
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn connection<S>(door: Arc<Door>, stream: S, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(door.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
