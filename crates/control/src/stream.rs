//! The event stream over HTTP: an endless answer of server-sent events.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body::Frame;

use crate::api::Api;
use crate::client::not_running;
use crate::nearest::nearest;
use crate::router::respond;
use crate::types::{Event, EventKind, EventsAsked, Failure};
use crate::watch::{Feed, Next, Place, Subscription};

/// Header with which a browser comes back.
const LAST_EVENT_ID: &str = "last-event-id";
/// How long a browser waits before it comes back, in milliseconds.
const RETRY_MS: u32 = 1_000;

/// `GET /api/v1/events`.
pub(crate) async fn events(State(api): State<Arc<Api>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let wanted = match subscription(&headers, query.as_deref().unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(failure) => return respond::<()>(Err(failure)),
    };
    let Some(stop) = api.stopping().cloned() else { return respond::<()>(Err(not_running())) };
    let ring = Arc::clone(api.ring());
    let feed = Feed::new(api, ring, wanted, stop);
    let mut response = Response::new(Body::new(Events::new(feed)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn subscription(headers: &HeaderMap, query: &str) -> Result<Subscription, Failure> {
    let asked: EventsAsked = serde_urlencoded::from_str(query)
        .map_err(|error| Failure::invalid("the event stream does not understand this query").why(error.to_string()))?;
    let words = asked.kinds.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    let kinds = words.map(kind).collect::<Result<_, _>>()?;
    // The browser's own header is newer than the address it began with.
    let header = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let place = header.or(asked.after.as_deref()).map(str::trim).filter(|text| !text.is_empty());
    let after = place.and_then(|text| text.parse::<Place>().ok());
    Ok(Subscription { kinds, after, lost: place.is_some() && after.is_none() })
}

fn kind(word: &str) -> Result<EventKind, Failure> {
    EventKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
        let failure = Failure::invalid(format!("there is no kind of event {word:?}"));
        match nearest(word, EventKind::ALL.into_iter().map(EventKind::as_str)) {
            Some(meant) => failure.remedy(format!("did you mean {meant:?}?")),
            None => failure.remedy(format!("kinds are {}", EventKind::ALL.map(EventKind::as_str).join(", "))),
        }
    })
}

type Waiting = Pin<Box<dyn Future<Output = (Feed, Option<Next>)> + Send>>;

/// The body: asks the feed again and again.
struct Events {
    greeting: Option<Bytes>,
    waiting: Option<Waiting>,
}

impl Events {
    fn new(feed: Feed) -> Self {
        Self { greeting: Some(Bytes::from(format!("retry: {RETRY_MS}\n\n"))), waiting: Some(wait(feed)) }
    }
}

fn wait(mut feed: Feed) -> Waiting {
    Box::pin(async move {
        let next = feed.next().await;
        (feed, next)
    })
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        let this = self.get_mut();
        if let Some(greeting) = this.greeting.take() {
            return Poll::Ready(Some(Ok(Frame::data(greeting))));
        }
        let Some(waiting) = &mut this.waiting else { return Poll::Ready(None) };
        let Poll::Ready((feed, next)) = waiting.as_mut().poll(cx) else { return Poll::Pending };
        this.waiting = next.is_some().then(|| wait(feed));
        Poll::Ready(next.map(|next| Ok(Frame::data(written(&next)))))
    }
}

/// As it goes over the wire.
fn written(next: &Next) -> Bytes {
    match next {
        Next::Heartbeat => Bytes::from_static(b": still here\n\n"),
        Next::Event(place, event) => Bytes::from(event_text(place, event)),
    }
}

fn event_text(place: &Place, event: &Event) -> String {
    match serde_json::to_string(event) {
        // JSON has no line breaks, so one `data` line holds it.
        Ok(json) => format!("id: {place}\nevent: {}\ndata: {json}\n\n", event.kind().as_str()),
        Err(error) => {
            tracing::error!(%error, "an event cannot be written as JSON");
            ": lost\n\n".to_owned()
        }
    }
}
