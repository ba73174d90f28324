//! The routing cases once more, through everything: real HTTP, the vendor in miniature, the store, the decision record.
//!
//! A case is played where HTTP can express it. Left to the pure core are bodies that cannot be sent twice, chains to another
//! vendor (nothing is translated), and answers that no vendor gives as such.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use remuda_core::account::{Cooldown, CostClass, CredentialKind};
use remuda_core::request::Home;
use remuda_core::route::{Outcome, StateChange};
use remuda_core::snapshot::{ChainStep, KillSwitch, Policy, SpendRule, Target};
use remuda_core::{Account, AccountId, Class, Host, Label, Reading, ReadingSource, SessionKey, Vendor, Window};
use remuda_credentials::Clock;
use remuda_fake::{AccountSpec, ClockMode, Config, Endpoint as At, Fault};
use remuda_store::{AuthHeader, Credential, Edit, Endpoint, NewAccount, OauthPair, Profile, RecordQuery};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::world::World;

/// More than any case asks.
const ALWAYS: u32 = 1_000;

/// Stands still; waiting takes hardly any time.
struct StandingClock(AtomicI64);

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    async fn sleep(&self, pause: Duration) {
        // Faster, but so that deadlines stay behind what they are for.
        tokio::time::sleep(pause / 15).await;
    }
}

fn cases() -> Vec<Value> {
    let directory = match std::env::var_os("REMUDA_CASES_DIR") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases")),
    };
    let text = std::fs::read_to_string(directory.join("routing.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    file["cases"].as_array().unwrap().clone()
}

/// Why a case cannot be played over HTTP.
fn inexpressible(case: &Value) -> Option<&'static str> {
    let kinds = kinds(case);
    if labels(case).iter().any(|label| !kinds.contains_key(label)) {
        return Some("the store knows no account that is not there");
    }
    if case["given"]["accounts"].as_array().unwrap().iter().any(|account| account.get("identity").is_some()) {
        return Some("the store keeps one real account once");
    }
    if case["given"]["accounts"].as_array().unwrap().iter().any(|account| account["vendor"] != "anthropic") {
        return Some("another vendor speaks another protocol");
    }
    for step in case["when"].as_array().unwrap() {
        if step["request"].get("replayable") == Some(&json!(false)) {
            return Some("every body over HTTP can be sent again");
        }
        let at = step["at"].as_i64().unwrap();
        for (account, replies) in step["upstream"].as_object().unwrap() {
            let kind = kinds.get(account).copied().unwrap_or("subscription");
            if replies.as_array().unwrap().iter().any(|reply| reply != "ok" && fault(reply, at, kind).is_none()) {
                return Some("no vendor answers just so");
            }
        }
    }
    None
}

/// Every account that is named as a source, a target, a home or a choice.
fn labels(case: &Value) -> Vec<String> {
    let given = &case["given"];
    let mut labels: Vec<&Value> = vec![&given["active"]];
    for (_, targets) in given["chains"].as_object().into_iter().flatten() {
        labels.extend(targets.as_array().unwrap().iter().map(|t| if t.is_string() { t } else { &t["account"] }));
    }
    labels.extend(given["sessions"].as_object().into_iter().flatten().map(|(_, account)| account));
    labels.extend(case["when"].as_array().unwrap().iter().map(|step| &step["request"]["account"]));
    let sources = given["chains"].as_object().into_iter().flatten().map(|(source, _)| source.clone());
    labels.into_iter().filter_map(Value::as_str).map(str::to_owned).chain(sources).collect()
}

fn kinds(case: &Value) -> BTreeMap<String, &str> {
    let accounts = case["given"]["accounts"].as_array().unwrap().iter();
    accounts.map(|account| (account["id"].as_str().unwrap().to_owned(), account["kind"].as_str().unwrap())).collect()
}

fn refusal(status: u16, kind: &str, message: &str) -> Fault {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}});
    Fault::answer(status, "application/json", &body.to_string())
}

