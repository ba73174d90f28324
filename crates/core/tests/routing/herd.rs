//! A herd for tests in Rust: accounts named by their labels, and a driver that walks one request to its end.

use std::collections::BTreeMap;

use remuda_core::account::{Account, Cooldown, CostClass, CredentialKind, Vendor};
use remuda_core::request::{Conversation, Home, Host, Pin, PinScope, RequestKind};
use remuda_core::route::{Action, Answer, Outcome, Refreshed, Route, SkipReason, StateChange};
use remuda_core::snapshot::{ChainStep, Pool, SpendRule, Strategy, Target};
use remuda_core::{
    AccountId, Class, Label, Protocol, Reading, ReadingSource, RequestFacts, Scope, SessionKey, Snapshot, Verdict,
    Window,
};

/// Where every test begins.
pub(crate) const NOW: i64 = 1_795_170_000;
pub(crate) const MODEL: &str = "claude-opus-5";

/// The id of a label of at most 16 bytes.
pub(crate) fn id(label: &str) -> AccountId {
    let mut bytes = [0; 16];
    bytes[..label.len()].copy_from_slice(label.as_bytes());
    AccountId(uuid::Uuid::from_bytes(bytes))
}

/// The label of an id.
pub(crate) fn label(id: AccountId) -> String {
    String::from_utf8(id.0.as_bytes().iter().copied().take_while(|byte| *byte != 0).collect()).unwrap()
}

/// `label`, or `@pool`.
pub(crate) fn target(text: &str) -> Target {
    match text.strip_prefix('@') {
        Some(pool) => Target::Pool(pool.to_owned()),
        None => Target::Account(id(text)),
    }
}

pub(crate) fn verdict(class: Class) -> Verdict {
    let (fail_over, retry_same_after_s) = match class {
        Class::RequestFault | Class::TermsRefused | Class::NetworkBlocked => (false, None),
        Class::Overloaded => (false, Some(5.0)),
        Class::Transient => (true, Some(1.0)),
        Class::Burst => (true, Some(5.0)),
        _ => (true, None),
    };
    Verdict {
        class,
        scope: Scope::Request,
        fail_over,
        retry_same_after_s,
        until: None,
        evidence: "scripted".to_owned(),
    }
}

pub(crate) fn refused(class: Class) -> Answer {
    Answer::Refused(verdict(class))
}

/// A spent window, until so many seconds after [`NOW`].
pub(crate) fn spent(until: Option<i64>) -> Answer {
    Answer::Refused(Verdict { until: until.map(|s| NOW + s), ..verdict(Class::WindowExhausted) })
}

/// A rest until so many seconds after [`NOW`].
pub(crate) fn rest(seconds: i64, reason: Class) -> Cooldown {
    Cooldown {
        until: NOW + seconds,
        reason,
        stated: true,
        since: NOW - 100,
        evidence: String::new(),
        probing_until: None,
    }
}

/// A rest without a stated time that began so many seconds before [`NOW`] and ends so many after it.
pub(crate) fn guess(since: i64, seconds: i64) -> Cooldown {
    Cooldown { stated: false, since: NOW - since, ..rest(seconds, Class::WindowExhausted) }
}

/// A reading of this moment.
pub(crate) fn reading(used_percent: f64, resets_in: i64) -> Reading {
    Reading { used_percent, resets_at: Some(NOW + resets_in), source: ReadingSource::Usage, read_at: NOW }
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) tried: Vec<String>,
    pub(crate) skipped: Vec<(String, SkipReason)>,
    pub(crate) outcome: Outcome,
    pub(crate) waits: Vec<f64>,
    /// Seconds it was held. Time has passed meanwhile.
    pub(crate) holds: Vec<i64>,
    pub(crate) changes: Vec<StateChange>,
}

impl Told {
    pub(crate) fn served_by(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Served { account, .. } => Some(label(*account)),
            _ => None,
        }
    }

    pub(crate) fn skipped(&self, account: &str) -> Option<SkipReason> {
        self.skipped.iter().find(|(who, _)| who == account).map(|(_, why)| *why)
    }
}

