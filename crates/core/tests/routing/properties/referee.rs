//! Watches one request and panics at the first step against the rules. Knows nothing of the engine's inside: every
//! judgement is made from the snapshot, the facts and what was seen to happen.

use std::collections::{BTreeMap, BTreeSet};

use remuda_core::account::{Account, AccountStatus, CostClass, CredentialKind};
use remuda_core::request::{Home, PinScope, RequestFacts};
use remuda_core::route::{Action, Answer, HoldReason, Outcome, Route, StateChange};
use remuda_core::snapshot::{Snapshot, Target, UnknownQuota};
use remuda_core::{AccountId, Class, RequestKind, UnixSeconds, Window};

pub(crate) struct Referee {
    facts: RequestFacts,
    source: Option<AccountId>,
    pool: Option<String>,
    /// The session's home since the request began.
    home: Option<Home>,
    /// Everyone who was sent to, in order.
    sent: Vec<AccountId>,
    last_verdict: BTreeMap<AccountId, Class>,
    answered: Option<Answer>,
    steps: usize,
    /// Everyone who was sent to before it was held, and the first moment at which it was.
    before: Vec<AccountId>,
    held_since: Option<UnixSeconds>,
    /// It was held, and nobody was sent to since.
    held: bool,
    stays_since: Option<UnixSeconds>,
    moves: usize,
}

impl Referee {
    pub(crate) fn begin(route: &Route, changes: &[StateChange], snapshot: &Snapshot) -> Self {
        let facts = route.request().clone();
        let source = route.source();
        let bound = facts.bound.clone().filter(|home| snapshot.accounts.contains_key(&home.account));
        let pin = facts.pin.as_ref().filter(|pin| pin.fresh || pin.scope != PinScope::Global || bound.is_none());

        // The source is what the pin, or else the home, or else the active target names.
        let parent = facts.conversation.parent_home.clone().filter(|h| snapshot.accounts.contains_key(&h.account));
        let parents_pool = parent.as_ref().and_then(|home| {
            let name = home.pool.as_ref()?;
            snapshot.pools.get(name).filter(|pool| pool.members.contains(&home.account)).map(|_| name.clone())
        });
        match (pin.map(|pin| &pin.target), &bound, &parent, &snapshot.active) {
            (Some(target), bound, ..) => {
                let by_target = within(source, target, snapshot);
                let at_home = bound.as_ref().is_some_and(|home| source == Some(home.account));
                assert!(by_target, "the source {source:?} is not what was chosen (at home: {at_home})");
            }
            (None, Some(home), ..) => assert_eq!(source, Some(home.account), "the session has a home"),
            (None, None, Some(parent), _) => match &parents_pool {
                Some(pool) => assert!(within(source, &Target::Pool(pool.clone()), snapshot), "not with its parent"),
                None => assert_eq!(source, Some(parent.account), "a subagent goes where its parent lives"),
            },
            (None, None, None, Some(target)) => {
                assert!(within(source, target, snapshot), "the source is not the active one");
            }
            (None, None, None, None) => assert_eq!(source, None, "nobody is active"),
        }

        let binds: Vec<&Home> = changes.iter().filter_map(bind).collect();
        assert!(
            binds.len() <= 1 && changes.len() == binds.len(),
            "a request begins with nothing but a home: {changes:?}"
        );
        let moved = pin.is_some_and(|pin| pin.fresh || matches!(pin.target, Target::Pool(_)));
        assert!(binds.is_empty() || bound.is_none() || moved, "{binds:?}: nobody has moved the session");
        let home = binds.first().copied().cloned().or(bound.clone());
        let pool = route.source_pool().map(str::to_owned);
        if let Some(name) = &pool {
            let named = |target: &Target| *target == Target::Pool(name.clone());
            let placed_it = bound_pool(&facts).is_some_and(|by| by == name);
            let meant = pin.map_or(snapshot.active.as_ref(), |pin| Some(&pin.target)).is_some_and(named);
            let with_parent = pin.is_none() && bound.is_none() && parents_pool.as_ref() == Some(name);
            let meant = meant && (pin.is_some() || parent.is_none());
            assert!(placed_it || with_parent || meant, "@{name} has nothing to do with this session");
            assert!(within(source, &Target::Pool(name.clone()), snapshot), "the source is no member of @{name}");
        }
        Self {
            facts,
            source,
            pool,
            home,
            sent: Vec::new(),
            last_verdict: BTreeMap::new(),
            answered: None,
            steps: 0,
            before: Vec::new(),
            held_since: None,
            held: false,
            stays_since: None,
            moves: 0,
        }
    }

