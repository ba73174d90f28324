//! The life of one request between the gate and the commit point: ask routing, do what it says, report what came back,
//! ask again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body::Body;
use remuda_core::record::{AttemptEnd, Tokens};
use remuda_core::route::{Action, Answer, Decided, Outcome, Route};
use remuda_core::{AccountId, Class, Scope, Verdict};
use remuda_store::Mark;
use remuda_vendors::UpstreamAnswer;
use tokio_util::sync::CancellationToken;

use crate::attempt::{Ended, Refusal};
use crate::body::ClientBody;
use crate::draft::Draft;
use crate::gateway::Gateway;
use crate::hand_over;
use crate::headers;
use crate::herd::{Mount, Ride};
use crate::hold::Committed;
use crate::intake::Intake;
use crate::kept::Opening;
use crate::keys::Known;
use crate::price;
use crate::release::Release;
use crate::replay::BodyError;
use crate::socket::lane::Ticket;
use crate::waiting::Hold;
use crate::warmth::Turn;

/// One request under way. Nothing of an answer has reached the client while this exists.
pub struct Flight<B> {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) head: Parts,
    pub(crate) path_from: usize,
    pub(crate) intake: Intake<B>,
    pub(crate) draft: Draft,
    pub(crate) deadline: tokio::time::Instant,
    refusals: HashMap<AccountId, Refusal>,
    /// The token generation that each account was last asked with.
    pub(crate) generations: HashMap<AccountId, u64>,
    /// By which the answer is begun while the request is held; `None`: it cannot be.
    pub(crate) opening: Option<Arc<Opening>>,
    pub(crate) hold: Option<Hold>,
    /// Its place on an agent's WebSocket, if it came over one.
    pub(crate) ticket: Option<Ticket>,
}

