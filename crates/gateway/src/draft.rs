//! A decision record while it is being written. One per request; it ends up in the journal exactly once, whatever
//! happens to the request.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use remuda_core::record::{Attempt, AttemptEnd, Placed, RECORD_VERSION, Record, Rival, Skipped, Tokens, Weighed};
use remuda_core::route::{Outcome, Refreshed, Route, StateChange};
use remuda_core::{AccountId, CostClass, RequestFacts, RequestId, UnixSeconds};
use tokio_util::sync::CancellationToken;

use crate::events::Live;
use crate::herd::Herd;
use crate::journal::Journal;
use crate::restate::Changed;

/// What is recorded when Claude Code's identity field was made to agree with the account that serves.
pub const RESTATED: &str = "metadata.user_id: account_uuid made to agree with the account that serves";

/// The facts of a request so far. Written to the journal when it is dropped: by then as abandoned, unless
/// [`Draft::close`] said otherwise.
pub struct Draft {
    id: RequestId,
    at: UnixSeconds,
    started: Instant,
    path: String,
    request: Option<RequestFacts>,
    attempts: Vec<Attempt>,
    /// By attempt: was the identity field changed while the body streamed?
    restated: Vec<(usize, Changed)>,
    remembered: Vec<StateChange>,
    outcome: Option<Outcome>,
    client_status: u16,
    first_byte_ms: Option<u64>,
    longest_gap_ms: Option<u64>,
    held_ms: u64,
    waited_ms: u64,
    request_bytes: u64,
    response_bytes: u64,
    tokens: Tokens,
    cost_usd: Option<f64>,
    cache_saved_usd: Option<f64>,
    cost_class: Option<CostClass>,
    truncated: bool,
    stopped: bool,
    project: Option<String>,
    live: Option<Arc<Live>>,
    way: Option<Route>,
    herd: Arc<Herd>,
    journal: Arc<Journal>,
}

