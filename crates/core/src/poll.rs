//! Which accounts are worth asking their vendor about, when, and when again after a failure. Pure: who really asks is in
//! the gateway.
//!
//! Answers of the vendor state what is left, and cost nothing extra; so an account that serves is hardly ever asked
//! about. One that is idle, dead or switched off never is. What remains are accounts that could serve next and whose
//! readings have grown old, those that rest (their window may start anew early), and those that are new.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountStatus};
use crate::headroom::Headroom;
use crate::id::AccountId;
use crate::snapshot::{Snapshot, Target, UnknownQuota};
use crate::time::{BELIEVABLE_HORIZON_S, UnixSeconds};

/// How often to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPolicy {
    /// Ask at all, unless a person does.
    pub enabled: bool,
    /// The age in seconds at which the readings of an account that matters are too old.
    pub every_s: i64,
}

impl Default for PollPolicy {
    fn default() -> Self {
        Self { enabled: true, every_s: 300 }
    }
}

/// What earlier polls of an account left behind. Shared by all processes on one store; a new login clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PollState {
    /// When the vendor was last asked; `None`: never since the last login.
    pub asked_at: Option<UnixSeconds>,
    /// First second at which it may be asked again.
    pub not_before: UnixSeconds,
    /// Failures in a row.
    pub failures: u32,
    /// What went wrong the last time, in words.
    pub trouble: Option<String>,
}

/// How a poll ended.
#[derive(Clone, Debug, PartialEq)]
pub enum PollEnd {
    /// With an answer.
    Answered,
    /// The vendor is busy (429, 5xx) or was not reached. Says nothing about the account.
    Busy {
        /// Seconds to wait, if the vendor states them.
        retry_after_s: Option<f64>,
        /// In words.
        why: String,
    },
    /// An answer that nobody understands. Says nothing about the account.
    Odd {
        /// In words.
        why: String,
    },
    /// This login may not ask (its token lacks the scope). Only another login changes that, and it serves all the
    /// same.
    NotAllowed {
        /// In words.
        why: String,
    },
}

impl PollState {
    /// Two polls of one account are never closer, whoever asks.
    pub const CLOSEST_S: i64 = 10;
    const FIRST_BACK_OFF_S: i64 = 60;
    const LONGEST_BACK_OFF_S: i64 = 900;
    const ODD_BACK_OFF_S: i64 = 300;
    const NOT_ALLOWED_S: i64 = 86_400;

    /// What to remember after a poll. A stated wait counts if it is longer than our own: the vendor has been seen to
    /// refuse for hours with `retry-after: 0` (2026).
    #[must_use]
    pub fn after(&self, end: &PollEnd, now: UnixSeconds) -> Self {
        let failures = self.failures.saturating_add(1);
        let failed = |wait: i64, why: &String| Self {
            asked_at: Some(now),
            not_before: now.saturating_add(wait),
            failures,
            trouble: Some(why.clone()),
        };
        match end {
            PollEnd::Answered => {
                Self { asked_at: Some(now), not_before: now + Self::CLOSEST_S, failures: 0, trouble: None }
            }
            PollEnd::Busy { retry_after_s, why } => {
                let doubled = Self::FIRST_BACK_OFF_S.saturating_mul(1 << (failures - 1).min(10));
                let stated = retry_after_s.filter(|s| s.is_finite() && *s > 0.0).map_or(0, |s| s.ceil() as i64);
                failed(doubled.min(Self::LONGEST_BACK_OFF_S).max(stated.min(BELIEVABLE_HORIZON_S)), why)
            }
            PollEnd::Odd { why } => failed(Self::ODD_BACK_OFF_S, why),
            PollEnd::NotAllowed { why } => failed(Self::NOT_ALLOWED_S, why),
        }
    }
}

/// Why an account's readings matter now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interest {
    /// Nothing has been read since it was logged in.
    New,
    /// It may be asked to serve next: it stands in for an account in use, or is where new conversations go.
    Next,
    /// It serves.
    Serving,
}

/// An account that has served within this many seconds is in use.
pub const IN_USE_S: i64 = 900;

