//! The vendor in the measurement: as cheap as possible, so that it is not what is measured.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::message::{LAST_CHUNK, Mode, STREAM_HEAD, chunk, events, json_answer};

/// The answers, made once.
struct Answers {
    burst: Vec<u8>,
    /// Head and first event, the events between, last event and last chunk.
    events: Vec<Vec<u8>>,
    json: Vec<u8>,
    /// Head and the first three events.
    slow_start: Vec<u8>,
    slow_event: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let mut pieces: Vec<String> = events().iter().map(|event| chunk(event)).collect();
        let slow_start = format!("{STREAM_HEAD}{}", pieces[..3].concat()).into_bytes();
        let slow_event = pieces[3].clone().into_bytes();
        pieces[0].insert_str(0, STREAM_HEAD);
        if let Some(last) = pieces.last_mut() {
            last.push_str(LAST_CHUNK);
        }
        Self {
            burst: pieces.concat().into_bytes(),
            events: pieces.into_iter().map(String::into_bytes).collect(),
            json: json_answer().into_bytes(),
            slow_start,
            slow_event,
        }
    }
}

/// Serves on a free port for as long as the local task set runs.
pub async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answers = Rc::new(Answers::new());
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answers = answers.clone();
            // An error is the end of a connection: the other side has gone.
            tokio::task::spawn_local(async move { drop(connection(stream, &answers).await) });
        }
    });
    Ok(address)
}

async fn connection(mut stream: TcpStream, answers: &Answers) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        buffer.clear();
        let head_end = loop {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            if let Some(at) = memchr::memmem::find(&buffer, b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = &buffer[..head_end];
        let mode = Mode::of(head);
        let length = content_length(head);
        let already = buffer.len() - head_end;
        match length {
            Some(length) => discard(&mut stream, length.saturating_sub(already)).await?,
            None => discard_chunks(&mut stream, &buffer[head_end..]).await?,
        }
        if mode == Mode::Slow {
            // Idle connections are not to cost the generator's memory either.
            buffer = Vec::new();
        }
        answer(&mut stream, mode, answers).await?;
    }
}

async fn answer(stream: &mut TcpStream, mode: Mode, answers: &Answers) -> Result<()> {
    match mode {
        Mode::Burst => stream.write_all(&answers.burst).await?,
        Mode::Json => stream.write_all(&answers.json).await?,
        Mode::Events => {
            for event in &answers.events {
                stream.write_all(event).await?;
                tokio::task::yield_now().await;
            }
        }
        Mode::Slow => {
            stream.write_all(&answers.slow_start).await?;
            let mut nothing = [0];
            loop {
                // Who has left is let go at once, or the descriptors of one measurement would be missing in the next.
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(10)) => stream.write_all(&answers.slow_event).await?,
                    _left = stream.read(&mut nothing) => return Ok(()),
                }
            }
        }
    }
    Ok(())
}

/// `None`: the body is chunked. A request without a body has length 0.
fn content_length(head: &[u8]) -> Option<usize> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return None;
    }
    let value = head.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.lines().next());
    Some(value.and_then(|value| value.trim().parse().ok()).unwrap_or(0))
}

async fn discard(stream: &mut TcpStream, mut left: usize) -> Result<()> {
    let mut scratch = vec![0; left.min(256 * 1024)];
    while left > 0 {
        let want = left.min(scratch.len());
        let read = stream.read(&mut scratch[..want]).await?;
        anyhow::ensure!(read > 0, "closed inside a body");
        left -= read;
    }
    Ok(())
}

/// Reads on until the last chunk. What a client sends here never contains its bytes within the data.
async fn discard_chunks(stream: &mut TcpStream, start: &[u8]) -> Result<()> {
    let mut tail = start.to_vec();
    let mut scratch = vec![0; 256 * 1024];
    while !tail.ends_with(LAST_CHUNK.as_bytes()) {
        let read = stream.read(&mut scratch).await?;
        anyhow::ensure!(read > 0, "closed inside a chunked body");
        tail.extend_from_slice(&scratch[..read]);
        let keep = tail.len().saturating_sub(LAST_CHUNK.len());
        tail.drain(..keep);
    }
    tail.first().context("a chunked body has a last chunk").map(drop)
}
