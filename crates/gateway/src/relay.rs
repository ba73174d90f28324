//! The two ways to a vendor: directly, or through the user's relay where it is switched on for this request.
//!
//! A relay that fails blames no account. If the vendor certainly knows nothing of the request, it goes directly instead;
//! if the vendor may know of it, it ends here, because it must not be asked twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use parking_lot::RwLock;
use remuda_core::Host;
use remuda_core::record::Relayed;
use remuda_relay::client::{Client, Failure, Outgoing as ToRelay};
use remuda_relay::message::header_text;
use remuda_upstream::Origin;
use tokio::time::Instant;

use crate::arriving::Arriving;
use crate::flight::Flight;
use crate::herd::Mount;
use crate::outgoing::Outgoing;
use crate::replay::BodyError;

/// A relay that is switched on, and for what.
pub struct RelayUse {
    /// The way to it.
    pub client: Client,
    /// Bodies with fewer bytes go directly: there is little to save.
    pub min_bytes: u64,
    /// Send directly what the relay cannot take.
    pub fallback_to_direct: bool,
    /// Labels of the accounts that it is for; empty: all.
    pub accounts: BTreeSet<String>,
    /// Agents that it is for; empty: all.
    pub hosts: BTreeSet<Host>,
}

/// How long a relay that could not be reached is left alone: not every request is to wait for the same silence.
const RESTS_FOR: Duration = Duration::from_secs(30);

/// The relay that is in use now, if any.
#[derive(Default)]
pub struct Relays {
    now: RwLock<Option<Arc<RelayUse>>>,
    /// When it could not be reached.
    missed: RwLock<Option<Instant>>,
}

impl Relays {
    /// Puts another one in use, or none; returns the one before. Requests under way stay with theirs.
    pub fn replace(&self, now: Option<RelayUse>) -> Option<Arc<RelayUse>> {
        *self.missed.write() = None;
        std::mem::replace(&mut self.now.write(), now.map(Arc::new))
    }

    /// Waits at most so long until it has told the relay everything.
    pub async fn end(&self, deadline: Duration) {
        if let Some(last) = self.replace(None) {
            last.client.end(deadline).await;
        }
    }

    fn rests(&self) -> bool {
        self.missed.read().is_some_and(|missed| missed.elapsed() < RESTS_FOR)
    }

    fn serving(&self, label: &str, host: Host) -> Option<Arc<RelayUse>> {
        let relay = self.now.read().clone()?;
        let for_account = relay.accounts.is_empty() || relay.accounts.contains(label);
        (for_account && (relay.hosts.is_empty() || relay.hosts.contains(&host))).then_some(relay)
    }
}

/// Why there is no answer.
pub(crate) enum Unanswered {
    /// The connection failed. In words.
    Unreachable(String),
    /// The vendor may have the request, and its answer is lost. In words.
    Lost(String),
}

impl<B> Flight<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// Sends a request, one way or the other, and waits for the head of the answer.
    pub(crate) async fn ask(
        &mut self,
        mount: &Mount,
        origin: &Origin,
        request: Request<Outgoing<B>>,
    ) -> Result<Result<Response<Arriving>, Unanswered>, BodyError> {
        if let Some(ticket) = self.ticket.clone() {
            return self.ask_lane(&ticket, origin, request).await;
        }
        let relay = self.gateway.relays.serving(&mount.label, self.intake.facts.host);
        let worth_it =
            |relay: &Arc<RelayUse>| request.body().size_hint().exact().is_none_or(|bytes| bytes >= relay.min_bytes);
        let relay = relay.filter(worth_it);
        let rests = relay.as_ref().is_some_and(|relay| relay.fallback_to_direct) && self.gateway.relays.rests();
        if rests {
            self.noted("relay: left out, it could not be reached a moment ago".to_owned());
        } else if let Some(relay) = relay
            && let Some(body) = whole(request.body().clone(), relay.min_bytes).await?
        {
            match self.ask_relay(&relay, origin, &request, body).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(Failure::NotCalled { why, code }) if relay.fallback_to_direct => {
                    if code.is_none() {
                        *self.gateway.relays.missed.write() = Some(Instant::now());
                    }
                    tracing::warn!(why, "the relay was left out");
                    self.noted(format!("relay: left out, the request went directly: {why}"));
                }
                Err(failure @ Failure::NotCalled { .. }) => {
                    return Ok(Err(Unanswered::Unreachable(failure.to_string())));
                }
                Err(failure @ Failure::Unknown { .. }) => return Ok(Err(Unanswered::Lost(failure.to_string()))),
            }
        }
        match self.gateway.client.send(origin, request).await {
            Ok(answer) => Ok(Ok(answer.map(Arriving::Direct))),
            Err(error) => match self.intake.body.failure() {
                Some(failure) => Err(failure),
                None => Ok(Err(Unanswered::Unreachable(error.to_string()))),
            },
        }
    }

    async fn ask_relay(
        &mut self,
        relay: &RelayUse,
        origin: &Origin,
        request: &Request<Outgoing<B>>,
        body: Bytes,
    ) -> Result<Response<Arriving>, Failure> {
        let pair = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), header_text(value));
        let session = self.intake.facts.session.as_ref().map_or_else(|| self.intake.facts.host.as_str(), |s| &s.0);
        let outgoing = ToRelay {
            method: request.method().as_str().to_owned(),
            url: format!("{origin}{}", request.uri()),
            headers: request.headers().iter().map(pair).collect(),
            body,
        };
        let answer = relay.client.send(session, outgoing).await?;
        if let Some(attempt) = self.draft.last_attempt() {
            let sent = answer.sent;
            let relayed = Relayed { body_bytes: sent.body_bytes, sent_bytes: sent.relay_bytes, delta: sent.delta };
            attempt.relayed = Some(relayed);
        }
        Ok(answer.response.map(|body| Arriving::Relayed(Box::new(body))))
    }

    pub(crate) fn noted(&mut self, what: String) {
        if let Some(attempt) = self.draft.last_attempt() {
            attempt.changes.push(what);
        }
    }
}

/// A body in one piece. `None`: it is short after all, or no text: compressed bodies have nothing in common with the ones
/// before them.
async fn whole<B>(mut body: Outgoing<B>, min_bytes: u64) -> Result<Option<Bytes>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let expected = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default();
    let mut whole = BytesMut::with_capacity(expected);
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => whole.extend_from_slice(&data),
            // Trailers of a request have no place in a relay's message.
            Err(_) => return Ok(None),
        }
    }
    let fits = whole.len() as u64 >= min_bytes && std::str::from_utf8(&whole).is_ok();
    Ok(fits.then(|| whole.freeze()))
}
