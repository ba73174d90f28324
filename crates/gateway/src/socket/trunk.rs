//! A WebSocket to a vendor, and the answer of one turn on it as a stream of events.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http_body::{Body, Frame};
use remuda_core::AccountId;
use remuda_upstream::Upgraded;
use serde::Deserialize;
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::lane::Lane;

/// Longest silence of a vendor within a turn: as over HTTP.
const SILENCE: Duration = Duration::from_secs(600);

/// A WebSocket to a vendor, for one account with one generation of its token.
pub(crate) struct Trunk {
    pub(super) account: AccountId,
    pub(super) generation: u64,
    pub(super) socket: WebSocketStream<Upgraded>,
    pub(super) opened: Instant,
}

/// The vendor ends connections after an hour; one that is nearly so old is not begun a turn on.
const OLDEST: Duration = Duration::from_secs(55 * 60);

/// Is this the last event of an answer?
pub(crate) fn is_last(name: &str) -> bool {
    matches!(name, "response.completed" | "response.incomplete" | "response.done" | "response.failed" | "error")
}

/// Behind these the connection is not used again.
fn is_failure(name: &str) -> bool {
    matches!(name, "response.failed" | "error")
}

/// Why a turn broke off.
#[derive(Debug, thiserror::Error)]
pub enum SocketFailure {
    /// The connection failed.
    #[error("the vendor's WebSocket failed: {0}")]
    Failed(String),
    /// Nothing came for too long.
    #[error("no event for {} s", SILENCE.as_secs())]
    Silent,
}

/// The events of one turn, as server-sent events. At its end the connection goes back to its lane for the next turn.
pub struct TurnBody {
    trunk: Option<Trunk>,
    lane: Arc<Lane>,
    silence: Pin<Box<Sleep>>,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    name: Option<Cow<'a, str>>,
}

impl TurnBody {
    pub(super) fn new(trunk: Trunk, lane: Arc<Lane>) -> Self {
        Self { trunk: Some(trunk), lane, silence: Box::pin(tokio::time::sleep(SILENCE)) }
    }

    /// A frame as an event; and what happens to the connection behind it.
    fn event(&mut self, text: &[u8]) -> Bytes {
        let typed = serde_json::from_slice::<Typed<'_>>(text).ok();
        let name = typed.and_then(|typed| typed.name).filter(|name| !name.contains(['\n', '\r'])).unwrap_or_default();
        if is_last(&name)
            && let Some(trunk) = self.trunk.take()
            && !is_failure(&name)
        {
            self.lane.keep(trunk);
        }
        let mut event = BytesMut::with_capacity(text.len() + name.len() + 24);
        if !name.is_empty() {
            event.extend_from_slice(b"event: ");
            event.extend_from_slice(name.as_bytes());
            event.extend_from_slice(b"\n");
        }
        for line in text.split(|byte| *byte == b'\n') {
            event.extend_from_slice(b"data: ");
            event.extend_from_slice(line);
            event.extend_from_slice(b"\n");
        }
        event.extend_from_slice(b"\n");
        event.freeze()
    }
}

impl Body for TurnBody {
    type Data = Bytes;
    type Error = SocketFailure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SocketFailure>>> {
        let this = self.get_mut();
        loop {
            let Some(trunk) = this.trunk.as_mut() else { return Poll::Ready(None) };
            match trunk.socket.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(Message::Text(text)))) => {
                    this.silence.as_mut().reset(Instant::now() + SILENCE);
                    return Poll::Ready(Some(Ok(Frame::data(this.event(text.as_bytes())))));
                }
                Poll::Ready(Some(Ok(Message::Close(_))) | None) => {
                    this.trunk = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => {
                    this.trunk = None;
                    return Poll::Ready(Some(Err(SocketFailure::Failed(error.to_string()))));
                }
                Poll::Pending => {
                    if this.silence.as_mut().poll(cx).is_ready() {
                        this.trunk = None;
                        return Poll::Ready(Some(Err(SocketFailure::Silent)));
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.trunk.is_none()
    }
}

/// Can another turn be begun on it, as far as can be told without waiting? Unasked-for frames are passed over.
pub(super) fn is_good(trunk: &mut Trunk) -> bool {
    if trunk.opened.elapsed() > OLDEST {
        return false;
    }
    let mut cx = Context::from_waker(std::task::Waker::noop());
    loop {
        match Pin::new(&mut trunk.socket).poll_next(&mut cx) {
            Poll::Pending => return true,
            Poll::Ready(Some(Ok(Message::Close(_)) | Err(_)) | None) => return false,
            Poll::Ready(Some(Ok(_))) => {}
        }
    }
}
