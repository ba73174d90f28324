//! Responses over WebSocket, as Codex and Pi speak it: every `response.create` is a request of its own, with its own way
//! and its own decision record, on the same road as one over HTTP.
//!
//! Two halves. Towards the agent (`serve`) a frame becomes a request and the answer's events become frames. Towards the
//! vendor (`lane`) an attempt goes over a WebSocket where the vendor has one, and over HTTP where it says 426; either way
//! its answer is a stream of events, so that the commit point, failover and the record are those of HTTP.

mod frames;
pub(crate) mod lane;
mod serve;
pub(crate) mod trunk;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use remuda_core::{RequestId, Vendor};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::body::ClientBody;
use crate::endpoint::Forward;
use crate::gateway::Gateway;
use crate::hand_over;

/// Most sockets at a time. Agents beyond it go on over HTTP.
const MOST: usize = 1_000;
/// Largest frame: as a body over HTTP.
const MOST_FRAME: usize = 32 * 1024 * 1024;

/// All sockets of agents that are open.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    tasks: TaskTracker,
    open: AtomicUsize,
    closing: CancellationToken,
    cut: CancellationToken,
}

impl Sockets {
    /// Lets turns under way end, closes what is idle, and cuts what is left at the deadline.
    pub(crate) async fn drain(&self, deadline: Duration) -> bool {
        self.closing.cancel();
        self.tasks.close();
        let in_time = tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok();
        if !in_time {
            self.cut.cancel();
            self.tasks.wait().await;
        }
        in_time
    }
}

/// Does the client ask to go on in WebSocket?
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers the wish for a WebSocket: 101, or 426 where HTTP is the way.
pub(crate) fn accept(gateway: &Arc<Gateway>, mut request: Request<Incoming>, forward: Forward) -> Response<ClientBody> {
    let id = RequestId(Uuid::now_v7());
    if let Err(why) = gateway.herd.recognise(request.headers(), gateway.now()) {
        return hand_over::not_let_in(forward.words, why, id);
    }
    let sockets = &gateway.sockets;
    let key = request.headers().get("sec-websocket-key").cloned();
    let served = forward.vendor == Vendor::OpenAi && gateway.lanes_exist(forward);
    let room = sockets.open.load(Ordering::Relaxed) < MOST && !sockets.closing.is_cancelled();
    let (Some(key), true, true) = (key, served, room) else { return hand_over::no_socket(forward.words) };

    let switched = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let gateway = Arc::clone(gateway);
    sockets.open.fetch_add(1, Ordering::Relaxed);
    let cut = sockets.cut.clone();
    sockets.tasks.clone().spawn(async move {
        let closing = gateway.sockets.closing.clone();
        let served = async {
            match switched.await {
                Ok(connection) => {
                    serve::serve(&gateway, TokioIo::new(connection), frames::Opening::of(head, forward), closing).await;
                }
                Err(error) => tracing::debug!(%error, "a client did not go on in WebSocket"),
            }
        };
        cut.run_until_cancelled(served).await;
        gateway.sockets.open.fetch_sub(1, Ordering::Relaxed);
    });

    let mut response = Response::new(ClientBody::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert("sec-websocket-accept", accept);
    }
    response
}