impl<B> Flight<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// A request whose facts are known.
    pub fn new(
        gateway: Arc<Gateway>,
        head: Parts,
        path_from: usize,
        intake: Intake<B>,
        mut draft: Draft,
        deadline: Duration,
    ) -> Self {
        draft.asked(intake.facts.clone());
        Self {
            gateway,
            head,
            path_from,
            intake,
            draft,
            deadline: tokio::time::Instant::now() + deadline,
            refusals: HashMap::new(),
            generations: HashMap::new(),
            opening: None,
            hold: None,
            ticket: None,
        }
    }

    /// It came over an agent's WebSocket.
    pub(crate) fn over(self, ticket: Option<Ticket>) -> Self {
        Self { ticket, ..self }
    }

    /// While it is held its answer can be begun by this.
    #[must_use]
    pub fn opened_by(mut self, opening: Arc<Opening>) -> Self {
        self.opening = Some(opening);
        self
    }

    /// Flies it: the answer for the client, whoever gives it.
    pub async fn fly(mut self, who: &Known) -> Response<ClientBody> {
        let (stop, words, id) = (self.draft.stop(), self.intake.words, self.draft.id());
        if let Some(halt) = self.intake.facts.session.as_ref().and_then(|session| self.gateway.herd.halted(session)) {
            let response = hand_over::halted(words, &halt, id);
            self.draft.stopped();
            self.draft.answers(response.status().as_u16());
            return response;
        }
        match stop.run_until_cancelled(self.on(who)).await {
            Some(response) => response,
            None => hand_over::stopped(words, id),
        }
    }

    async fn on(mut self, who: &Known) -> Response<ClientBody> {
        let gateway = Arc::clone(&self.gateway);
        let herd = &gateway.herd;
        gateway.poller.find_out(herd.in_question(who, &self.intake.facts, gateway.now())).await;
        let (mut route, changes) = herd.begin(who, self.intake.facts.clone(), gateway.now());
        self.draft.remembered(changes);
        loop {
            let (action, changes) = herd.next(&mut route, gateway.now());
            self.draft.remembered(changes);
            match action {
                Action::Send { account, model } => {
                    self.waited();
                    let Some(mut ride) = self.board(&mut route, account).await else { continue };
                    match self.attempt(&route, account, model).await {
                        Ok(Ended::Answer { committed, mount }) => {
                            ride.answered(Some(true), gateway.now());
                            let changes = herd.answered(&mut route, Answer::Served, gateway.now());
                            self.draft.remembered(changes);
                            return self.release(route, *committed, account, mount, ride);
                        }
                        Ok(Ended::Refused { refusal, verdict }) => {
                            let verdict = self.of_a_listing(verdict);
                            ride.answered(verdict.class.blames_account().then_some(false), gateway.now());
                            if let Some(refusal) = refusal {
                                self.refusals.insert(account, refusal);
                            }
                            let changes = herd.answered(&mut route, Answer::Refused(verdict), gateway.now());
                            self.draft.remembered(changes);
                        }
                        Err(error) => return self.client_failed(route, error),
                    }
                }
                Action::Refresh { account } => {
                    let generation = self.generations.get(&account).copied().unwrap_or_default();
                    let how = gateway.keeper.rejected(account, generation).await;
                    self.draft.refreshed(how);
                    let changes = herd.refreshed(&mut route, how, gateway.now());
                    self.draft.remembered(changes);
                }
                Action::Wait { seconds } => {
                    let pause = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
                    let left = self.deadline.saturating_duration_since(tokio::time::Instant::now());
                    let too_late = pause >= left;
                    if too_late || !gateway.budget.withdraw(gateway.uptime_ms()) {
                        let changes = herd.stop(&mut route, gateway.now());
                        self.draft.remembered(changes);
                        continue;
                    }
                    self.draft.waits(gateway.now().saturating_add(seconds.ceil() as i64));
                    gateway.clock.sleep(pause).await;
                    self.draft.waited(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
                }
                Action::Hold { until, .. } => {
                    if let Err(error) = self.wait(&mut route, until).await {
                        return self.client_failed(route, error);
                    }
                }
                Action::Finish(outcome) => return self.hand_over(route, outcome),
            }
        }
    }

    /// What a listing of models is refused with says nothing about the account: whether a subscription may list at all is
    /// not known (nothing is documented), and nobody must lose a login over it.
    fn of_a_listing(&self, verdict: Verdict) -> Verdict {
        let about_login = matches!(
            verdict.class,
            Class::CredentialStale | Class::CredentialDead | Class::AccountDisabled | Class::ModelExhausted
        );
        if self.intake.facts.kind != remuda_core::RequestKind::Models || !about_login {
            return verdict;
        }
        Verdict {
            class: Class::RequestFault,
            scope: Scope::Request,
            fail_over: false,
            retry_same_after_s: None,
            ..verdict
        }
    }

    fn release(
        mut self,
        route: Route,
        committed: Committed,
        account: AccountId,
        mount: Mount,
        mut ride: Ride,
    ) -> Response<ClientBody> {
        self.draft.received(self.intake.body.arrived_bytes());
        ride.weighs(self.intake.body.arrived_bytes());
        self.draft.answers(committed.status.as_u16());
        let landing = Landing {
            gateway: self.gateway,
            route,
            account,
            mount,
            model: self.intake.facts.model,
            status: committed.status.as_u16(),
            headers: committed.headers.clone(),
            failure: None,
            draft: self.draft,
            _ride: ride,
        };
        let (status, vendor_headers, release) = Release::new(committed, landing);
        let mut response = Response::new(ClientBody::Release(Box::new(release)));
        *response.status_mut() = status;
        *response.headers_mut() = headers::for_client(&vendor_headers);
        response
    }

    fn hand_over(mut self, route: Route, outcome: Outcome) -> Response<ClientBody> {
        self.waited();
        if self.hold.is_some() && self.gateway.herd.events().is_leaving() {
            let response = hand_over::leaving(self.intake.words, self.draft.id());
            self.draft.answers(response.status().as_u16());
            self.draft.went(route);
            self.draft.close(outcome, 0);
            return response;
        }
        let refusal = match &outcome {
            Outcome::Error { from: Some(account), .. } => self.refusals.remove(account),
            _ => None,
        };
        let why = match &outcome {
            Outcome::Error { from: Some(account), .. } => self.draft.evidence(*account),
            _ => None,
        };
        let response = hand_over::answer(
            &self.gateway,
            (&self.intake.facts, self.intake.words),
            &route,
            &outcome,
            refusal,
            why,
            self.draft.id(),
        );
        let bytes = response.body().size_hint().exact().unwrap_or_default();
        self.draft.received(self.intake.body.arrived_bytes());
        self.draft.answers(response.status().as_u16());
        self.draft.first_byte();
        self.draft.went(route);
        self.draft.close(outcome, bytes);
        response
    }

    fn client_failed(mut self, mut route: Route, error: BodyError) -> Response<ClientBody> {
        let changes = self.gateway.herd.stop(&mut route, self.gateway.now());
        self.draft.remembered(changes);
        self.draft.received(self.intake.body.arrived_bytes());
        let response = hand_over::bad_body(self.intake.words, error, self.draft.id());
        self.draft.answers(response.status().as_u16());
        self.draft.went(route);
        response
    }
}

/// What is left to do once an answer is being released: notice how it ends and record it.
pub struct Landing {
    gateway: Arc<Gateway>,
    route: Route,
    account: AccountId,
    mount: Mount,
    model: String,
    status: u16,
    headers: http::HeaderMap,
    failure: Option<Verdict>,
    draft: Draft,
    /// Lets the account go when the answer has ended.
    _ride: Ride,
}

