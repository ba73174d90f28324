//! The price of a switch. A conversation has its prompt in the cache of one account; on another one the whole of it is
//! written anew, which costs more than reading it. So before a conversation leaves a warm cache, the price is weighed
//! against the wait, and before it goes back home from a detour, against what the detour costs.
//!
//! * **Leave or wait.** Its account rests, but for a short time, and the cache is still warm then. It waits if the wait is
//!   worth less than the price: so many dollars a minute, and never longer than a set time.
//! * **Go back or stay.** Home is back. The conversation goes on where it is while what it spent there since then, at list
//!   price, is less than the price of going back; then it goes back. Whichever way the conversation turns out, this costs
//!   at most twice of what the better choice would have cost (the classic argument of renting or buying). An account that
//!   costs money is left at once.
//!
//! Without a known price nothing is weighed: unknown is not zero.

use serde::{Deserialize, Serialize};

use super::gate::{Gate, Seen};
use super::path::{Candidate, Consent, Role};
use super::source::Source;
use super::{HoldReason, Route, Stage};
use crate::account::CostClass;
use crate::id::AccountId;
use crate::request::{RequestFacts, RequestKind, Warmth};
use crate::snapshot::{Snapshot, Target};
use crate::time::UnixSeconds;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// To wait for the account whose cache is warm.
    Wait,
    /// To leave it.
    Leave,
    /// To go on with the detour.
    StayAway,
    /// To go back home.
    GoBack,
}

/// Both sides of the scales.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Weighing {
    /// What was decided.
    pub decided: Decided,
    /// Where the cache is warm.
    pub warm: AccountId,
    /// Tokens in it.
    pub tokens: u64,
    /// What writing them anew costs more than reading them, in US dollars at list price.
    pub price_usd: f64,
    /// What stands against it, in US dollars: the wait, or what the detour has cost since home is back.
    pub against_usd: f64,
    /// The wait in seconds, where one is weighed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<i64>,
}

impl Route {
    /// The price of a switch, if one was weighed.
    #[must_use]
    pub fn weighed(&self) -> Option<&Weighing> {
        self.weighed.as_ref()
    }

    /// Before stand-ins are asked: is it worth waiting for the source instead?
    pub(super) fn worth_staying(&mut self, snapshot: &Snapshot, now: UnixSeconds) -> Option<Stage> {
        let (warm, source) = (self.request.conversation.warm.as_ref()?, self.meant.source.as_ref()?);
        if self.holding.is_over() || warm.account != source.account || !in_person(&self.request) {
            return None;
        }
        let until = self.gate(snapshot, now).returns_at(&source.candidate())?;
        if let Some(limit) = self.holding.stays_until {
            // It has looked again meanwhile.
            let stays = until > now && until <= limit;
            return stays.then_some(Stage::Staying { until, why: HoldReason::WarmCache });
        }
        if self.weighed.is_some() {
            return None;
        }
        let wait_s = until.saturating_sub(now);
        let price_usd = warm.rewrite_usd.filter(|price| price.is_finite())?;
        if wait_s <= 0 || until > warm.until || wait_s > snapshot.policy.max_stay_s {
            return None;
        }
        // Seconds are few enough for an `f64` to hold them exactly.
        let against_usd = wait_s as f64 / 60.0 * snapshot.policy.wait_usd_per_min;
        let decided = if against_usd < price_usd { Decided::Wait } else { Decided::Leave };
        let (warm, tokens) = (warm.account, warm.tokens);
        self.weighed = Some(Weighing { decided, warm, tokens, price_usd, against_usd, wait_s: Some(wait_s) });
        if decided == Decided::Leave {
            return None;
        }
        self.holding.stays_until = Some(until);
        Some(Stage::Staying { until, why: HoldReason::WarmCache })
    }
}

/// Before the source is asked: does a detour go on, because going back does not pay yet? Returns who is asked first then.
pub(super) fn detour(
    request: &RequestFacts,
    source: &Source,
    snapshot: &Snapshot,
    now: UnixSeconds,
) -> (Option<Candidate>, Option<Weighing>) {
    let Some(warm) = request.conversation.warm.as_ref() else { return (None, None) };
    let Some(candidate) = stand_in(warm, request, source, snapshot, now) else { return (None, None) };
    let Some(price_usd) = warm.rewrite_usd.filter(|price| price.is_finite()) else { return (None, None) };
    let against_usd = warm.spent_away_usd;
    let decided = if against_usd < price_usd { Decided::StayAway } else { Decided::GoBack };
    let weighing = Weighing { decided, warm: warm.account, tokens: warm.tokens, price_usd, against_usd, wait_s: None };
    ((decided == Decided::StayAway).then_some(candidate), Some(weighing))
}

/// The account of the detour, if the conversation may and can go on there and home could take it back.
fn stand_in(
    warm: &Warmth,
    request: &RequestFacts,
    source: &Source,
    snapshot: &Snapshot,
    now: UnixSeconds,
) -> Option<Candidate> {
    let away = warm.account != source.account && warm.until > now && source.role == Role::Source && in_person(request);
    let account = snapshot.accounts.get(&warm.account).filter(|_| away)?;
    if account.cost == CostClass::Metered || !on_path(warm.account, source, snapshot) {
        return None;
    }
    let pooled = source.pool.as_ref().and_then(|name| snapshot.pools.get(name));
    let pooled = pooled.is_some_and(|pool| pool.members.contains(&warm.account));
    let role = Role::StandIn;
    let candidate = Candidate { account: warm.account, model: None, role, consent: Consent::ByRule, pooled };
    let seen = Seen::default();
    let gate = Gate::new(request, snapshot, Some(source), &seen, now);
    let both = gate.check(&source.candidate()).is_ok() && gate.check(&candidate).is_ok();
    both.then_some(candidate)
}

/// Is it one of those who may stand in for the source, with the model that the request names?
fn on_path(account: AccountId, source: &Source, snapshot: &Snapshot) -> bool {
    let member = |name: &String| snapshot.pools.get(name).is_some_and(|pool| pool.members.contains(&account));
    let on_chain = snapshot.chains.get(&source.account).into_iter().flatten().any(|step| {
        step.model.is_none()
            && match &step.target {
                Target::Account(id) => *id == account,
                Target::Pool(name) => member(name),
            }
    });
    on_chain || source.pool.as_ref().is_some_and(member)
}

fn in_person(request: &RequestFacts) -> bool {
    matches!(request.kind, RequestKind::Main | RequestKind::Subagent)
}
