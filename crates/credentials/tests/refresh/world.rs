//! One case acted out: processes with a keeper and a store handle each, on one directory, on simulated time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use remuda_core::{Account, AccountId, AccountStatus, CostClass, CredentialKind, Label, Vendor};
use remuda_credentials::{Clock, Keeper, Token, TokenError};
use remuda_store::sqlite::{SqliteOptions, SqliteStore};
use remuda_store::{
    Backoff, Credential, KeySource, Login, NewAccount, OauthPair, Places, Profile, RefreshEnd, RefreshLock, Sentence,
    Store, StoredCredential,
};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::case::{Case, Event, Pair};
use super::sim::{Endpoint, KillPoint, SimClock, Trace};
use super::watched::Watched;

const MAIN: AccountId = AccountId(Uuid::from_u128(1));
const OTHER: AccountId = AccountId(Uuid::from_u128(2));

/// Do processes hear at once of what others stored?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signals {
    /// The daemon has just looked at the store's revision.
    All,
    /// Only where nothing else could tell: an old backup put back, a file of the host in the same process.
    Few,
}

/// How a caller ended.
type Ended = Result<Token, TokenError>;

pub struct World<'a> {
    case: &'a Case,
    signals: Signals,
    home: TempDir,
    pub clock: SimClock,
    vendor: Vendor,
    pub endpoint: Arc<Endpoint>,
    pub trace: Arc<Trace>,
    kill: Arc<KillPoint>,
    /// Another program on the same store: writes what others write, and reads how it ended.
    pub outside: Option<SqliteStore>,
    processes: BTreeMap<String, Process>,
    running: Vec<(String, JoinHandle<()>)>,
    pub callers: Arc<Mutex<BTreeMap<String, Ended>>>,
    pub last: Arc<Mutex<Option<Result<(), TokenError>>>>,
    pub untouched: Option<bool>,
    bytes_before: Vec<u8>,
}

struct Process {
    store: Arc<SqliteStore>,
    keeper: Keeper,
}

fn options(home: &TempDir) -> SqliteOptions {
    SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(Places::in_home(home.path())) }
}

impl<'a> World<'a> {
    pub async fn new(case: &'a Case, signals: Signals) -> Self {
        let given = &case.given;
        let home = tempfile::tempdir().unwrap();
        let clock = SimClock::new(given.now);
        let outside = SqliteStore::open(options(&home), given.now).await.unwrap();
        let vendor = match given.vendor.as_str() {
            "anthropic" => Vendor::Anthropic,
            "openai" => Vendor::OpenAi,
            "qwen" => Vendor::Qwen,
            other => panic!("unknown vendor {other}"),
        };
        let trace = Arc::new(Trace::default());
        let kill = Arc::new(KillPoint::default());
        let endpoint = Arc::new(Endpoint::new(&case.endpoint, clock.clone(), trace.clone(), kill.clone()));
        let mut world = Self {
            case,
            signals,
            home,
            clock,
            vendor,
            endpoint,
            trace,
            kill,
            outside: Some(outside),
            processes: BTreeMap::new(),
            running: Vec::new(),
            callers: Arc::default(),
            last: Arc::default(),
            untouched: None,
            bytes_before: Vec::new(),
        };
        world.furnish().await;
        world.damage().await;
        for number in 1..=given.processes.unwrap_or(1) {
            world.start_process(&format!("p{number}")).await;
        }
        world
    }

    /// Puts there what the case takes as given.
    async fn furnish(&mut self) {
        let given = &self.case.given;
        let store = self.outside.as_ref().unwrap();
        self.add(MAIN, "main", &given.credential).await;
        if let Some(other) = &given.other_credential {
            self.add(OTHER, "other", other).await;
        }
        let generation = given.credential.generation;
        let condemned = |sentence| RefreshEnd::Condemned { at: given.now - 60, sentence, code: "given".to_owned() };
        for verdict in given.verdicts.iter().filter(|verdict| verdict.generation == generation) {
            assert_eq!(verdict.error, "permanent");
            store.end_refresh(MAIN, generation, condemned(Sentence::LoginNeeded)).await.unwrap();
        }
        match given.account.as_deref() {
            None | Some("ready") => {}
            Some("needs_login") => {
                store.end_refresh(MAIN, generation, condemned(Sentence::LoginNeeded)).await.unwrap();
            }
            Some("disabled") => {
                store.end_refresh(MAIN, generation, condemned(Sentence::AccountClosed)).await.unwrap();
            }
            Some("paused") => {
                let edit = remuda_store::Edit::Status(MAIN, AccountStatus::Paused);
                store.edit(vec![edit], given.now).await.unwrap();
            }
            Some(other) => panic!("unknown account status {other}"),
        }
        if let Some(until) = given.backoff_until {
            let end = RefreshEnd::Backoff(Backoff { until, failures: 1 });
            store.end_refresh(MAIN, generation, end).await.unwrap();
        }
        if let Some(until) = given.cooling_until {
            let cooldown = remuda_core::Cooldown {
                until,
                reason: remuda_core::Class::WindowExhausted,
                stated: true,
                probing_until: None,
                since: given.now,
                evidence: "given".to_owned(),
            };
            let change = remuda_core::route::StateChange::Cooling(MAIN, Some(cooldown));
            let batch = remuda_store::Batch { changes: vec![change], ..Default::default() };
            store.apply(Arc::new(batch), given.now).await.unwrap();
        }
    }

