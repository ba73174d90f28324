//! The agents in the measurement: connections that ask again as soon as they have their answer.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What came of a measurement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    pub requests: u64,
    pub request_bytes: u64,
    pub seconds: f64,
}

/// Asks over one connection per request for as long as given. Every answer must be a whole 200.
pub async fn run(address: SocketAddr, requests: Vec<Vec<u8>>, length: Duration) -> Result<Done> {
    let begin = Instant::now();
    let until = begin + length;
    let mut connections = JoinSet::new();
    for request in requests {
        connections.spawn_local(connection(address, request, until));
    }
    let mut done = Done::default();
    while let Some(one) = connections.join_next().await {
        let (requests, bytes) = one??;
        done.requests += requests;
        done.request_bytes += bytes;
    }
    done.seconds = begin.elapsed().as_secs_f64();
    ensure!(done.requests > 0, "no answer at all");
    Ok(done)
}

async fn connection(address: SocketAddr, request: Vec<u8>, until: Instant) -> Result<(u64, u64)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut requests = 0;
    while Instant::now() < until {
        stream.write_all(&request).await?;
        answer(&mut stream, &mut buffer).await?;
        requests += 1;
    }
    Ok((requests, requests * request.len() as u64))
}

/// Reads one whole answer.
pub async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    let head_end = loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        ensure!(read > 0, "closed before an answer");
        filled += read;
        if let Some(at) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = &buffer[..head_end];
    if !head.starts_with(b"HTTP/1.1 200 ") {
        bail!("not a 200: {}", String::from_utf8_lossy(&buffer[..filled.min(600)]));
    }
    if let Some(length) = content_length(head) {
        let mut left = length.saturating_sub(filled - head_end);
        while left > 0 {
            let read = stream.read(buffer).await?;
            ensure!(read > 0, "closed inside an answer");
            left = left.saturating_sub(read);
        }
        return Ok(());
    }
    // The answers hold no CRLF of their own, so that the last chunk is found by the end of what was read so far.
    const END: &[u8] = b"\r\n0\r\n\r\n";
    let mut tail = [0; END.len()];
    let mut known = keep_tail(&mut tail, 0, &buffer[head_end - 2..filled]);
    while tail[..known] != *END {
        let read = stream.read(buffer).await?;
        ensure!(read > 0, "closed inside an answer");
        known = keep_tail(&mut tail, known, &buffer[..read]);
    }
    Ok(())
}

/// Shifts the newest bytes into `tail`; returns how many of it are known.
fn keep_tail(tail: &mut [u8], known: usize, new: &[u8]) -> usize {
    let size = tail.len();
    if new.len() >= size {
        tail.copy_from_slice(&new[new.len() - size..]);
        return size;
    }
    let old = known.min(size - new.len());
    tail.copy_within(known - old..known, 0);
    tail[old..old + new.len()].copy_from_slice(new);
    old + new.len()
}

fn content_length(head: &[u8]) -> Option<usize> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        name.eq_ignore_ascii_case(b"content-length:").then(|| std::str::from_utf8(value).ok()?.trim().parse().ok())?
    })
}

/// Opens streams and keeps them after their first content. They close when the value is dropped.
pub async fn hold(address: SocketAddr, requests: Vec<Vec<u8>>) -> Result<Vec<TcpStream>> {
    // Not all at once: a backlog that overflows is not what is measured.
    let permits = Rc::new(tokio::sync::Semaphore::new(200));
    let mut opening = JoinSet::new();
    for request in requests {
        let permits = permits.clone();
        opening.spawn_local(async move {
            let _permit = permits.acquire().await?;
            tokio::time::timeout(Duration::from_secs(20), open(address, &request)).await?
        });
    }
    let mut streams = Vec::new();
    while let Some(stream) = opening.join_next().await {
        streams.push(stream??);
    }
    Ok(streams)
}

async fn open(address: SocketAddr, request: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut read = Vec::with_capacity(4 * 1024);
    while memchr::memmem::find(&read, b"text_delta").is_none() {
        ensure!(stream.read_buf(&mut read).await? > 0, "closed: {}", String::from_utf8_lossy(&read));
        let whole_head = read.len() >= 12;
        ensure!(!whole_head || read.starts_with(b"HTTP/1.1 200"), "refused: {}", String::from_utf8_lossy(&read));
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end_of_everything_however_it_is_cut() {
        let whole = b"abcdefghijklmnop";
        for first in 0..whole.len() {
            for second in first..whole.len() {
                let mut tail = [0; 7];
                let mut known = 0;
                for piece in [&whole[..first], &whole[first..second], &whole[second..]] {
                    known = keep_tail(&mut tail, known, piece);
                }
                assert_eq!((&tail[..], known), (&b"jklmnop"[..], 7), "{first} {second}");
            }
        }
    }
}
