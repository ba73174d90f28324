//! Calls the control API of a running daemon over its Unix socket. One connection per call: calls are rare and short.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::types::{Code, Failure, FailureAnswer};
use crate::types::{VERSION, Versioned};
use crate::verb::{Encoded, Verb, encode};

/// A connection that is not taken up within this time means that nobody listens.
const CONNECT: Duration = Duration::from_secs(2);
/// Longer than the slowest verb: a login code exchanged with a slow vendor.
const ANSWER: Duration = Duration::from_secs(90);
/// More than a thousand decision records.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A client of one daemon.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client of the daemon that listens on this socket.
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Asks the daemon.
    ///
    /// # Errors
    /// [`Code::NotRunning`] when nobody listens on the socket, otherwise what the daemon says.
    pub async fn call<V: Verb>(&self, input: &V::Input) -> Result<V::Answer, Failure> {
        let Encoded { target, body } = encode::<V>(input)?;
        let request = http::Request::builder()
            .method(V::METHOD)
            .uri(target)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|e| Failure::new(Code::Internal, "the control call is malformed").why(e.to_string()))?;
        let stream = self.connect().await?;
        let exchange = timeout(ANSWER, exchange(stream, request));
        let (status, body) = exchange.await.map_err(|_| self.silent())?.map_err(|why| self.broken(&why))?;
        read_answer(status, &body)
    }

    pub(crate) async fn connect(&self) -> Result<UnixStream, Failure> {
        match timeout(CONNECT, UnixStream::connect(&self.socket)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(not_running().why(format!("{}: {error}", self.socket.display()))),
            Err(_) => Err(self.silent()),
        }
    }

    pub(crate) fn silent(&self) -> Failure {
        Failure::new(Code::Busy, "the daemon does not answer")
            .why(format!("something listens on {}, but nothing came back in time", self.socket.display()))
            .remedy("look at its log with `remuda serve` in the foreground, or end it with `remuda stop`")
    }

    pub(crate) fn broken(&self, why: &str) -> Failure {
        Failure::new(Code::Busy, "the daemon ended the conversation")
            .why(why)
            .remedy("it may just be stopping: try again, and look at `remuda status`")
    }
}

/// Nobody holds the store.
#[must_use]
pub fn not_running() -> Failure {
    Failure::new(Code::NotRunning, "the daemon is not running")
        .remedy("`remuda serve` starts it; `remuda run` starts it by itself")
}

type Reply = (http::StatusCode, Bytes);

async fn exchange(stream: UnixStream, request: http::Request<Full<Bytes>>) -> Result<Reply, String> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    let reply = async {
        let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await.map_err(|e| e.to_string())?;
        Ok((status, body.to_bytes()))
    };
    tokio::pin!(reply);
    tokio::pin!(connection);
    tokio::select! {
        reply = &mut reply => reply,
        // The connection may end before its last answer has been read out of it.
        _ = &mut connection => reply.await,
    }
}

fn read_answer<T: for<'de> Deserialize<'de>>(status: http::StatusCode, body: &[u8]) -> Result<T, Failure> {
    if !status.is_success() {
        return Err(read_failure(status, body));
    }
    let answer: Versioned<T> =
        serde_json::from_slice(body).map_err(|e| foreign(&format!("its answer cannot be read: {e}")))?;
    if answer.version == VERSION { Ok(answer.answer) } else { Err(foreign("it speaks another version")) }
}

/// What an answer that is no success says.
pub(crate) fn read_failure(status: http::StatusCode, body: &[u8]) -> Failure {
    match serde_json::from_slice::<FailureAnswer>(body) {
        Ok(answer) => answer.error,
        Err(_) => foreign(&format!("it answered {status} without a reason")),
    }
}

fn foreign(why: &str) -> Failure {
    Failure::new(Code::Internal, "the running daemon does not understand this command")
        .why(why)
        .remedy("it is probably of another version: `remuda stop`, then try again")
}
