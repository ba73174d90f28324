//! A request through a relay, from the first word to the head of the vendor's answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use parking_lot::Mutex;
use remuda_upstream::{Client as Http, Config, Error, Origin, OriginError};
use secrecy::SecretString;
use tokio_util::task::TaskTracker;

use crate::client::answer::{AnswerBody, Answering, head, header_map};
use crate::client::deliver::deliver;
use crate::client::lane::{Lane, ToVendor};
use crate::client::lanes::{Lanes, Resting};
use crate::client::socket::Socket;
use crate::client::transport::{Address, Trouble, hello};
use crate::code::Code;
use crate::message::{Pair, Problem, Welcome};

/// Longest wait for the relay to say that it has a message, and for each piece of an answer: it says at least every few
/// seconds that it is there.
const RELAY_SILENT: Duration = Duration::from_secs(45);
/// Longest wait for a connection to the relay.
const RELAY_CONNECTS: Duration = Duration::from_secs(8);

/// How records travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// A POST per request.
    #[default]
    Http,
    /// A WebSocket per conversation.
    WebSocket,
}

/// A relay of the user's.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its base URL.
    pub url: String,
    /// Its token.
    pub token: SecretString,
    /// How it is spoken to.
    pub transport: Transport,
}

/// A request as the vendor is to get it.
#[derive(Clone)]
pub struct Outgoing {
    /// HTTP method.
    pub method: String,
    /// URL.
    pub url: String,
    /// Headers, the credential among them.
    pub headers: Vec<Pair>,
    /// The body.
    pub body: Bytes,
}

/// Why no answer came. The two are told apart because only after the first may the request be sent another way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The vendor knows nothing of the request.
    #[error("the relay could not be used: {why}")]
    NotCalled {
        /// What the relay said, if it was the relay.
        code: Option<Code>,
        /// In words.
        why: String,
    },
    /// The vendor may have it.
    #[error("the relay lost the answer: {why}")]
    Unknown {
        /// In words.
        why: String,
    },
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem.called {
            false => Self::NotCalled { code: Some(problem.code), why: problem.message },
            true => Self::Unknown { why: problem.message },
        }
    }
}

/// What was uploaded for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Bytes of the body that the vendor got.
    pub body_bytes: u64,
    /// Bytes of the messages that the relay got for it, headers of the request and whole bodies after a refusal included.
    pub relay_bytes: u64,
    /// Was only sent what changed?
    pub delta: bool,
}

/// The vendor's answer.
pub struct Answer {
    /// Status, headers and body.
    pub response: Response<AnswerBody>,
    /// What it cost to ask.
    pub sent: Sent,
}

/// The client of one relay. Cheap to clone; clones share lanes. Ended by [`Client::end`].
#[derive(Clone)]
pub struct Client(Arc<Inner>);

/// What clones share.
pub struct Inner {
    pub(super) profile: Profile,
    pub(super) address: Address,
    pub(super) http: Http,
    pub(super) now_ms: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub(super) tasks: TaskTracker,
    lanes: Mutex<Lanes>,
    totals: Totals,
}

#[derive(Default)]
struct Totals {
    requests: AtomicU64,
    deltas: AtomicU64,
    body_bytes: AtomicU64,
    relay_bytes: AtomicU64,
}

