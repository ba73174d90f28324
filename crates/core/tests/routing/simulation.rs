//! Simulated days: ten accounts of three vendors with windows of their own, conversations that come and go, and a vendor
//! that refuses exactly when a window is spent. The same seed gives the same days, so strategies can be compared.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use remuda_core::account::{Account, CostClass, CredentialKind, Vendor};
use remuda_core::request::{Conversation, Host, RequestKind};
use remuda_core::route::{Action, Answer, Outcome, Route};
use remuda_core::snapshot::{Pool, Strategy, Target};
use remuda_core::{AccountId, Class, Label, Protocols, Reading, ReadingSource, RequestFacts, SessionKey, Window};
use rstest::rstest;

use crate::herd::{Herd, NOW, id, verdict};

const DAYS: i64 = 6;
const HOUR: i64 = 3_600;
const WEEK: i64 = 7 * 24 * HOUR;
const HERD: [(&str, Vendor); 10] = [
    ("a1", Vendor::Anthropic),
    ("a2", Vendor::Anthropic),
    ("a3", Vendor::Anthropic),
    ("a4", Vendor::Anthropic),
    ("o1", Vendor::OpenAi),
    ("o2", Vendor::OpenAi),
    ("o3", Vendor::OpenAi),
    ("q1", Vendor::Qwen),
    ("q2", Vendor::Qwen),
    ("q3", Vendor::Qwen),
];

/// Numbers that look random and are always the same (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, least: i64, most: i64) -> i64 {
        least + (self.next() % (most - least + 1) as u64) as i64
    }
}

/// What the vendor knows of one account.
struct Plan {
    five_hours: i64,
    week: i64,
    used_five_hours: i64,
    used_week: i64,
    /// When the five hours end that are running, if any are.
    ends: Option<i64>,
    week_ends: i64,
    /// What was left at the end of a week.
    lost: i64,
}

impl Plan {
    fn pass(&mut self, now: i64) {
        if self.ends.is_some_and(|ends| ends <= now) {
            (self.ends, self.used_five_hours) = (None, 0);
        }
        while self.week_ends <= now {
            self.lost += (self.week - self.used_week).max(0);
            self.used_week = 0;
            self.week_ends += WEEK;
        }
    }

    /// Until when it refuses.
    fn spent(&self) -> Option<i64> {
        let five_hours = (self.used_five_hours >= self.five_hours).then_some(self.ends).flatten();
        let week = (self.used_week >= self.week).then_some(self.week_ends);
        five_hours.max(week)
    }

    fn serve(&mut self, tokens: i64, now: i64) {
        self.ends.get_or_insert(now + 5 * HOUR);
        self.used_five_hours += tokens;
        self.used_week += tokens;
    }

    fn readings(&self, now: i64) -> BTreeMap<Window, Reading> {
        let percent = |used: i64, of: i64| (used as f64 / of as f64 * 100.0).min(100.0);
        let reading =
            |used_percent, resets_at| Reading { used_percent, resets_at, source: ReadingSource::Headers, read_at: now };
        [
            (Window::FiveHour, reading(percent(self.used_five_hours, self.five_hours), self.ends)),
            (Window::SevenDay, reading(percent(self.used_week, self.week), Some(self.week_ends))),
        ]
        .into()
    }
}

/// What came of the days.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    served: usize,
    /// Nobody could serve, and in truth nobody of the pool had anything left.
    refused: usize,
    /// Refusals that were met on the way.
    met: usize,
    moves: u32,
    lost: i64,
    /// Turns by account.
    turns: BTreeMap<String, usize>,
}

struct World {
    herd: Herd,
    plans: BTreeMap<AccountId, Plan>,
    tally: Tally,
}

impl World {
    fn new(strategy: Strategy, dice: &mut Dice) -> Self {
        let mut herd = Herd::of(&[]);
        let mut plans = BTreeMap::new();
        for (name, vendor) in HERD {
            let (kind, cost) = (CredentialKind::PlanKey, CostClass::Included);
            let account = Account::new(id(name), Label::new(name).unwrap(), vendor, kind, cost);
            herd.snapshot.accounts.insert(id(name), account);
            let five_hours = dice.between(200, 900) * 1_000;
            let plan = Plan {
                five_hours,
                week: five_hours * dice.between(4, 10),
                used_five_hours: 0,
                used_week: 0,
                ends: None,
                week_ends: NOW + dice.between(1, 6 * 24) * HOUR,
                lost: 0,
            };
            plans.insert(id(name), plan);
        }
        for (pool, vendor) in [("a", Vendor::Anthropic), ("o", Vendor::OpenAi), ("q", Vendor::Qwen)] {
            let members = HERD.iter().filter(|(_, of)| *of == vendor).map(|(name, _)| id(name)).collect();
            herd.snapshot.pools.insert(pool.to_owned(), Pool { strategy, members });
        }
        Self { herd, plans, tally: Tally::default() }
    }

