//! The data plane as one service: recognise the key, take the request in, fly it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use remuda_core::poll::PollPolicy;
use remuda_core::{Host, Protocol, Protocols, RequestId, RequestKind, UnixSeconds, Vendor, Verdict};
use remuda_credentials::{Clock, Keeper};
use remuda_upstream::Client;
use remuda_vendors::{OwnRows, UpstreamAnswer, classify_with};
use tokio::net::{TcpListener, UnixListener};
use uuid::Uuid;

use crate::body::{ClientBody, RequestBody};
use crate::budget::RetryBudget;
use crate::destination::Destinations;
use crate::draft::Draft;
use crate::endpoint::{Endpoint, Forward};
use crate::flight::Flight;
use crate::guard::{Guard, Turned};
use crate::hand_over;
use crate::herd::Herd;
use crate::intake;
use crate::journal::Journal;
use crate::keep_alive::{self, KeepAlive};
use crate::kept::{self, Opening};
use crate::marks::Marking;
use crate::poller::Poller;
use crate::relay::Relays;
use crate::server::{Peer, Server, Service};
use crate::socket::lane::Ticket;
use crate::socket::{self, Sockets};
use crate::waiting::Waiting;

/// What the binary decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where a vendor listens, if not where it really does. Accounts with an endpoint of their own live there all the same.
    pub bases: BTreeMap<(Vendor, Protocol), String>,
    /// Longest time from the arrival of a request to its commit point. Claude Code itself gives up after 600 s.
    pub deadline: Duration,
    /// How often vendors are asked what is left.
    pub poll: PollPolicy,
    /// Rows of the person's own for judging refusals.
    pub own_rows: OwnRows,
    /// How long each agent waits by itself, and what keeps it waiting then.
    pub keep_alive: fn(Host, Protocols) -> KeepAlive,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bases: BTreeMap::new(),
            deadline: Duration::from_secs(590),
            poll: PollPolicy::default(),
            own_rows: OwnRows::default(),
            keep_alive: keep_alive::of,
        }
    }
}

/// Everything a request needs.
pub struct Gateway {
    pub(crate) herd: Arc<Herd>,
    pub(crate) keeper: Keeper,
    pub(crate) poller: Arc<Poller>,
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) budget: RetryBudget,
    pub(crate) destinations: Destinations,
    pub(crate) settings: Settings,
    pub(crate) relays: Relays,
    pub(crate) marking: Marking,
    pub(crate) sockets: Sockets,
    pub(crate) waiting: Waiting,
    started: Instant,
}

impl Gateway {
    /// What a refusal means: by the vendor's tables and the person's own rows.
    pub(crate) fn judge(&self, answer: &UpstreamAnswer<'_>) -> Verdict {
        classify_with(answer, &self.settings.own_rows)
    }

    /// Puts it together.
    #[must_use]
    pub fn new(
        herd: Arc<Herd>,
        keeper: Keeper,
        poller: Arc<Poller>,
        journal: Arc<Journal>,
        client: Client,
        settings: Settings,
    ) -> Self {
        let clock = Arc::clone(herd.clock());
        Self {
            herd,
            keeper,
            poller,
            client,
            clock,
            journal,
            budget: RetryBudget::new(),
            destinations: Destinations::default(),
            settings,
            relays: Relays::default(),
            marking: Marking::default(),
            sockets: Sockets::default(),
            waiting: Waiting::default(),
            started: Instant::now(),
        }
    }

    /// The relay that is in use.
    #[must_use]
    pub fn relays(&self) -> &Relays {
        &self.relays
    }

    /// The cache modes in force.
    #[must_use]
    pub fn marking(&self) -> &Marking {
        &self.marking
    }

    pub(crate) fn now(&self) -> UnixSeconds {
        self.clock.now()
    }

    pub(crate) fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Is there any account that a WebSocket of this kind could be for?
    pub(crate) fn lanes_exist(&self, forward: Forward) -> bool {
        self.herd.look(|snapshot, _| snapshot.accounts.values().any(|account| account.speaks.meets(forward.protocol)))
    }

    async fn forward(self: &Arc<Self>, request: Request<Incoming>, forward: Forward) -> Response<ClientBody> {
        let (head, body) = request.into_parts();
        self.take_up(head, RequestBody::Http(body), forward, None).await
    }

