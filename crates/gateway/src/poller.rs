//! Asks vendors what is left of accounts, where answers have not said enough: one account of a vendor at a time across all
//! processes, never one that is idle, dead or switched off, and with patience when a vendor is busy.
//!
//! Whom and when is decided in [`remuda_core::poll`]; this carries it out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use remuda_core::poll::{PollEnd, PollPolicy, PollState};
use remuda_core::route::Refreshed;
use remuda_core::{AccountId, Protocol, UnixSeconds, Vendor};
use remuda_credentials::{Answer, Exchange, Keeper, SendError, Token};
use remuda_store::PollClaim;
use remuda_vendors::usage::{UsageAnswer, judge_usage, no_usage_endpoint, usage_call};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::herd::{Asked, Herd};

/// Between two looks at who is due.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Between two questions.
const GAP: Duration = Duration::from_secs(1);
/// Longest time for one account, a refresh of its token included. Shorter than the lease.
const PATIENCE: Duration = Duration::from_secs(50);

/// A request waits at most so long for what decides where it may go.
const FIND_OUT_WITHIN: Duration = Duration::from_secs(4);

/// What came of asking about one account.
#[derive(Clone, Debug, PartialEq)]
pub enum Polled {
    /// The vendor answered, and named so many windows.
    Answered {
        /// Windows.
        windows: usize,
    },
    /// Somebody has just asked; what is known is as new as it gets.
    Fresh,
    /// It is not asked before that second, because of an earlier failure.
    Rests {
        /// Then.
        until: UnixSeconds,
        /// The failure, in words.
        why: String,
    },
    /// It was asked in vain.
    Failed {
        /// Not before that second again.
        until: UnixSeconds,
        /// In words.
        why: String,
    },
    /// Another account of the vendor is being asked about.
    Busy,
    /// There is nobody to ask.
    Nobody {
        /// In words.
        why: String,
    },
}

