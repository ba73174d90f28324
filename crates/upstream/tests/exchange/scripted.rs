//! A server that does what a test says, and request bodies that behave as a test says.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use remuda_upstream::{Client, Config, Error, Incoming, Origin};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A listener; its connections are served by tasks that end with it.
pub(crate) struct Server {
    pub(crate) origin: Origin,
    accepted: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Serves every connection with `script`, which gets the connection and its number (from 0).
    pub(crate) async fn start<S, F>(script: S) -> Self
    where
        S: Fn(TcpStream, usize) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut served = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                served.spawn(script(socket, counter.fetch_add(1, Ordering::SeqCst)));
            }
        });
        Self { origin, accepted, _tasks: tasks }
    }

    /// Answers the first request of every connection with `pieces`, one write each, then closes.
    pub(crate) async fn answering(pieces: Vec<Vec<u8>>) -> Self {
        Self::start(move |mut socket, _| {
            let pieces = pieces.clone();
            async move {
                read_request(&mut socket).await;
                for piece in pieces {
                    socket.write_all(&piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        })
        .await
    }

    /// Accepts, and then neither reads nor writes nor closes.
    pub(crate) async fn silent() -> Self {
        Self::start(|socket, _| async move {
            std::future::pending::<()>().await;
            drop(socket);
        })
        .await
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// A request as a server reads it.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) head: String,
    /// As it came, chunks undone by nobody.
    pub(crate) body: Vec<u8>,
}

/// Reads one request; empty if the connection ended.
pub(crate) async fn read_request(socket: &mut (impl AsyncReadExt + Unpin)) -> Taken {
    let mut raw = Vec::new();
    let head_end = loop {
        if let Some(at) = memchr::memmem::find(&raw, b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut raw).await.unwrap_or(0) == 0 {
            return Taken { head: String::new(), body: Vec::new() };
        }
    };
    let mut body = raw.split_off(head_end);
    let head = String::from_utf8(raw).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|text| text.parse().unwrap());
    let chunked = head.contains("\r\ntransfer-encoding: chunked\r\n");
    let complete = |body: &[u8]| match length {
        Some(length) => body.len() >= length,
        None if chunked => body.ends_with(b"0\r\n\r\n"),
        None => true,
    };
    while !complete(&body) {
        if socket.read_buf(&mut body).await.unwrap_or(0) == 0 {
            break;
        }
    }
    Taken { head, body }
}

/// Waits until the other side has closed, reading what still comes.
pub(crate) async fn wait_for_close(socket: &mut TcpStream) {
    let mut sink = [0; 4096];
    while socket.read(&mut sink).await.unwrap_or(0) > 0 {}
}

pub(crate) fn client() -> Client {
    client_with(|_| {})
}

pub(crate) fn client_with(change: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config {
        connect_timeout: 10 * SECOND,
        head_timeout: 20 * SECOND,
        idle_timeout: 20 * SECOND,
        ..Config::default()
    };
    change(&mut config);
    Client::new(config).unwrap()
}

pub(crate) fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder().method(Method::POST).uri("/v1/messages").body(Full::new(body.into())).unwrap()
}

pub(crate) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::builder().uri(path).body(Full::default()).unwrap()
}

/// All of a body, with its trailers.
pub(crate) async fn collect(response: Response<Incoming>) -> Result<(Vec<u8>, Option<http::HeaderMap>), Error> {
    let collected = response.into_body().collect().await?;
    let trailers = collected.trailers().cloned();
    Ok((collected.to_bytes().to_vec(), trailers))
}

/// A body of frames without a stated length.
#[derive(Clone)]
pub(crate) struct Pieces(pub(crate) VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// A body that states `length` and yields what a channel brings.
#[derive(Clone)]
pub(crate) struct Fed {
    pub(crate) length: u64,
    pub(crate) feed: Arc<tokio::sync::Mutex<tokio::sync::mpsc::UnboundedReceiver<Result<Bytes, &'static str>>>>,
}

pub(crate) type Feed = tokio::sync::mpsc::UnboundedSender<Result<Bytes, &'static str>>;

impl Fed {
    pub(crate) fn new(length: u64) -> (Feed, Self) {
        let (send, receive) = tokio::sync::mpsc::unbounded_channel();
        (send, Self { length, feed: Arc::new(tokio::sync::Mutex::new(receive)) })
    }
}

impl Body for Fed {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        let mut feed = self.feed.try_lock().unwrap();
        feed.poll_recv(cx).map(|next| next.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// Moves tokio's clock without waiting; timers that are due fire. Between calls time runs as always, because real
/// sockets and a standing clock do not go together.
pub(crate) async fn skip(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Waits for something that other tasks bring about.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(10 * SECOND, waiting).await.expect("it never came about");
}