    pub(crate) fn next(&mut self, action: &Action, changes: &[StateChange], snapshot: &Snapshot, now: UnixSeconds) {
        self.steps += 1;
        let policy = &snapshot.policy;
        let per_account = policy.burst_retries + policy.overloaded_retries + policy.transient_retries + 2;
        let most = 3 * (policy.max_hops as usize + 2) * (per_account as usize + 1);
        let rounds = if self.held_since.is_some() || self.stays_since.is_some() { 40 } else { 1 };
        assert!(self.steps <= rounds * most, "no end after {most} steps");
        for change in changes {
            assert!(!matches!(change, StateChange::Bind(..)), "{change:?}: a step binds nothing");
        }
        match action {
            Action::Send { account, model } => self.send(*account, model.as_deref(), changes, snapshot, now),
            Action::Wait { seconds } => {
                assert!(*seconds > 0.0 && *seconds <= policy.max_wait_s, "a wait of {seconds} s");
                self.may_go_on();
            }
            Action::Refresh { account } => {
                assert_eq!(self.last_verdict.get(account), Some(&Class::CredentialStale), "no need to refresh");
                self.may_go_on();
            }
            Action::Hold { until, why: HoldReason::NobodyElse } => self.hold(*until, snapshot, now),
            Action::Hold { until, why: HoldReason::WarmCache } => self.stay(*until, snapshot, now),
            Action::Finish(_) => {}
        }
    }

    /// Nobody is held longer than allowed, and nobody whose answer is final.
    fn hold(&mut self, until: UnixSeconds, snapshot: &Snapshot, now: UnixSeconds) {
        self.may_go_on();
        assert!(matches!(self.facts.kind, RequestKind::Main | RequestKind::Subagent), "{:?} is held", self.facts.kind);
        let source = self.source.expect("nobody is waited for");
        let own = snapshot.limits.accounts.get(&source).and_then(|own| own.hold_s).or(snapshot.limits.everyone.hold_s);
        let patience = self.facts.conversation.patience_s.or(own).expect("nobody allows it to be held");
        let since = *self.held_since.get_or_insert(now);
        assert!(until > now && until - since <= patience, "held until {until} since {since}, with {patience} s");
        self.held = true;
    }

    /// Nobody stays for a cache that is not theirs, is cold by then, or costs less than the wait.
    fn stay(&mut self, until: UnixSeconds, snapshot: &Snapshot, now: UnixSeconds) {
        self.may_go_on();
        let warm = self.facts.conversation.warm.as_ref().expect("there is no warm cache");
        assert_eq!(Some(warm.account), self.source, "it stays for somebody else's cache");
        let since = *self.stays_since.get_or_insert(now);
        let policy = &snapshot.policy;
        assert!(until > now && until <= warm.until && until - since <= policy.max_stay_s, "stays until {until}");
        let price = warm.rewrite_usd.expect("unknown is not zero");
        assert!((until - since) as f64 / 60.0 * policy.wait_usd_per_min <= price, "the wait costs more");
        self.held = true;
    }

    /// It stood in line for the account, and then went on without it.
    pub(crate) fn taken_back(&mut self) {
        let gone = self.sent.pop();
        self.moves -= usize::from(gone != self.source);
    }

