//! A vendor that remembers what it was asked, and a network that can be cut.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// What was asked: headers and body.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// The vendor. What it does is said in the header `x-do` of a request, see `act`.
pub(crate) struct Vendor {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    /// Pieces of streams that were taken off its hands.
    pub(crate) written: Arc<AtomicUsize>,
    /// Streams whose reader went away.
    pub(crate) hung_up: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Vendor {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, written, hung_up) = <(Arc<Mutex<Vec<Asked>>>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let mut tasks = JoinSet::new();
        let shared = (Arc::clone(&asked), Arc::clone(&written), Arc::clone(&hung_up));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = shared.clone();
                connections.spawn(async move {
                    let service = service_fn(|request| answer(request, shared.clone()));
                    let _closed = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, asked, written, hung_up, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/messages", self.address)
    }

    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        self.asked.lock().iter().map(|asked| asked.body.clone()).collect()
    }
}

type Shared = (Arc<Mutex<Vec<Asked>>>, Arc<AtomicUsize>, Arc<AtomicUsize>);

async fn answer(request: Request<Incoming>, shared: Shared) -> Result<Response<Body>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let act = head.headers.get("x-do").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    shared.0.lock().push(Asked { headers: head.headers, body: body.clone() });
    Ok(match act.split_once('=').unwrap_or((&act, "")) {
        // Streams so many pieces of so many bytes, with so many milliseconds between them.
        ("stream", numbers) => {
            let numbers: Vec<usize> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
            let stream = Pieces { count: numbers[0], size: numbers[1], pause: numbers[2], breaks: false, shared };
            Response::builder().header("content-type", "text/event-stream").body(stream.body()).unwrap()
        }
        ("break", count) => {
            let stream = Pieces { count: count.parse().unwrap(), size: 10, pause: 1, breaks: true, shared };
            Response::new(stream.body())
        }
        ("die", _) => return Err(std::io::Error::other("dies without an answer")),
        ("wait", ms) => {
            tokio::time::sleep(Duration::from_millis(ms.parse().unwrap())).await;
            whole(200, &body)
        }
        ("status", status) => whole(status.parse().unwrap(), &body),
        _ => whole(200, &body),
    })
}

fn whole(status: u16, body: &Bytes) -> Response<Body> {
    let text = format!("{{\"got\":{}}}", body.len());
    let full = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed_unsync();
    let response = Response::builder().status(status).header("x-two", "a").header("x-two", "b");
    response.header("request-id", "req_1").header("retry-after", "7").body(full).unwrap()
}

struct Pieces {
    count: usize,
    size: usize,
    pause: usize,
    breaks: bool,
    shared: Shared,
}

/// Notices that a stream was dropped before its end.
struct Watch {
    left: usize,
    hung_up: Arc<AtomicUsize>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.left > 0 {
            self.hung_up.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Pieces {
    fn body(self) -> Body {
        let Self { count, size, pause, breaks, shared: (_, written, hung_up) } = self;
        let watch = Watch { left: count, hung_up };
        let pieces = futures_util::stream::unfold((0, watch), move |(number, mut watch)| {
            let written = Arc::clone(&written);
            async move {
                if number == count {
                    watch.left = 0;
                    return breaks.then(|| (Err(std::io::Error::other("breaks")), (number + 1, watch)));
                }
                tokio::time::sleep(Duration::from_millis(pause as u64)).await;
                written.fetch_add(1, Ordering::SeqCst);
                let piece = format!("{number:0>size$}");
                (number < count).then(|| (Ok(Frame::data(Bytes::from(piece))), (number + 1, watch)))
            }
        });
        BodyExt::boxed_unsync(StreamBody::new(pieces))
    }
}

/// A way to a place that can be cut: all connections at once, or each after so many bytes from the far end.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    cut: Arc<Mutex<CancellationToken>>,
    /// Bytes that came in from the near end.
    pub(crate) up: Arc<AtomicUsize>,
    /// Each new connection is cut after so many bytes from the far end; 0: never.
    pub(crate) down_limit: Arc<AtomicUsize>,
    /// Each new connection is cut after so many bytes from the near end; 0: never.
    pub(crate) up_limit: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Way {
    pub(crate) async fn to(far: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(Mutex::new(CancellationToken::new()));
        let (up, down_limit, up_limit) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let mut tasks = JoinSet::new();
        let shared = (Arc::clone(&cut), Arc::clone(&up), Arc::clone(&down_limit), Arc::clone(&up_limit));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            let (cut, up, down_limit, up_limit) = shared;
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let token = cut.lock().clone();
                let up = Arc::clone(&up);
                let limits = (down_limit.load(Ordering::SeqCst), up_limit.load(Ordering::SeqCst));
                connections.spawn(async move {
                    let Ok(far) = TcpStream::connect(far).await else { return };
                    token.run_until_cancelled(carry(near, far, up, limits)).await;
                });
            }
        });
        Self { address, cut, up, down_limit, up_limit, _tasks: tasks }
    }

    pub(crate) fn cut(&self) {
        std::mem::take(&mut *self.cut.lock()).cancel();
    }
}

async fn carry(near: TcpStream, far: TcpStream, up: Arc<AtomicUsize>, (down, upward): (usize, usize)) {
    let mut near = Counted { stream: near, up, read: 0, written: 0, most_read: upward, most_written: down };
    let mut far = far;
    let _ended = copy_bidirectional(&mut near, &mut far).await;
}

/// The near end of a way.
struct Counted {
    stream: TcpStream,
    up: Arc<AtomicUsize>,
    read: usize,
    written: usize,
    most_read: usize,
    most_written: usize,
}

mod io {
    use std::io::{Error, Result};
    use std::pin::Pin;
    use std::sync::atomic::Ordering;
    use std::task::{Context, Poll, ready};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::Counted;

    impl AsyncRead for Counted {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            let count = buf.filled().len() - before;
            self.up.fetch_add(count, Ordering::SeqCst);
            self.read += count;
            let over = self.most_read > 0 && self.read > self.most_read;
            Poll::Ready(if over { Err(Error::other("cut")) } else { Ok(()) })
        }
    }

    impl AsyncWrite for Counted {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
            if self.most_written > 0 && self.written >= self.most_written {
                return Poll::Ready(Err(Error::other("cut")));
            }
            let most = if self.most_written > 0 { self.most_written - self.written } else { usize::MAX };
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..bytes.len().min(most)]))?;
            self.written += count;
            Poll::Ready(Ok(count))
        }
        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.stream).poll_flush(cx)
        }
        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.stream).poll_shutdown(cx)
        }
    }
}
