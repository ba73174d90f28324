//! Generated worlds: small enough to collide, odd enough to surprise.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use remuda_core::account::{Account, AccountStatus, Cooldown, CostClass, CredentialKind, Identity, Vendor};
use remuda_core::request::{Conversation, Home, Host, Pin, PinScope, RequestKind, Warmth};
use remuda_core::route::{Answer, Refreshed};
use remuda_core::snapshot::{
    ChainStep, KillSwitch, Minimum, Policy, Pool, SpendRule, Strategy as PoolStrategy, Target, UnknownQuota,
};
use remuda_core::{
    AccountId, AccountLimits, Class, Label, Limits, Live, Protocols, Reading, ReadingSource, RequestFacts, SessionKey,
    Snapshot, UnixSeconds, Verdict, Window,
};

use crate::herd::{NOW, id, verdict};

/// The last one never exists.
const LABELS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "gone"];
const MODELS: [&str; 2] = ["claude-opus-5", "claude-fable-5"];
const CLASSES: [Class; 12] = [
    Class::RequestFault,
    Class::CredentialStale,
    Class::CredentialDead,
    Class::AccountDisabled,
    Class::WindowExhausted,
    Class::ModelExhausted,
    Class::Billing,
    Class::Burst,
    Class::Overloaded,
    Class::Transient,
    Class::NetworkBlocked,
    Class::TermsRefused,
];

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    pub(crate) sessions: BTreeMap<SessionKey, Home>,
    pub(crate) turns: Vec<Turn>,
    /// Which of the requests under way takes its next step (or a new one begins), and seconds that pass before.
    pub(crate) order: Vec<(u8, i64)>,
}

/// A request and what it will be answered.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) session: String,
    /// Is it asked by an agent that works for this session?
    pub(crate) subagent: Option<String>,
    /// How long its process may be kept waiting.
    pub(crate) patience_s: Option<i64>,
    /// Where its prompt is in the cache.
    pub(crate) warm: Option<Warmth>,
    pub(crate) facts: RequestFacts,
    pub(crate) answers: Vec<Reply>,
}

/// One answer, from whomever is asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reply {
    class: Option<Class>,
    until: Option<i64>,
    wait: Option<f64>,
    strict: bool,
    after_content: bool,
    pub(crate) refresh: RefreshEnd,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum RefreshEnd {
    #[default]
    Renewed,
    Permanent,
    Transient,
}

impl From<RefreshEnd> for Refreshed {
    fn from(end: RefreshEnd) -> Self {
        match end {
            RefreshEnd::Renewed => Self::Renewed,
            RefreshEnd::Permanent => Self::Permanent,
            RefreshEnd::Transient => Self::Transient,
        }
    }
}

impl Reply {
    pub(crate) fn answer(self, now: UnixSeconds) -> Answer {
        let Some(class) = self.class else { return Answer::Served };
        let usual = verdict(class);
        let verdict = Verdict {
            until: self.until.map(|seconds| now + seconds),
            retry_same_after_s: self.wait.or(usual.retry_same_after_s),
            fail_over: usual.fail_over && !self.strict,
            ..usual
        };
        if self.after_content { Answer::BrokeOff(verdict) } else { Answer::Refused(verdict) }
    }
}

fn label() -> impl Strategy<Value = &'static str> {
    select(&LABELS[..])
}

fn account_id() -> impl Strategy<Value = AccountId> {
    label().prop_map(id)
}

fn pool_name() -> impl Strategy<Value = String> {
    select(&["p", "q", "r"][..]).prop_map(str::to_owned)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![3 => account_id().prop_map(Target::Account), 1 => pool_name().prop_map(Target::Pool)]
}

fn class() -> impl Strategy<Value = Class> {
    select(&CLASSES[..])
}

fn cooldown() -> impl Strategy<Value = Cooldown> {
    (-50..100_i64, class(), any::<bool>(), 1..1_000_i64).prop_map(|(ends, reason, stated, length)| Cooldown {
        until: NOW + ends,
        reason,
        stated,
        since: NOW - length.max(50),
        evidence: String::new(),
        probing_until: None,
    })
}

fn window() -> impl Strategy<Value = Window> {
    select(vec![Window::FiveHour, Window::SevenDay, Window::Model("opus".to_owned())])
}

