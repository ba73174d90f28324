//! Asking the vendor what is left: over real HTTP against the vendor in miniature, on a clock of the test's own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use remuda_core::poll::PollPolicy;
use remuda_core::route::StateChange;
use remuda_core::snapshot::{ChainStep, KillSwitch, Policy, Target};
use remuda_core::{
    Account, AccountId, AccountStatus, Class, Cooldown, CostClass, CredentialKind, Label, Protocol, Reading,
    ReadingSource, UnixSeconds, Vendor, Window,
};
use remuda_credentials::{Clock, Https, Keeper};
use remuda_fake::{AccountSpec, ClockMode, Config, Endpoint, Fake, FakeAccount, Fault, Site, Window as FakeWindow};
use remuda_gateway::{Herd, Journal, Polled, Poller};
use remuda_store::sqlite::{SqliteOptions, SqliteStore};
use remuda_store::{Borrowed, Credential, Edit, KeySource, Login, NewAccount, OauthPair, Places, Profile, Store};
use secrecy::SecretString;
use uuid::Uuid;

const NOW: UnixSeconds = 1_795_168_800;

/// Stands still until it is put forward. A pause of a second is over at once; a longer one never ends.
struct Still(AtomicI64);

#[async_trait]
impl Clock for Still {
    fn now(&self) -> UnixSeconds {
        self.0.load(Ordering::SeqCst)
    }

    async fn sleep(&self, duration: Duration) {
        if duration > Duration::from_secs(1) {
            std::future::pending::<()>().await;
        }
    }
}

/// One process on a store.
struct Process {
    herd: Arc<Herd>,
    poller: Poller,
}

struct World {
    vendor: Fake,
    clock: Arc<Still>,
    home: tempfile::TempDir,
    processes: Vec<Process>,
}

impl World {
    async fn new() -> Self {
        let _installed_already = rustls::crypto::ring::default_provider().install_default();
        let config = Config { clock: ClockMode::Simulated(NOW), ..Config::default() };
        let mut world = Self {
            vendor: Fake::start(config).await.unwrap(),
            clock: Arc::new(Still(AtomicI64::new(NOW))),
            home: tempfile::tempdir().unwrap(),
            processes: Vec::new(),
        };
        world.start().await;
        world
    }

    /// Another process on the same store.
    async fn start(&mut self) {
        let process = process(self.home.path(), &self.vendor, Arc::clone(&self.clock)).await;
        self.processes.push(process);
    }

    fn herd(&self) -> &Arc<Herd> {
        &self.processes[0].herd
    }

    fn poller(&self) -> &Poller {
        &self.processes[0].poller
    }

    fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        self.vendor.advance(seconds);
    }

    async fn add(&self, n: u128, kind: CredentialKind, profile: Profile) -> FakeAccount {
        let name = format!("a{n}");
        let at_vendor = self.vendor.add_account(AccountSpec::subscription(&name)).unwrap();
        self.store(n, (Vendor::Anthropic, kind), profile, &at_vendor).await;
        at_vendor
    }

    async fn store(
        &self,
        n: u128,
        (vendor, kind): (Vendor, CredentialKind),
        profile: Profile,
        at_vendor: &FakeAccount,
    ) {
        let name = format!("a{n}");
        let account = Account::new(id(n), Label::new(&name).unwrap(), vendor, kind, CostClass::Included);
        let credential = Credential::Oauth(pair(at_vendor));
        self.herd().add_account(NewAccount { account, profile, credential }).await.unwrap();
    }

    /// A subscription that has been read once, so that it is not new any more.
    async fn known(&self, n: u128) -> FakeAccount {
        let at_vendor = self.add(n, CredentialKind::Subscription, Profile::default()).await;
        self.header(n, 10.0);
        at_vendor
    }

    /// An answer's headers told this, now.
    fn header(&self, n: u128, used_percent: f64) {
        let resets_at = Some(self.clock.now() + 9_000);
        let reading = Reading { used_percent, resets_at, source: ReadingSource::Headers, read_at: self.clock.now() };
        self.herd().harvest(id(n), self.login_of(n), vec![(Window::FiveHour, reading)]);
    }

    fn login_of(&self, n: u128) -> UnixSeconds {
        self.herd().look(|_, profiles| profiles[&id(n)].last_login_at)
    }

    /// A request is sent to it.
    fn use_it(&self, n: u128) {
        drop(self.herd().ride(id(n)));
    }

    fn reading(&self, n: u128) -> Option<Reading> {
        self.herd().look(|herd, _| herd.accounts[&id(n)].readings.get(&Window::FiveHour).cloned())
    }

    fn cooling(&self, n: u128) -> Option<Cooldown> {
        self.herd().look(|herd, _| herd.accounts[&id(n)].cooling.clone())
    }

    /// Names of the accounts about which the vendor was asked, in order.
    fn asked(&self) -> Vec<String> {
        let requests = self.vendor.requests().into_iter();
        requests.filter(|seen| seen.endpoint == Endpoint::Usage).filter_map(|seen| seen.account).collect()
    }

    async fn edit(&self, edit: Edit) {
        self.herd().edit(vec![edit]).await.unwrap();
    }
}