    async fn add(&self, id: AccountId, label: &str, pair: &Pair) {
        let store = self.outside.as_ref().unwrap();
        let kind = match pair.kind.as_deref() {
            Some("static") => CredentialKind::StaticToken,
            _ => CredentialKind::Subscription,
        };
        let account = Account::new(id, Label::new(label).unwrap(), self.vendor, kind, CostClass::Included);
        // Verdicts on older generations come first, as they did in time.
        let first = Pair { access: "at0".to_owned(), refresh: Some("rt0".to_owned()), ..pair.clone() };
        let old = self.case.given.verdicts.iter().filter(|v| id == MAIN && v.generation < pair.generation);
        let begin = NewAccount { account, profile: Profile::default(), credential: credential(&first) };
        store.add_account(begin, self.case.given.now).await.unwrap();
        for verdict in old {
            if verdict.generation > 1 {
                let before = StoredCredential { credential: credential(&first), generation: verdict.generation };
                store.advance(id, before).await.unwrap();
            }
            let end = RefreshEnd::Condemned {
                at: self.case.given.now - 60,
                sentence: Sentence::LoginNeeded,
                code: verdict.error.clone(),
            };
            store.end_refresh(id, verdict.generation, end).await.unwrap();
        }
        store.plant_credential(id, stored(pair)).await.unwrap();
        let edit = remuda_store::Edit::Status(id, AccountStatus::Ready);
        store.edit(vec![edit], self.case.given.now).await.unwrap();
    }

    /// Damages the store, if the case takes it as damaged: the whole file, or (nobody hears) only the secret in it.
    async fn damage(&mut self) {
        match self.case.given.store.as_deref() {
            None => return,
            Some("corrupt") => {}
            Some(other) => panic!("unknown state of the store {other}"),
        }
        let outside = self.outside.take().unwrap();
        outside.close().await;
        drop(outside);
        let file = Places::in_home(self.home.path()).database();
        match self.signals {
            Signals::All => {
                let mut bytes = std::fs::read(&file).unwrap();
                bytes[..100].fill(0x5a);
                std::fs::write(&file, bytes).unwrap();
            }
            Signals::Few => {
                let db = rusqlite::Connection::open(&file).unwrap();
                assert_eq!(db.execute("UPDATE credential SET sealed = x'00112233'", []).unwrap(), 1);
                db.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
            }
        }
        self.bytes_before = std::fs::read(&file).unwrap();
    }

    async fn start_process(&mut self, name: &str) {
        let opened = SqliteStore::open(options(&self.home), self.clock.now()).await;
        let store = match opened {
            Ok(store) => Arc::new(store),
            // Without a store there is no daemon; who asks is told so.
            Err(error) => {
                *self.last.lock().unwrap() = Some(Err(TokenError::Store { why: error.to_string() }));
                return;
            }
        };
        let watched = Watched { inner: store.clone(), trace: self.trace.clone(), kill: self.kill.clone() };
        let keeper =
            Keeper::new(Arc::new(watched), Arc::new(self.clock.clone()), self.endpoint.clone(), BTreeMap::new());
        keeper.resync().await.unwrap();
        self.processes.insert(name.to_owned(), Process { store, keeper });
    }

    pub fn keeper(&self) -> Option<&Keeper> {
        self.processes.values().next().map(|process| &process.keeper)
    }

    /// Acts out all events, then lets what is under way come to its end.
    pub async fn act(&mut self) {
        let mut events: Vec<&Event> = self.case.when.iter().collect();
        events.sort_by_key(|event| event.t);
        let mut held = self.hold_lock().await;
        self.arm(&events);
        for (number, event) in events.iter().enumerate() {
            held = self.pass_time(held, event.t).await;
            self.act_one(event, &events[number + 1..]).await;
        }
        let after = held.as_ref().map_or(0, |(until, _)| *until);
        drop(self.pass_time(held, after).await);
        for (_, task) in std::mem::take(&mut self.running) {
            let _ = task.await;
        }
        for process in self.processes.values() {
            process.keeper.shutdown(Duration::from_secs(3600)).await;
        }
        if self.case.given.store.is_some() {
            let file = Places::in_home(self.home.path()).database();
            self.untouched = Some(std::fs::read(file).unwrap() == self.bytes_before);
        }
    }