pub(crate) struct Herd {
    pub(crate) snapshot: Snapshot,
    pub(crate) sessions: BTreeMap<SessionKey, Home>,
    pub(crate) now: i64,
    pub(crate) refresh: Refreshed,
}

impl Herd {
    /// Ready subscriptions of Anthropic; the first is active.
    pub(crate) fn of(labels: &[&str]) -> Self {
        let mut snapshot = Snapshot::default();
        for name in labels {
            let (label, kind) = (Label::new(name).unwrap(), CredentialKind::Subscription);
            snapshot
                .accounts
                .insert(id(name), Account::new(id(name), label, Vendor::Anthropic, kind, CostClass::Included));
            snapshot.order.push(id(name));
        }
        snapshot.active = labels.first().map(|first| target(first));
        Self { snapshot, sessions: BTreeMap::new(), now: NOW, refresh: Refreshed::Renewed }
    }

    pub(crate) fn account(&mut self, label: &str) -> &mut Account {
        self.snapshot.accounts.get_mut(&id(label)).unwrap()
    }

    /// Targets: `label`, `@pool`, `label=model`.
    pub(crate) fn chain(&mut self, source: &str, targets: &[&str]) {
        let step = |text: &&str| {
            let (who, model) = text.split_once('=').map_or((*text, None), |(who, model)| (who, Some(model)));
            ChainStep { target: target(who), model: model.map(str::to_owned) }
        };
        self.snapshot.chains.insert(id(source), targets.iter().map(step).collect());
    }

    pub(crate) fn pool(&mut self, name: &str, members: &[&str]) {
        let members = members.iter().map(|member| id(member)).collect();
        self.snapshot.pools.insert(name.to_owned(), Pool { strategy: Strategy::Ordered, members });
    }

    /// The same with another strategy.
    pub(crate) fn pool_by(&mut self, strategy: Strategy, name: &str, members: &[&str]) {
        self.pool(name, members);
        self.snapshot.pools.get_mut(name).unwrap().strategy = strategy;
    }

    /// A reading of this moment; seconds until its reset.
    pub(crate) fn used(&mut self, account: &str, window: Window, percent: f64, resets_in: Option<i64>) {
        let reading = Reading { resets_at: resets_in.map(|s| NOW + s), ..reading(percent, 0) };
        self.account(account).readings.insert(window, reading);
    }

    /// A turn of a subagent of this session, as Claude Code names it.
    pub(crate) fn subagent(&self, session: &str, agent: &str) -> RequestFacts {
        let parent = SessionKey(session.to_owned());
        let own = parent.of_subagent(agent);
        let conversation = Conversation {
            parent_home: self.sessions.get(&parent).cloned(),
            parent: Some(parent),
            ..Conversation::default()
        };
        RequestFacts {
            bound: self.sessions.get(&own).cloned(),
            session: Some(own),
            kind: RequestKind::Subagent,
            conversation,
            ..self.request(session)
        }
    }

    pub(crate) fn metered(&mut self, label: &str) {
        let account = self.account(label);
        (account.cost, account.kind) = (CostClass::Metered, CredentialKind::ApiKey);
    }

    pub(crate) fn spend_rule(&mut self, label: &str, after: &[Class], spent: f64) {
        let rule = SpendRule { after: after.to_vec(), daily_limit_usd: 10.0, spent_today_usd: spent };
        self.snapshot.spend_rules.insert(id(label), rule);
    }

    /// Below its minimum of ten percent of the five-hour window, which is reset in an hour.
    pub(crate) fn low(&mut self, label: &str) {
        let account = self.account(label);
        account.min_remaining.insert(Window::FiveHour, 10.0);
        account.readings.insert(Window::FiveHour, reading(95.0, 3_600));
    }

    pub(crate) fn home(&mut self, session: &str, account: &str, pool: Option<&str>) {
        let home = Home { account: id(account), pool: pool.map(str::to_owned) };
        self.sessions.insert(SessionKey(session.to_owned()), home);
    }