    fn send(
        &mut self,
        id: AccountId,
        model: Option<&str>,
        changes: &[StateChange],
        snapshot: &Snapshot,
        now: UnixSeconds,
    ) {
        self.may_go_on();
        if std::mem::take(&mut self.held) {
            self.before.append(&mut self.sent);
            self.last_verdict.clear();
            self.answered = None;
        }
        let account = snapshot.accounts.get(&id).expect("an account that does not exist is asked");
        let is_source = Some(id) == self.source;
        let chosen = is_source
            && self.held_since.is_none()
            && self.stays_since.is_none()
            && self.facts.pin.as_ref().is_some_and(|p| p.fresh && p.target == Target::Account(id));

        assert!(self.path(snapshot).contains(&id), "isolation: {} is not on the path", crate::herd::label(id));
        assert!(self.facts.replayable || self.sent.is_empty(), "a body that cannot be sent again is sent again");
        if self.sent.last() != Some(&id) {
            assert!(!self.sent.contains(&id), "an account is asked twice");
        }
        let retries = self.sent.iter().filter(|sent| **sent == id).count();
        let p = &snapshot.policy;
        let most = p.burst_retries + p.overloaded_retries + p.transient_retries + 1;
        assert!(retries <= most as usize, "{retries} retries on one account");
        self.moves += usize::from(!is_source && self.sent.last() != Some(&id));
        self.sent.push(id);
        assert!(self.moves <= p.max_hops as usize, "{} moves", self.moves);

        let asked = model.unwrap_or(&self.facts.model);
        assert!(model.is_some() || account.vendor == self.facts.vendor, "another vendor without a model");
        assert!(granted(account, &self.facts), "the terms are broken");
        assert!(above_kill_switch(account, asked, snapshot, now), "the kill switch is beaten");
        assert!(above_reserve(account, asked, self.facts.kind, snapshot, now), "what was kept for others is used");
        assert_ne!(account.status, AccountStatus::Paused, "its owner has switched it off");
        assert!(chosen || account.status == AccountStatus::Ready, "{:?} is asked", account.status);
        assert!(self.may_spend(account, is_source, snapshot, now), "silent spending");
        if !chosen {
            assert!(!rests(account, asked, snapshot, now), "a resting account is asked");
        }
        if !chosen && self.facts.kind.draws_on_quota() {
            self.one_probe(account, asked, changes, now, retries);
        }
    }

    /// Whoever asks an account whose rest was a guess says so, and is the only one.
    fn one_probe(&self, account: &Account, asked: &str, changes: &[StateChange], now: UnixSeconds, retries: usize) {
        let guesses = [(None, account.cooling.as_ref()), (Some(asked), account.model_cooling.get(asked))];
        for (model, rest) in guesses {
            let Some(rest) = rest.filter(|rest| !rest.stated && rest.until <= now) else { continue };
            let taken = changes.iter().any(|change| {
                matches!(change, StateChange::Probing(id, of, Some(_)) if *id == account.id && of.as_deref() == model)
            });
            assert!(taken, "a probe is not taken");
            let free = rest.probing_until.is_none_or(|until| until <= now);
            assert!(free || retries > 0, "two probes at once");
        }
    }

    pub(crate) fn answered(&mut self, account: AccountId, answer: &Answer) {
        match answer {
            Answer::Served => {}
            Answer::Refused(verdict) | Answer::BrokeOff(verdict) => {
                self.last_verdict.insert(account, verdict.class);
            }
        }
        self.answered = Some(answer.clone());
    }

    /// After the last answer, is there anything left to do for this request?
    fn may_go_on(&self) {
        match &self.answered {
            Some(Answer::Served | Answer::BrokeOff(_)) => panic!("content was released, and it goes on"),
            Some(Answer::Refused(verdict)) => {
                let over = matches!(verdict.class, Class::RequestFault | Class::TermsRefused | Class::NetworkBlocked);
                assert!(!over, "{:?} is not evaded", verdict.class);
                assert!(verdict.fail_over || verdict.class == Class::Overloaded, "this refusal is not evaded");
            }
            None => {}
        }
    }

    pub(crate) fn learned(&mut self, changes: &[StateChange], snapshot: &Snapshot) {
        for home in changes.iter().filter_map(bind) {
            let old = self.home.as_ref().expect("a session without a home is bound by an answer");
            let status = snapshot.accounts[&old.account].status;
            let broken = matches!(status, AccountStatus::NeedsLogin | AccountStatus::Disabled);
            assert!(broken, "a detour has moved the session: its home is {status:?}");
            assert_eq!(Some(&home.account), self.sent.last(), "moved to someone who has not served");
            assert_eq!(self.answered, Some(Answer::Served));
        }
    }