    /// The lock of another process, and until when it is held: a dead holder until its lease is over (locally the
    /// kernel frees it at once), a living one until it has written.
    async fn hold_lock(&self) -> Option<(i64, RefreshLock)> {
        let lock = self.case.given.lock.as_ref()?;
        let held = self.outside.as_ref().unwrap().refresh_lock(self.vendor, Duration::ZERO).await.unwrap();
        let written = self.case.when.iter().filter(|event| event.what == "foreign_write").map(|event| event.t).max();
        let until =
            if lock.holder.contains("dead") { lock.lease_until - self.case.given.now } else { written.unwrap() };
        Some((until, held))
    }

    async fn pass_time(&self, held: Option<(i64, RefreshLock)>, t: i64) -> Option<(i64, RefreshLock)> {
        match held {
            // What the holder writes at this moment, it writes before it lets go.
            Some((until, lock)) if until < t || t == 0 && until == 0 => {
                self.clock.until(until).await;
                drop(lock);
                self.clock.until(t).await;
                None
            }
            held => {
                self.clock.until(t).await;
                held
            }
        }
    }

    fn arm(&self, rest: &[&Event]) {
        let next = rest.iter().find(|event| matches!(event.what.as_str(), "kill" | "restart"));
        self.kill.arm(next.filter(|event| event.what == "kill").and_then(|event| event.at.clone()));
    }

    async fn act_one(&mut self, event: &Event, rest: &[&Event]) {
        match event.what.as_str() {
            "need_token" => {
                let account = if event.credential.as_deref() == Some("other") { OTHER } else { MAIN };
                self.call(event, move |keeper| async move { keeper.token(account).await });
            }
            "rejected_401" => {
                let generation = self.generation_of(event.access.as_deref().unwrap()).await;
                self.call(event, move |keeper| async move {
                    let _ = keeper.rejected(MAIN, generation).await;
                    keeper.token(MAIN).await
                });
            }
            "timer" => {
                for process in self.processes.values() {
                    let (keeper, last) = (process.keeper.clone(), self.last.clone());
                    let pass = async move {
                        for (_, outcome) in keeper.refresh_due().await {
                            *last.lock().unwrap() = Some(outcome);
                        }
                    };
                    self.running.push(("timer".to_owned(), tokio::task::spawn_local(pass)));
                }
            }
            "client_abort" => {
                let caller = event.caller.as_deref().unwrap();
                for (_, task) in self.running.iter().filter(|(name, _)| name == caller) {
                    task.abort();
                }
            }
            "persist_fails" => {
                for process in self.processes.values() {
                    process.store.fail_persists(event.times.unwrap_or(1)).await.unwrap();
                }
            }
            "foreign_write" => {
                let pair = event.stored.as_ref().unwrap();
                let store = self.outside.as_ref().unwrap();
                let before = store.credential(MAIN).await.unwrap().generation;
                store.plant_credential(MAIN, stored(pair)).await.unwrap();
                if self.signals == Signals::All || pair.generation < before {
                    self.signal().await;
                }
            }
            "login" => {
                let pair = event.stored.as_ref().unwrap();
                let store = self.outside.as_ref().unwrap();
                let login = Login {
                    credential: credential(pair),
                    kind: CredentialKind::Subscription,
                    identity: None,
                    profile: Profile::default(),
                };
                let generation = store.login(MAIN, login, self.clock.now()).await.unwrap();
                if generation != pair.generation {
                    store.plant_credential(MAIN, stored(pair)).await.unwrap();
                }
                if self.signals == Signals::All {
                    self.signal().await;
                }
            }
            "host_file_changed" => {
                let mut pair = event.stored.clone().unwrap();
                pair.kind = Some("borrowed".to_owned());
                self.outside.as_ref().unwrap().advance(MAIN, stored(&pair)).await.unwrap();
                self.signal().await;
            }
            "kill" => {
                if event.at.is_some() {
                    self.kill.kill().await;
                }
                for (_, task) in std::mem::take(&mut self.running) {
                    task.abort();
                }
                // The flight has died at its point; the store's thread carries out what it was handed, as a kernel does.
                tokio::task::yield_now().await;
                self.processes.clear();
                self.kill.arm(None);
            }
            "restart" => {
                self.arm(rest);
                self.start_process("p1").await;
            }
            other => panic!("unknown event {other}"),
        }
    }

