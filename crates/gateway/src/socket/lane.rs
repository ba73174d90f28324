//! The vendor's half: a turn goes over the WebSocket that the turn before it has left, over a new one, or over HTTP.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::SinkExt;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, UPGRADE};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use remuda_core::AccountId;
use remuda_upstream::{Origin, Upgrade};
use remuda_wire::{socket, splice};
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::trunk::{self, Trunk, TurnBody};
use crate::arriving::Arriving;
use crate::flight::Flight;
use crate::outgoing::{Frames, Outgoing};
use crate::relay::Unanswered;
use crate::replay::BodyError;

/// What the turns of one agent's socket share.
#[derive(Default)]
pub(crate) struct Lane {
    trunk: Mutex<Option<Trunk>>,
    /// Accounts whose vendor has no WebSocket for us. No larger than the herd.
    http_only: Mutex<HashSet<AccountId>>,
}

impl Lane {
    /// The connection is free for the next turn.
    pub(super) fn keep(&self, trunk: Trunk) {
        *self.trunk.lock() = Some(trunk);
    }

    /// The connection that the turn before has left, if it is this account's with this token. Another one is closed.
    fn take(&self, account: AccountId, generation: u64) -> Option<Trunk> {
        let mut trunk = self.trunk.lock().take()?;
        (trunk.account == account && trunk.generation == generation && trunk::is_good(&mut trunk)).then_some(trunk)
    }
}

/// A request's place on a lane.
#[derive(Clone)]
pub(crate) struct Ticket {
    lane: Arc<Lane>,
    /// Only the prompt is to be taken in.
    pub(crate) warm_up: bool,
}

impl Ticket {
    pub(super) fn new(lane: &Arc<Lane>, warm_up: bool) -> Self {
        Self { lane: Arc::clone(lane), warm_up }
    }
}

/// How a vendor took the wish for a WebSocket.
enum Opened {
    Trunk(Box<Trunk>, HeaderMap),
    /// There is none here.
    HttpOnly,
    /// It refuses the account, or is in trouble.
    Refused(Response<Arriving>),
    Unreachable(String),
}