/// See the module's description.
pub struct Poller {
    herd: Arc<Herd>,
    keeper: Keeper,
    exchange: Arc<dyn Exchange>,
    bases: BTreeMap<(Vendor, Protocol), String>,
    policy: RwLock<PollPolicy>,
    asking: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Poller {
    /// `bases`: where vendors listen if not where they really do.
    #[must_use]
    pub fn new(
        herd: Arc<Herd>,
        keeper: Keeper,
        exchange: Arc<dyn Exchange>,
        bases: BTreeMap<(Vendor, Protocol), String>,
        policy: PollPolicy,
    ) -> Self {
        Self {
            herd,
            keeper,
            exchange,
            bases,
            policy: RwLock::new(policy),
            asking: tokio::sync::Mutex::new(()),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Other numbers, from the next look on.
    pub fn set_policy(&self, policy: PollPolicy) {
        *self.policy.write() = policy;
    }

    /// Asks about accounts whose quota decides whether a request may go to them, and waits a little for the answers. What
    /// takes longer goes on and helps the next request.
    pub async fn find_out(self: &Arc<Self>, accounts: Vec<AccountId>) {
        if accounts.is_empty() {
            return;
        }
        let this = Arc::clone(self);
        let asking = self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(async move {
            for account in accounts {
                this.poll(account).await;
            }
        }));
        // Whether it ended, was cut at shutdown or takes longer: the request goes its way.
        drop(tokio::time::timeout(FIND_OUT_WITHIN, asking).await);
    }

    /// Ends the questions of [`Poller::find_out`] that are still under way.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Looks and asks until it is dropped.
    pub async fn run(&self) {
        loop {
            self.herd.clock().sleep(LOOK_EVERY).await;
            self.poll_due().await;
        }
    }

    /// Asks about everybody who is due, one after the other. Returns what came of it.
    pub async fn poll_due(&self) -> Vec<(AccountId, Polled)> {
        let policy = *self.policy.read();
        let mut done = Vec::new();
        for account in self.herd.due_polls(&policy, self.herd.clock().now()) {
            if !done.is_empty() {
                self.herd.clock().sleep(GAP).await;
            }
            let polled = self.poll(account).await;
            if let Polled::Failed { why, .. } = &polled {
                tracing::debug!(%account, why, "usage");
            }
            done.push((account, polled));
        }
        done
    }

    /// Asks about one account now, because a person wants to know. A vendor that has asked for patience gets it all the
    /// same.
    pub async fn poll(&self, account: AccountId) -> Polled {
        let Some(asked) = self.herd.asking_about(account) else {
            return Polled::Nobody { why: "there is no such account".to_owned() };
        };
        if let Some(why) = no_usage_endpoint(asked.vendor, asked.kind) {
            return Polled::Nobody { why: why.to_owned() };
        }
        let _one_at_a_time = self.asking.lock().await;
        let now = self.herd.clock().now();
        let state = match self.herd.store().claim_poll(account, asked.asked_at, now).await {
            Ok(PollClaim::Granted(state)) => state,
            Ok(PollClaim::Later(state)) => return self.not_now(&asked, state, now).await,
            Ok(PollClaim::Busy { .. }) => return Polled::Busy,
            Err(error) => return Polled::Failed { until: now, why: error.to_string() },
        };
        let clock = self.herd.clock();
        let (end, windows) = tokio::select! {
            end = self.ask(&asked) => end,
            () = clock.sleep(PATIENCE) => {
                let why = format!("no answer within {} s", PATIENCE.as_secs());
                (PollEnd::Busy { retry_after_s: None, why }, 0)
            }
        };
        let state = state.after(&end, clock.now());
        if let Err(error) = self.herd.store().end_poll(account, state.clone()).await {
            tracing::warn!(%account, %error, "what came of asking for usage could not be stored");
        }
        let until = state.not_before;
        self.herd.polled(account, state);
        match end {
            PollEnd::Answered => Polled::Answered { windows },
            PollEnd::Busy { why, .. } | PollEnd::Odd { why } | PollEnd::NotAllowed { why } => {
                Polled::Failed { until, why }
            }
        }
    }

    /// Another process has asked, or it rests.
    async fn not_now(&self, asked: &Asked, state: PollState, now: UnixSeconds) -> Polled {
        let rests = state.failures > 0 && state.not_before > now;
        let (until, why) = (state.not_before, state.trouble.clone().unwrap_or_default());
        if state.asked_at > asked.asked_at
            && let Err(error) = self.herd.share_readings().await
        {
            tracing::warn!(%error, "what another process has read could not be read");
        }
        self.herd.polled(asked.account, state);
        if rests { Polled::Rests { until, why } } else { Polled::Fresh }
    }

    /// One question, and a second one with a new token if the first token was refused.
    async fn ask(&self, asked: &Asked) -> (PollEnd, usize) {
        let mut refused = None;
        loop {
            let token = match self.keeper.token(asked.account).await {
                Ok(token) => token,
                Err(error) => return (PollEnd::Odd { why: error.to_string() }, 0),
            };
            let asked_at = self.herd.clock().now();
            let answer = match self.send(asked, &token).await {
                Ok(answer) => judge_usage(asked.vendor, answer.status, &answer.headers, &answer.body, asked_at),
                Err(error) => return (PollEnd::Busy { retry_after_s: None, why: error.to_string() }, 0),
            };
            return match answer {
                UsageAnswer::Windows(readings) => {
                    let windows = readings.len();
                    self.herd.harvest(asked.account, asked.earned_by, readings);
                    (PollEnd::Answered, windows)
                }
                UsageAnswer::Stale if refused.is_none() => {
                    refused = Some(token.generation());
                    match self.keeper.rejected(asked.account, token.generation()).await {
                        Refreshed::Renewed => continue,
                        _ => (PollEnd::Odd { why: "the token was refused and could not be renewed".to_owned() }, 0),
                    }
                }
                // The token is good: renewing it with every question would wear the login out.
                UsageAnswer::Stale => {
                    let why = "the usage endpoint refuses a token that has just been renewed".to_owned();
                    (PollEnd::NotAllowed { why }, 0)
                }
                UsageAnswer::NotAllowed { why } => (PollEnd::NotAllowed { why }, 0),
                UsageAnswer::Busy { retry_after_s, why } => (PollEnd::Busy { retry_after_s, why }, 0),
                UsageAnswer::Odd { why } => (PollEnd::Odd { why }, 0),
            };
        }
    }

    async fn send(&self, asked: &Asked, token: &Token) -> Result<Answer, SendError> {
        let nowhere = || SendError::NotSent("its usage endpoint is not known".to_owned());
        let protocol = if asked.vendor == Vendor::Anthropic { Protocol::Messages } else { Protocol::Codex };
        let known = || self.bases.get(&(asked.vendor, protocol)).map(String::as_str);
        let real = || remuda_vendors::endpoint::base(asked.vendor, asked.kind, protocol);
        let base = asked.base.as_deref().or_else(known).or_else(real).ok_or_else(nowhere)?;
        let workspace = asked.workspace.as_deref();
        let call = usage_call(asked.vendor, asked.kind, base, workspace, token.secret()).ok_or_else(nowhere)?;
        self.exchange.send(&call).await
    }
}
