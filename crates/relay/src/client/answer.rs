//! The vendor's answer as it comes from a relay, picked up again where the connection was lost.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::client::lane::Lane;
use crate::client::lanes::Resting;
use crate::client::relayed::{Failure, Inner, Transport};
use crate::client::socket::Socket;
use crate::client::transport::{Link, Trouble, cancel, resume};
use crate::message::{self, AnswerEnd, AnswerHead, Pair, Problem, Resume, header_value};
use crate::record::{Kind, Record};

/// Pauses before each try to pick an answer up again.
const TRIES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];
/// Longest silence of the vendor behind a relay that says that it is there: before its answer, and in it. A little more
/// than a relay itself waits.
const VENDOR_SILENT: [Duration; 2] = [Duration::from_secs(630), Duration::from_secs(330)];

/// A request that a relay has, or may have, and its answer. Dropped before its end it cancels; its lane can be used
/// again afterwards.
pub struct Answering {
    client: Arc<Inner>,
    session: String,
    lane: Option<Lane>,
    link: Option<Link>,
    id: String,
    received: u64,
    heard: Instant,
    begun: bool,
    ended: bool,
}

impl Answering {
    /// A request on this lane that has not been sent yet.
    #[must_use]
    pub fn new(client: Arc<Inner>, session: String, lane: Lane) -> Self {
        Self {
            client,
            session,
            lane: Some(lane),
            link: None,
            id: String::new(),
            received: 0,
            heard: Instant::now(),
            begun: false,
            ended: true,
        }
    }

    /// The lane, until the end.
    pub fn lane(&mut self) -> Option<&mut Lane> {
        self.lane.as_mut()
    }

    /// From here on the relay may have the request with this id.
    pub fn sent(&mut self, id: String) {
        (self.id, self.ended) = (id, false);
    }

    /// The relay certainly has no request of ours under way.
    pub fn not_taken(&mut self) {
        self.ended = true;
    }

    /// The relay has taken it.
    pub fn taken(&mut self, link: Link) {
        (self.link, self.heard) = (Some(link), Instant::now());
    }

    /// The next record of the answer.
    ///
    /// # Errors
    /// The relay has failed, or the answer cannot be picked up again.
    pub async fn next(&mut self) -> Result<Record, Failure> {
        loop {
            let record = match &mut self.link {
                None => Err("the connection to the relay was lost".to_owned()),
                Some(link) => {
                    let silence = self.client.silence_of(self.lane.as_ref());
                    let record = tokio::time::timeout(silence, link.record()).await;
                    record.unwrap_or_else(|_| Err("the relay is silent".to_owned()))
                }
            };
            match record {
                Ok(record) if record.kind == Kind::Alive => {
                    if self.heard.elapsed() > VENDOR_SILENT[usize::from(self.begun)] {
                        return Err(Failure::Unknown { why: "the vendor fell silent behind the relay".to_owned() });
                    }
                }
                Ok(record) => return self.took(record),
                Err(why) => self.pick_up(why).await?,
            }
        }
    }

    fn took(&mut self, record: Record) -> Result<Record, Failure> {
        self.received += record.wire_len();
        self.heard = Instant::now();
        self.begun |= record.kind == Kind::Head;
        match record.kind {
            Kind::End => {
                self.ended = true;
                Ok(record)
            }
            Kind::Problem => {
                self.ended = true;
                Err(message::read(&record.content).unwrap_or_else(|problem: Problem| problem).into())
            }
            _ => Ok(record),
        }
    }