impl<B> Flight<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// Sends a turn of an agent's socket to one account.
    pub(crate) async fn ask_lane(
        &mut self,
        ticket: &Ticket,
        origin: &Origin,
        request: Request<Outgoing<B>>,
    ) -> Result<Result<Response<Arriving>, Unanswered>, BodyError> {
        let (mut head, body) = request.into_parts();
        let frame = body.collect().await?.to_bytes();
        let asked = self.draft.last_attempt().map(|attempt| attempt.account);
        let Some(account) = asked else { return Ok(Err(Unanswered::Unreachable("no account is asked".to_owned()))) };
        let generation = self.generations.get(&account).copied().unwrap_or_default();
        let goes_on = socket::previous(&frame).is_some();
        let lane = &ticket.lane;

        let mut headers = HeaderMap::new();
        let trunk = match lane.take(account, generation) {
            Some(trunk) => Some(trunk),
            // What it goes on from is known on the connection of the turn before, and only there.
            None if goes_on => return Ok(Ok(previous_not_found())),
            None if lane.http_only.lock().contains(&account) => None,
            None => match self.open(account, generation, origin, &head).await {
                Opened::Trunk(trunk, told) => {
                    headers = told;
                    Some(*trunk)
                }
                Opened::HttpOnly => {
                    lane.http_only.lock().insert(account);
                    None
                }
                Opened::Refused(answer) => return Ok(Ok(answer)),
                Opened::Unreachable(why) => return Ok(Err(Unanswered::Unreachable(why))),
            },
        };
        let Some(mut trunk) = trunk else {
            if ticket.warm_up {
                self.noted("warm-up: answered here, over HTTP there is nothing to warm up".to_owned());
                return Ok(Ok(warmed_up()));
            }
            self.noted("over HTTP: the vendor has no WebSocket here".to_owned());
            head.headers.remove("openai-beta");
            let edits = socket::as_http(&frame);
            let frames = splice::splice([frame.clone()], &edits).unwrap_or_else(|_| vec![frame]);
            let request = Request::from_parts(head, Outgoing::<B>::Changed(Frames::new(frames)));
            let sent = self.gateway.client.send(origin, request).await;
            return Ok(sent
                .map(|answer| answer.map(Arriving::Direct))
                .map_err(|error| Unanswered::Unreachable(error.to_string())));
        };
        let text = String::from_utf8(frame.to_vec()).unwrap_or_default();
        if let Err(error) = trunk.socket.send(Message::text(text)).await {
            return Ok(Err(Unanswered::Unreachable(error.to_string())));
        }
        self.noted("over WebSocket".to_owned());
        let mut answer = Response::new(Arriving::Socket(Box::new(TurnBody::new(trunk, Arc::clone(lane)))));
        headers.retain_told();
        *answer.headers_mut() = headers;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        Ok(Ok(answer))
    }

    async fn open(&self, account: AccountId, generation: u64, origin: &Origin, head: &http::request::Parts) -> Opened {
        let mut wish = Request::new(());
        *wish.method_mut() = Method::GET;
        *wish.uri_mut() = head.uri.clone();
        *wish.headers_mut() = head.headers.clone();
        let headers = wish.headers_mut();
        for name in [CONTENT_TYPE, CONTENT_ENCODING, ACCEPT] {
            headers.remove(name);
        }
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
        let mut random = [0; 16];
        if getrandom::fill(&mut random).is_err() {
            return Opened::Unreachable("the operating system has no randomness".to_owned());
        }
        if let Ok(key) = HeaderValue::from_str(&STANDARD.encode(random)) {
            headers.insert("sec-websocket-key", key);
        }
        match self.gateway.client.upgrade(origin, wish).await {
            Ok(Upgrade::Switched(headers, connection)) => {
                let config = WebSocketConfig::default()
                    .max_message_size(Some(super::MOST_FRAME))
                    .max_frame_size(Some(super::MOST_FRAME));
                let socket = WebSocketStream::from_raw_socket(connection, Role::Client, Some(config)).await;
                Opened::Trunk(
                    Box::new(Trunk { account, generation, socket, opened: tokio::time::Instant::now() }),
                    headers,
                )
            }
            Ok(Upgrade::Refused(answer)) => match answer.status() {
                StatusCode::UPGRADE_REQUIRED
                | StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::NOT_IMPLEMENTED => Opened::HttpOnly,
                _ => Opened::Refused(answer.map(Arriving::Direct)),
            },
            Err(error) => Opened::Unreachable(error.to_string()),
        }
    }
}

/// Of the headers of a handshake those that belong to an answer.
trait RetainTold {
    fn retain_told(&mut self);
}

impl RetainTold for HeaderMap {
    fn retain_told(&mut self) {
        let handshake: Vec<HeaderName> = self
            .keys()
            .filter(|name| name.as_str().starts_with("sec-websocket-") || **name == UPGRADE)
            .cloned()
            .collect();
        for name in handshake {
            self.remove(name);
        }
    }
}

/// What makes Codex 0.169.0 and Pi 1.5.2 send the whole conversation again (seen in November 2026).
fn previous_not_found() -> Response<Arriving> {
    let error = json!({
        "type": "invalid_request_error", "code": "previous_response_not_found", "param": "previous_response_id",
        "message": "Previous response not found: the conversation goes on elsewhere, send it whole.",
    });
    whole(StatusCode::BAD_REQUEST, "application/json", json!({ "error": error }).to_string())
}

/// The answer to a warm-up that had nothing to warm up.
fn warmed_up() -> Response<Arriving> {
    let id = format!("resp_{}", uuid::Uuid::now_v7().simple());
    let mut events = String::new();
    for (name, status) in [("response.created", "in_progress"), ("response.completed", "completed")] {
        let response = json!({"id": id, "object": "response", "status": status, "output": []});
        events.push_str(&format!("event: {name}\ndata: {}\n\n", json!({"type": name, "response": response})));
    }
    whole(StatusCode::OK, "text/event-stream", events)
}

fn whole(status: StatusCode, kind: &'static str, body: String) -> Response<Arriving> {
    let mut text = BytesMut::new();
    text.extend_from_slice(body.as_bytes());
    let mut answer = Response::new(Arriving::Own(Some(text.freeze())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