    fn call<F: Future<Output = Ended> + 'static>(&mut self, event: &Event, ask: impl FnOnce(Keeper) -> F + 'static) {
        let caller = event.caller.clone().unwrap();
        let name = caller.split_once('/').map_or("p1", |(process, _)| process).to_owned();
        let (callers, last, trace) = (self.callers.clone(), self.last.clone(), self.trace.clone());
        let keeper = self.processes.get(&name).map(|process| process.keeper.clone());
        let who = caller.clone();
        let ask = async move {
            let ended = match keeper {
                Some(keeper) => ask(keeper).await,
                None => Err(TokenError::Store { why: "the daemon does not run".to_owned() }),
            };
            trace.add("publish");
            *last.lock().unwrap() = Some(ended.as_ref().map(|_| ()).map_err(Clone::clone));
            callers.lock().unwrap().insert(who, ended);
        };
        self.running.push((caller, tokio::task::spawn_local(ask)));
    }

    async fn signal(&self) {
        for process in self.processes.values() {
            process.keeper.resync().await.unwrap();
        }
    }

    /// The generation of the access token that a request had used.
    async fn generation_of(&self, access: &str) -> u64 {
        let used = self.keeper().and_then(|keeper| keeper.cached(MAIN));
        let now = self.outside.as_ref().unwrap().credential(MAIN).await.unwrap();
        let of_memory = used.filter(|token| token.secret().expose_secret() == access).map(|token| token.generation());
        match of_memory {
            Some(generation) => generation,
            None if shown(&now).0 == access => now.generation,
            None => now.generation - 1,
        }
    }

    pub async fn stored(&self) -> Option<(String, Option<String>, Option<i64>, u64)> {
        let stored = self.outside.as_ref()?.credential(MAIN).await.unwrap();
        let (access, refresh, expires_at) = shown(&stored);
        Some((access, refresh, expires_at, stored.generation))
    }

    /// The account's status in the words of the cases.
    pub async fn account(&self) -> &'static str {
        match &*self.last.lock().unwrap() {
            Some(Err(TokenError::Store { .. })) => return "unavailable",
            Some(Err(TokenError::WaitingForOwner { .. })) => return "waiting_for_owner",
            _ => {}
        }
        let herd = self.outside.as_ref().unwrap().load(self.clock.now()).await.unwrap();
        match herd.snapshot.accounts[&MAIN].status {
            AccountStatus::Ready => "ready",
            AccountStatus::NeedsLogin => "needs_login",
            AccountStatus::Disabled => "disabled",
            AccountStatus::Paused => "paused",
        }
    }

    /// What went wrong in the end, in the words of the cases.
    pub async fn error(&self) -> Option<&'static str> {
        if let Some(store) = &self.outside
            && let Some(condemned) = store.refresh_state(MAIN).await.unwrap().condemned
        {
            return Some(match condemned.sentence {
                Sentence::LoginNeeded => "permanent",
                Sentence::AccountClosed => "account",
            });
        }
        let trouble = self.keeper().and_then(|keeper| keeper.trouble(MAIN)).and_then(|trouble| trouble.failure);
        let last = self.last.lock().unwrap().clone();
        trouble.or_else(|| last?.err()).map(|error| match error {
            TokenError::NeedsLogin { .. } => "permanent",
            TokenError::Disabled { .. } => "account",
            TokenError::Transient { .. } | TokenError::WaitingForOwner { .. } => "transient",
            TokenError::Config { .. } => "config",
            TokenError::Store { .. } => "store",
            TokenError::Missing => "missing",
        })
    }

    pub fn next_attempt_not_before(&self) -> Option<i64> {
        self.keeper()?.trouble(MAIN)?.retry_at
    }
}

fn credential(pair: &Pair) -> Credential {
    let access = SecretString::from(pair.access.as_str());
    match pair.kind.as_deref() {
        None | Some("oauth") => Credential::Oauth(OauthPair {
            access,
            refresh: SecretString::from(pair.refresh.as_deref().unwrap()),
            expires_at: pair.expires_at.unwrap(),
            last_refresh_at: pair.last_refresh_at,
            earliest_refresh_at: pair.earliest_refresh_at,
            client_id: None,
        }),
        Some("static") => Credential::Static { token: access },
        Some("borrowed") => {
            Credential::Borrowed { access, expires_at: pair.expires_at, source: "/home/x/.codex/auth.json".to_owned() }
        }
        Some(other) => panic!("unknown kind of credential {other}"),
    }
}

fn stored(pair: &Pair) -> StoredCredential {
    StoredCredential { credential: credential(pair), generation: pair.generation }
}

fn shown(stored: &StoredCredential) -> (String, Option<String>, Option<i64>) {
    let text = |secret: &SecretString| secret.expose_secret().to_owned();
    match &stored.credential {
        Credential::Oauth(pair) => (text(&pair.access), Some(text(&pair.refresh)), Some(pair.expires_at)),
        Credential::Static { token } => (text(token), None, None),
        Credential::Key { key } => (text(key), None, None),
        Credential::Borrowed { access, expires_at, .. } => (text(access), None, *expires_at),
    }
}