    pub(crate) fn finished(&self, route: &Route, outcome: &Outcome) {
        assert_eq!(route.tried(), [&self.before[..], &self.sent[..]].concat(), "who was asked");
        let both = route.skipped().iter().find(|passed| !self.held && self.sent.contains(&passed.account));
        assert_eq!(both, None, "asked and passed over");
        let skipped: BTreeSet<AccountId> = route.skipped().iter().map(|passed| passed.account).collect();
        assert_eq!(skipped.len(), route.skipped().len(), "passed over twice");
        match outcome {
            Outcome::Served { account, .. } => {
                assert_eq!(self.answered, Some(Answer::Served));
                assert_eq!(self.sent.last(), Some(account));
            }
            Outcome::StreamError { from, class } => {
                assert!(matches!(&self.answered, Some(Answer::BrokeOff(verdict)) if verdict.class == *class));
                assert_eq!(self.sent.last(), Some(from));
            }
            Outcome::Error { from, class, retry_after_s } => {
                assert!(matches!(self.answered, None | Some(Answer::Refused(_))));
                if !self.held {
                    assert_eq!(from.is_some(), !self.sent.is_empty(), "an answer is handed on if there was one");
                    assert_eq!(from.and_then(|from| self.last_verdict.get(&from)), class.as_ref());
                }
                assert!(retry_after_s.is_none_or(|seconds| seconds >= 1.0), "back {retry_after_s:?} s ago");
            }
        }
    }

    /// The source, the members of the pool it was placed by, and the source's own chain. Nobody else.
    fn path(&self, snapshot: &Snapshot) -> BTreeSet<AccountId> {
        let Some(source) = self.source else { return BTreeSet::new() };
        let members = |name: &String| snapshot.pools.get(name).map(|pool| pool.members.clone()).unwrap_or_default();
        let mut path = BTreeSet::from([source]);
        if let Some(pool) = &self.pool {
            path.extend(members(pool));
        }
        for step in snapshot.chains.get(&source).into_iter().flatten() {
            match &step.target {
                Target::Account(id) => drop(path.insert(*id)),
                Target::Pool(name) => path.extend(members(name)),
            }
        }
        path
    }

    fn may_spend(&self, account: &Account, is_source: bool, snapshot: &Snapshot, now: UnixSeconds) -> bool {
        if account.cost != CostClass::Metered {
            return true;
        }
        let rule = snapshot.spend_rules.get(&account.id);
        let below = rule.is_some_and(|rule| rule.spent_today_usd < rule.daily_limit_usd);
        let all_metered = self.pool.as_ref().and_then(|name| snapshot.pools.get(name)).is_some_and(|pool| {
            let cost = |id: &AccountId| snapshot.accounts.get(id).map(|account| account.cost);
            pool.members.contains(&account.id) && pool.members.iter().filter_map(cost).all(|c| c == CostClass::Metered)
        });
        if all_metered {
            return true;
        }
        let named = |target: &Target| *target == Target::Account(account.id);
        let pinned = self.facts.pin.as_ref().is_some_and(|pin| named(&pin.target));
        if is_source && (pinned || snapshot.active.as_ref().is_some_and(named)) {
            return true;
        }
        let bound = self.facts.bound.as_ref().filter(|home| snapshot.accounts.contains_key(&home.account));
        let lives = bound.or(self.facts.conversation.parent_home.as_ref());
        if is_source && lives.is_some_and(|home| home.account == account.id) {
            return rule.is_none() || below;
        }
        // By rule only: it names what the source answered, or why it rests.
        let Some((source, rule)) = self.source.zip(rule) else { return false };
        let mut reasons: Vec<Class> = self.last_verdict.get(&source).copied().into_iter().collect();
        if let (true, Some(source)) = (reasons.is_empty(), snapshot.accounts.get(&source)) {
            let labels = snapshot.accounts.values().filter(|other| {
                other.id == source.id || (other.identity.is_some() && other.identity == source.identity)
            });
            let rests =
                labels.filter_map(|label| label.cooling.as_ref()).chain(source.model_cooling.get(&self.facts.model));
            reasons.extend(rests.filter(|rest| rest.until > now).map(|rest| rest.reason));
        }
        below && reasons.iter().any(|reason| rule.after.contains(reason))
    }
}