async fn process(home: &Path, vendor: &Fake, clock: Arc<Still>) -> Process {
    let options = SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(Places::in_home(home)) };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options, clock.now()).await.unwrap());
    let clock: Arc<dyn Clock> = clock;
    let journal = Arc::new(Journal::new(Arc::clone(&store), Arc::clone(&clock)));
    let herd = Herd::load(Arc::clone(&store), journal, Arc::clone(&clock), Policy::default()).await.unwrap();
    let herd = Arc::new(herd);
    let urls = BTreeMap::from([(Vendor::Anthropic, vendor.token_url())]);
    let keeper = Keeper::new(store, clock, Arc::new(Https::new()), urls);
    let codex = format!("{}/backend-api/codex", vendor.url(Site::ChatGpt));
    let bases =
        [((Vendor::Anthropic, Protocol::Messages), vendor.base_url()), ((Vendor::OpenAi, Protocol::Codex), codex)]
            .into();
    let poller = Poller::new(Arc::clone(&herd), keeper, Arc::new(Https::new()), bases, PollPolicy::default());
    Process { herd, poller }
}

fn id(n: u128) -> AccountId {
    AccountId(Uuid::from_u128(n))
}

fn pair(account: &FakeAccount) -> OauthPair {
    let tokens = account.issue_tokens();
    OauthPair {
        access: SecretString::from(tokens.access_token),
        refresh: SecretString::from(tokens.refresh_token),
        expires_at: tokens.expires_at,
        last_refresh_at: None,
        earliest_refresh_at: None,
        client_id: None,
    }
}

fn busy() -> Fault {
    Fault::answer(429, "application/json", "{}").on(Endpoint::Usage)
}

#[tokio::test]
async fn only_accounts_that_could_serve_next_and_whose_readings_are_old_are_asked_about() {
    let world = World::new().await;
    for n in 1..=4 {
        world.known(n).await;
    }
    let step = |n| ChainStep { target: Target::Account(id(n)), model: None };
    world.edit(Edit::Chain(id(1), vec![step(2), step(3)])).await;
    world.edit(Edit::Status(id(3), AccountStatus::Paused)).await;
    world.advance(1_000);
    assert!(world.poller().poll_due().await.is_empty(), "nobody works: nothing is worth a question");

    world.use_it(1);
    world.header(1, 20.0);
    let polled = world.poller().poll_due().await;
    assert_eq!(world.asked(), ["a2"], "a1 says it by itself, a3 is off, a4 stands on no chain");
    assert!(matches!(&polled[..], [(who, Polled::Answered { windows: 2 | 3 })] if *who == id(2)), "{polled:?}");
    assert_eq!(world.reading(2).unwrap().source, ReadingSource::Usage);
    assert!(world.poller().poll_due().await.is_empty(), "it has answered");

    world.advance(200);
    world.use_it(1);
    assert!(world.poller().poll_due().await.is_empty(), "300 s, give or take a fifth");
    world.advance(200);
    world.use_it(1);
    world.header(1, 21.0);
    world.poller().poll_due().await;
    assert_eq!(world.asked(), ["a2", "a2"]);
}