impl Draft {
    /// A request has arrived.
    #[must_use]
    pub fn new(id: RequestId, at: UnixSeconds, path: String, herd: Arc<Herd>, journal: Arc<Journal>) -> Self {
        Self {
            id,
            at,
            started: Instant::now(),
            path,
            request: None,
            attempts: Vec::with_capacity(1),
            restated: Vec::new(),
            remembered: Vec::new(),
            outcome: None,
            client_status: 0,
            first_byte_ms: None,
            longest_gap_ms: None,
            held_ms: 0,
            waited_ms: 0,
            request_bytes: 0,
            response_bytes: 0,
            tokens: Tokens::default(),
            cost_usd: None,
            cache_saved_usd: None,
            cost_class: None,
            truncated: false,
            stopped: false,
            project: None,
            live: None,
            way: None,
            herd,
            journal,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Milliseconds since it arrived.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The working directory of the agent that sent it.
    pub fn of_project(&mut self, project: Option<String>) {
        self.project = project;
    }

    /// What it says about itself, as the host said it. From here on it is under way for all to see.
    pub fn asked(&mut self, request: RequestFacts) {
        self.live = Some(self.herd.events().started(self.id, self.at, self.project.clone(), &request));
        self.request = Some(request);
    }

    /// Cancelled when its owner stops it.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.live.as_ref().map(|live| live.stop.clone()).unwrap_or_default()
    }

    /// Its owner has stopped it.
    pub fn stopped(&mut self) {
        self.stopped = true;
    }

    /// It waits on purpose until then.
    pub fn waits(&self, until: UnixSeconds) {
        if let Some(live) = &self.live {
            self.herd.events().waits(live, until);
        }
    }

    /// It waits for somebody to be back, who is expected then.
    pub fn held(&self, until: UnixSeconds) {
        if let Some(live) = &self.live {
            self.herd.events().held(live, self.herd.clock().now(), until);
        }
    }

    /// Cancelled when it shall not be held any longer.
    #[must_use]
    pub fn let_go(&self) -> CancellationToken {
        self.live.as_ref().map(|live| live.let_go.clone()).unwrap_or_default()
    }

    /// Something was remembered because of it.
    pub fn remembered(&mut self, changes: Vec<StateChange>) {
        self.remembered.extend(changes);
    }

    /// A wait on purpose is over.
    pub fn waited(&mut self, ms: u64) {
        if let Some(live) = &self.live {
            self.herd.events().resumes(live);
        }
        self.waited_ms += ms;
        self.held_ms += ms;
    }

    /// An account is being asked.
    pub fn attempt(&mut self, account: AccountId, label: String, model: Option<String>) -> &mut Attempt {
        if let Some(live) = &self.live {
            self.herd.events().asked(live, account, &label);
        }
        let attempt = Attempt {
            account,
            label,
            model,
            status: None,
            upstream_request_id: None,
            started_ms: self.elapsed_ms(),
            waited_ms: std::mem::take(&mut self.waited_ms),
            head_ms: None,
            ended: AttemptEnd::Abandoned,
            refreshed: None,
            changes: Vec::new(),
            relayed: None,
        };
        self.attempts.push(attempt);
        let last = self.attempts.len() - 1;
        &mut self.attempts[last]
    }

    /// The last try's body will say whether it changed the identity field.
    pub fn restating(&mut self) -> Changed {
        let changed = Changed::default();
        self.restated.push((self.attempts.len().saturating_sub(1), Arc::clone(&changed)));
        changed
    }

    /// The account that was asked last.
    pub fn last_attempt(&mut self) -> Option<&mut Attempt> {
        self.attempts.last_mut()
    }

    /// What the last try on this account was refused with, in words.
    #[must_use]
    pub fn evidence(&self, account: AccountId) -> Option<&str> {
        self.attempts.iter().rev().find(|a| a.account == account).and_then(|a| match &a.ended {
            AttemptEnd::Refused { verdict, .. } | AttemptEnd::BrokeOff { verdict } => Some(verdict.evidence.as_str()),
            AttemptEnd::Unreachable { why } => Some(why),
            AttemptEnd::Served | AttemptEnd::Abandoned => None,
        })
    }

    /// The refresh that the last refusal asked for has ended.
    pub fn refreshed(&mut self, how: Refreshed) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.refreshed = Some(how);
        }
    }

    /// The first byte goes to the client.
    pub fn first_byte(&mut self) {
        if self.first_byte_ms.is_none() {
            self.first_byte_ms = Some(self.elapsed_ms());
            if let Some(live) = &self.live {
                self.herd.events().streams(live);
            }
        }
    }

    /// The client heard nothing for this long, after the first byte.
    pub fn silent(&mut self, gap: std::time::Duration) {
        let ms = u64::try_from(gap.as_millis()).unwrap_or(u64::MAX);
        self.longest_gap_ms = Some(self.longest_gap_ms.unwrap_or(0).max(ms));
    }

    /// Bytes of the request's body so far.
    pub fn received(&mut self, bytes: u64) {
        self.request_bytes = bytes;
    }

    /// Bytes of the request's body so far.
    #[must_use]
    pub fn request_bytes(&self) -> u64 {
        self.request_bytes
    }

    /// The head of the answer that the client gets.
    pub fn answers(&mut self, status: u16) {
        self.client_status = status;
    }

    /// The way it went, for who was passed over and why. To be given at the end.
    pub fn went(&mut self, way: Route) {
        self.way = Some(way);
    }

    /// What was counted, and what it costs.
    pub fn counted(&mut self, tokens: Tokens, cost_usd: Option<f64>, class: Option<CostClass>) {
        (self.tokens, self.cost_usd, self.cost_class) = (tokens, cost_usd, class);
    }

    /// What the prompt cache saved at list price.
    pub fn cache_saved(&mut self, usd: Option<f64>) {
        self.cache_saved_usd = usd;
    }

    /// The stream ended without its terminal event.
    pub fn truncated(&mut self) {
        self.truncated = true;
    }

    /// It is over. Goes to the journal when the draft is dropped.
    pub fn close(&mut self, outcome: Outcome, response_bytes: u64) {
        self.outcome = Some(outcome);
        self.response_bytes = response_bytes;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Nothing was understood of it: a request that was refused at the door leaves no record.
        let Some(request) = self.request.take() else { return };
        for (index, changed) in std::mem::take(&mut self.restated) {
            if let Some(attempt) = self.attempts.get_mut(index).filter(|_| changed.load(Ordering::Relaxed)) {
                attempt.changes.push(RESTATED.to_owned());
            }
        }
        let way = self.way.take();
        let source = way.as_ref().and_then(Route::source);
        let passed = way.as_ref().map(Route::skipped).unwrap_or_default();
        let placement = way.as_ref().and_then(Route::placement);
        let weighed = way.as_ref().and_then(Route::weighed);
        let (source_label, skipped, placed, weighed) = self.herd.look(|snapshot, _| {
            let label = |id: AccountId| snapshot.accounts.get(&id).map(|a| a.label.as_str().to_owned());
            let skipped = passed
                .iter()
                .map(|p| Skipped {
                    account: p.account,
                    label: label(p.account).unwrap_or_else(|| p.account.to_string()),
                    reason: p.reason,
                    until: p.until,
                })
                .collect();
            let placed = placement.map(|placement| Placed {
                strategy: placement.strategy,
                because: placement.on.because.clone(),
                others: placement
                    .others
                    .iter()
                    .take(Placed::MOST_OTHERS)
                    .map(|rated| Rival {
                        account: rated.account,
                        label: label(rated.account).unwrap_or_else(|| rated.account.to_string()),
                        because: rated.because.clone(),
                    })
                    .collect(),
            });
            let weighed = weighed.map(|weighing| Weighed {
                label: label(weighing.warm).unwrap_or_else(|| weighing.warm.to_string()),
                weighing: *weighing,
            });
            (source.and_then(label), skipped, placed, weighed)
        });
        let abandoned = Outcome::Error { from: None, class: None, retry_after_s: None };
        let record = Record {
            version: RECORD_VERSION,
            id: self.id,
            at: self.at,
            host: request.host,
            kind: request.kind,
            vendor: request.vendor,
            protocol: request.protocol,
            path: std::mem::take(&mut self.path),
            session: request.session,
            project: self.project.take(),
            model: request.model,
            source,
            source_label,
            source_reason: way.as_ref().map_or(remuda_core::record::SourceReason::Active, Route::source_reason),
            source_pool: way.as_ref().and_then(Route::source_pool).map(str::to_owned),
            placed,
            weighed,
            skipped,
            attempts: std::mem::take(&mut self.attempts),
            remembered: std::mem::take(&mut self.remembered),
            outcome: self.outcome.take().unwrap_or(abandoned),
            client_status: self.client_status,
            first_byte_ms: self.first_byte_ms,
            longest_gap_ms: self.longest_gap_ms,
            total_ms: self.elapsed_ms(),
            held_ms: self.held_ms,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            tokens: self.tokens,
            cost_usd: self.cost_usd,
            cache_saved_usd: self.cache_saved_usd,
            prices: self.cost_usd.map(|_| remuda_vendors::anthropic::PRICES_OF.to_owned()),
            cost_class: self.cost_class,
            truncated: self.truncated,
            stopped: self.stopped,
        };
        if let Some(live) = self.live.take() {
            self.herd.events().finished(&live, &record);
        }
        self.journal.record(record);
    }
}
