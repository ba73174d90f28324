//! The agent's half of a WebSocket: frames in, one request each; events out, one frame each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::Response;
use http_body_util::BodyExt;
use remuda_wire::sse::Scanner;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use super::frames::{self, Asked, Opening};
use super::lane::Lane;
use crate::body::{ClientBody, RequestBody};
use crate::gateway::Gateway;

/// Frames that an agent may send ahead. Codex and Pi send one and wait.
const MOST_AHEAD: usize = 8;
/// A socket on which nobody speaks is closed after this. The vendor's own limit for a connection is an hour.
const IDLE: Duration = Duration::from_secs(3600);

/// The client has gone, or what it does makes no sense.
struct Gone;

struct Talk<S> {
    socket: WebSocketStream<S>,
    ahead: VecDeque<Message>,
}

/// Serves one socket until it is closed.
pub(super) async fn serve<S>(gateway: &Arc<Gateway>, connection: S, opening: Opening, closing: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config =
        WebSocketConfig::default().max_message_size(Some(super::MOST_FRAME)).max_frame_size(Some(super::MOST_FRAME));
    let socket = WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await;
    let mut talk = Talk { socket, ahead: VecDeque::new() };
    let lane = Arc::new(Lane::default());
    loop {
        let next = tokio::time::timeout(IDLE, closing.run_until_cancelled(talk.next())).await;
        let Ok(Some(Ok(text))) = next else { break };
        if talk.turn(gateway, &opening, &lane, text).await.is_err() {
            break;
        }
    }
    // A client that does not answer the farewell is left.
    let _ = tokio::time::timeout(Duration::from_secs(2), talk.socket.close(None)).await;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// The next text frame.
    async fn next(&mut self) -> Result<bytes::Bytes, Gone> {
        loop {
            let message = match self.ahead.pop_front() {
                Some(message) => message,
                None => self.socket.next().await.and_then(Result::ok).ok_or(Gone)?,
            };
            match message {
                Message::Text(text) => return Ok(text.into()),
                Message::Close(_) | Message::Binary(_) => return Err(Gone),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// One frame: one request, or nothing we know.
    async fn turn(
        &mut self,
        gateway: &Arc<Gateway>,
        opening: &Opening,
        lane: &Arc<Lane>,
        frame: bytes::Bytes,
    ) -> Result<(), Gone> {
        let Asked::Create { warm_up } = Asked::of(&frame) else {
            return self.say(frames::not_understood()).await;
        };
        let (head, body) = (opening.head.clone(), RequestBody::Frame(Some(frame)));
        let flight = gateway.take_up(head, body, opening.forward, Some(super::lane::Ticket::new(lane, warm_up)));
        let response = self.meanwhile(flight).await?;
        self.tell(response).await
    }

    /// Waits for something of ours while the client may leave or speak ahead. Leaving cancels it.
    async fn meanwhile<T>(&mut self, ours: impl Future<Output = T>) -> Result<T, Gone> {
        let mut ours = std::pin::pin!(ours);
        loop {
            tokio::select! {
                biased;
                done = &mut ours => return Ok(done),
                message = self.socket.next() => match message {
                    Some(Ok(Message::Close(_))) | Some(Err(_)) | None => return Err(Gone),
                    Some(Ok(message)) if self.ahead.len() < MOST_AHEAD => self.ahead.push_back(message),
                    Some(Ok(_)) => return Err(Gone),
                },
            }
        }
    }

    /// The answer, event by event. One that breaks off closes the socket: the agent must not take it for a whole one.
    async fn tell(&mut self, response: Response<ClientBody>) -> Result<(), Gone> {
        let (head, mut body) = response.into_parts();
        if head.status.as_u16() >= 300 {
            let body = self.meanwhile(body.collect()).await?.map_err(|_| Gone)?.to_bytes();
            return self.say(frames::refusal(head.status, &head.headers, &body)).await;
        }
        let mut scanner = Scanner::default();
        let mut said = Vec::new();
        let mut last = Terminal::default();
        while let Some(frame) = self.meanwhile(body.frame()).await? {
            let Ok(data) = frame.map_err(|_| Gone)?.into_data() else { continue };
            scanner.feed(&data, |event| {
                if let Some(data) = event.data {
                    last.note(event.name);
                    said.push(String::from_utf8_lossy(data).into_owned());
                }
            });
            for text in said.drain(..) {
                self.say(text).await?;
            }
        }
        if last.reached { Ok(()) } else { Err(Gone) }
    }

    async fn say(&mut self, text: String) -> Result<(), Gone> {
        self.socket.send(Message::text(text)).await.map_err(|_| Gone)
    }
}

/// Has the answer said its last word?
#[derive(Default)]
struct Terminal {
    reached: bool,
}

impl Terminal {
    fn note(&mut self, name: &[u8]) {
        self.reached |= super::trunk::is_last(std::str::from_utf8(name).unwrap_or_default());
    }
}