    /// One turn of a conversation, as the gateway would take it.
    fn turn(&mut self, session: &str, pool: &str, tokens: i64) {
        let now = self.herd.now;
        self.plans.values_mut().for_each(|plan| plan.pass(now));
        let members = self.herd.snapshot.pools[pool].members.clone();
        let vendor = self.herd.snapshot.accounts[&members[0]].vendor;
        self.herd.snapshot.active = Some(Target::Pool(pool.to_owned()));
        let session = SessionKey(session.to_owned());
        let facts = RequestFacts {
            bound: self.herd.sessions.get(&session).cloned(),
            session: Some(session),
            vendor,
            protocol: Protocols::ALL,
            model: "any".to_owned(),
            kind: RequestKind::Main,
            host: Host::Other,
            pin: None,
            owner: None,
            replayable: true,
            conversation: Conversation::default(),
        };
        let free = members.iter().any(|member| self.plans[member].spent().is_none());
        let mut route = self.herd.begin(facts);
        loop {
            match self.herd.next(&mut route) {
                Action::Send { account, .. } => self.ask(&mut route, account, tokens),
                Action::Finish(outcome) => {
                    self.check(&route, &outcome, &members, free);
                    return;
                }
                other => panic!("{other:?}: there is nothing to wait for"),
            }
        }
    }

    fn ask(&mut self, route: &mut Route, account: AccountId, tokens: i64) {
        let now = self.herd.now;
        let plan = self.plans.get_mut(&account).unwrap();
        let answer = match plan.spent() {
            None => {
                plan.serve(tokens, now);
                Answer::Served
            }
            Some(until) => {
                self.tally.met += 1;
                Answer::Refused(remuda_core::Verdict { until: Some(until), ..verdict(Class::WindowExhausted) })
            }
        };
        let readings = plan.readings(now);
        self.herd.answer(route, answer);
        self.herd.snapshot.accounts.get_mut(&account).unwrap().readings = readings;
    }

    fn check(&mut self, route: &Route, outcome: &Outcome, members: &[AccountId], free: bool) {
        let tried: BTreeSet<&AccountId> = route.tried().iter().collect();
        assert_eq!(tried.len(), route.tried().len(), "an account is asked twice");
        assert!(route.tried().iter().all(|account| members.contains(account)), "isolation");
        assert!(route.hops() <= 5);
        self.tally.moves += route.hops();
        match outcome {
            Outcome::Served { account, .. } => {
                self.tally.served += 1;
                *self.tally.turns.entry(crate::herd::label(*account)).or_default() += 1;
            }
            Outcome::Error { retry_after_s, .. } => {
                assert!(!free, "an answer was interrupted although an account was free");
                assert!(retry_after_s.is_some(), "everyone has said when they are back");
                self.tally.refused += 1;
            }
            Outcome::StreamError { .. } => panic!("nothing breaks off here"),
        }
    }
}

/// Some hundred conversations over six days, a few at a time.
fn days(strategy: Strategy, seed: u64) -> Tally {
    let mut dice = Dice(seed);
    let mut world = World::new(strategy, &mut dice);
    // When, which conversation, its pool, how many turns are left, how large its prompt is.
    let mut due = BinaryHeap::new();
    for n in 0..360 {
        let pool = ["a", "a", "a", "a", "o", "o", "o", "q", "q", "q"][dice.between(0, 9) as usize];
        due.push(Reverse((NOW + dice.between(0, DAYS * 24 * HOUR), n, pool, dice.between(4, 40), 8_000)));
    }
    while let Some(Reverse((at, n, pool, turns, prompt))) = due.pop() {
        world.herd.now = at;
        world.turn(&format!("s{n}"), pool, prompt / 4);
        if turns > 1 {
            let next = at + dice.between(20, 400);
            due.push(Reverse((next, n, pool, turns - 1, prompt + dice.between(500, 4_000))));
        }
    }
    let end = world.herd.now;
    world.plans.values_mut().for_each(|plan| plan.pass(end));
    Tally { lost: world.plans.values().map(|plan| plan.lost).sum(), ..world.tally }
}

#[rstest]
fn no_answer_is_interrupted_while_an_account_of_its_pool_is_free(
    #[values(0, 1, 2, 3)] strategy: usize,
    #[values(7, 4_711, 20_261_120)] seed: u64,
) {
    let others = [Strategy::Headroom, Strategy::SoonestReset, Strategy::Balanced, Strategy::RoundRobin];
    for strategy in [others[strategy], Strategy::Ordered] {
        let tally = days(strategy, seed);
        assert!(tally.served > 1_000, "{strategy:?}: {tally:?}");
        assert!(tally.met > 0, "{strategy:?}: the windows are never spent, so nothing was tested");
    }
}

#[test]
fn the_same_days_come_out_the_same() {
    assert_eq!(days(Strategy::Balanced, 7), days(Strategy::Balanced, 7));
}

#[test]
fn looking_at_what_is_left_meets_fewer_refusals_than_a_fixed_order() {
    let met = |strategy| -> usize { [7, 4_711, 20_261_120].map(|seed| days(strategy, seed).met).iter().sum() };
    let ordered = met(Strategy::Ordered);
    for strategy in [Strategy::Headroom, Strategy::Balanced] {
        assert!(met(strategy) < ordered, "{strategy:?} {} against {ordered}", met(strategy));
    }
}

#[test]
fn what_ends_first_is_spent_first() {
    let lost = |strategy| -> i64 { [7, 4_711, 20_261_120].map(|seed| days(strategy, seed).lost).iter().sum() };
    let (soonest, headroom) = (lost(Strategy::SoonestReset), lost(Strategy::Headroom));
    assert!(soonest < headroom, "{soonest} against {headroom}");
}

#[test]
fn nobody_carries_it_all_where_the_work_is_spread() {
    for strategy in [Strategy::Headroom, Strategy::Balanced, Strategy::RoundRobin] {
        let turns = days(strategy, 7).turns;
        assert_eq!(turns.len(), HERD.len(), "{strategy:?}: {turns:?}");
    }
}