#[tokio::test]
async fn a_new_login_is_asked_about_once_and_one_of_another_program_only_while_it_serves() {
    let world = World::new().await;
    world.add(1, CredentialKind::Subscription, Profile::default()).await;
    let borrowed = Borrowed { program: "claude".to_owned(), file: "/home/ann/.claude".to_owned(), slot: String::new() };
    let borrowed = Profile { borrowed: Some(borrowed), ..Profile::default() };
    world.add(2, CredentialKind::Subscription, borrowed).await;
    world.add(3, CredentialKind::StaticToken, Profile::default()).await;
    world.poller().poll_due().await;
    world.advance(20);
    world.poller().poll_due().await;
    assert_eq!(world.asked(), ["a1"]);
    world.use_it(2);
    world.poller().poll_due().await;
    assert_eq!(world.asked(), ["a1", "a2"]);
}

#[tokio::test]
async fn a_busy_vendor_is_left_alone_for_as_long_as_it_says_and_ever_longer_if_it_says_nothing() {
    let world = World::new().await;
    world.known(1).await;
    world.vendor.script("a1", [busy().retry_after("150"), busy(), busy()]);
    let polled = world.poller().poll(id(1)).await;
    let why = "the usage endpoint answered 429".to_owned();
    assert_eq!(polled, Polled::Failed { until: NOW + 150, why: why.clone() });
    world.advance(149);
    assert_eq!(world.poller().poll(id(1)).await, Polled::Rests { until: NOW + 150, why });
    assert_eq!(world.asked().len(), 1, "not even because a person asks");
    world.advance(1);
    let Polled::Failed { until, .. } = world.poller().poll(id(1)).await else { panic!("it is busy still") };
    assert_eq!(until, NOW + 150 + 120, "the second failure in a row: twice sixty seconds");
    world.advance(120);
    let Polled::Failed { until, .. } = world.poller().poll(id(1)).await else { panic!("it is busy still") };
    assert_eq!(until, NOW + 150 + 120 + 240);
    world.advance(240);
    assert!(matches!(world.poller().poll(id(1)).await, Polled::Answered { .. }));
    assert_eq!(world.herd().polls()[&id(1)].failures, 0);
    assert_eq!(world.herd().look(|herd, _| herd.accounts[&id(1)].status), AccountStatus::Ready, "it is not to blame");
}

#[tokio::test]
async fn a_vendor_that_cannot_be_reached_or_talks_nonsense_is_left_alone_too() {
    let world = World::new().await;
    world.known(1).await;
    world.vendor.script("a1", [Fault::reset(remuda_fake::Point::BeforeHeaders).on(Endpoint::Usage)]);
    assert!(matches!(world.poller().poll(id(1)).await, Polled::Failed { until, .. } if until == NOW + 60));
    world.advance(60);
    world.vendor.script("a1", [Fault::answer(200, "text/html", "<html>").on(Endpoint::Usage)]);
    assert!(matches!(world.poller().poll(id(1)).await, Polled::Failed { until, .. } if until == NOW + 60 + 300));
}

#[tokio::test]
async fn two_processes_on_one_store_ask_once_and_both_know() {
    let mut world = World::new().await;
    let at_vendor = world.known(1).await;
    world.herd().flush().await;
    world.start().await;
    at_vendor.set_window(FakeWindow::FiveHour, 64.0, 9_000);
    world.advance(1_000);
    for process in &world.processes {
        drop(process.herd.ride(id(1)));
    }
    world.processes[0].poller.poll_due().await;
    world.herd().flush().await;
    let polled = world.processes[1].poller.poll_due().await;
    assert_eq!(polled, [(id(1), Polled::Fresh)]);
    assert_eq!(world.asked(), ["a1"]);
    let other = world.processes[1].herd.look(|herd, _| herd.accounts[&id(1)].readings[&Window::FiveHour].clone());
    assert!((other.used_percent - 64.0).abs() < 0.01, "{other:?}");
    assert!(world.processes[1].poller.poll_due().await.is_empty(), "it knows now");
}

#[tokio::test]
async fn a_new_login_forgets_what_the_old_one_earned_also_what_comes_late() {
    let world = World::new().await;
    let at_vendor = world.known(1).await;
    world.poller().poll(id(1)).await;
    let earned_by = world.login_of(1);
    world.advance(60);
    let login = Login {
        credential: Credential::Oauth(pair(&at_vendor)),
        kind: CredentialKind::Subscription,
        identity: None,
        profile: Profile::default(),
    };
    world.herd().store().login(id(1), login, world.clock.now()).await.unwrap();
    world.herd().logged_in(id(1)).await.unwrap();
    assert_eq!(world.reading(1), None);
    assert!(world.herd().polls().is_empty());

    let late = Reading { used_percent: 99.0, resets_at: None, source: ReadingSource::Headers, read_at: NOW + 61 };
    world.herd().harvest(id(1), earned_by, vec![(Window::FiveHour, late)]);
    assert_eq!(world.reading(1), None, "an answer to the old credential");
    world.header(1, 5.0);
    assert!(world.reading(1).is_some());
}