    pub(crate) fn home_of(&self, session: &str) -> Option<(String, Option<String>)> {
        self.sessions.get(&SessionKey(session.to_owned())).map(|home| (label(home.account), home.pool.clone()))
    }

    /// A turn of Claude Code in this session.
    pub(crate) fn request(&self, session: &str) -> RequestFacts {
        let session = SessionKey(session.to_owned());
        RequestFacts {
            bound: self.sessions.get(&session).cloned(),
            session: Some(session),
            vendor: Vendor::Anthropic,
            model: MODEL.to_owned(),
            kind: RequestKind::Main,
            host: Host::Claude,
            pin: None,
            protocol: Protocol::Messages.into(),
            owner: None,
            replayable: true,
            conversation: Conversation::default(),
        }
    }

    pub(crate) fn pinned(&self, session: &str, to: &str, scope: PinScope, fresh: bool) -> RequestFacts {
        RequestFacts { pin: Some(Pin { target: target(to), scope, fresh }), ..self.request(session) }
    }

    pub(crate) fn apply(&mut self, changes: &[StateChange]) {
        for change in changes {
            self.snapshot.apply(change);
            if let StateChange::Bind(session, home) = change {
                self.sessions.insert(session.clone(), home.clone());
            }
        }
    }

    pub(crate) fn begin(&mut self, request: RequestFacts) -> Route {
        let (route, changes) = Route::begin(request, &self.snapshot, self.now);
        self.apply(&changes);
        route
    }

    pub(crate) fn next(&mut self, route: &mut Route) -> Action {
        let (action, changes) = route.next(&self.snapshot, self.now);
        self.apply(&changes);
        action
    }

    pub(crate) fn answer(&mut self, route: &mut Route, answer: Answer) -> Vec<StateChange> {
        let changes = route.answered(answer, &self.snapshot, self.now);
        self.apply(&changes);
        changes
    }

    /// A request in this session; accounts that the script does not name serve, others answer in order and repeat the
    /// last answer.
    pub(crate) fn ask(&mut self, session: &str, script: &[(&str, &[Answer])]) -> Told {
        let request = self.request(session);
        self.walk(request, script)
    }

    pub(crate) fn walk(&mut self, request: RequestFacts, script: &[(&str, &[Answer])]) -> Told {
        let (mut route, changes) = Route::begin(request, &self.snapshot, self.now);
        self.apply(&changes);
        let mut told = Told {
            tried: Vec::new(),
            skipped: Vec::new(),
            outcome: Outcome::Error { from: None, class: None, retry_after_s: None },
            waits: Vec::new(),
            holds: Vec::new(),
            changes,
        };
        let mut sent: BTreeMap<AccountId, usize> = BTreeMap::new();
        loop {
            let (action, mut changes) = route.next(&self.snapshot, self.now);
            self.apply(&changes);
            let more = match action {
                Action::Send { account, .. } => {
                    let n = sent.entry(account).or_default();
                    let replies = script.iter().find(|(who, _)| id(who) == account).map(|(_, replies)| *replies);
                    let reply = replies.map_or(Answer::Served, |r| r[(*n).min(r.len() - 1)].clone());
                    *n += 1;
                    route.answered(reply, &self.snapshot, self.now)
                }
                Action::Refresh { .. } => route.refreshed(self.refresh, &self.snapshot, self.now),
                Action::Wait { seconds } => {
                    told.waits.push(seconds);
                    Vec::new()
                }
                Action::Hold { until, .. } => {
                    told.holds.push(until - self.now);
                    self.now = until;
                    Vec::new()
                }
                Action::Finish(outcome) => {
                    told.changes.append(&mut changes);
                    told.tried = route.tried().iter().map(|id| label(*id)).collect();
                    told.skipped = route.skipped().iter().map(|p| (label(p.account), p.reason)).collect();
                    told.outcome = outcome;
                    return told;
                }
            };
            self.apply(&more);
            told.changes.append(&mut changes);
            told.changes.extend(more);
        }
    }
}