/// The vendor's answer that means this verdict. `None`: there is none, or not with these details.
fn fault(reply: &Value, at: i64, kind: &str) -> Option<Fault> {
    let class: Class = serde_json::from_value(reply["class"].clone()).ok()?;
    let only =
        |known: &[&str]| reply.as_object().unwrap().keys().all(|key| key == "class" || known.contains(&key.as_str()));
    let until = reply["until"].as_i64();
    let window = |fault: Fault, window: &str| {
        let header = |field: &str| format!("anthropic-ratelimit-unified-{window}-{field}");
        let fault = fault.header(&header("status"), "rejected");
        match until {
            Some(until) => fault.header(&header("reset"), &until.to_string()),
            None => fault,
        }
    };
    let limit = || refusal(429, "rate_limit_error", "This request would exceed your account's rate limit.");
    Some(match class {
        Class::WindowExhausted if only(&["until"]) => window(limit(), "5h"),
        Class::ModelExhausted if only(&["until"]) => window(limit(), "7d_x"),
        Class::Burst if only(&["until", "retry_after_s"]) => {
            let wait = reply["retry_after_s"].as_f64();
            let stated = until.map(|until| (until - at) as f64);
            if wait.is_some() && stated.is_some() && wait != stated {
                return None;
            }
            match wait.or(stated) {
                Some(wait) if kind != "subscription" || wait <= 300.0 => limit().retry_after(&wait.to_string()),
                Some(_) => return None,
                None => limit(),
            }
        }
        Class::Transient if only(&[]) => refusal(500, "api_error", "Internal server error"),
        Class::Overloaded if only(&[]) => refusal(529, "overloaded_error", "Overloaded"),
        Class::RequestFault if only(&[]) => refusal(400, "invalid_request_error", "messages: at least one is required"),
        Class::TermsRefused if only(&[]) => refusal(
            400,
            "invalid_request_error",
            "This credential is only authorized for use with Claude Code and cannot be used for other API requests.",
        ),
        Class::NetworkBlocked if only(&[]) => Fault::answer(403, "text/html", "<html>Attention Required!</html>"),
        Class::CredentialStale if only(&[]) && kind == "subscription" => {
            refusal(401, "authentication_error", "OAuth token has expired.")
        }
        Class::CredentialDead if only(&[]) && kind == "api_key" => {
            refusal(401, "authentication_error", "invalid x-api-key")
        }
        Class::Billing if only(&["until"]) && until.is_none() => {
            refusal(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.")
        }
        _ => return None,
    })
}

struct Played {
    world: World,
    clock: Arc<StandingClock>,
    steps: u32,
}

impl Played {
    async fn given(case: &Value) -> Self {
        let begin = case["when"][0]["at"].as_i64().unwrap();
        let clock = Arc::new(StandingClock(AtomicI64::new(begin)));
        let config = Config { clock: ClockMode::Simulated(begin), ..Config::default() };
        let given = &case["given"];
        let mut policy = Policy::default();
        let mut own = serde_json::to_value(&policy).unwrap();
        for (name, value) in given["policy"].as_object().into_iter().flatten() {
            if own.get(name).is_some() {
                own[name] = value.clone();
            }
        }
        policy = serde_json::from_value(own).unwrap_or(policy);
        let keep_alive = remuda_gateway::keep_alive::of;
        let world = World::at(config, Host::Claude, keep_alive, Arc::clone(&clock) as Arc<dyn Clock>, policy).await;
        let mut played = Self { world, clock, steps: 0 };
        for account in given["accounts"].as_array().unwrap() {
            played.add(account).await;
        }
        played.choices(given).await;
        for account in given["accounts"].as_array().unwrap() {
            played.beliefs(account, begin);
        }
        for (session, account) in given["sessions"].as_object().into_iter().flatten() {
            let home = Home { account: played.id(account.as_str().unwrap()), pool: None };
            played.world.daemon.herd.apply(&[StateChange::Bind(session_key(session), home)], begin);
        }
        played
    }

    fn id(&self, label: &str) -> AccountId {
        self.world.id(label)
    }

    async fn add(&mut self, given: &Value) {
        let label = given["id"].as_str().unwrap();
        let kind: CredentialKind = serde_json::from_value(given["kind"].clone()).unwrap();
        let cost: CostClass = serde_json::from_value(given["cost"].clone()).unwrap();
        let (credential, endpoint) = if kind == CredentialKind::ApiKey {
            let at_vendor = self.world.vendor.add_account(AccountSpec::api_key(label)).unwrap();
            let endpoint = Endpoint { auth_header: AuthHeader::XApiKey, ..Endpoint::default() };
            (Credential::Key { key: SecretString::from(at_vendor.key().to_owned()) }, endpoint)
        } else {
            let at_vendor = self.world.vendor.add_account(AccountSpec::subscription(label)).unwrap();
            let tokens = at_vendor.issue_tokens();
            let pair = OauthPair {
                access: SecretString::from(tokens.access_token),
                refresh: SecretString::from(tokens.refresh_token),
                expires_at: tokens.expires_at,
                last_refresh_at: None,
                earliest_refresh_at: None,
                client_id: None,
            };
            (Credential::Oauth(pair), Endpoint::default())
        };
        let id = AccountId(Uuid::now_v7());
        let mut account = Account::new(id, Label::new(label).unwrap(), Vendor::Anthropic, kind, cost);
        account.status = serde_json::from_value(given["status"].clone()).unwrap();
        account.min_remaining = thresholds(given.get("min_remaining"));
        let profile = Profile { endpoint, ..Profile::default() };
        self.world.daemon.herd.add_account(NewAccount { account, profile, credential }).await.unwrap();
        self.world.knows(label, id);
    }

    /// What its owner has said. Past the daemon, because for it every command is a fresh choice.
    async fn choices(&self, given: &Value) {
        let mut edits = Vec::new();
        let account = |label: &str| Target::Account(self.id(label));
        edits.push(Edit::Active(given["active"].as_str().map(account)));
        for (source, targets) in given["chains"].as_object().into_iter().flatten() {
            let step = |target: &Value| {
                let label = target.as_str().or_else(|| target["account"].as_str()).unwrap();
                ChainStep { target: account(label), model: target["model"].as_str().map(str::to_owned) }
            };
            let steps = targets.as_array().unwrap().iter().map(step).collect();
            edits.push(Edit::Chain(self.id(source), steps));
        }
        for rule in given["metered_rules"].as_array().into_iter().flatten() {
            let id = self.id(rule["account"].as_str().unwrap());
            let after = serde_json::from_value(rule["after"].clone()).unwrap();
            let daily_limit_usd = rule["daily_limit_usd"].as_f64().unwrap();
            edits.push(Edit::SpendRule(id, Some(SpendRule { after, daily_limit_usd, spent_today_usd: 0.0 })));
        }
        if let Some(switch) = given.get("kill_switch") {
            let mut own = KillSwitch { enabled: switch["enabled"] == json!(true), ..KillSwitch::default() };
            for (label, floors) in switch["thresholds"].as_object().into_iter().flatten() {
                match label.as_str() {
                    "*" => own.everyone = thresholds(Some(floors)),
                    label => drop(own.accounts.insert(self.id(label), thresholds(Some(floors)))),
                }
            }
            edits.push(Edit::KillSwitch(own));
        }
        let herd = &self.world.daemon.herd;
        herd.store().edit(edits, self.clock.now()).await.unwrap();
        herd.refresh_from_store().await.unwrap();
        for rule in given["metered_rules"].as_array().into_iter().flatten() {
            let spent = rule["spent_today_usd"].as_f64().unwrap_or_default();
            if spent > 0.0 {
                herd.spent(self.id(rule["account"].as_str().unwrap()), spent, self.clock.now());
            }
        }
    }

    /// What is believed of an account.
    fn beliefs(&self, given: &Value, now: i64) {
        let herd = &self.world.daemon.herd;
        let id = self.id(given["id"].as_str().unwrap());
        let rest = |until: i64, reason: Class| Cooldown {
            until,
            reason,
            stated: true,
            since: now - 100,
            evidence: "given".to_owned(),
            probing_until: None,
        };
        let mut changes = Vec::new();
        if let Some(until) = given["cooling_until"].as_i64() {
            let reason = serde_json::from_value(given["cooling_reason"].clone()).unwrap_or(Class::WindowExhausted);
            changes.push(StateChange::Cooling(id, Some(rest(until, reason))));
        }
        for (model, until) in given["model_cooling"].as_object().into_iter().flatten() {
            let rest = rest(until.as_i64().unwrap(), Class::ModelExhausted);
            changes.push(StateChange::ModelCooling(id, model.clone(), Some(rest)));
        }
        herd.apply(&changes, now);
        let Some(quota) = given.get("quota").and_then(Value::as_object) else { return };
        let read_at = quota["read_at"].as_i64().unwrap();
        let readings = quota.iter().filter(|(name, _)| *name != "read_at").map(|(name, window)| {
            let reading = Reading {
                used_percent: window["used_percent"].as_f64().unwrap(),
                resets_at: window["resets_at"].as_i64(),
                source: ReadingSource::Usage,
                read_at,
            };
            (Window::try_from(name.clone()).unwrap(), reading)
        });
        let login = herd.mount(id).unwrap().profile.last_login_at;
        herd.harvest(id, login, readings.collect());
    }

    async fn step(&mut self, step: &Value, kinds: &BTreeMap<String, &str>) -> (Vec<String>, Value, Value) {
        let at = step["at"].as_i64().unwrap();
        self.world.vendor.advance(at - self.clock.0.swap(at, Ordering::Relaxed));
        self.world.vendor.clear_faults();
        // What a case does not say of quota stays unknown, although the gateway asks.
        for account in kinds.keys() {
            let nothing = Fault::answer(503, "application/json", "{}").on(At::Usage).times(ALWAYS);
            self.world.vendor.script(account.as_str(), [nothing]);
        }
        for (account, replies) in step["upstream"].as_object().unwrap() {
            let kind = kinds.get(account).copied().unwrap_or("subscription");
            let mut faults: Vec<Fault> = replies
                .as_array()
                .unwrap()
                .iter()
                .map(|reply| {
                    if reply == "ok" { Fault::new(remuda_fake::Effect::Serve) } else { fault(reply, at, kind).unwrap() }
                })
                .collect();
            if let Some(last) = faults.pop() {
                faults.push(last.times(ALWAYS));
            }
            self.world.vendor.script(account.as_str(), faults);
        }
        for (account, how) in step.get("refresh").and_then(Value::as_object).into_iter().flatten() {
            let body = match how.as_str().unwrap() {
                "permanent" => Some((400, json!({"error": "invalid_grant"}))),
                "transient" => Some((503, json!({"error": {"type": "api_error"}}))),
                _ => None,
            };
            if let Some((status, body)) = body {
                let fault = Fault::answer(status, "application/json", &body.to_string()).on(At::Token).times(ALWAYS);
                self.world.vendor.script(account.as_str(), [fault]);
            }
        }
        let request = &step["request"];
        let session = request["session"].as_str().unwrap();
        if let Some(chosen) = request["account"].as_str() {
            let target = Target::Account(self.id(chosen));
            self.world.edit(Edit::PinSession(session_key(session), Some(target))).await;
        }
        let before = self.world.vendor.requests().len();
        let mut body = crate::world::body("hi", true);
        body["model"] = request["model"].clone();
        let response = self.world.post(session, &body).send().await.unwrap();
        let _ = response.bytes().await;
        self.steps += 1;
        let record = self.newest().await;
        let asked = self.world.vendor.requests().into_iter().skip(before);
        let asked = asked.filter(|r| r.endpoint.is_inference()).filter_map(|r| r.account).collect();
        let skipped: Map<String, Value> =
            record.skipped.iter().map(|s| (s.label.clone(), serde_json::to_value(s.reason).unwrap())).collect();
        (asked, Value::Object(skipped), self.told(&record.outcome))
    }

    async fn newest(&self) -> remuda_core::record::Record {
        for _ in 0..2_000 {
            self.world.daemon.herd.flush().await;
            let query = RecordQuery { limit: 100, ..RecordQuery::default() };
            let page = self.world.daemon.herd.store().records(query).await.unwrap();
            if page.records.len() >= self.steps as usize {
                return page.records.into_iter().next().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("no record was written");
    }

    fn told(&self, outcome: &Outcome) -> Value {
        match outcome {
            Outcome::Served { account, model: None } => {
                json!({"result": "served", "account": self.world.name(*account)})
            }
            Outcome::Served { account, model } => {
                json!({"result": "served", "account": self.world.name(*account), "model": model})
            }
            Outcome::Error { from, class, retry_after_s } => json!({
                "result": "error",
                "from": from.map_or("gateway", |id| self.world.name(id)),
                "class": class.map_or("no_route", Class::as_str),
                "retry_after_s": retry_after_s,
            }),
            Outcome::StreamError { from, class } => json!({
                "result": "stream_error", "from": self.world.name(*from), "class": class.as_str(), "retry_after_s": null,
            }),
        }
    }

    /// Where what is remembered differs from what should be.
    fn differences(&self, expected: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        let now = self.clock.now();
        self.world.daemon.herd.look(|snapshot, _| {
            for (label, fields) in expected["accounts"].as_object().into_iter().flatten() {
                let account = &snapshot.accounts[&self.id(label)];
                // A rest that is over is as good as none.
                let over = fields.get("cooling_until").and_then(Value::as_i64).is_some_and(|until| until <= now);
                let rest = account.cooling.as_ref().filter(|rest| rest.until > now);
                for (field, value) in fields.as_object().unwrap() {
                    let is = match field.as_str() {
                        "status" => serde_json::to_value(account.status).unwrap(),
                        "cooling_until" => json!(rest.map(|rest| rest.until)),
                        "cooling_reason" => json!(rest.map(|rest| rest.reason.as_str())),
                        "model_cooling" => {
                            let models = value.as_object().unwrap().keys();
                            let until = |model: &String| account.model_cooling.get(model).map(|rest| rest.until);
                            models.map(|model| (model.clone(), json!(until(model)))).collect::<Map<_, _>>().into()
                        }
                        _ => continue,
                    };
                    if is != *value && !(over && field.starts_with("cooling_") && is.is_null()) {
                        wrong.push(format!("{label}.{field}: expected {value}, got {is}"));
                    }
                }
            }
        });
        let sessions: BTreeMap<String, String> = self
            .world
            .daemon
            .herd
            .session_homes(100)
            .into_iter()
            .map(|(session, home, _)| (session.0.trim_start_matches("claude:").to_owned(), home))
            .map(|(session, home)| (session, self.world.name(home.account).to_owned()))
            .collect();
        let expected: BTreeMap<String, String> =
            serde_json::from_value(expected["sessions"].clone()).unwrap_or_default();
        if sessions != expected {
            wrong.push(format!("sessions: expected {expected:?}, got {sessions:?}"));
        }
        wrong
    }
}

fn session_key(session: &str) -> SessionKey {
    SessionKey(format!("claude:{session}"))
}

fn thresholds(given: Option<&Value>) -> BTreeMap<Window, f64> {
    given.cloned().map(|given| serde_json::from_value(given).unwrap()).unwrap_or_default()
}

async fn play(case: &Value) -> Vec<String> {
    let kinds = kinds(case);
    let mut played = Played::given(case).await;
    let mut wrong = Vec::new();
    for (at, step) in case["when"].as_array().unwrap().iter().enumerate() {
        let (tried, skipped, outcome) = played.step(step, &kinds).await;
        let expected = &case["then"]["steps"][at];
        for (what, is, should_be) in [
            ("tried", json!(tried), expected["tried"].clone()),
            ("skipped", skipped, expected.get("skipped").cloned().unwrap_or_else(|| json!({}))),
            ("outcome", outcome, expected["outcome"].clone()),
        ] {
            if !same(&is, &should_be) {
                wrong.push(format!("step {at}, {what}: expected {should_be}, got {is}"));
            }
        }
    }
    wrong.extend(played.differences(&case["then"]["state"]));
    wrong
}

/// 200 and 200.0 are the same.
fn same(is: &Value, should_be: &Value) -> bool {
    match (is, should_be) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Object(a), Value::Object(b)) => {
            b.iter().all(|(key, value)| same(a.get(key).unwrap_or(&Value::Null), value)) && a.len() <= b.len()
        }
        _ => is == should_be,
    }
}

#[tokio::test]
async fn routing_cases_over_http() {
    let mut playing = tokio::task::JoinSet::new();
    for case in cases() {
        if inexpressible(&case).is_none() {
            playing.spawn(async move {
                let name = format!("{}: {}", case["id"].as_str().unwrap(), case["title"].as_str().unwrap_or_default());
                (name, play(&case).await)
            });
        }
    }
    let (mut played, mut failures) = (0, Vec::new());
    while let Some(done) = playing.join_next().await {
        played += 1;
        match done {
            Ok((_, wrong)) if wrong.is_empty() => {}
            Ok((name, wrong)) => failures.push(format!("{name}\n    {}", wrong.join("\n    "))),
            // A case that trips over itself is one failing case, not the end of all.
            Err(error) => failures.push(error.to_string()),
        }
    }
    failures.sort();
    assert!(played > 0, "no case can be played");
    assert!(failures.is_empty(), "{} of {played} cases fail over HTTP:\n{}", failures.len(), failures.join("\n"));
}
