//! Responses over WebSocket, for API keys and the Codex backend alike: the handshake, and one exchange after the other
//! until somebody closes.

mod frame;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::Method;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::answer::Answer;
use crate::incoming::Call;
use crate::log::{Ending, Endpoint};
use crate::play::Cut;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::route::request_id;
use crate::standing::standing;
use crate::vendor::Shared;
use frame::{After, Conversation};

/// The method of a frame in the log.
pub(crate) const METHOD: &str = "WS";
/// Clients say that they know this way of speaking.
const BETA: &str = "responses_websockets=2026-02-06";
/// Pings and the like are not waited for longer than this when everything else is done.
const FAREWELL: Duration = Duration::from_secs(1);

/// `GET …/responses`: 101, or why not.
pub(crate) fn handshake(shared: &Shared, call: &Call) -> Result<Answer, Refused> {
    let is = |name: &str, wanted: &str| call.header(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
    if !is("upgrade", "websocket") {
        return Err(Refused::saying(OpenAiRefusal::MethodNotAllowed, "Method Not Allowed"));
    }
    if !shared.config.websockets {
        return Err(OpenAiRefusal::UpgradeRequired.into());
    }
    let Some(key) = call.header("sec-websocket-key").filter(|_| is("sec-websocket-version", "13")) else {
        return Err(Refused::saying(OpenAiRefusal::InvalidRequest, "The WebSocket handshake is incomplete"));
    };
    let betas = call.header("openai-beta").unwrap_or_default();
    if !betas.split(',').any(|beta| beta.trim() == BETA) {
        let message = format!("WebSocket connections need the header OpenAI-Beta: {BETA}");
        return Err(Refused::saying(OpenAiRefusal::InvalidRequest, message));
    }
    Ok(Answer::text(101, "", "")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", derive_accept_key(key.as_bytes())))
}

/// Everything that happens after the handshake.
pub(crate) async fn converse(shared: Arc<Shared>, handshake: Call, cut: Arc<Cut>, upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let Ok(method) = Method::from_bytes(METHOD.as_bytes()) else { return };
    let (opened_at, index) = {
        let state = shared.state.lock();
        (state.clock.now(), standing(&state, handshake.site, &handshake.head.headers).owner().unwrap_or_default())
    };
    let mut call = handshake;
    call.endpoint = Endpoint::Responses;
    call.head.method = method;
    let mut conversation = Conversation::new(index, opened_at);
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => break,
            _ => continue,
        };
        call.request_id = request_id(&shared, call.site).1;
        let said = conversation.answer(&shared, &mut call, text.as_str());
        if !said.delay.is_zero() {
            tokio::time::sleep(said.delay).await;
        }
        for frame in said.frames {
            if !said.pace.is_zero() {
                tokio::time::sleep(said.pace).await;
            }
            if socket.send(Message::text(frame.text)).await.is_err() {
                said.progress.end(Ending::ClientGone);
                return;
            }
            if frame.content {
                said.progress.content();
            }
        }
        match said.after {
            After::GoOn => said.progress.end(Ending::Complete),
            After::Close => {
                said.progress.end(said.ending);
                break;
            }
            After::Drop => {
                said.progress.end(Ending::Broken);
                return;
            }
            After::Reset => {
                said.progress.end(Ending::Broken);
                cut.reset();
                return;
            }
            After::Hang => {
                said.progress.end(Ending::Broken);
                while let Some(Ok(_)) = socket.next().await {}
                return;
            }
        }
    }
    let _ = tokio::time::timeout(FAREWELL, socket.close(None)).await;
}