impl Landing {
    /// The client heard nothing for this long, after the first byte.
    pub fn silent(&mut self, gap: Duration) {
        self.draft.silent(gap);
    }

    /// The first byte goes to the client.
    pub fn first_byte(&mut self) {
        self.draft.first_byte();
    }

    /// An event states what is left in the account's windows.
    pub fn says_quota(&self, event: &[u8]) {
        let readings = remuda_vendors::windows_from_event(self.mount.vendor, event, self.gateway.now());
        self.gateway.herd.harvest(self.account, self.mount.profile.last_login_at, readings);
    }

    /// The account gave out what only it can read again.
    pub fn gave_out(&self, marks: Vec<Mark>) {
        self.gateway.herd.gave_out(self.account, marks, self.gateway.now());
    }

    /// The vendor said inside the stream that it failed. The client sees it too; only what it means is kept.
    pub fn failed_in_stream(&mut self, event: &[u8]) {
        let verdict = self.gateway.judge(&UpstreamAnswer {
            vendor: self.mount.vendor,
            kind: self.mount.kind,
            now: self.gateway.now(),
            model: &self.model,
            status: self.status,
            headers: &self.headers,
            body: event,
            in_stream: true,
        });
        self.failure.get_or_insert(verdict);
    }

    /// The vendor has said everything.
    pub fn complete(mut self, tokens: Tokens, bytes: u64) {
        match self.failure.take() {
            Some(verdict) => self.broke_off(verdict, tokens, bytes),
            None => {
                let outcome = Outcome::Served { account: self.account, model: None };
                self.end(AttemptEnd::Served, outcome, tokens, bytes);
            }
        }
    }

    /// The stream ended without its terminal event. The client sees the same.
    pub fn truncated(mut self, tokens: Tokens, bytes: u64) {
        let verdict = self.failure.take().unwrap_or_else(|| {
            self.draft.truncated();
            Verdict {
                class: Class::Transient,
                scope: Scope::Vendor,
                fail_over: false,
                retry_same_after_s: None,
                until: None,
                evidence: "the stream ended without its terminal event".to_owned(),
            }
        });
        self.broke_off(verdict, tokens, bytes);
    }

    /// It failed after content.
    pub fn broke_off(mut self, verdict: Verdict, tokens: Tokens, bytes: u64) {
        let (herd, now) = (Arc::clone(&self.gateway.herd), self.gateway.now());
        let changes = herd.answered(&mut self.route, Answer::BrokeOff(verdict.clone()), now);
        self.draft.remembered(changes);
        let outcome = Outcome::StreamError { from: self.account, class: verdict.class };
        self.end(AttemptEnd::BrokeOff { verdict }, outcome, tokens, bytes);
    }

    /// Cancelled when its owner stops it.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.draft.stop()
    }

    /// Its owner has stopped it.
    pub fn stopped(mut self, tokens: Tokens, bytes: u64) {
        self.draft.stopped();
        self.abandoned(tokens, bytes);
    }

    /// The client has left.
    pub fn abandoned(self, tokens: Tokens, bytes: u64) {
        let outcome = Outcome::Served { account: self.account, model: None };
        self.end(AttemptEnd::Abandoned, outcome, tokens, bytes);
    }

    fn end(mut self, how: AttemptEnd, outcome: Outcome, tokens: Tokens, bytes: u64) {
        let (herd, now) = (Arc::clone(&self.gateway.herd), self.gateway.now());
        let put_in_place = self.draft.last_attempt().and_then(|attempt| attempt.model.clone());
        let model = put_in_place.as_deref().unwrap_or(&self.model);
        let cost_usd = remuda_vendors::anthropic::cost_usd(model, &tokens);
        if self.mount.cost == remuda_core::CostClass::Metered {
            let sent = self.draft.request_bytes();
            herd.spent(self.account, cost_usd.unwrap_or_else(|| price::at_most_usd(&tokens, sent)), now);
        }
        let request = self.route.request();
        if let Some(session) = &request.session {
            let away = self.route.weighed().is_some_and(|weighed| weighed.decided == Decided::StayAway);
            herd.warmed(session, &Turn { account: self.account, model, tokens: &tokens, cost_usd, away }, now);
        }
        let outcome = match (outcome, self.draft.last_attempt()) {
            (Outcome::Served { account, .. }, Some(attempt)) => {
                attempt.ended = how;
                Outcome::Served { account, model: attempt.model.clone() }
            }
            (outcome, Some(attempt)) => {
                attempt.ended = how;
                outcome
            }
            (outcome, None) => outcome,
        };
        self.draft.cache_saved(remuda_vendors::anthropic::cache_saved_usd(model, &tokens));
        self.draft.counted(tokens, cost_usd, Some(self.mount.cost));
        self.draft.went(self.route);
        self.draft.close(outcome, bytes);
    }
}