#[tokio::test]
async fn what_an_answer_says_while_the_question_is_on_its_way_is_newer() {
    let world = World::new().await;
    let at_vendor = world.known(1).await;
    at_vendor.set_window(FakeWindow::FiveHour, 30.0, 9_000);
    world.vendor.script("a1", [Fault::serve().on(Endpoint::Usage).delayed(Duration::from_millis(300))]);
    let question = world.poller().poll(id(1));
    let answer = async {
        while world.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.advance(5);
        world.header(1, 33.0);
    };
    let (polled, ()) = tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(question, answer) })
        .await
        .expect("both end");
    assert!(matches!(polled, Polled::Answered { .. }), "{polled:?}");
    let kept = world.reading(1).unwrap();
    assert_eq!((kept.used_percent, kept.source), (33.0, ReadingSource::Headers));
}

#[tokio::test]
async fn a_window_that_starts_anew_early_ends_the_rest_with_a_probe_and_the_evidence() {
    let world = World::new().await;
    let at_vendor = world.known(1).await;
    world.advance(1);
    let (reason, evidence) = (Class::WindowExhausted, "429".to_owned());
    let resets_at = NOW + 15_000;
    let spent =
        Reading { used_percent: 100.0, resets_at: Some(resets_at), source: ReadingSource::Headers, read_at: NOW + 1 };
    world.herd().harvest(id(1), world.login_of(1), vec![(Window::FiveHour, spent)]);
    let rest = Cooldown { until: resets_at, reason, stated: true, since: NOW + 1, evidence, probing_until: None };
    world.herd().apply(&[StateChange::Cooling(id(1), Some(rest))], NOW + 1);
    // Somebody works with a stand-in meanwhile.
    world.known(2).await;
    let step = ChainStep { target: Target::Account(id(2)), model: None };
    world.edit(Edit::Chain(id(1), vec![step])).await;

    at_vendor.set_window(FakeWindow::FiveHour, 100.0, 14_999);
    world.advance(1_200);
    world.use_it(2);
    world.header(2, 20.0);
    world.poller().poll_due().await;
    assert!(world.cooling(1).unwrap().holds(NOW + 1_201), "it is spent still");

    at_vendor.set_window(FakeWindow::FiveHour, 2.0, 18_000);
    world.advance(1_200);
    world.use_it(2);
    world.header(2, 21.0);
    world.poller().poll_due().await;
    let rest = world.cooling(1).unwrap();
    assert!(!rest.holds(world.clock.now()) && rest.needs_probe(world.clock.now()), "{rest:?}");
    assert!(rest.evidence.contains("started anew") && rest.evidence.contains("before its stated time"), "{rest:?}");
    world.herd().flush().await;
    let stored = world.herd().store().load(NOW).await.unwrap();
    assert_eq!(stored.snapshot.accounts[&id(1)].cooling, Some(rest), "on the disk too");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_question_asked_again() {
    let world = World::new().await;
    let at_vendor = world.known(1).await;
    at_vendor.revoke_access();
    assert!(matches!(world.poller().poll(id(1)).await, Polled::Answered { .. }));
    let questions = world.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Usage);
    let statuses: Vec<Option<u16>> = questions.map(|seen| seen.status).collect();
    assert_eq!(statuses, [Some(403), Some(200)], "revoked");
    let violations = world.vendor.violations();
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test]
async fn a_usage_endpoint_that_refuses_every_token_does_not_wear_the_login_out() {
    let world = World::new().await;
    world.known(1).await;
    let no = || Fault::answer(401, "application/json", "{}").on(Endpoint::Usage);
    world.vendor.script("a1", [no(), no(), no(), no()]);
    let renewals = || world.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Token).count();
    assert!(matches!(world.poller().poll(id(1)).await, Polled::Failed { until, .. } if until == NOW + 86_400));
    assert_eq!(renewals(), 1);
    world.advance(3_600);
    assert!(matches!(world.poller().poll(id(1)).await, Polled::Rests { .. }));
    assert_eq!(renewals(), 1);
    assert_eq!(world.herd().look(|herd, _| herd.accounts[&id(1)].status), AccountStatus::Ready);
}

