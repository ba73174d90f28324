//! The relay over a WebSocket: one per conversation, one exchange at a time, the same records.
//!
//! HTTP slows a vendor down when the client does not read; a WebSocket has to be told: the client grants bytes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::code::Code;
use crate::message::{self, Credit, Hello, Named, Problem, Resume, record};
use crate::record::{HEADER, Kind, Record};
use crate::request::MOST_HEAD;
use crate::server::door::{Answer, Door, whole};
use crate::server::recording::{Follower, Step};

/// Bytes of records that a client takes without having granted any.
pub const FIRST_CREDIT: u64 = 256 * 1024;

/// The tasks of all WebSockets.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Sockets {
    /// Hangs up on all.
    pub async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Answers the request that asks for a WebSocket.
///
/// # Errors
/// It asks for something else.
pub fn open<B>(
    door: &Arc<Door>,
    mut request: Request<B>,
    conversation: String,
    token: [u8; 32],
) -> Result<Response<Answer>, Problem> {
    let upgrade =
        request.headers().get(header::UPGRADE).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).filter(|_| upgrade);
    let key = key.ok_or_else(|| Problem::before(Code::Malformed, "a WebSocket is expected here"))?;
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()))
        .map_err(|_| Problem::before(Code::Malformed, "an unreadable WebSocket key"))?;
    let upgraded = hyper::upgrade::on(&mut request);
    let shared = Arc::clone(door);
    let stop = door.sockets.stop.clone();
    door.sockets.tasks.spawn(stop.run_until_cancelled_owned(async move {
        match upgraded.await {
            Ok(stream) => {
                let most = shared.relay.settings.most_body + MOST_HEAD + HEADER;
                let config = WebSocketConfig::default().max_message_size(Some(most)).max_frame_size(Some(most));
                let stream = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, Some(config)).await;
                Socket { door: shared, conversation, token, stream, answer: None, credit: FIRST_CREDIT }.run().await;
            }
            Err(error) => tracing::debug!(%error, "a WebSocket was not opened"),
        }
    }));
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// One connection. Dropped, it leaves its answer to be resumed.
struct Socket<S> {
    door: Arc<Door>,
    conversation: String,
    token: [u8; 32],
    stream: WebSocketStream<S>,
    answer: Option<(String, Follower)>,
    credit: u64,
}

/// What happens next on a connection.
enum Event {
    Message(Bytes),
    Step(Step),
    Silent,
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    async fn run(mut self) {
        let settings = self.door.relay.settings.clone();
        let mut heard = Instant::now();
        loop {
            let follow = self.answer.as_mut().filter(|_| self.credit > 0).map(|(_, follower)| follower);
            let next = async {
                match follow {
                    Some(follower) => follower.next(settings.alive).await,
                    None => {
                        tokio::time::sleep(settings.alive).await;
                        Step::Silent
                    }
                }
            };
            let event = tokio::select! {
                message = self.stream.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => Event::Message(bytes),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Event::Silent,
                    Some(Ok(Message::Close(_) | Message::Text(_) | Message::Frame(_)) | Err(_)) | None => Event::Gone,
                },
                step = next => Event::Step(step),
                () = tokio::time::sleep_until(heard + settings.client_silent) => Event::Gone,
            };
            let done = match event {
                Event::Gone => return,
                Event::Silent => {
                    heard = Instant::now();
                    Ok(())
                }
                Event::Message(bytes) => {
                    heard = Instant::now();
                    self.heard(bytes).await
                }
                Event::Step(step) => self.stepped(step).await,
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), Hang> {
        // A client that does not read is one that is not there.
        let patience = self.door.relay.settings.client_silent;
        match tokio::time::timeout(patience, self.stream.send(Message::Binary(bytes))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Hang),
        }
    }

    async fn problem(&mut self, problem: &Problem) -> Result<(), Hang> {
        self.send(record(Kind::Problem, problem).to_bytes()).await
    }

    async fn stepped(&mut self, step: Step) -> Result<(), Hang> {
        match step {
            Step::Record(bytes) => {
                self.credit = self.credit.saturating_sub(bytes.len() as u64);
                self.send(bytes).await
            }
            Step::Silent => self.send(Record::new(Kind::Alive, Bytes::new()).to_bytes()).await,
            Step::End => {
                self.answer = None;
                Ok(())
            }
            Step::Displaced => Err(Hang),
        }
    }

    async fn heard(&mut self, bytes: Bytes) -> Result<(), Hang> {
        let most = bytes.len();
        let Ok(record) = Record::only(bytes, most) else {
            return self.problem(&Problem::before(Code::Malformed, "an unreadable record")).await.and(Err(Hang));
        };
        match self.take(record).await {
            Ok(None) => Ok(()),
            Ok(Some(answer)) => self.send(answer.to_bytes()).await,
            Err(problem) => self.problem(&problem).await,
        }
    }

    async fn take(&mut self, received: Record) -> Result<Option<Record>, Problem> {
        let relay = Arc::clone(&self.door.relay);
        match received.kind {
            Kind::Alive => {}
            Kind::Hello => {
                let hello: Hello = message::read(&received.content)?;
                return Ok(Some(record(Kind::Hello, &relay.welcome(&hello)?)));
            }
            Kind::Credit => {
                let credit: Credit = message::read(&received.content)?;
                self.credit = self.credit.saturating_add(credit.bytes);
            }
            Kind::Cancel => {
                let named: Named = message::read(&received.content)?;
                if self.answer.as_ref().is_some_and(|(id, _)| *id == named.id) {
                    self.answer = None;
                    relay.cancel(&self.conversation, &named.id);
                    return Err(Problem::after(Code::Cancelled, "the request was cancelled"));
                }
            }
            Kind::Exchange | Kind::Resume if self.answer.is_some() => {
                return Err(Problem::before(Code::Malformed, "the last answer has not ended"));
            }
            Kind::Resume => {
                let resume: Resume = message::read(&received.content)?;
                let follower = relay.resume(&self.conversation, &resume.id, resume.received)?;
                self.answer = Some((resume.id, follower));
                return Ok(Some(Record::new(Kind::Taken, Bytes::new())));
            }
            Kind::Exchange => {
                self.door.limited(self.token).map_err(|(problem, _)| problem)?;
                let follower = relay.exchange(&self.conversation, received.content).await?;
                let id = follower.id().to_owned();
                self.answer = Some((id, follower));
                return Ok(Some(Record::new(Kind::Taken, Bytes::new())));
            }
            Kind::Head | Kind::Data | Kind::End | Kind::Problem | Kind::Taken => {
                return Err(Problem::before(Code::Malformed, "a record that only a relay sends"));
            }
        }
        Ok(None)
    }
}

/// The connection is of no use any more.
struct Hang;