fn bind(change: &StateChange) -> Option<&Home> {
    match change {
        StateChange::Bind(_, home) => Some(home),
        _ => None,
    }
}

fn bound_pool(facts: &RequestFacts) -> Option<&String> {
    facts.bound.as_ref().and_then(|home| home.pool.as_ref())
}

fn within(source: Option<AccountId>, target: &Target, snapshot: &Snapshot) -> bool {
    match (target, source) {
        (Target::Account(id), source) => source == Some(*id),
        (Target::Pool(name), Some(source)) => {
            snapshot.pools.get(name).is_some_and(|pool| pool.members.contains(&source))
        }
        (Target::Pool(name), None) => snapshot.pools.get(name).is_none_or(|pool| pool.members.is_empty()),
    }
}

fn granted(account: &Account, facts: &RequestFacts) -> bool {
    let free = matches!(account.kind, CredentialKind::ApiKey | CredentialKind::PlanKey);
    free || facts.host.maker() == Some(account.vendor) || account.allowed_hosts.contains(&facts.host)
}

fn above_reserve(account: &Account, model: &str, kind: RequestKind, snapshot: &Snapshot, now: UnixSeconds) -> bool {
    let own = snapshot.limits.accounts.get(&account.id).cloned().unwrap_or_default();
    let everyone = &snapshot.limits.everyone;
    let merged = |everyone: &BTreeMap<Window, f64>, own: BTreeMap<Window, f64>| {
        let mut all = everyone.clone();
        all.extend(own);
        all
    };
    let mut floors = match kind {
        RequestKind::Subagent | RequestKind::Background => merged(&everyone.subagents, own.subagents),
        _ => BTreeMap::new(),
    };
    if kind == RequestKind::Background {
        for (window, percent) in merged(&everyone.background, own.background) {
            let floor = floors.entry(window).or_insert(percent);
            *floor = floor.max(percent);
        }
    }
    let enough = |window: &Window, floor: f64| match account.readings.get(window) {
        Some(reading) if now - reading.read_at <= snapshot.policy.quota_max_age_s => {
            reading.resets_at.is_some_and(|at| at <= now) || 100.0 - reading.used_percent >= floor
        }
        _ => snapshot.unknown_quota_of(account).0 == UnknownQuota::Open,
    };
    floors.iter().filter(|(window, floor)| **floor > 0.0 && window.concerns(model)).all(|(w, floor)| enough(w, *floor))
}

fn above_kill_switch(account: &Account, model: &str, snapshot: &Snapshot, now: UnixSeconds) -> bool {
    let switch = &snapshot.kill_switch;
    let mut floors: BTreeMap<&Window, f64> = switch.everyone.iter().map(|(window, floor)| (window, *floor)).collect();
    floors.extend(switch.accounts.get(&account.id).into_iter().flatten().map(|(window, floor)| (window, *floor)));
    !switch.enabled
        || floors.into_iter().filter(|(window, floor)| *floor > 0.0 && window.concerns(model)).all(|(window, floor)| {
            match account.readings.get(window) {
                Some(reading) if now - reading.read_at <= snapshot.policy.quota_max_age_s => {
                    reading.resets_at.is_some_and(|at| at <= now) || 100.0 - reading.used_percent >= floor
                }
                _ => snapshot.unknown_quota_of(account).0 == UnknownQuota::Open,
            }
        })
}

fn rests(account: &Account, model: &str, snapshot: &Snapshot, now: UnixSeconds) -> bool {
    let same =
        |other: &&Account| other.id == account.id || (other.identity.is_some() && other.identity == account.identity);
    let whole =
        snapshot.accounts.values().filter(same).any(|a| a.cooling.as_ref().is_some_and(|rest| rest.until > now));
    whole || account.model_cooling.get(model).is_some_and(|rest| rest.until > now)
}
