//! The form of a routing case, and how its parts become the core's types.

use std::collections::BTreeMap;

use remuda_core::account::{Account, AccountStatus, Cooldown, CostClass, CredentialKind, Identity, Vendor};
use remuda_core::request::{Home, Host, RequestKind};
use remuda_core::route::Answer;
use remuda_core::snapshot::{ChainStep, Policy, SpendRule, Target};
use remuda_core::{Class, Label, Reading, ReadingSource, Scope, SessionKey, Snapshot, UnixSeconds, Verdict, Window};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Remembered, World};

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) given: Given,
    pub(crate) when: Vec<Step>,
    pub(crate) then: Then,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    accounts: Vec<GivenAccount>,
    active: Option<String>,
    #[serde(default)]
    chains: BTreeMap<String, Vec<GivenTarget>>,
    #[serde(default)]
    sessions: BTreeMap<String, String>,
    #[serde(default)]
    metered_rules: Vec<GivenRule>,
    #[serde(default)]
    kill_switch: GivenKillSwitch,
    #[serde(default)]
    policy: Value,
}

#[derive(Deserialize)]
struct GivenAccount {
    id: String,
    vendor: Vendor,
    kind: CredentialKind,
    cost: CostClass,
    status: AccountStatus,
    cooling_until: Option<UnixSeconds>,
    cooling_reason: Option<Class>,
    #[serde(default)]
    model_cooling: BTreeMap<String, UnixSeconds>,
    #[serde(default)]
    quota: Option<Map<String, Value>>,
    #[serde(default)]
    min_remaining: BTreeMap<Window, f64>,
    identity: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum GivenTarget {
    Label(String),
    Step { account: String, model: Option<String> },
}

#[derive(Deserialize)]
struct GivenRule {
    account: String,
    after: Vec<Class>,
    daily_limit_usd: f64,
    #[serde(default)]
    spent_today_usd: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GivenKillSwitch {
    enabled: bool,
    thresholds: BTreeMap<String, BTreeMap<Window, f64>>,
}

#[derive(Deserialize)]
pub(crate) struct Step {
    pub(crate) at: UnixSeconds,
    pub(crate) request: GivenRequest,
    #[serde(default)]
    pub(crate) upstream: BTreeMap<String, Vec<Reply>>,
    #[serde(default)]
    pub(crate) refresh: BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(crate) struct GivenRequest {
    pub(crate) session: Option<String>,
    pub(crate) model: String,
    kind: Option<String>,
    pub(crate) account: Option<String>,
    #[serde(default = "yes")]
    pub(crate) replayable: bool,
}

fn yes() -> bool {
    true
}

impl GivenRequest {
    /// Kinds that the core does not tell apart are turns of the conversation.
    pub(crate) fn kind(&self) -> RequestKind {
        let kind = self.kind.clone().map(Value::String).and_then(|kind| serde_json::from_value(kind).ok());
        kind.unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    Word(String),
    Verdict(GivenVerdict),
}

#[derive(Deserialize)]
pub(crate) struct GivenVerdict {
    class: Class,
    until: Option<UnixSeconds>,
    /// Absent and null are two things: no word about it, and "do not wait".
    #[serde(default, deserialize_with = "present")]
    retry_after_s: Option<Option<f64>>,
    fail_over: Option<bool>,
    #[serde(default)]
    after_content: bool,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl Reply {
    pub(crate) fn answer(&self, at: UnixSeconds) -> Answer {
        match self {
            Self::Word(word) if word == "ok" => Answer::Served,
            Self::Word(other) => panic!("an upstream cannot answer {other:?}"),
            Self::Verdict(given) => {
                let verdict = given.verdict(at);
                if given.after_content { Answer::BrokeOff(verdict) } else { Answer::Refused(verdict) }
            }
        }
    }
}

impl GivenVerdict {
    /// What a case leaves out is what the classifier's table says (`tests/cases/README.md`, section 2).
    fn verdict(&self, at: UnixSeconds) -> Verdict {
        let stated = self.until.map(|until| (until - at) as f64);
        let (scope, fail_over, wait) = match self.class {
            Class::RequestFault | Class::TermsRefused => (Scope::Request, false, None),
            Class::CredentialStale => (Scope::Credential, true, Some(0.0)),
            Class::CredentialDead => (Scope::Credential, true, None),
            Class::AccountDisabled | Class::WindowExhausted | Class::Billing => (Scope::Account, true, None),
            Class::ModelExhausted => (Scope::Model, true, None),
            Class::Burst => {
                (if stated.is_some() { Scope::Account } else { Scope::Request }, true, stated.or(Some(5.0)))
            }
            Class::Overloaded => (Scope::Vendor, false, Some(5.0)),
            Class::Transient => (Scope::Vendor, true, Some(1.0)),
            Class::NetworkBlocked => (Scope::Network, false, None),
        };
        let retry_same_after_s = match (self.class, self.retry_after_s) {
            (Class::Overloaded | Class::Transient, Some(None)) | (_, None) => wait,
            (_, Some(given)) => given,
        };
        Verdict {
            class: self.class,
            scope,
            fail_over: self.fail_over.unwrap_or(fail_over),
            retry_same_after_s,
            until: self.until,
            evidence: "scripted".to_owned(),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Then {
    pub(crate) steps: Vec<ExpectedStep>,
    pub(crate) state: ExpectedState,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ExpectedStep {
    pub(crate) tried: Vec<String>,
    #[serde(default)]
    pub(crate) skipped: BTreeMap<String, Value>,
    pub(crate) outcome: Value,
}

#[derive(Deserialize)]
pub(crate) struct ExpectedState {
    #[serde(default)]
    pub(crate) accounts: BTreeMap<String, Map<String, Value>>,
    #[serde(default)]
    pub(crate) sessions: BTreeMap<String, String>,
}

/// What an account should look like after the changes. The first is the strict reading; a map of models may also be
/// meant as the whole map.
pub(super) fn changed(was: &Remembered, changes: &Map<String, Value>, last: UnixSeconds) -> Vec<Remembered> {
    let mut should_be = was.clone();
    if let Some(status) = changes.get("status") {
        should_be.status = serde_json::from_value(status.clone()).unwrap();
    }
    let (old_until, old_reason) = should_be.cooling.clone().unzip();
    let until = changes.get("cooling_until").map_or(old_until, Value::as_i64);
    let reason = changes.get("cooling_reason").map_or(old_reason, |r| r.as_str().map(str::to_owned));
    should_be.cooling = until.filter(|until| *until > last).map(|until| (until, reason.unwrap_or_default()));
    let Some(models) = changes.get("model_cooling") else { return vec![should_be] };

    let models: BTreeMap<String, Option<UnixSeconds>> = serde_json::from_value(models.clone()).unwrap_or_default();
    let holding = models.iter().filter_map(|(model, until)| Some((model.clone(), (*until)?)));
    let holding: BTreeMap<_, _> = holding.filter(|(_, until)| *until > last).collect();
    let mut merged = should_be.clone();
    merged.model_cooling.retain(|model, _| !models.contains_key(model));
    merged.model_cooling.extend(holding.clone());
    vec![merged, Remembered { model_cooling: holding, ..should_be }]
}

impl World {
    pub(super) fn given(given: &Given) -> Self {
        let mut world = Self { labels: BTreeMap::new(), snapshot: Snapshot::default(), sessions: BTreeMap::new() };
        for account in &given.accounts {
            let account = world.account(account);
            world.snapshot.order.push(account.id);
            world.snapshot.accounts.insert(account.id, account);
        }
        world.snapshot.active = given.active.as_deref().map(|label| Target::Account(world.id(label)));
        for (source, targets) in &given.chains {
            let source = world.id(source);
            let steps = targets.iter().map(|target| world.chain_step(target)).collect();
            world.snapshot.chains.insert(source, steps);
        }
        for (session, label) in &given.sessions {
            let home = Home { account: world.id(label), pool: None };
            world.sessions.insert(SessionKey(session.clone()), home);
        }
        for rule in &given.metered_rules {
            let GivenRule { after, daily_limit_usd, spent_today_usd, account } = rule;
            let (after, daily_limit_usd, spent_today_usd) = (after.clone(), *daily_limit_usd, *spent_today_usd);
            let account = world.id(account);
            world.snapshot.spend_rules.insert(account, SpendRule { after, daily_limit_usd, spent_today_usd });
        }
        world.snapshot.kill_switch.enabled = given.kill_switch.enabled;
        for (label, thresholds) in &given.kill_switch.thresholds {
            if label == "*" {
                world.snapshot.kill_switch.everyone = thresholds.clone();
            } else {
                let account = world.id(label);
                world.snapshot.kill_switch.accounts.insert(account, thresholds.clone());
            }
        }
        world.snapshot.policy = policy(&given.policy);
        if let Some(unknown) = given.policy.get("unknown_quota") {
            world.snapshot.minimum.unknown = serde_json::from_value(unknown.clone()).unwrap();
        }
        world
    }

    fn account(&mut self, given: &GivenAccount) -> Account {
        let label = Label::new(&given.id).unwrap();
        let mut account = Account::new(self.id(&given.id), label, given.vendor, given.kind, given.cost);
        account.status = given.status;
        account.identity = given.identity.clone().map(Identity);
        // Every account shown may serve the host.
        account.allowed_hosts = vec![Host::Other];
        account.min_remaining = given.min_remaining.clone();
        account.cooling = given.cooling_until.map(|until| rest(until, given.cooling_reason));
        let models = given.model_cooling.iter();
        account.model_cooling =
            models.map(|(model, until)| (model.clone(), rest(*until, Some(Class::ModelExhausted)))).collect();
        if let Some(quota) = &given.quota {
            let read_at = quota.get("read_at").and_then(Value::as_i64).unwrap_or_default();
            for (window, reading) in quota.iter().filter(|(key, _)| *key != "read_at") {
                let Some(used_percent) = reading["used_percent"].as_f64() else { continue };
                let resets_at = reading["resets_at"].as_i64();
                let reading = Reading { used_percent, resets_at, source: ReadingSource::Usage, read_at };
                account.readings.insert(Window::try_from(window.clone()).unwrap(), reading);
            }
        }
        account
    }

    fn chain_step(&mut self, target: &GivenTarget) -> ChainStep {
        let (label, model) = match target {
            GivenTarget::Label(label) => (label, None),
            GivenTarget::Step { account, model } => (account, model.clone()),
        };
        ChainStep { target: Target::Account(self.id(label)), model }
    }
}

/// A rest that a case begins with: its time counts to the second, as if it had been stated.
fn rest(until: UnixSeconds, reason: Option<Class>) -> Cooldown {
    // A rest without a reason is no reason to spend money: no rule names this class.
    let reason = reason.unwrap_or(Class::RequestFault);
    Cooldown { until, reason, stated: true, since: 0, evidence: "given".to_owned(), probing_until: None }
}

/// The policy of a case. Its rests without a stated time are all of one length.
fn policy(given: &Value) -> Policy {
    let mut policy: Policy =
        if given.is_null() { Policy::default() } else { serde_json::from_value(given.clone()).unwrap() };
    for (class, retries) in [
        ("burst", &mut policy.burst_retries),
        ("overloaded", &mut policy.overloaded_retries),
        ("transient", &mut policy.transient_retries),
    ] {
        if let Some(given) = given.pointer(&format!("/retries/{class}")).and_then(Value::as_u64) {
            *retries = u32::try_from(given).unwrap();
        }
    }
    policy.unknown_cooldown_max_s = policy.unknown_cooldown_s;
    policy
}
