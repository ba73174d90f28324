//! Logging in to OpenAI and Alibaba in miniature over real HTTP: every way in, and every way in which it must not go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

mod live;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use live::{now, open};
use remuda_core::{CostClass, CredentialKind, Label, Protocol, Vendor};
use remuda_credentials::login::{
    Compatible, LoggedIn, LoginDesk, LoginFailure, LoginId, LoginRequest, Place, Stage, SystemEntropy, Way,
};
use remuda_credentials::{Https, Keeper, SystemClock};
use remuda_fake::{AccountSpec, Browser, Config, Endpoint, Fake, Fault, Point, QwenPlan, Region, Site};
use remuda_store::{AuthHeader, Credential, SqliteStore, Store};
use remuda_vendors::openai::Endpoints;
use remuda_vendors::qwen::{self, Base, KeyKind};
use remuda_vendors::refresh::TokenUrls;
use remuda_vendors::{Addresses, LoginError};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

struct Scene {
    _home: TempDir,
    vendor: Fake,
    store: Arc<SqliteStore>,
    keeper: Keeper,
    desk: LoginDesk,
    addresses: Addresses,
}

const PLANS: [(QwenPlan, KeyKind); 3] = [
    (QwenPlan::Coding, KeyKind::CodingPlan),
    (QwenPlan::PayAsYouGo, KeyKind::PayAsYouGo),
    (QwenPlan::Token, KeyKind::TokenPlan),
];

async fn scene_with(change: impl FnOnce(&mut Config)) -> Scene {
    let home = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut config = Config { chatgpt_redirect_ports: vec![port], device_interval_s: 1, ..Config::default() };
    change(&mut config);
    let vendor = Fake::start(config).await.unwrap();
    for name in ["ann", "bob"] {
        vendor.add_account(AccountSpec::chatgpt(name)).unwrap();
    }
    let openai = Endpoints {
        issuer: vendor.url(Site::OpenAiAuth),
        api_base: format!("{}/v1", vendor.url(Site::OpenAi)),
        backend: format!("{}/backend-api", vendor.url(Site::ChatGpt)),
        ports: vec![port],
    };
    let mut bases = Vec::new();
    for (plan, kind) in PLANS {
        for region in [Region::China, Region::International] {
            let (openai, anthropic) = vendor.qwen_urls(plan, region);
            bases.push(Base { kind, region: format!("{region:?}"), openai, anthropic: Some(anthropic) });
        }
    }
    let addresses = Addresses { openai, qwen: qwen::Endpoints { bases }, ..Addresses::default() };
    let store = Arc::new(open(home.path()).await);
    let urls = TokenUrls {
        own: BTreeMap::from([(Vendor::OpenAi, addresses.openai.token())]),
        shared: Some(addresses.openai.shared_token()),
    };
    let keeper = Keeper::new(store.clone(), Arc::new(SystemClock), Arc::new(Https::new()), urls);
    let desk = LoginDesk::new(keeper.clone(), Arc::new(SystemEntropy));
    Scene { _home: home, vendor, store, keeper, desk, addresses }
}

async fn scene() -> Scene {
    scene_with(|_| {}).await
}

impl Scene {
    fn request(&self, vendor: Vendor, way: Way, label: Option<&str>) -> LoginRequest {
        LoginRequest {
            way,
            vendor,
            place: Place::Vendor,
            label: label.map(|label| Label::new(label).unwrap()),
            addresses: self.addresses.clone(),
            base_url: None,
            auth_header: None,
            cost: None,
            terms: None,
            grants: Vec::new(),
        }
    }

    async fn begin(&self, way: Way, label: Option<&str>) -> (LoginId, String, Option<String>) {
        let (id, stage) = self.desk.start(self.request(Vendor::OpenAi, way, label)).await.unwrap();
        let Stage::Waiting { url, user_code, .. } = stage else { panic!("it does not wait") };
        (id, url, user_code)
    }

    async fn ends(&self, id: &LoginId) -> Result<LoggedIn, LoginFailure> {
        match self.desk.wait(id, Duration::from_secs(20)).await.unwrap() {
            Stage::Done(done) => Ok(*done),
            Stage::Failed(failure) => Err(failure),
            Stage::Waiting { .. } => panic!("it does not end"),
        }
    }