/// What a client has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that a relay took.
    pub requests: u64,
    /// Those of them that went as what changed.
    pub deltas: u64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
    /// Bytes uploaded for them.
    pub relay_bytes: u64,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Its URL is none.
    #[error("the relay's URL cannot be used: {0}")]
    Url(#[from] OriginError),
    /// A token must not travel in the clear.
    #[error("the relay's URL must begin with https:// unless the relay runs on this machine")]
    Clear,
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Http(#[from] Error),
}

impl Client {
    /// A client that has spoken to nobody. `config` are the settings of the way there; its timeouts are replaced.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn new(
        profile: Profile,
        config: Config,
        now_ms: Arc<dyn Fn() -> u64 + Send + Sync>,
    ) -> Result<Self, ProfileError> {
        let (origin, prefix) = Origin::from_base(&profile.url)?;
        if !origin.is_https() && !is_here(&origin) {
            return Err(ProfileError::Clear);
        }
        let http = Http::new(Config {
            connect_timeout: RELAY_CONNECTS,
            head_timeout: RELAY_SILENT,
            idle_timeout: RELAY_SILENT * 2,
            ..config
        })?;
        let address = Address { origin, prefix, token: profile.token.clone() };
        let (tasks, lanes, totals) = Default::default();
        Ok(Self(Arc::new(Inner { profile, address, http, now_ms, tasks, lanes, totals })))
    }

    /// Asks the relay who it is.
    ///
    /// # Errors
    /// [`Failure::NotCalled`].
    pub async fn hello(&self) -> Result<Welcome, Failure> {
        hello(&self.0.http, &self.0.address, None).await.map_err(not_called)
    }

    /// Sends a request. Returns when the head of the vendor's answer is here. Dropped before, it cancels.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn send(&self, session: &str, request: Outgoing) -> Result<Answer, Failure> {
        let inner = &self.0;
        let (lane, mut socket) = inner.lane(session, &request.body)?;
        let mut answering = Answering::new(Arc::clone(inner), session.to_owned(), lane);
        let mut relay_bytes = 0;
        let mut again = true;
        loop {
            let Some(lane) = answering.lane() else { return Err(no_lane()) };
            socket = inner.introduced(lane, socket).await.map_err(not_called)?;
            let to_vendor =
                ToVendor { method: &request.method, url: &request.url, headers: &request.headers, body: &request.body };
            let message = lane.prepare(random()?, (inner.now_ms)(), &to_vendor).ok_or_else(no_lane)?;
            relay_bytes += (message.content.len() + crate::record::HEADER) as u64;
            answering.sent(message.id.clone());
            let Some(lane) = answering.lane() else { return Err(no_lane()) };
            match deliver(inner, lane, socket.take(), &message).await {
                Ok(link) => {
                    lane.took(&message);
                    answering.taken(link);
                    let sent = Sent { body_bytes: request.body.len() as u64, relay_bytes, delta: message.delta };
                    return inner.answer(answering, sent).await;
                }
                Err(Trouble::Refused(problem)) => {
                    let whole = message.delta && problem.code.wants_whole_body();
                    let forgot = problem.code == Code::Epoch;
                    if forgot {
                        lane.forget_relay()
                    } else {
                        lane.forget_body()
                    }
                    answering.not_taken();
                    if !(again && (whole || forgot)) {
                        return Err(problem.into());
                    }
                    again = false;
                }
                Err(Trouble::NotSent(why)) => {
                    answering.not_taken();
                    return Err(Failure::NotCalled { code: None, why });
                }
                Err(Trouble::Lost(why)) => {
                    lane.forget_relay();
                    return Err(Failure::Unknown { why });
                }
            }
        }
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |total: &AtomicU64| total.load(Ordering::Relaxed);
        let Totals { requests, deltas, body_bytes, relay_bytes } = &self.0.totals;
        Counts {
            requests: read(requests),
            deltas: read(deltas),
            body_bytes: read(body_bytes),
            relay_bytes: read(relay_bytes),
        }
    }

    /// Lanes that nobody is using.
    #[must_use]
    pub fn resting(&self) -> usize {
        self.0.lanes.lock().len()
    }

    /// Waits at most so long for cancellations under way.
    pub async fn end(&self, deadline: Duration) {
        self.0.tasks.close();
        if tokio::time::timeout(deadline, self.0.tasks.wait()).await.is_err() {
            tracing::debug!("a relay was not told of a cancelled request in time");
        }
    }
}

impl Inner {
    fn lane(&self, session: &str, body: &[u8]) -> Result<(Lane, Option<Socket>), Failure> {
        if let Some(Resting { lane, socket, .. }) = self.lanes.lock().take(session, body) {
            return Ok((lane, socket));
        }
        Ok((Lane::new(random()?), None))
    }

    /// Puts a lane down.
    pub(super) fn put(&self, session: &str, resting: Resting) {
        self.lanes.lock().put(session, resting);
    }

    /// Sees to it that the relay has introduced itself on this lane.
    async fn introduced(&self, lane: &mut Lane, socket: Option<Socket>) -> Result<Option<Socket>, Trouble> {
        if lane.relay().is_some() {
            return Ok(socket);
        }
        match self.profile.transport {
            Transport::Http => {
                let welcome = hello(&self.http, &self.address, Some(&lane.conversation)).await?;
                lane.welcomed(welcome, (self.now_ms)());
                Ok(None)
            }
            Transport::WebSocket => {
                let (socket, welcome) = Socket::open(&self.http, &self.address, &lane.conversation).await?;
                lane.welcomed(welcome, (self.now_ms)());
                Ok(Some(socket))
            }
        }
    }

    async fn answer(&self, mut answering: Answering, sent: Sent) -> Result<Answer, Failure> {
        let head = head(&answering.next().await?)?;
        let headers = header_map(&head.headers);
        let body = AnswerBody::new(answering, &headers);
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(head.status)
            .map_err(|_| Failure::Unknown { why: "the relay's answer has no valid status".to_owned() })?;
        *response.headers_mut() = headers;
        let Totals { requests, deltas, body_bytes, relay_bytes } = &self.totals;
        requests.fetch_add(1, Ordering::Relaxed);
        deltas.fetch_add(u64::from(sent.delta), Ordering::Relaxed);
        body_bytes.fetch_add(sent.body_bytes, Ordering::Relaxed);
        relay_bytes.fetch_add(sent.relay_bytes, Ordering::Relaxed);
        Ok(Answer { response, sent })
    }

    /// How long the relay may be silent.
    pub(super) fn silence(&self, lane: &Lane) -> Duration {
        self.silence_of(Some(lane))
    }

    pub(super) fn silence_of(&self, lane: Option<&Lane>) -> Duration {
        let alive = lane.and_then(Lane::relay).map_or(0, |welcome| welcome.alive_s);
        Duration::from_secs(u64::from(alive) * 3).clamp(RELAY_SILENT, RELAY_SILENT * 4)
    }
}

fn not_called(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Refused(problem) => Failure::NotCalled { code: Some(problem.code), why: problem.message },
        Trouble::NotSent(why) | Trouble::Lost(why) => Failure::NotCalled { code: None, why },
    }
}

fn no_lane() -> Failure {
    Failure::NotCalled { code: None, why: "the relay has not introduced itself".to_owned() }
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::NotCalled { code: None, why: error.to_string() })?;
    Ok(bytes)
}

fn is_here(origin: &Origin) -> bool {
    origin.host() == "localhost" || origin.host().parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
