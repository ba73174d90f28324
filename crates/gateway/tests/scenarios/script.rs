//! An upstream that sends exactly the bytes it is told, in exactly the pieces it is told.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to answer one request with.
#[derive(Clone, Debug)]
pub(crate) struct Play {
    /// Written one after the other, each flushed.
    pub(crate) pieces: Vec<Vec<u8>>,
    /// Close the connection behind it.
    pub(crate) close: bool,
}

pub(crate) struct Script {
    pub(crate) url: String,
    plays: Plays,
    task: tokio::task::JoinHandle<()>,
}

impl Script {
    /// Answers each request with the next play; the last one repeats.
    pub(crate) async fn start(plays: Vec<Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let plays = Arc::new(Mutex::new((plays, 0)));
        let shared = Arc::clone(&plays);
        #[expect(clippy::disallowed_methods, reason = "the test aborts it")]
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, plays, task }
    }

    /// From now on each request is answered with this.
    pub(crate) fn set(&self, play: Play) {
        *self.plays.lock() = (vec![play], 0);
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Plays = Arc<Mutex<(Vec<Play>, usize)>>;

async fn serve(mut stream: TcpStream, plays: Plays) {
    while read_request(&mut stream).await.is_some() {
        let play = {
            let mut plays = plays.lock();
            let at = plays.1.min(plays.0.len() - 1);
            plays.1 += 1;
            plays.0[at].clone()
        };
        for piece in play.pieces {
            if stream.write_all(&piece).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        if play.close {
            return;
        }
    }
}

/// Head and body of one request with a content-length.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut buffer = [0u8; 16 * 1024];
        let n = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        all.extend_from_slice(&buffer[..n]);
        let Some(end) = all.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
        let length: usize =
            head.lines().find_map(|l| l.strip_prefix("content-length:")).map_or(0, |v| v.trim().parse().unwrap());
        if all.len() >= end + 4 + length {
            return Some(all);
        }
    }
}

/// A chunked 200 stream of these bytes, cut into chunks and writes of the given sizes.
pub(crate) fn chunked(body: &[u8], chunks: &[usize], writes: &[usize], headers: &str) -> Play {
    let mut wire = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{headers}\r\n").into_bytes();
    let mut rest = body;
    for size in chunks.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).clamp(1, rest.len()));
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
        rest = after;
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    let mut pieces = Vec::new();
    let mut rest = &wire[..];
    for size in writes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*size).clamp(1, rest.len()));
        pieces.push(piece.to_vec());
        rest = after;
    }
    Play { pieces, close: false }
}