    async fn paste_as(&self, person: &str, label: Option<&str>) -> Result<LoggedIn, LoginFailure> {
        self.vendor.set_browser(Browser::User(person.to_owned()));
        let (id, url, _) = self.begin(Way::Paste, label).await;
        let last = get(&url).await.1.unwrap();
        self.desk.paste(&id, &SecretString::from(last)).await
    }

    async fn with_key(&self, vendor: Vendor, key: &str, label: &str) -> Result<LoggedIn, LoginFailure> {
        let way = Way::Key(SecretString::from(key));
        match self.desk.start(self.request(vendor, way, Some(label))).await? {
            (_, Stage::Done(done)) => Ok(*done),
            (_, other) => panic!("{other:?}"),
        }
    }

    async fn accounts(&self) -> usize {
        self.store.load(now()).await.unwrap().snapshot.accounts.len()
    }
}

/// Status, where it leads, body.
async fn get(url: &str) -> (u16, Option<String>, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host.replace("localhost", "127.0.0.1")).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let location = head.lines().find_map(|line| line.strip_prefix("location: ").map(str::to_owned));
    (head[9..12].parse().unwrap(), location, body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chatgpt_plan_logs_in_with_the_browser_at_the_registered_port() {
    let scene = scene().await;
    let (id, url, code) = scene.begin(Way::Browser, Some("plus")).await;
    assert_eq!(code, None);
    let callback = get(&url).await.1.unwrap();
    assert!(callback.starts_with(&format!("http://localhost:{}/auth/callback?", scene.addresses.openai.ports[0])));
    assert!(get(&callback).await.2.contains("You can close this window"));
    let done = scene.ends(&id).await.unwrap();
    assert_eq!((done.kind, done.cost, done.updated), (CredentialKind::Subscription, CostClass::Included, false));
    assert_eq!(done.profile.email.as_deref(), Some("ann@example.com"));
    assert!(done.profile.plan.is_some() && done.identity.is_some(), "{done:?}");
    assert!(done.profile.organisation_uuid.is_some(), "the workspace, which requests must name");
    assert_eq!(done.notes, Vec::<String>::new());
    assert!(scene.keeper.cached(done.account).is_some());
    assert_eq!(scene.vendor.violations(), Vec::<String>::new());
    scene.desk.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_another_state_changes_nothing() {
    let scene = scene().await;
    let (id, url, _) = scene.begin(Way::Browser, Some("plus")).await;
    let port = scene.addresses.openai.ports[0];
    let strange = get(&format!("http://localhost:{port}/auth/callback?code=stolen&state=guessed")).await;
    assert_eq!(strange.0, 404);
    get(&get(&url).await.1.unwrap()).await;
    assert!(scene.ends(&id).await.is_ok(), "the awaited answer still counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_or_has_no_codex_is_told_so() {
    let scene = scene().await;
    scene.vendor.set_browser(Browser::Declines);
    let (id, url, _) = scene.begin(Way::Browser, None).await;
    get(&get(&url).await.1.unwrap()).await;
    assert!(matches!(scene.ends(&id).await, Err(LoginFailure::Code(LoginError::Refused(_)))));

    let mut spec = AccountSpec::chatgpt("seat");
    spec.chatgpt.entitled = false;
    scene.vendor.add_account(spec).unwrap();
    let failure = scene.paste_as("seat", None).await.unwrap_err();
    assert!(failure.to_string().contains("no access to Codex"), "{failure}");
    assert_eq!(scene.accounts().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_address_logs_in_and_logging_in_again_renews_in_place() {
    let scene = scene().await;
    let first = scene.paste_as("ann", Some("plus")).await.unwrap();
    let again = scene.paste_as("ann", None).await.unwrap();
    assert_eq!((again.account, again.updated, again.label.as_str()), (first.account, true, "plus"));
    let failure = scene.paste_as("ann", Some("other")).await.unwrap_err();
    assert!(matches!(failure, LoginFailure::Duplicate { label } if label.as_str() == "plus"));
    let failure = scene.paste_as("bob", Some("plus")).await.unwrap_err();
    assert!(matches!(failure, LoginFailure::OtherIdentity { .. }), "{failure}");
    assert_eq!(scene.accounts().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_logs_in_when_the_person_has_entered_it() {
    let scene = scene().await;
    let (id, url, code) = scene.begin(Way::Device, Some("plus")).await;
    assert_eq!(url, scene.addresses.openai.device_page());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(matches!(scene.desk.wait(&id, Duration::ZERO).await.unwrap(), Stage::Waiting { .. }));
    get(&format!("{url}?user_code={}&login_hint=ann", code.unwrap())).await;
    let done = scene.ends(&id).await.unwrap();
    assert_eq!(done.profile.email.as_deref(), Some("ann@example.com"));
    assert!(done.identity.is_some());
    assert_eq!(scene.vendor.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_fault_or_a_busy_vendor_in_the_middle_of_a_device_login_costs_nothing() {
    let scene = scene().await;
    scene.vendor.script(
        remuda_fake::Who::Any,
        [
            Fault::reset(Point::BeforeHeaders).on(Endpoint::DeviceToken),
            Fault::answer(503, "text/plain", "busy").on(Endpoint::DeviceToken),
        ],
    );
    let (id, url, code) = scene.begin(Way::Device, None).await;
    get(&format!("{url}?user_code={}&login_hint=ann", code.unwrap())).await;
    assert!(scene.ends(&id).await.is_ok());
    assert_eq!(scene.vendor.pending_faults(), 0, "both happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_too_often_the_device_login_slows_down() {
    // The vendor's pause is longer than the one it states: the first questions come too fast.
    let scene = scene().await;
    scene.vendor.script(
        remuda_fake::Who::Any,
        [Fault::answer(429, "application/json", "{\"error\":{\"code\":\"slow_down\"}}").on(Endpoint::DeviceToken)],
    );
    let (id, url, code) = scene.begin(Way::Device, None).await;
    get(&format!("{url}?user_code={}&login_hint=ann", code.unwrap())).await;
    let before = std::time::Instant::now();
    assert!(scene.ends(&id).await.is_ok());
    assert!(before.elapsed() > Duration::from_secs(5), "RFC 8628: five seconds more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_that_ran_out_or_was_declined_ends_the_login() {
    for (body, expected) in [
        ("{\"error\":{\"code\":\"deviceauth_expired\"}}", "ran out"),
        ("{\"error\":{\"code\":\"access_denied\"}}", "not allowed"),
    ] {
        let scene = scene().await;
        let fault = Fault::answer(403, "application/json", body).on(Endpoint::DeviceToken);
        scene.vendor.script(remuda_fake::Who::Any, [fault]);
        let (id, _, _) = scene.begin(Way::Device, None).await;
        let failure = scene.ends(&id).await.unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
        assert_eq!(scene.accounts().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_typed_here_instead_of_there_does_not_end_a_device_login() {
    let scene = scene().await;
    let (id, url, code) = scene.begin(Way::Device, None).await;
    let code = code.unwrap();
    let failure = scene.desk.paste(&id, &SecretString::from(code.clone())).await.unwrap_err();
    assert!(failure.can_go_on(), "{failure}");
    get(&format!("{url}?user_code={code}&login_hint=ann")).await;
    assert!(scene.ends(&id).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_the_vendor_does_not_take_stores_nothing() {
    let scene = scene().await;
    let (id, _, _) = scene.begin(Way::Paste, None).await;
    let failure = scene.desk.paste(&id, &SecretString::from("ac_never_issued")).await.unwrap_err();
    assert!(matches!(failure, LoginFailure::Code(LoginError::Exchange { .. })), "{failure}");
    assert_eq!(scene.accounts().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_refreshed_with_a_single_use_token() {
    let scene = scene().await;
    let done = scene.paste_as("ann", Some("plus")).await.unwrap();
    let token = scene.keeper.token(done.account).await.unwrap();
    assert_eq!(scene.keeper.rejected(done.account, token.generation()).await, remuda_core::route::Refreshed::Renewed);
    let renewed = scene.keeper.token(done.account).await.unwrap();
    assert_ne!(token.secret().expose_secret(), renewed.secret().expose_secret());
    assert_eq!(scene.vendor.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_openai_key_is_checked_and_is_metered() {
    let scene = scene().await;
    let account = scene.vendor.add_account(AccountSpec::openai_key("shop")).unwrap();
    let done = scene.with_key(Vendor::OpenAi, account.key(), "shop").await.unwrap();
    assert_eq!((done.kind, done.cost), (CredentialKind::ApiKey, CostClass::Metered));
    assert_eq!(done.profile.endpoint.auth_header, AuthHeader::Bearer);
    assert_eq!(done.notes, Vec::<String>::new());
    let failure = scene.with_key(Vendor::OpenAi, "sk-proj-unknown", "x").await.unwrap_err();
    assert!(matches!(failure, LoginFailure::KeyRefused { .. }), "{failure}");
    let failure = scene.with_key(Vendor::OpenAi, "sk-ant-api03-x", "x").await.unwrap_err();
    assert!(failure.to_string().contains("remuda login anthropic"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_alibabas_keys_finds_its_home() {
    let scene = scene().await;
    for (plan, kind) in PLANS {
        for region in [Region::China, Region::International] {
            let name = format!("{plan:?} {region:?}").to_lowercase();
            let account = scene.vendor.add_account(AccountSpec::qwen(&name, plan).in_region(region)).unwrap();
            let done = scene.with_key(Vendor::Qwen, account.key(), &name).await.unwrap();
            let (openai, anthropic) = scene.vendor.qwen_urls(plan, region);
            assert_eq!(done.kind, kind.credential_kind(), "{name}");
            let bases = &done.profile.endpoint.bases;
            assert_eq!(bases.get(&Protocol::Chat), Some(&openai), "{name}");
            assert_eq!(bases.get(&Protocol::Messages), Some(&anthropic), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_plan_is_not_called_an_invalid_key() {
    let scene = scene().await;
    let account = scene.vendor.add_account(AccountSpec::qwen("plan", QwenPlan::Coding)).unwrap();
    account.set_lapsed(true);
    let failure = scene.with_key(Vendor::Qwen, account.key(), "plan").await.unwrap_err();
    assert!(matches!(failure, LoginFailure::PlanLapsed { .. }), "{failure}");
    account.set_lapsed(false);
    assert!(scene.with_key(Vendor::Qwen, account.key(), "plan").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_knows_names_where_it_was_tried() {
    let scene = scene().await;
    let failure = scene.with_key(Vendor::Qwen, "sk-nobody-knows-this", "x").await.unwrap_err();
    assert!(!failure.to_string().contains("nobody-knows"), "{failure}");
    let tried = |failure: &LoginFailure| {
        matches!(failure, LoginFailure::NowhereAtHome { .. } | LoginFailure::PlanLapsed { .. })
    };
    assert!(tried(&failure), "{failure}");
    assert_eq!(scene.accounts().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compatible_endpoint_is_examined_and_what_was_found_is_kept() {
    let scene = scene().await;
    let account = scene.vendor.add_account(AccountSpec::openai_key("lan")).unwrap();
    let mut request =
        scene.request(Vendor::OpenAi, Way::Key(SecretString::from(account.key().to_owned())), Some("lan"));
    request.base_url = Some(scene.vendor.url(Site::OpenAi));
    let models = BTreeMap::from([("*".to_owned(), "no-such-model".to_owned())]);
    request.place = Place::Compatible(Compatible { speaks: Vec::new(), models: models.clone() });
    let (_, stage) = scene.desk.start(request).await.unwrap();
    let Stage::Done(done) = stage else { panic!("{stage:?}") };
    let endpoint = &done.profile.endpoint;
    let base = format!("{}/v1", scene.vendor.url(Site::OpenAi));
    assert_eq!(endpoint.bases, BTreeMap::from([Protocol::Responses, Protocol::Chat].map(|p| (p, base.clone()))));
    assert_eq!((endpoint.auth_header, &endpoint.models), (AuthHeader::Bearer, &models));
    assert!(endpoint.capabilities.unwrap().count_tokens, "{:?}", done.notes);
    assert!(done.notes.iter().any(|note| note.contains("does not list no-such-model")), "{:?}", done.notes);
    assert!(matches!(scene.store.credential(done.account).await.unwrap().credential, Credential::Key { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_speaks_nothing_is_refused_with_what_it_answered() {
    let scene = scene().await;
    let mut request = scene.request(Vendor::Anthropic, Way::Key(SecretString::from("any")), Some("lan"));
    request.base_url = Some(format!("{}/nowhere", scene.vendor.url(Site::OpenAiAuth)));
    request.place = Place::Compatible(Compatible::default());
    let failure = scene.desk.start(request).await.unwrap_err();
    assert!(matches!(failure, LoginFailure::SpeaksNothing { .. }), "{failure}");
    assert_eq!(scene.accounts().await, 0);
}