/// The accounts whose readings matter. `used`: when each was last sent a request.
#[must_use]
pub fn interests(
    herd: &Snapshot,
    used: &BTreeMap<AccountId, UnixSeconds>,
    now: UnixSeconds,
) -> BTreeMap<AccountId, Interest> {
    let mut interests: BTreeMap<AccountId, Interest> =
        herd.accounts.values().filter(|a| a.readings.is_empty()).map(|a| (a.id, Interest::New)).collect();
    let in_use: BTreeSet<AccountId> =
        used.iter().filter(|(_, at)| now - **at <= IN_USE_S).map(|(account, _)| *account).collect();
    if in_use.is_empty() {
        return interests;
    }
    let steps = |source: AccountId| {
        let targets = herd.chains.get(&source).into_iter().flatten().map(|step| &step.target);
        targets.flat_map(|target| members(herd, target))
    };
    // Those that serve, and those for whom they serve.
    let mut sources = in_use.clone();
    sources.extend(herd.active.iter().flat_map(|active| members(herd, active)));
    sources.extend(herd.chains.keys().filter(|source| steps(**source).any(|id| in_use.contains(id))));
    let mut next: BTreeSet<AccountId> = sources.iter().flat_map(|source| steps(*source)).copied().collect();
    for pool in herd.pools.values().filter(|pool| pool.members.iter().any(|member| sources.contains(member))) {
        next.extend(&pool.members);
    }
    next.extend(&sources);
    interests.extend(next.into_iter().map(|id| (id, Interest::Next)));
    interests.extend(in_use.into_iter().map(|id| (id, Interest::Serving)));
    interests
}

/// The accounts that a request for one of these targets may come to, and that would be held back only because nothing
/// usable is known of a window of which something must remain. `model`: the one that it names.
#[must_use]
pub fn in_question(herd: &Snapshot, targets: &[&Target], model: &str, now: UnixSeconds) -> Vec<AccountId> {
    let asks = |floors: &BTreeMap<_, f64>| floors.values().any(|percent| *percent > 0.0);
    let switch = &herd.kill_switch;
    let reserved = switch.enabled && (asks(&switch.everyone) || switch.accounts.values().any(asks));
    // Nobody has set a floor: nearly always.
    if !reserved && !asks(&herd.minimum.everyone) && !herd.accounts.values().any(|a| asks(&a.min_remaining)) {
        return Vec::new();
    }
    let mut reached: Vec<AccountId> = Vec::new();
    let mut reach = |ids: &[AccountId]| {
        for id in ids {
            if !reached.contains(id) {
                reached.push(*id);
            }
        }
    };
    for source in targets.iter().flat_map(|target| members(herd, target)) {
        reach(&[*source]);
        for step in herd.chains.get(source).into_iter().flatten() {
            reach(members(herd, &step.target));
        }
    }
    let unknown = |id: &AccountId| {
        let Some(account) = herd.accounts.get(id) else { return false };
        account.status == AccountStatus::Ready
            && herd.resting(account, now).is_none()
            && herd.unknown_quota_of(account).0 == UnknownQuota::Closed
            && [herd.above_reserve(account, model, now), herd.above_minimum(account, model, now)]
                .contains(&Headroom::Unknown)
    };
    reached.retain(unknown);
    reached
}

fn members<'a>(herd: &'a Snapshot, target: &'a Target) -> &'a [AccountId] {
    match target {
        Target::Account(id) => std::slice::from_ref(id),
        Target::Pool(name) => herd.pools.get(name).map_or(&[], |pool| &pool.members),
    }
}

/// When to ask about an account; `None`: not for this reason. A moment that has passed means now.
#[must_use]
pub fn due(
    account: &Account,
    interest: Interest,
    state: &PollState,
    policy: &PollPolicy,
    now: UnixSeconds,
) -> Option<UnixSeconds> {
    /// A rest ends by itself; only one that is far from its end is worth looking at, and not often.
    const RESTING_EVERY_S: i64 = 900;
    if !policy.enabled || account.status != AccountStatus::Ready {
        return None;
    }
    let newest = account.readings.values().map(|reading| reading.read_at).max();
    let last = newest.max(state.asked_at);
    let every = match account.cooling.as_ref().filter(|rest| rest.holds(now)) {
        Some(rest) => {
            let every = policy.every_s.max(RESTING_EVERY_S);
            if rest.until - now <= every {
                return None;
            }
            every
        }
        None => policy.every_s,
    };
    match (interest, last) {
        (Interest::New, Some(_)) => None,
        (_, None) => Some(state.not_before),
        (_, Some(last)) => Some(last.saturating_add(spread(account.id, last, every)).max(state.not_before)),
    }
}