fn readings() -> impl Strategy<Value = BTreeMap<Window, Reading>> {
    let reading = (0..=100_u8, of(-100..1_000_i64), 0..900_i64).prop_map(|(used, resets, age)| Reading {
        used_percent: f64::from(used),
        resets_at: resets.map(|s| NOW + s),
        source: ReadingSource::Headers,
        read_at: NOW - age,
    });
    btree_map(window(), reading, 0..4)
}

fn floors() -> impl Strategy<Value = BTreeMap<Window, f64>> {
    btree_map(window(), (0..60_u8).prop_map(f64::from), 0..3)
}

fn account() -> impl Strategy<Value = Account> {
    let kinds = prop_oneof![
        6 => Just((CredentialKind::Subscription, CostClass::Included)),
        1 => Just((CredentialKind::StaticToken, CostClass::Included)),
        2 => Just((CredentialKind::ApiKey, CostClass::Metered)),
        1 => Just((CredentialKind::ApiKey, CostClass::Free)),
    ];
    let statuses = prop_oneof![
        7 => Just(AccountStatus::Ready),
        1 => Just(AccountStatus::NeedsLogin),
        1 => Just(AccountStatus::Disabled),
        1 => Just(AccountStatus::Paused),
    ];
    let vendors = prop_oneof![6 => Just(Vendor::Anthropic), 1 => Just(Vendor::OpenAi)];
    let beliefs = (
        weighted(0.3, cooldown()),
        btree_map(select(&MODELS[..]).prop_map(str::to_owned), cooldown(), 0..2),
        readings(),
        weighted(0.3, floors()),
    );
    let hosts = prop_oneof![3 => Just(vec![Host::Claude, Host::Pi]), 1 => Just(Vec::new())];
    let who = weighted(0.4, select(&["u1", "u2"][..]).prop_map(|u| Identity(u.to_owned())));
    (kinds, statuses, vendors, who, hosts, beliefs).prop_map(|((kind, cost), status, vendor, who, hosts, beliefs)| {
        let mut account = Account::new(id("a"), Label::new("a").unwrap(), vendor, kind, cost);
        (account.status, account.identity, account.allowed_hosts) = (status, who, hosts);
        let (cooling, model_cooling, readings, floors) = beliefs;
        (account.cooling, account.model_cooling, account.readings) = (cooling, model_cooling, readings);
        account.min_remaining = floors.unwrap_or_default();
        account
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    (0..6_u32, 0..3_u32, 0..3_u32, 0..3_u32).prop_map(|(max_hops, burst, overloaded, transient)| Policy {
        max_hops,
        burst_retries: burst,
        overloaded_retries: overloaded,
        transient_retries: transient,
        ..Policy::default()
    })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let chain_step = (target(), weighted(0.2, Just("gpt-5.6-sol".to_owned())))
        .prop_map(|(target, model)| ChainStep { target, model });
    let pool = (select(&PoolStrategy::ALL[..]), vec(account_id(), 0..5))
        .prop_map(|(strategy, members)| Pool { strategy, members });
    let rule = (vec(class(), 0..6), 0..20_u8).prop_map(|(after, spent)| SpendRule {
        after,
        daily_limit_usd: 10.0,
        spent_today_usd: f64::from(spent),
    });
    let kill_switch = (weighted(0.4, Just(())), floors(), btree_map(account_id(), floors(), 0..2))
        .prop_map(|(on, everyone, accounts)| KillSwitch { enabled: on.is_some(), everyone, accounts });
    let minimum = (weighted(0.2, floors()), any::<bool>()).prop_map(|(everyone, open)| Minimum {
        everyone: everyone.unwrap_or_default(),
        unknown: if open { UnknownQuota::Open } else { UnknownQuota::Closed },
    });
    let chains = btree_map(account_id(), vec(chain_step, 0..8), 0..6);
    let pools = btree_map(pool_name(), pool, 0..3);
    let rules = btree_map(account_id(), rule, 0..4);
    let active = weighted(0.9, target());
    (vec(account(), 6), active, chains, pools, rules, (minimum, kill_switch, limits()), policy()).prop_map(
        |(accounts, active, chains, pools, spend_rules, (minimum, kill_switch, limits), policy)| {
            let labelled = accounts.into_iter().zip(LABELS);
            let accounts = labelled.map(|(account, label)| (id(label), Account { id: id(label), ..account })).collect();
            let live = Live::default();
            Snapshot {
                accounts,
                order: Vec::new(),
                active,
                chains,
                pools,
                spend_rules,
                minimum,
                kill_switch,
                policy,
                limits,
                live,
            }
        },
    )
}

fn limits() -> impl Strategy<Value = Limits> {
    let of_one = || {
        (weighted(0.3, floors()), weighted(0.2, floors()), weighted(0.3, 0..600_i64)).prop_map(
            |(subagents, background, hold_s)| AccountLimits {
                subagents: subagents.unwrap_or_default(),
                background: background.unwrap_or_default(),
                at_once: None,
                hold_s,
            },
        )
    };
    (weighted(0.5, of_one()), btree_map(account_id(), of_one(), 0..2))
        .prop_map(|(everyone, accounts)| Limits { everyone: everyone.unwrap_or_default(), accounts })
}

fn reply() -> impl Strategy<Value = Reply> {
    let refresh = select(vec![RefreshEnd::Renewed, RefreshEnd::Permanent, RefreshEnd::Transient]);
    let rare = |probability| weighted(probability, Just(())).prop_map(|rare| rare.is_some());
    let class = weighted(0.85, class());
    let wait = weighted(0.2, (0..90_u8).prop_map(f64::from));
    (class, of(-10..2_000_i64), wait, rare(0.1), rare(0.1), refresh).prop_map(
        |(class, until, wait, strict, after_content, refresh)| Reply {
            class,
            until,
            wait,
            strict,
            after_content,
            refresh,
        },
    )
}

fn turn() -> impl Strategy<Value = Turn> {
    let kinds = vec![RequestKind::Main, RequestKind::Subagent, RequestKind::CountTokens, RequestKind::Background];
    let scopes = vec![PinScope::Process, PinScope::Session, PinScope::Project, PinScope::Global];
    let pin = (target(), select(scopes), any::<bool>()).prop_map(|(target, scope, fresh)| Pin { target, scope, fresh });
    let facts = (
        select(&MODELS[..]),
        select(kinds),
        select(vec![Host::Claude, Host::Claude, Host::Pi, Host::Other]),
        weighted(0.3, pin),
        weighted(0.9, Just(())),
    )
        .prop_map(|(model, kind, host, pin, replayable)| RequestFacts {
            session: None,
            vendor: Vendor::Anthropic,
            model: model.to_owned(),
            kind,
            host,
            pin,
            bound: None,
            protocol: Protocols::ALL,
            owner: None,
            replayable: replayable.is_some(),
            conversation: Conversation::default(),
        });
    let agent = weighted(0.3, select(&["x", "y"][..]));
    let patience = weighted(0.3, 0..2_000_i64);
    let usd = || (0..100_u8).prop_map(|cents| f64::from(cents) / 100.0);
    let warm =
        (account_id(), -10..600_i64, weighted(0.9, usd()), usd()).prop_map(|(account, left, rewrite_usd, away)| {
            Warmth { account, tokens: 90_000, until: NOW + left, rewrite_usd, spent_away_usd: away }
        });
    let waits = (patience, weighted(0.5, warm));
    (select(&["s", "t"][..]), agent, waits, facts, vec(reply(), 0..20)).prop_map(
        |(session, agent, (patience_s, warm), facts, answers)| Turn {
            session: session.to_owned(),
            subagent: agent.map(str::to_owned),
            patience_s,
            warm,
            facts,
            answers,
        },
    )
}

pub(crate) fn worlds() -> impl Strategy<Value = World> {
    let home = (account_id(), of(pool_name())).prop_map(|(account, pool)| Home { account, pool });
    let session = select(&["s", "t"][..]).prop_map(|s| SessionKey(s.to_owned()));
    let order = vec((0..4_u8, prop_oneof![9 => Just(0_i64), 1 => 1..200_i64]), 0..60);
    (snapshot(), btree_map(session, home, 0..3), vec(turn(), 1..5), order)
        .prop_map(|(snapshot, sessions, turns, order)| World { snapshot, sessions, turns, order })
}
