//! Where a pool places a new conversation: its members that can serve are rated by the pool's strategy, and the best is
//! taken. Of equals the first in the owner's order. A conversation that lives somewhere is never placed again.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::id::AccountId;
use crate::live::Load;
use crate::quota::{Reading, Window};
use crate::request::RequestFacts;
use crate::snapshot::{Pool, Snapshot, Strategy};
use crate::time::UnixSeconds;

/// A member with less than this percent left in any window comes after all others: a conversation would hardly begin
/// there before it had to move.
const HARDLY_ANY_PERCENT: f64 = 3.0;
/// What a request of unknown size is counted as: the first turn of an agent (measured in November 2026: 6 to 94 KB).
const USUAL_BYTES: f64 = 65_536.0;
const HOUR_S: f64 = 3_600.0;
/// A reset nearer than this counts as this near, so that no share becomes infinite.
const NEAREST_RESET_S: i64 = 60;

/// Why a member is where it is in a pool's order for a new conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Because {
    /// It is the first in the owner's order.
    First,
    /// It is its turn.
    Turn,
    /// Nothing is used of any of its windows.
    Untouched,
    /// No quota of it was ever read; one conversation will find out.
    Unknown,
    /// Its fullest window is used that far.
    Used {
        /// The fullest window.
        window: Window,
        /// Percent used of it.
        used_percent: f64,
    },
    /// Its longest window starts anew then, and what is left of it would be lost.
    Resets {
        /// The window.
        window: Window,
        /// When; `None`: not known.
        at: Option<UnixSeconds>,
    },
    /// So much of it can be spent an hour until it starts anew, beside what is under way there.
    Spendable {
        /// Percent of the scarcest window, above its reserve, for each hour until that window's reset.
        percent_per_hour: f64,
        /// Requests under way there.
        in_flight: u32,
        /// Bytes sent there since its quota was last read.
        bytes_since_reading: u64,
    },
}

/// A member that could have taken the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Rated {
    /// Who.
    pub account: AccountId,
    /// Its rating.
    pub because: Because,
}

/// How a pool has placed a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The pool's strategy.
    pub strategy: Strategy,
    /// The member that was taken, and why.
    pub on: Rated,
    /// The other members that could have taken it, the next best first.
    pub others: Vec<Rated>,
}

/// Rates those members that can serve. `None`: there is none.
pub(super) fn choose(
    (name, pool): (&str, &Pool),
    able: &[AccountId],
    request: &RequestFacts,
    snapshot: &Snapshot,
    now: UnixSeconds,
) -> Option<Placement> {
    let rating = |id: &AccountId| {
        let account = snapshot.accounts.get(id)?;
        let standing = || Standing::of(account, &request.model, snapshot, now);
        let load = snapshot.live.load(*id);
        let (rank, because) = match pool.strategy {
            Strategy::Ordered => ([0.0; 4], Because::First),
            Strategy::RoundRobin => {
                ([turns_until(pool, snapshot.live.last_placed(name), *id), 0.0, 0.0, 0.0], Because::Turn)
            }
            Strategy::Headroom => standing().by_headroom(load),
            Strategy::SoonestReset => standing().by_reset(load),
            Strategy::Balanced => standing().by_share(load),
        };
        Some((rank, Rated { account: *id, because }))
    };
    let mut rated: Vec<([f64; 4], Rated)> = able.iter().filter_map(rating).collect();
    // Stable: equals stay in the owner's order.
    rated.sort_by(|(a, _), (b, _)| lexicographic(a, b));
    let mut rated = rated.into_iter().map(|(_, rated)| rated);
    Some(Placement { strategy: pool.strategy, on: rated.next()?, others: rated.collect() })
}

fn lexicographic(a: &[f64; 4], b: &[f64; 4]) -> Ordering {
    a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// How many members come before this one, counted around the ring from the one that was placed on last.
fn turns_until(pool: &Pool, last: Option<AccountId>, id: AccountId) -> f64 {
    let position = |wanted| pool.members.iter().position(|member| *member == wanted);
    let start = last.and_then(position).map_or(0, |at| at + 1);
    let at = position(id).unwrap_or_default();
    let members = pool.members.len().max(1);
    // Members are few enough for an `f64` to count them.
    ((at + 2 * members - start) % members) as f64
}

/// What is known of an account's windows, as far as they concern a model. For placing, an old reading is better than
/// none: a window whose reset has passed is free, and one whose reset has not is at least as full as it was.
struct Standing {
    kind: Kind,
    fullest: Option<(Window, f64)>,
    /// The longest window of the whole account, and when it starts anew.
    longest: Option<(Window, Option<UnixSeconds>)>,
    percent_per_hour: f64,
    now: UnixSeconds,
}

/// In the order in which they are preferred.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Untouched,
    Unknown,
    Touched,
    HardlyAny,
}

