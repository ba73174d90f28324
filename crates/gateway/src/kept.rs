//! An answer that was begun before there was one: while its request is held, the agent is kept waiting, and when the answer
//! comes it follows on the same stream.
//!
//! The request goes on inside this body, so it ends with the connection like any other. Nothing of a vendor's answer has
//! been sent when it takes over; what was sent is a head and signs of life.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Response};
use http_body::{Body, Frame};
use remuda_core::Protocol;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, Interval};

use crate::body::{BodyFailure, ClientBody};
use crate::keep_alive::KeepAlive;

/// By which a held request asks that its answer be begun.
#[derive(Debug, Default)]
pub struct Opening {
    open: AtomicBool,
    asked: Notify,
    keep_alive: OnceLock<KeepAlive>,
}

impl Opening {
    /// Has the answer been begun?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Begins it.
    pub fn open(&self, keep_alive: KeepAlive) {
        let _only_once = self.keep_alive.set(keep_alive);
        self.open.store(true, Ordering::Release);
        self.asked.notify_one();
    }
}

type Flying = Pin<Box<dyn Future<Output = Response<ClientBody>> + Send>>;

/// Waits for the answer of a request that may be held.
pub async fn answer(mut flying: Flying, opening: Arc<Opening>, protocol: Protocol) -> Response<ClientBody> {
    tokio::select! {
        // What is there already is not kept waiting.
        biased;
        response = &mut flying => return response,
        () = opening.asked.notified() => {}
    }
    let Some(keep_alive) = opening.keep_alive.get().copied() else { return flying.await };
    let mut beats = tokio::time::interval_at(Instant::now(), keep_alive.every);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let kept = Kept { stage: Stage::Waiting { flying, beats, beat: keep_alive.beat }, protocol };
    let mut response = Response::new(ClientBody::Kept(Box::new(kept)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// See the module's description.
pub struct Kept {
    stage: Stage,
    protocol: Protocol,
}

enum Stage {
    Waiting {
        flying: Flying,
        beats: Interval,
        beat: &'static str,
    },
    Answering(Box<ClientBody>),
    /// The refusal was said; the stream is cut one turn later, so that the server first sends it. It is never ended cleanly.
    Cut,
    Over,
}

impl Body for Kept {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let this = self.get_mut();
        loop {
            match &mut this.stage {
                Stage::Waiting { flying, beats, beat } => match flying.as_mut().poll(cx) {
                    Poll::Ready(response) if is_stream(&response) => {
                        this.stage = Stage::Answering(Box::new(response.into_body()));
                    }
                    Poll::Ready(response) => {
                        let event = refusal(this.protocol, response.into_body());
                        this.stage = Stage::Cut;
                        return Poll::Ready(Some(Ok(Frame::data(event))));
                    }
                    Poll::Pending => {
                        let beat = Bytes::from_static(beat.as_bytes());
                        return beats.poll_tick(cx).map(|_| Some(Ok(Frame::data(beat))));
                    }
                },
                Stage::Answering(body) => return Pin::new(body.as_mut()).poll_frame(cx),
                Stage::Cut => {
                    this.stage = Stage::Over;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Stage::Over => return Poll::Ready(Some(Err("the request could not be served".into()))),
            }
        }
    }
}

/// Can it follow on a stream that has begun?
fn is_stream(response: &Response<ClientBody>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let plain = response.headers().get(CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    response.status().is_success() && plain && kind.starts_with("text/event-stream")
}

/// A refusal as the event by which the protocol says that a stream has failed.
fn refusal(protocol: Protocol, body: ClientBody) -> Bytes {
    let json: Option<Value> = match body {
        ClientBody::Whole(Some(bytes)) => serde_json::from_slice(&bytes).ok(),
        _ => None,
    };
    let json = json.unwrap_or_else(|| {
        serde_json::json!({"type": "error", "error": {"type": "api_error", "message": "Remuda: nobody could serve"}})
    });
    let error = json.get("error").cloned().unwrap_or(Value::Null);
    let (name, data) = match protocol {
        Protocol::Messages => (Some("error"), json),
        Protocol::Chat => (None, serde_json::json!({"error": error})),
        Protocol::Responses | Protocol::Codex => {
            let response = serde_json::json!({"status": "failed", "error": error});
            (Some("response.failed"), serde_json::json!({"type": "response.failed", "response": response}))
        }
    };
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    Bytes::from(format!("{name}data: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(Protocol::Messages, "event: error", json!({"type": "error", "error": {"message": "m"}}))]
    #[case(Protocol::Chat, "", json!({"error": {"message": "m"}}))]
    #[case(
        Protocol::Responses,
        "event: response.failed",
        json!({"type": "response.failed", "response": {"status": "failed", "error": {"message": "m"}}})
    )]
    fn a_refusal_after_the_head_is_the_protocols_own_failure(
        #[case] protocol: Protocol,
        #[case] name: &str,
        #[case] data: Value,
    ) {
        let body = ClientBody::of(&br#"{"type":"error","error":{"message":"m"}}"#[..]);
        let event = refusal(protocol, body);
        let text = std::str::from_utf8(&event).unwrap().strip_suffix("\n\n").unwrap();
        let (head, told) = text.split_once("data: ").unwrap();
        assert_eq!(head.trim_end(), name);
        assert_eq!(serde_json::from_str::<Value>(told).unwrap(), data);
    }
}