    /// Takes up one request: over HTTP, or with a ticket of an agent's WebSocket.
    pub(crate) async fn take_up(
        self: &Arc<Self>,
        head: Parts,
        body: RequestBody,
        forward: Forward,
        ticket: Option<Ticket>,
    ) -> Response<ClientBody> {
        let now = self.now();
        let id = RequestId(Uuid::now_v7());
        let who = match self.herd.recognise(&head.headers, now) {
            Ok(who) => who,
            Err(why) => return hand_over::not_let_in(forward.words, why, id),
        };
        self.budget.deposit();
        if who.mark_used(now) {
            self.journal.key_used(who.key.id, now);
        }
        let mut draft =
            Draft::new(id, now, head.uri.path().to_owned(), Arc::clone(&self.herd), Arc::clone(&self.journal));
        draft.of_project(who.key.project.clone());
        let mut intake = match intake::take(&head, forward, &who, body).await {
            Ok(intake) => intake,
            Err(error) => return hand_over::bad_body(forward.words, error, id),
        };
        match &ticket {
            // On a socket what a turn goes on from is bound to the connection, not to the account.
            Some(ticket) if ticket.warm_up => intake.facts.kind = RequestKind::Background,
            Some(_) => {}
            None => intake.facts.owner = intake.refers_to.iter().find_map(|thing| self.herd.origin(thing)),
        }
        let words = intake.words;
        let flight = Flight::new(Arc::clone(self), head, forward.path_from, intake, draft, self.settings.deadline);
        let flight = flight.over(ticket);
        if !self.herd.may_hold(&who) {
            return flight.fly(&who).await;
        }
        let opening = Arc::new(Opening::default());
        let flight = flight.opened_by(Arc::clone(&opening));
        kept::answer(Box::pin(async move { flight.fly(&who).await }), opening, words).await
    }
}

/// What answers paths that are not the data plane's: the control API and the dashboard.
pub trait Fallback: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, request: Request<Incoming>, peer: Peer) -> BoxFuture<'_>;

    /// What to say when the gate turns a request of its paths away; `None`: nothing of its own.
    fn turned_away(&self, _why: Turned) -> Option<Response<ClientBody>> {
        None
    }
}

/// An answer on its way.
pub type BoxFuture<'a> = Pin<Box<dyn Future<Output = Response<ClientBody>> + Send + 'a>>;

/// The data plane in front of everything else, on any number of listeners.
///
/// Not generic, so that the server's code is compiled here, where it is compiled for speed.
pub struct Doors {
    server: Server<FrontDoor>,
    gateway: Arc<Gateway>,
}

impl Doors {
    /// Data-plane paths go to `gateway`, all others to `rest`.
    pub fn new(gateway: Arc<Gateway>, rest: impl Fallback) -> Self {
        let front = FrontDoor { gateway: Arc::clone(&gateway), rest: Box::new(rest) };
        Self { server: Server::new(Arc::new(front)), gateway }
    }

    /// Serves a TCP listener.
    pub fn listen_tcp(&self, listener: TcpListener, guard: Guard) {
        self.server.listen_tcp(listener, guard);
    }

    /// Serves a Unix socket.
    pub fn listen_unix(&self, listener: UnixListener) {
        self.server.listen_unix(listener);
    }

    /// Stops accepting, lets requests under way end, and cuts what is left at the deadline. True: nothing was cut.
    pub async fn drain(&self, deadline: Duration) -> bool {
        let began = Instant::now();
        let (requests, sockets) = tokio::join!(self.server.drain(deadline), self.gateway.sockets.drain(deadline));
        tracing::debug!(ms = began.elapsed().as_millis(), "drained");
        requests && sockets
    }
}

struct FrontDoor {
    gateway: Arc<Gateway>,
    rest: Box<dyn Fallback>,
}

impl Service for FrontDoor {
    async fn call(&self, request: Request<Incoming>, peer: Peer) -> Response<ClientBody> {
        match Endpoint::of(request.method(), request.uri().path(), socket::is_wanted(request.headers())) {
            Some(Endpoint::Forward(forward)) => self.gateway.forward(request, forward).await,
            Some(Endpoint::Hello) => Response::new(ClientBody::empty()),
            Some(Endpoint::Socket(forward)) => socket::accept(&self.gateway, request, forward),
            Some(Endpoint::Unserved(words)) => hand_over::unserved(words, request.method(), request.uri().path()),
            None => self.rest.call(request, peer).await,
        }
    }

    fn turned_away(&self, why: Turned, request: &Request<Incoming>) -> Response<ClientBody> {
        let ours = Endpoint::of(request.method(), request.uri().path(), false).is_some();
        if let Some(response) = (!ours).then(|| self.rest.turned_away(why)).flatten() {
            return response;
        }
        let status = if why == Turned::Path { StatusCode::BAD_REQUEST } else { StatusCode::FORBIDDEN };
        hand_over::plain_refusal(Protocol::Messages, status, &why.to_string())
    }
}