    async fn pick_up(&mut self, mut why: String) -> Result<(), Failure> {
        self.link = None;
        let Some(conversation) = self.lane.as_ref().map(|lane| lane.conversation.clone()) else {
            return Err(Failure::Unknown { why });
        };
        let rest = Resume { id: self.id.clone(), received: self.received };
        let client = Arc::clone(&self.client);
        for pause in TRIES {
            tokio::time::sleep(pause).await;
            let link = match client.profile.transport {
                Transport::Http => resume(&client.http, &client.address, &conversation, &rest).await,
                Transport::WebSocket => match Socket::open(&client.http, &client.address, &conversation).await {
                    Ok((mut socket, _)) => {
                        let silence = client.silence_of(self.lane.as_ref());
                        socket.resume(&rest, silence).await.map(|()| Link::Socket(Box::new(socket)))
                    }
                    Err(trouble) => Err(trouble),
                },
            };
            match link {
                Ok(link) => {
                    self.link = Some(link);
                    return Ok(());
                }
                Err(Trouble::Refused(problem)) => {
                    let why = format!("{why}; the relay does not go on: {}", problem.message);
                    return Err(Failure::Unknown { why });
                }
                Err(Trouble::NotSent(latest) | Trouble::Lost(latest)) => why = latest,
            }
        }
        Err(Failure::Unknown { why })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let Some(lane) = self.lane.take() else { return };
        let socket = match self.link.take() {
            Some(Link::Socket(socket)) => Some(*socket),
            _ => None,
        };
        if self.ended {
            self.client.put(&self.session, Resting::new(lane, socket));
            return;
        }
        let (client, session, id) = (Arc::clone(&self.client), self.session.clone(), self.id.clone());
        self.client.tasks.spawn(async move {
            let mut socket = socket;
            let kept = match &mut socket {
                Some(socket) => socket.cancel(&id).await,
                None => {
                    if let Err(trouble) = cancel(&client.http, &client.address, &lane.conversation, &id).await {
                        tracing::debug!(?trouble, "a request was not cancelled at the relay");
                    }
                    false
                }
            };
            client.put(&session, Resting::new(lane, socket.filter(|_| kept)));
        });
    }
}

/// Why an answer's body ended early.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BodyFailure(String);

/// The body of the vendor's answer, as the vendor sent it.
pub struct AnswerBody {
    step: Option<Step>,
    /// Bytes to come, where the vendor has said how many.
    left: Option<u64>,
    /// The last bytes of an answer of stated length: given with its end, because nobody asks on who has them all.
    last: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

type Step = Pin<Box<dyn Future<Output = (Answering, Result<Record, Failure>)> + Send>>;

async fn step(mut answering: Answering) -> (Answering, Result<Record, Failure>) {
    let record = answering.next().await;
    (answering, record)
}

impl AnswerBody {
    /// What follows the head.
    #[must_use]
    pub fn new(answering: Answering, head: &HeaderMap) -> Self {
        let length = head.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        Self { step: Some(Box::pin(step(answering))), left: length, last: None, trailers: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        loop {
            let Some(next) = &mut self.step else {
                if let Some(last) = self.last.take() {
                    return Poll::Ready(Some(Ok(Frame::data(last))));
                }
                return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            };
            let (answering, record) = ready!(next.as_mut().poll(cx));
            self.step = None;
            let record = match record {
                Ok(record) => record,
                // All that was announced is here.
                Err(_) if self.last.is_some() => continue,
                Err(failure) => return Poll::Ready(Some(Err(BodyFailure(failure.to_string())))),
            };
            match record.kind {
                Kind::Data => {
                    self.left = self.left.map(|left| left.saturating_sub(record.content.len() as u64));
                    self.step = Some(Box::pin(step(answering)));
                    if self.left == Some(0) {
                        self.last = Some(record.content);
                        continue;
                    }
                    return Poll::Ready(Some(Ok(Frame::data(record.content))));
                }
                Kind::End => {
                    self.left = self.left.or(Some(0));
                    let end: AnswerEnd = message::read(&record.content).unwrap_or_default();
                    self.trailers = Some(header_map(&end.trailers)).filter(|trailers| !trailers.is_empty());
                }
                _ => return Poll::Ready(Some(Err(BodyFailure("the relay sent what it may not".to_owned())))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.step.is_none() && self.last.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.last.as_ref().map_or(0, |last| last.len() as u64);
        self.left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left + held))
    }
}

/// Headers from their pairs. What no header can be is left out: it came from none.
#[must_use]
pub fn header_map(pairs: &[Pair]) -> HeaderMap {
    let header = |(name, value): &Pair| Some((HeaderName::from_bytes(name.as_bytes()).ok()?, header_value(value)?));
    let mut headers = HeaderMap::with_capacity(pairs.len());
    pairs.iter().filter_map(header).for_each(|(name, value)| {
        headers.append(name, value);
    });
    headers
}

/// The head of an answer.
///
/// # Errors
/// The relay sent something else.
pub fn head(record: &Record) -> Result<AnswerHead, Failure> {
    let unknown = |why: &str| Failure::Unknown { why: why.to_owned() };
    if record.kind != Kind::Head {
        return Err(unknown("the relay's answer has no head"));
    }
    message::read(&record.content).map_err(|problem| unknown(&problem.message))
}
