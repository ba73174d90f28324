//! The relay over HTTP: who may come in, what they ask for, and answers that are followed record by record.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use serde::Serialize;

use crate::code::{self, Code};
use crate::message::{self, CONVERSATION, Hello, MEDIA_TYPE, Named, Problem, RELAY, Resume};
use crate::record::{Kind, Record};
use crate::request::MOST_HEAD;
use crate::server::Relay;
use crate::server::limit::Limit;
use crate::server::recording::{Follower, Step};
use crate::server::socket;
use crate::server::token::Tokens;

/// Any error of an answer's body; the connection is then cut.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of an answer.
pub type Answer = UnsyncBoxBody<Bytes, BoxError>;

/// Longest JSON of a small message.
const MOST_JSON: usize = 16 * 1024;
/// Longest silence of a client that sends a body.
const UPLOAD_SILENT: Duration = Duration::from_secs(60);

/// Everything that a request meets. Shared by all connections.
pub struct Door {
    /// What is behind it.
    pub relay: Arc<Relay>,
    /// Who may come in.
    pub tokens: Arc<Tokens>,
    /// How often.
    pub limit: Limit,
    /// Owns the tasks of WebSockets.
    pub sockets: socket::Sockets,
}

impl Door {
    /// Answers one request.
    pub async fn answer<B>(self: &Arc<Self>, request: Request<B>) -> Response<Answer>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let mut response = match self.enter(request).await {
            Ok(response) => response,
            Err((problem, after_s)) => refusal(&problem, after_s),
        };
        response.headers_mut().insert(RELAY, HeaderValue::from_static("1"));
        response
    }

    async fn enter<B>(self: &Arc<Self>, request: Request<B>) -> Result<Response<Answer>, (Problem, Option<u64>)>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        if request.method() == Method::GET && request.uri().path() == "/livez" {
            return Ok(Response::new(whole(Bytes::from_static(b"ok\n"))));
        }
        let unauthorized = || (Problem::before(Code::Unauthorized, "a valid relay token is needed"), None);
        let token = self.tokens.recognise(request.headers()).ok_or_else(unauthorized)?;
        self.limited(token).map_err(|(problem, after_s)| (problem, Some(after_s)))?;
        self.serve(request, token).await.map_err(|problem| (problem, None))
    }

    /// Counts a request of this token.
    pub(crate) fn limited(&self, token: [u8; 32]) -> Result<(), (Problem, u64)> {
        self.limit.take(token, (self.relay.now_ms)()).map_err(|seconds| {
            (Problem::before(Code::RateLimited, format!("too many requests; again in {seconds} s")), seconds)
        })
    }

    async fn serve<B>(self: &Arc<Self>, request: Request<B>, token: [u8; 32]) -> Result<Response<Answer>, Problem>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let relay = &self.relay;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        if (&method, path.as_str()) == (&Method::GET, "/v1/socket") {
            let conversation = conversation(request.headers())?;
            return socket::open(self, request, conversation, token);
        }
        if method != Method::POST {
            return Err(Problem::before(Code::NotFound, "no such path"));
        }
        let (head, body) = request.into_parts();
        match path.as_str() {
            "/v1/hello" => {
                let hello: Hello = message::read(&collect(body, MOST_JSON).await?)?;
                json(&relay.welcome(&hello)?)
            }
            "/v1/exchange" => {
                let conversation = conversation(&head.headers)?;
                let most = relay.settings.most_body + MOST_HEAD;
                let record = Record::only(collect(body, most).await?, most)
                    .map_err(|error| Problem::before(Code::Malformed, error.to_string()))?;
                if record.kind != Kind::Exchange {
                    return Err(Problem::before(Code::Malformed, "not an exchange"));
                }
                Ok(self.following(relay.exchange(&conversation, record.content).await?))
            }
            "/v1/resume" => {
                let resume: Resume = message::read(&collect(body, MOST_JSON).await?)?;
                Ok(self.following(relay.resume(&conversation(&head.headers)?, &resume.id, resume.received)?))
            }
            "/v1/cancel" => {
                let named: Named = message::read(&collect(body, MOST_JSON).await?)?;
                relay.cancel(&conversation(&head.headers)?, &named.id);
                json(&serde_json::json!({}))
            }
            _ => Err(Problem::before(Code::NotFound, "no such path")),
        }
    }

    fn following(&self, follower: Follower) -> Response<Answer> {
        let alive = self.relay.settings.alive;
        let following = Following { step: Box::pin(step(follower, alive)), alive };
        let mut response = Response::new(following.boxed_unsync());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        // Proxies in front of a relay must not wait for more (nginx understands this header, others `no-transform`).
        response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
        response
    }
}

/// An answer as the body of a response.
struct Following {
    step: Pin<Box<dyn Future<Output = (Follower, Step)> + Send>>,
    alive: Duration,
}

async fn step(mut follower: Follower, alive: Duration) -> (Follower, Step) {
    let step = follower.next(alive).await;
    (follower, step)
}

impl Body for Following {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let (follower, next) = ready!(self.step.as_mut().poll(cx));
        let bytes = match next {
            Step::Record(bytes) => bytes,
            Step::Silent => Record::new(Kind::Alive, Bytes::new()).to_bytes(),
            Step::End => return Poll::Ready(None),
            Step::Displaced => return Poll::Ready(Some(Err("the answer is followed by another connection".into()))),
        };
        self.step = Box::pin(step(follower, self.alive));
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

fn conversation(headers: &HeaderMap) -> Result<String, Problem> {
    let named = headers.get(CONVERSATION).and_then(|value| value.to_str().ok());
    named.map(str::to_owned).ok_or_else(|| Problem::before(Code::Malformed, format!("no {CONVERSATION} header")))
}

async fn collect<B>(mut body: B, most: usize) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    let too_large = || Problem::before(Code::TooLarge, "the message is larger than the relay takes");
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let mut collected = BytesMut::new();
    loop {
        match tokio::time::timeout(UPLOAD_SILENT, body.frame()).await {
            Ok(None) => return Ok(collected.freeze()),
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    if collected.len() + data.len() > most {
                        return Err(too_large());
                    }
                    collected.extend_from_slice(data);
                }
            }
            Ok(Some(Err(_))) | Err(_) => return Err(Problem::before(Code::Malformed, "the message broke off")),
        }
    }
}

pub(crate) fn whole(bytes: impl Into<Bytes>) -> Answer {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn json(content: &impl Serialize) -> Result<Response<Answer>, Problem> {
    let text = serde_json::to_vec(content).map_err(|_| Problem::before(Code::Internal, "an answer was not written"))?;
    let mut response = Response::new(whole(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn refusal(problem: &Problem, after_s: Option<u64>) -> Response<Answer> {
    let mut response = Response::new(whole(serde_json::to_vec(problem).unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(code::HEADER, HeaderValue::from_static(problem.code.as_str()));
    if let Some(seconds) = after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