#[tokio::test]
async fn a_login_that_may_not_ask_serves_all_the_same_and_is_left_alone() {
    let world = World::new().await;
    world.known(1).await;
    world.vendor.script(
        "a1",
        [Fault::answer(
            403,
            "application/json",
            r#"{"type":"error","error":{"type":"permission_error","message":"scope"}}"#,
        )
        .on(Endpoint::Usage)],
    );
    let polled = world.poller().poll(id(1)).await;
    assert!(matches!(&polled, Polled::Failed { until, why } if *until == NOW + 86_400 && why.contains("may not ask")));
    assert_eq!(world.herd().look(|herd, _| herd.accounts[&id(1)].status), AccountStatus::Ready);
    assert_eq!(world.cooling(1), None);
}

#[tokio::test]
async fn whoever_has_no_usage_endpoint_is_told_so_and_not_asked() {
    let world = World::new().await;
    world.add(1, CredentialKind::StaticToken, Profile::default()).await;
    let polled = world.poller().poll(id(1)).await;
    assert!(matches!(&polled, Polled::Nobody { why } if why.contains("may not ask")), "{polled:?}");
    assert!(world.vendor.requests().is_empty());
}

#[tokio::test]
async fn a_chatgpt_plan_is_asked_about_in_its_own_workspace() {
    let world = World::new().await;
    let at_vendor = world.vendor.add_account(AccountSpec::chatgpt("a1")).unwrap();
    at_vendor.set_window(FakeWindow::SevenDay, 41.0, 90_000);
    let workspace = Some(at_vendor.chatgpt_account_id().to_owned());
    let profile = Profile { organisation_uuid: workspace, ..Profile::default() };
    world.store(1, (Vendor::OpenAi, CredentialKind::Subscription), profile, &at_vendor).await;
    let polled = world.poller().poll(id(1)).await;
    assert!(matches!(polled, Polled::Answered { windows: 1.. }), "{polled:?}");
    let week = world.herd().look(|herd, _| herd.accounts[&id(1)].readings[&Window::SevenDay].clone());
    assert_eq!((week.used_percent, week.resets_at), (41.0, Some(NOW + 90_000)));
    let violations = world.vendor.violations();
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test]
async fn what_decides_whether_an_account_may_serve_is_asked_before_the_request_is_refused_for_not_knowing() {
    let mut world = crate::world::World::new().await;
    let at_vendor = world.subscription("a").await;
    let everyone = [(Window::FiveHour, 10.0)].into();
    world.edit(Edit::KillSwitch(KillSwitch { enabled: true, everyone, ..KillSwitch::default() })).await;
    at_vendor.set_window(FakeWindow::FiveHour, 50.0, 9_000);
    world.answer("s", "hello").await;
    let asked = |world: &crate::world::World| {
        world.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Usage).count()
    };
    assert_eq!(asked(&world), 1);
    world.answer("s", "hello").await;
    assert_eq!(asked(&world), 1, "the answer told the rest");
    at_vendor.set_window(FakeWindow::FiveHour, 95.0, 9_000);
    // Of two readings of the same second the endpoint's counts.
    let read_at = world.daemon.herd.look(|herd, _| herd.accounts[&world.id("a")].readings[&Window::FiveHour].read_at);
    while world.daemon.herd.clock().now() <= read_at {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.answer("s", "the last one").await;
    let refused = world.ask("s", "one more").send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(asked(&world), 1, "it is known, and too little is left");
    world.end().await;
}

#[tokio::test]
async fn a_window_that_the_vendor_does_not_name_is_asked_for_once_and_not_with_every_request() {
    let mut world = crate::world::World::new().await;
    world.subscription("a").await;
    let everyone = [(Window::Other(3_600), 10.0)].into();
    world.edit(Edit::KillSwitch(KillSwitch { enabled: true, everyone, ..KillSwitch::default() })).await;
    for _ in 0..3 {
        assert_eq!(world.ask("s", "hello").send().await.unwrap().status(), 429, "closed: it stays unknown");
    }
    let asked = world.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Usage).count();
    assert_eq!(asked, 1);
    world.end().await;
}
