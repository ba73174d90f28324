//! Carries messages to a relay and the records of answers back, over HTTP or a WebSocket with the same meaning.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use remuda_upstream::{Client as Http, Incoming, Origin};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::client::socket::Socket;
use crate::code::{self, Code};
use crate::message::{self, CONVERSATION, Hello, Named, PROTOCOLS, Problem, RELAY, Resume, Welcome};
use crate::record::{Kind, Reader, Record};

/// Longest record that a relay may send.
pub const MOST_RECORD: usize = 1024 * 1024;
/// Longest wait for a small answer of the relay itself.
const SOON: Duration = Duration::from_secs(20);

/// Why nothing came of a message.
#[derive(Debug)]
pub enum Trouble {
    /// The relay has refused it.
    Refused(Problem),
    /// It was certainly not received.
    NotSent(String),
    /// It may have been received.
    Lost(String),
}

/// Where a relay is and how it is spoken to.
#[derive(Clone)]
pub struct Address {
    /// Scheme, host, port.
    pub origin: Origin,
    /// What stands in front of `/v1/…`: empty, or beginning with a slash and not ending with one.
    pub prefix: String,
    /// The relay token.
    pub token: SecretString,
}

impl Address {
    /// The path of one of the relay's endpoints.
    #[must_use]
    pub fn path(&self, endpoint: &str) -> String {
        format!("{}/v1/{endpoint}", self.prefix)
    }

    /// `authorization`.
    #[must_use]
    pub fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.token.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Where the records of an answer come from.
pub enum Link {
    /// The body of an HTTP response.
    Http(Box<HttpLink>),
    /// The lane's WebSocket.
    Socket(Box<Socket>),
}

/// See [`Link::Http`].
pub struct HttpLink {
    body: Incoming,
    reader: Reader,
}

impl Link {
    /// The next record.
    ///
    /// # Errors
    /// The connection is lost: in words.
    pub async fn record(&mut self) -> Result<Record, String> {
        match self {
            Self::Http(link) => link.record().await,
            Self::Socket(socket) => socket.record().await,
        }
    }
}

impl HttpLink {
    async fn record(&mut self) -> Result<Record, String> {
        loop {
            if let Some(record) = self.reader.pop().map_err(|error| error.to_string())? {
                return Ok(record);
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.reader.feed(data);
                    }
                }
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err("the relay's answer ended early".to_owned()),
            }
        }
    }
}

/// Asks a relay who it is, for a conversation or in general.
///
/// # Errors
/// See [`Trouble`].
pub async fn hello(http: &Http, address: &Address, conversation: Option<&str>) -> Result<Welcome, Trouble> {
    let hello = Hello { protocols: PROTOCOLS.to_vec() };
    let answer = tokio::time::timeout(SOON, small(http, address, "hello", conversation, &hello));
    let body = answer.await.map_err(|_| Trouble::NotSent(format!("no answer within {} s", SOON.as_secs())))??;
    let welcome: Welcome = message::read(&body).map_err(Trouble::Refused)?;
    if PROTOCOLS.contains(&welcome.protocol) {
        return Ok(welcome);
    }
    let what = format!("the relay chose version {} of the protocol", welcome.protocol);
    Err(Trouble::Refused(Problem::before(Code::Protocol, what)))
}

/// Tells a relay that a request is of no use any more.
///
/// # Errors
/// See [`Trouble`].
pub async fn cancel(http: &Http, address: &Address, conversation: &str, id: &str) -> Result<(), Trouble> {
    let named = Named { id: id.to_owned() };
    let answer = tokio::time::timeout(SOON, small(http, address, "cancel", Some(conversation), &named));
    answer.await.map_err(|_| Trouble::Lost("no answer".to_owned()))?.map(drop)
}

/// Sends an exchange; the answer's records follow.
///
/// # Errors
/// See [`Trouble`].
pub async fn exchange(http: &Http, address: &Address, conversation: &str, content: &Bytes) -> Result<Link, Trouble> {
    let record = Record::new(Kind::Exchange, content.clone()).to_bytes();
    link(http, address, "exchange", conversation, record).await
}

/// Asks for the rest of an answer.
///
/// # Errors
/// See [`Trouble`].
pub async fn resume(http: &Http, address: &Address, conversation: &str, resume: &Resume) -> Result<Link, Trouble> {
    let text = serde_json::to_vec(resume).unwrap_or_default();
    link(http, address, "resume", conversation, text.into()).await
}

async fn link(http: &Http, address: &Address, path: &str, conversation: &str, body: Bytes) -> Result<Link, Trouble> {
    let answer = post(http, address, path, Some(conversation), body).await?;
    let link = HttpLink { body: answer.into_body(), reader: Reader::new(MOST_RECORD) };
    Ok(Link::Http(Box::new(link)))
}

async fn small(
    http: &Http,
    address: &Address,
    path: &str,
    conversation: Option<&str>,
    content: &impl Serialize,
) -> Result<Bytes, Trouble> {
    let text = serde_json::to_vec(content).unwrap_or_default();
    read(post(http, address, path, conversation, text.into()).await?).await.map_err(Trouble::Lost)
}

async fn post(
    http: &Http,
    address: &Address,
    path: &str,
    conversation: Option<&str>,
    body: Bytes,
) -> Result<Response<Incoming>, Trouble> {
    let unusable = |what: &str| Trouble::NotSent(what.to_owned());
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = address.path(path).parse().map_err(|_| unusable("the relay's URL cannot be used"))?;
    let headers = request.headers_mut();
    let authorization =
        address.authorization().ok_or_else(|| unusable("the relay's token cannot stand in a header"))?;
    headers.insert(header::AUTHORIZATION, authorization);
    if let Some(conversation) = conversation.and_then(|name| HeaderValue::try_from(name).ok()) {
        headers.insert(CONVERSATION, conversation);
    }
    let answer = http.send(&address.origin, request).await.map_err(|error| match error.sent() {
        true => Trouble::Lost(error.to_string()),
        false => Trouble::NotSent(error.to_string()),
    })?;
    judge(answer).await
}

/// Only what says that it comes from a relay is one's answer: a proxy in front of it has error pages of its own.
async fn judge(answer: Response<Incoming>) -> Result<Response<Incoming>, Trouble> {
    let status = answer.status();
    if !answer.headers().contains_key(RELAY) {
        let what = format!("something that is no relay answered with status {}", status.as_u16());
        return Err(if status.is_server_error() { Trouble::Lost(what) } else { Trouble::NotSent(what) });
    }
    if status == StatusCode::OK {
        return Ok(answer);
    }
    let named = answer.headers().get(code::HEADER).and_then(|value| value.to_str().ok()).and_then(Code::named);
    let problem = read(answer).await.ok().and_then(|body| message::read::<Problem>(&body).ok());
    let code = named.unwrap_or(Code::Internal);
    // An error that cannot be read says nothing about whether the vendor was called.
    let fallback = || Problem::after(code, format!("the relay answered with status {}", status.as_u16()));
    Err(Trouble::Refused(problem.filter(|problem| problem.code == code).unwrap_or_else(fallback)))
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, String> {
    const MOST: usize = 64 * 1024;
    let mut body = answer.into_body();
    let mut read = Vec::new();
    let reading = async {
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame.map_err(|error| error.to_string())?.data_ref() {
                read.extend_from_slice(data);
            }
            if read.len() > MOST {
                return Err("too long an answer of the relay".to_owned());
            }
        }
        Ok(Bytes::from(std::mem::take(&mut read)))
    };
    tokio::time::timeout(SOON, reading).await.map_err(|_| "no complete answer of the relay".to_owned())?
}