impl Standing {
    fn of(account: &Account, model: &str, snapshot: &Snapshot, now: UnixSeconds) -> Self {
        let known = account.readings.iter().filter(|(w, r)| w.concerns(model) && r.used_percent.is_finite());
        let mut standing = Self {
            kind: Kind::Unknown,
            fullest: None,
            longest: None,
            percent_per_hour: 100.0 / hours(Window::SEVEN_DAY_S as f64),
            now,
        };
        let mut scarcest = f64::INFINITY;
        let mut longest_s = 0;
        for (window, reading) in known {
            let left = reading.remaining(now);
            let used = 100.0 - left;
            if standing.fullest.as_ref().is_none_or(|(_, fullest)| used > *fullest) {
                standing.fullest = Some((window.clone(), used));
            }
            if let Some(length_s) = window.length_s().filter(|length| *length > longest_s) {
                longest_s = length_s;
                standing.longest = Some((window.clone(), reading.resets_at.filter(|at| *at > now)));
            }
            scarcest = scarcest
                .min((left - snapshot.kept_of(account, window)).max(0.0) / hours(seconds_left(window, reading, now)));
        }
        if let Some((_, used)) = &standing.fullest {
            standing.percent_per_hour = scarcest;
            standing.kind = match *used {
                used if used <= 0.0 => Kind::Untouched,
                used if used > 100.0 - HARDLY_ANY_PERCENT => Kind::HardlyAny,
                _ => Kind::Touched,
            };
        }
        standing
    }

    fn used(&self) -> f64 {
        self.fullest.as_ref().map_or(0.0, |(_, used)| *used)
    }

    /// Seconds until the longest window starts anew; not known: later than any.
    fn resets_in(&self) -> f64 {
        let at = self.longest.as_ref().and_then(|(_, at)| *at);
        at.map_or(f64::INFINITY, |at| at.saturating_sub(self.now) as f64)
    }

    /// Untouched first, then least used of its fullest window.
    fn by_headroom(self, load: Load) -> ([f64; 4], Because) {
        let rank = [f64::from(self.kind as u8), self.used(), f64::from(load.in_flight), self.resets_in()];
        (rank, self.because(|fullest, _| Because::Used { window: fullest.0, used_percent: fullest.1 }))
    }

    /// Untouched first, then the weekly window (or the longest that the account has) that resets first.
    fn by_reset(self, load: Load) -> ([f64; 4], Because) {
        let rank = [f64::from(self.kind as u8), self.resets_in(), f64::from(load.in_flight), self.used()];
        let because = self.because(|fullest, longest| match longest {
            Some((window, at)) => Because::Resets { window, at },
            None => Because::Used { window: fullest.0, used_percent: fullest.1 },
        });
        (rank, because)
    }

    /// What would be under way there with this conversation, for each percent that can be spent an hour: the least.
    fn by_share(self, load: Load) -> ([f64; 4], Because) {
        const FLOOR: f64 = 1e-6;
        let bytes = load.bytes_since_reading as f64 + (f64::from(load.in_flight) + 1.0) * USUAL_BYTES;
        let because = Because::Spendable {
            percent_per_hour: self.percent_per_hour,
            in_flight: load.in_flight,
            bytes_since_reading: load.bytes_since_reading,
        };
        ([bytes / self.percent_per_hour.max(FLOOR), 0.0, 0.0, 0.0], because)
    }

    fn because(self, touched: impl FnOnce((Window, f64), Option<(Window, Option<UnixSeconds>)>) -> Because) -> Because {
        match (self.kind, self.fullest) {
            (Kind::Touched | Kind::HardlyAny, Some(fullest)) => touched(fullest, self.longest),
            (Kind::Untouched, _) => Because::Untouched,
            (Kind::Unknown | Kind::Touched | Kind::HardlyAny, _) => Because::Unknown,
        }
    }
}

/// Until the window starts anew. One that has not begun lasts its whole length from the first request on.
fn seconds_left(window: &Window, reading: &Reading, now: UnixSeconds) -> f64 {
    match reading.resets_at.filter(|at| *at > now) {
        Some(at) => at.saturating_sub(now).max(NEAREST_RESET_S) as f64,
        None => window.length_s().unwrap_or(Window::SEVEN_DAY_S) as f64,
    }
}

fn hours(seconds: f64) -> f64 {
    seconds / HOUR_S
}
