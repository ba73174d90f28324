//! The listener to which the browser brings the code. Speaks just enough HTTP for one `GET` of the callback's path.
//!
//! Anything on this machine may connect, so only an answer with the right state counts (the desk checks it), others
//! change nothing; requests and their number are bounded.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// A browser sends about one kilobyte.
const MAX_HEAD: usize = 16 << 10;
/// Browsers open connections ahead of need, so several may idle.
const MAX_CONNECTIONS: usize = 16;
/// Longest wait for the head of a request.
const HEAD_WAIT: Duration = Duration::from_secs(10);

/// A request to the callback's path: its address as the browser sent it, and where to say how it went.
pub(super) struct Callback {
    pub(super) address: String,
    pub(super) answer: oneshot::Sender<Page>,
}

/// What the browser shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Page {
    /// Logged in.
    Done,
    /// It ended without a login; the terminal says why.
    Failed,
    /// This was not the awaited answer.
    NotThis,
}

/// A listener on one of the ports at which the vendor lets the browser end up.
pub(super) struct Loopback {
    listener: TcpListener,
    path: &'static str,
    pub(super) port: u16,
}

impl Loopback {
    /// Listens on the first of these ports that is free. 0: any.
    pub(super) async fn open(ports: &[u16], path: &'static str) -> io::Result<Self> {
        let mut taken = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for port in ports {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await {
                Ok(listener) => {
                    let port = listener.local_addr()?.port();
                    return Ok(Self { listener, path, port });
                }
                Err(error) => taken = io::Error::new(error.kind(), format!("port {port}: {error}")),
            }
        }
        Err(taken)
    }

    /// Hands over callbacks until `stop`, then lets the conversations under way end. Errors of single connections end
    /// only those.
    pub(super) async fn serve(self, callbacks: mpsc::Sender<Callback>, clock: Arc<dyn Clock>, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let accept = async {
            while let Ok(place) = places.clone().acquire_owned().await {
                let Ok((stream, _)) = self.listener.accept().await else {
                    // Out of descriptors, most likely. Wait rather than spin.
                    clock.sleep(Duration::from_millis(100)).await;
                    continue;
                };
                while connections.try_join_next().is_some() {}
                let (callbacks, clock, path) = (callbacks.clone(), clock.clone(), self.path);
                connections.spawn(async move {
                    let _ = converse(stream, path, &callbacks, &*clock).await;
                    drop(place);
                });
            }
        };
        stop.run_until_cancelled(accept).await;
        drop(callbacks);
        while connections.join_next().await.is_some() {}
    }
}

async fn converse(
    mut stream: TcpStream,
    path: &str,
    callbacks: &mpsc::Sender<Callback>,
    clock: &dyn Clock,
) -> io::Result<()> {
    let head = tokio::select! {
        head = read_head(&mut stream) => head?,
        () = clock.sleep(HEAD_WAIT) => return Ok(()),
    };
    let page = match callback_address(&head, path) {
        Some(address) => {
            let (answer, answered) = oneshot::channel();
            if callbacks.send(Callback { address, answer }).await.is_err() {
                return Ok(());
            }
            answered.await.unwrap_or(Page::Failed)
        }
        None => Page::NotThis,
    };
    stream.write_all(response(page).as_bytes()).await?;
    stream.shutdown().await
}

async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(2048);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > MAX_HEAD || stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(head)
}

/// `GET <path>?…`, and nothing else.
fn callback_address(head: &[u8], path: &str) -> Option<String> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let query = target.strip_prefix(path)?.strip_prefix('?')?;
    (method == "GET" && version.starts_with("HTTP/1.") && !query.is_empty())
        .then(|| format!("http://localhost{path}?{query}"))
}

fn response(page: Page) -> String {
    let (status, title, text) = match page {
        Page::Done => ("200 OK", "Logged in", "Remuda has stored the login. You can close this window."),
        Page::Failed => ("200 OK", "Not logged in", "The terminal says why. You can close this window."),
        Page::NotThis => ("404 Not Found", "Nothing here", "This address only takes the answer of a login."),
    };
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1><p>{text}</p></html>\n"
    );
    // The address of the page holds the code: it must not stay in caches or be passed on as a referrer.
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\ncontent-security-policy: default-src 'none'\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Loopback, callback_address};

    #[tokio::test]
    async fn the_second_registered_port_serves_when_the_first_is_taken() {
        let first = Loopback::open(&[0], "/callback").await.unwrap();
        let free = Loopback::open(&[0], "/callback").await.unwrap().port;
        assert_eq!(Loopback::open(&[first.port, free], "/callback").await.unwrap().port, free);
        let error = Loopback::open(&[first.port], "/callback").await.err().unwrap();
        assert!(error.to_string().contains(&format!("port {}", first.port)), "{error}");
    }

    #[rstest]
    #[case::the_answer("GET /callback?code=a&state=b HTTP/1.1\r\nhost: x\r\n\r\n", Some("code=a&state=b"))]
    #[case::without_query("GET /callback HTTP/1.1\r\n\r\n", None)]
    #[case::with_empty_query("GET /callback? HTTP/1.1\r\n\r\n", None)]
    #[case::another_path("GET /favicon.ico HTTP/1.1\r\n\r\n", None)]
    #[case::another_method("POST /callback?code=a HTTP/1.1\r\n\r\n", None)]
    #[case::a_longer_path("GET /callbacks?code=a HTTP/1.1\r\n\r\n", None)]
    #[case::garbage("\x16\x03\x01\r\n\r\n", None)]
    fn only_a_get_of_the_callback_counts(#[case] head: &str, #[case] query: Option<&str>) {
        let expected = query.map(|query| format!("http://localhost/callback?{query}"));
        assert_eq!(callback_address(head.as_bytes(), "/callback"), expected);
    }
}