/// `every`, give or take a fifth. Drawn from the account and the moment, so that accounts drift apart and everybody who
/// looks finds the same.
fn spread(account: AccountId, last: UnixSeconds, every: i64) -> i64 {
    // splitmix64: neighbours must land far apart.
    let mut mixed = (account.0.as_u128() as u64) ^ ((account.0.as_u128() >> 64) as u64) ^ last.cast_unsigned();
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let share = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
    (every as f64 * (0.8 + 0.4 * share)).round() as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::account::{Cooldown, CostClass, CredentialKind, Vendor};
    use crate::id::Label;
    use crate::quota::{Reading, ReadingSource, Window};
    use crate::snapshot::{ChainStep, Pool};
    use crate::verdict::Class;

    const NOW: UnixSeconds = 1_000_000;

    fn id(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    fn account(n: u128, read_at: Option<UnixSeconds>) -> Account {
        let label = Label::new(&format!("a{n}")).unwrap();
        let mut account =
            Account::new(id(n), label, Vendor::Anthropic, CredentialKind::Subscription, CostClass::Included);
        if let Some(read_at) = read_at {
            let reading = Reading { used_percent: 1.0, resets_at: None, source: ReadingSource::Headers, read_at };
            account.readings.insert(Window::FiveHour, reading);
        }
        account
    }

    /// Accounts 1 to 5 with readings; 1 falls back on 2 and on the pool of 3 and 4.
    fn herd() -> Snapshot {
        let step = |target| ChainStep { target, model: None };
        Snapshot {
            accounts: (1..=5).map(|n| (id(n), account(n, Some(NOW)))).collect(),
            chains: [(id(1), vec![step(Target::Account(id(2))), step(Target::Pool("p".to_owned()))])].into(),
            pools: [("p".to_owned(), Pool { members: vec![id(3), id(4)], ..Pool::default() })].into(),
            ..Snapshot::default()
        }
    }

    fn used(n: u128, ago: i64) -> BTreeMap<AccountId, UnixSeconds> {
        [(id(n), NOW - ago)].into()
    }

    #[test]
    fn an_idle_herd_interests_nobody() {
        assert_eq!(interests(&herd(), &BTreeMap::new(), NOW), BTreeMap::new());
        assert_eq!(interests(&herd(), &used(1, IN_USE_S + 1), NOW), BTreeMap::new());
    }

    #[test]
    fn who_serves_and_who_could_serve_next_matter_and_others_do_not() {
        let found = interests(&herd(), &used(1, 10), NOW);
        let expected = [(1, Interest::Serving), (2, Interest::Next), (3, Interest::Next), (4, Interest::Next)];
        assert_eq!(found, expected.map(|(n, interest)| (id(n), interest)).into());
    }

    #[test]
    fn while_a_stand_in_serves_the_account_that_it_stands_in_for_matters() {
        let found = interests(&herd(), &used(2, 10), NOW);
        assert_eq!(found.get(&id(2)), Some(&Interest::Serving));
        assert_eq!(found.get(&id(1)), Some(&Interest::Next), "its window may be back");
        assert!(!found.contains_key(&id(5)));
    }

    #[test]
    fn an_account_of_which_nothing_is_known_is_asked_about_once() {
        let mut herd = herd();
        herd.accounts.insert(id(6), account(6, None));
        let found = interests(&herd, &BTreeMap::new(), NOW);
        assert_eq!(found, [(id(6), Interest::New)].into());
        let policy = PollPolicy::default();
        let new = &herd.accounts[&id(6)];
        assert!(due(new, Interest::New, &PollState::default(), &policy, NOW).unwrap() <= NOW);
        let asked = PollState { asked_at: Some(NOW - 100_000), ..PollState::default() };
        assert_eq!(due(new, Interest::New, &asked, &policy, NOW), None, "that it says nothing is known now");
    }

    #[test]
    fn fresh_readings_need_no_poll_and_old_ones_do() {
        let policy = PollPolicy::default();
        let at = due(&account(1, Some(NOW)), Interest::Serving, &PollState::default(), &policy, NOW).unwrap();
        assert!((NOW + 240..=NOW + 360).contains(&at), "{at}");
        let asked = PollState { asked_at: Some(NOW), ..PollState::default() };
        let at = due(&account(1, Some(NOW - 5_000)), Interest::Next, &asked, &policy, NOW).unwrap();
        assert!(at >= NOW + 240, "an answer without windows is an answer: {at}");
    }

    #[test]
    fn the_dead_the_closed_and_the_switched_off_are_never_asked_about() {
        let policy = PollPolicy::default();
        for status in [AccountStatus::NeedsLogin, AccountStatus::Disabled, AccountStatus::Paused] {
            let account = Account { status, ..account(1, Some(0)) };
            assert_eq!(due(&account, Interest::Serving, &PollState::default(), &policy, NOW), None);
        }
        let off = PollPolicy { enabled: false, ..policy };
        assert_eq!(due(&account(1, Some(0)), Interest::Serving, &PollState::default(), &off, NOW), None);
    }

    #[test]
    fn a_long_rest_is_looked_at_now_and_then_and_a_short_one_not_at_all() {
        let mut account = account(1, Some(NOW - 600));
        let mut rests = |until| {
            let (reason, evidence) = (Class::WindowExhausted, String::new());
            account.cooling = Some(Cooldown { until, reason, stated: true, since: NOW, evidence, probing_until: None });
            due(&account, Interest::Next, &PollState::default(), &PollPolicy::default(), NOW)
        };
        assert_eq!(rests(NOW + 600), None);
        let at = rests(NOW + 9_000).unwrap();
        assert!((NOW + 120..=NOW + 480).contains(&at), "900 s after the last reading, give or take a fifth: {at}");
    }

    #[test]
    fn only_what_a_floor_asks_for_and_nobody_knows_is_in_question() {
        let mut herd = herd();
        let active = Target::Account(id(1));
        let found = |herd: &Snapshot| in_question(herd, &[&active], "m", NOW + 700);
        assert_eq!(found(&herd), [], "nobody asks for anything");
        herd.minimum.everyone = [(Window::FiveHour, 10.0)].into();
        assert_eq!(found(&herd), [id(1), id(2), id(3), id(4)], "readings of 700 s ago; the fifth is not on the way");
        assert_eq!(in_question(&herd, &[&active], "m", NOW), [], "they are young enough");
        herd.accounts.get_mut(&id(2)).unwrap().status = AccountStatus::Paused;
        herd.accounts.get_mut(&id(3)).unwrap().unknown_quota = Some(UnknownQuota::Open);
        herd.accounts.get_mut(&id(4)).unwrap().min_remaining = [(Window::FiveHour, 0.0)].into();
        assert_eq!(found(&herd), [id(1)]);
        herd.minimum.everyone.clear();
        herd.kill_switch.everyone = [(Window::SevenDay, 5.0)].into();
        assert_eq!(found(&herd), [], "the kill switch is off");
        herd.kill_switch.enabled = true;
        assert_eq!(found(&herd), [id(1), id(4)]);
    }

    #[test]
    fn back_off_doubles_to_fifteen_minutes_and_an_answer_ends_it() {
        let busy = PollEnd::Busy { retry_after_s: None, why: "429".to_owned() };
        let mut state = PollState::default();
        let mut waits = Vec::new();
        for _ in 0..6 {
            state = state.after(&busy, NOW);
            waits.push(state.not_before - NOW);
        }
        assert_eq!(waits, [60, 120, 240, 480, 900, 900]);
        assert_eq!(state.trouble.as_deref(), Some("429"));
        let answered = state.after(&PollEnd::Answered, NOW);
        assert_eq!((answered.failures, answered.trouble), (0, None));
    }

    #[test]
    fn a_stated_wait_counts_if_it_is_longer_than_our_own() {
        let after = |retry_after_s| {
            let busy = PollEnd::Busy { retry_after_s, why: String::new() };
            PollState::default().after(&busy, NOW).not_before - NOW
        };
        assert_eq!(after(Some(200.5)), 201);
        assert_eq!(after(Some(0.0)), 60, "zero for hours has been seen");
        assert_eq!(after(Some(f64::NAN)), 60);
        assert_eq!(after(Some(1e300)), BELIEVABLE_HORIZON_S);
    }

    proptest! {
        #[test]
        fn polls_are_spread_by_a_fifth_and_everybody_finds_the_same(n: u128, last in 0..4_000_000_000_i64) {
            let drawn = spread(id(n), last, 300);
            prop_assert!((240..=360).contains(&drawn));
            prop_assert_eq!(drawn, spread(id(n), last, 300));
        }
    }

    #[test]
    fn accounts_that_were_read_together_drift_apart() {
        let drawn: BTreeSet<i64> = (0..30).map(|n| spread(id(n), NOW, 300)).collect();
        assert!(drawn.len() > 20, "{drawn:?}");
    }
}
