//! Logging in to the vendor in miniature over real HTTP, in every way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

mod live;

use std::sync::Arc;
use std::time::Duration;

use live::{endpoints, keeper, now, open};
use remuda_core::{AccountStatus, CostClass, CredentialKind, Label, Protocol, Vendor};
use remuda_credentials::Keeper;
use remuda_credentials::login::{
    Entropy, LoggedIn, LoginDesk, LoginFailure, LoginId, LoginRequest, MAX_PENDING, NoEntropy, Place, Stage,
    SystemEntropy, Way,
};
use remuda_fake::{AccountSpec, Browser, Config, Endpoint, Fake, Fault, Point};
use remuda_store::{AuthHeader, Credential, SqliteStore, Store};
use remuda_vendors::{Addresses, LoginError};
use rstest::rstest;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

struct Scene {
    _home: TempDir,
    vendor: Fake,
    store: Arc<SqliteStore>,
    keeper: Keeper,
    desk: LoginDesk,
}

/// A vendor at which `ann` and `bob` have subscriptions; ann is signed in.
async fn scene() -> Scene {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    for name in ["ann", "bob"] {
        vendor.add_account(AccountSpec::subscription(name)).unwrap();
    }
    let store = Arc::new(open(home.path()).await);
    let keeper = keeper(store.clone(), &vendor.token_url());
    let desk = LoginDesk::new(keeper.clone(), Arc::new(SystemEntropy));
    Scene { _home: home, vendor, store, keeper, desk }
}

impl Scene {
    fn request(&self, way: Way, label: Option<&str>) -> LoginRequest {
        LoginRequest {
            way,
            vendor: Vendor::Anthropic,
            place: Place::Vendor,
            label: label.map(|label| Label::new(label).unwrap()),
            addresses: Addresses { anthropic: endpoints(&self.vendor), ..Addresses::default() },
            base_url: None,
            auth_header: None,
            cost: None,
            terms: None,
            grants: Vec::new(),
        }
    }

    async fn begin(&self, way: Way, label: Option<&str>) -> (LoginId, String) {
        let (id, stage) = self.desk.start(self.request(way, label)).await.unwrap();
        let Stage::Waiting { url, ends_at, .. } = stage else { panic!("it does not wait") };
        assert!((595..=600).contains(&(ends_at - now())));
        (id, url)
    }

    /// Logs in by pasting, as this person.
    async fn paste_as(&self, person: &str, label: Option<&str>) -> Result<LoggedIn, LoginFailure> {
        self.vendor.set_browser(Browser::User(person.to_owned()));
        let (id, url) = self.begin(Way::Paste, label).await;
        let page = browse(&url, false).await;
        self.desk.paste(&id, &SecretString::from(code_on(&page))).await
    }

    async fn with_key(&self, way: Way, label: Option<&str>) -> Result<LoggedIn, LoginFailure> {
        match self.desk.start(self.request(way, label)).await? {
            (_, Stage::Done(done)) => Ok(*done),
            (_, other) => panic!("{other:?}"),
        }
    }

    async fn labels(&self) -> Vec<String> {
        let herd = self.store.load(now()).await.unwrap();
        herd.snapshot.order.iter().map(|id| herd.snapshot.accounts[id].label.to_string()).collect()
    }
}

/// A browser: follows redirects and shows the last page. `stop`: shows where the first redirect leads instead.
async fn browse(url: &str, stop: bool) -> String {
    let mut url = url.to_owned();
    for _ in 0..5 {
        let (status, location, body) = get(&url).await;
        match location {
            Some(location) if status == 302 && stop => return location,
            Some(location) if status == 302 => url = location,
            _ => return body,
        }
    }
    panic!("too many redirects")
}

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

fn code_on(page: &str) -> String {
    page.split_once("<code id=\"code\">").unwrap().1.split_once("</code>").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_login_ends_by_itself_and_shows_who_it_is() {
    let scene = scene().await;
    let (id, url) = scene.begin(Way::Browser, Some("work")).await;
    assert!(url.contains("redirect_uri=http%3A%2F%2Flocalhost%3A"));
    let page = browse(&url, false).await;
    assert!(page.contains("You can close this window"), "{page}");

    let Stage::Done(done) = scene.desk.wait(&id, Duration::from_secs(10)).await.unwrap() else { panic!("not done") };
    assert_eq!((done.label.as_str(), done.updated, done.kind), ("work", false, CredentialKind::Subscription));
    assert_eq!(done.cost, CostClass::Included);
    assert_eq!(done.profile.email.as_deref(), Some("ann@example.com"));
    assert_eq!(done.profile.plan.as_deref(), Some("Max 20x"));
    assert!(done.identity.is_some());
    assert_eq!(done.notes, Vec::<String>::new());
    let token = scene.keeper.cached(done.account).expect("the keeper has it already");
    assert!(live::works(&scene.vendor, token.secret()).await);
    assert_eq!(scene.vendor.violations(), Vec::<String>::new());
    scene.desk.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_at_the_loopback_port_changes_nothing() {
    let scene = scene().await;
    let (id, url) = scene.begin(Way::Browser, None).await;
    let callback = browse(&url, true).await;
    let base = callback.split_once("/callback").unwrap().0.to_owned();
    for path in ["/", "/callback", "/callback?code=x&state=wrong", "/callback?code=x", "/favicon.ico"] {
        let (status, _, _) = get(&format!("{base}{path}")).await;
        assert_eq!(status, 404, "{path}");
    }
    assert!(matches!(scene.desk.wait(&id, Duration::ZERO).await.unwrap(), Stage::Waiting { .. }));
    assert_eq!(get(&callback).await.0, 200);
    assert!(matches!(scene.desk.wait(&id, Duration::from_secs(10)).await.unwrap(), Stage::Done(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_on_another_machine_is_helped_by_pasting_its_last_address() {
    let scene = scene().await;
    let (id, url) = scene.begin(Way::Browser, None).await;
    let address = browse(&url, true).await;
    let done = scene.desk.paste(&id, &SecretString::from(address.as_str())).await.unwrap();
    assert_eq!(done.label.as_str(), "ann@example.com");
    // The port is closed, or says that there is nothing more to do; a second redemption does not happen.
    assert!(matches!(scene.desk.wait(&id, Duration::ZERO).await.unwrap(), Stage::Done(_)));
    assert_eq!(scene.vendor.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn declining_in_the_browser_ends_the_login() {
    let scene = scene().await;
    scene.vendor.set_browser(Browser::Declines);
    let (id, url) = scene.begin(Way::Browser, None).await;
    assert!(browse(&url, false).await.contains("Not logged in"));
    let stage = scene.desk.wait(&id, Duration::from_secs(10)).await.unwrap();
    assert!(matches!(stage, Stage::Failed(LoginFailure::Code(LoginError::Refused(_)))), "{stage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_code_can_be_pasted_again() {
    let scene = scene().await;
    let (id, url) = scene.begin(Way::Paste, Some("work")).await;
    for text in ["", "what?", "code#of-another-login"] {
        let failure = scene.desk.paste(&id, &SecretString::from(text)).await.unwrap_err();
        assert!(failure.can_go_on(), "{failure}");
    }
    let code = code_on(&browse(&url, false).await);
    scene.desk.paste(&id, &SecretString::from(code)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_again_under_the_label_updates_in_place() {
    let scene = scene().await;
    let first = scene.paste_as("ann", Some("work")).await.unwrap();
    let again = scene.paste_as("ann", Some("Work")).await.unwrap();
    assert_eq!((again.account, again.updated, again.label.as_str()), (first.account, true, "work"));
    assert_eq!(scene.keeper.cached(first.account).unwrap().generation(), 2);
    assert_eq!(scene.labels().await, ["work"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_again_without_a_label_finds_the_account_by_who_it_is() {
    let scene = scene().await;
    let first = scene.paste_as("ann", Some("work")).await.unwrap();
    let again = scene.paste_as("ann", None).await.unwrap();
    assert_eq!((again.account, again.updated), (first.account, true));
    let other = scene.paste_as("bob", None).await.unwrap();
    assert!(!other.updated);
    assert_eq!(scene.labels().await, ["work", "bob@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_under_a_second_label_is_refused_with_the_first() {
    let scene = scene().await;
    scene.paste_as("ann", Some("work")).await.unwrap();
    let failure = scene.paste_as("ann", Some("private")).await.unwrap_err();
    assert_eq!(failure, LoginFailure::Duplicate { label: Label::new("work").unwrap() });
    assert_eq!(scene.labels().await, ["work"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_cannot_slip_under_a_label() {
    let scene = scene().await;
    let ann = scene.paste_as("ann", Some("work")).await.unwrap();
    let failure = scene.paste_as("bob", Some("work")).await.unwrap_err();
    assert!(matches!(&failure, LoginFailure::OtherIdentity { .. }), "{failure}");
    let text = failure.to_string();
    assert!(text.contains("ann@example.com") && text.contains("bob@example.com"), "{text}");
    let token = scene.keeper.cached(ann.account).unwrap();
    assert_eq!(token.generation(), 1);
    assert!(live::works(&scene.vendor, token.secret()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_login_is_ready_again_after_logging_in() {
    let scene = scene().await;
    let ann = scene.paste_as("ann", Some("work")).await.unwrap();
    let mut changes = scene.keeper.status_changes();
    let condemned = remuda_store::RefreshEnd::Condemned {
        at: now(),
        sentence: remuda_store::Sentence::LoginNeeded,
        code: "invalid_grant".to_owned(),
    };
    scene.store.end_refresh(ann.account, 1, condemned).await.unwrap();
    scene.keeper.adopt(ann.account).await.unwrap();
    assert_eq!(live::status(&*scene.store, ann.account).await, AccountStatus::NeedsLogin);

    scene.paste_as("ann", Some("work")).await.unwrap();
    assert_eq!(changes.recv().await.unwrap().status, AccountStatus::Ready);
    assert_eq!(live::status(&*scene.store, ann.account).await, AccountStatus::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_does_not_come_does_not_cost_the_tokens() {
    let scene = scene().await;
    scene.vendor.script("ann", [Fault::reset(Point::BeforeHeaders).on(Endpoint::Profile)]);
    let done = scene.paste_as("ann", None).await.unwrap();
    assert!(done.notes[0].contains("profile"), "{:?}", done.notes);
    assert!(done.identity.is_some(), "the token answer told it too");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_on_the_way_asks_for_a_new_login_and_an_unsent_one_does_not() {
    let scene = scene().await;
    scene.vendor.script("ann", [Fault::reset(Point::BeforeHeaders).on(Endpoint::Token).after_effect()]);
    let failure = scene.paste_as("ann", None).await.unwrap_err();
    assert!(matches!(failure, LoginFailure::Unreachable { spent: true, .. }) && !failure.can_go_on(), "{failure}");

    let mut request = scene.request(Way::Paste, None);
    request.addresses.anthropic.token = "http://127.0.0.1:1/token".to_owned();
    let (id, stage) = scene.desk.start(request).await.unwrap();
    let Stage::Waiting { url, .. } = stage else { panic!() };
    let code = SecretString::from(code_on(&browse(&url, false).await));
    let failure = scene.desk.paste(&id, &code).await.unwrap_err();
    assert!(failure.can_go_on(), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_checked_and_is_metered() {
    let scene = scene().await;
    let account = scene.vendor.add_account(AccountSpec::api_key("shop")).unwrap();
    let key = SecretString::from(format!("  {}\n", account.key()));
    let done = scene.with_key(Way::Key(key), Some("shop")).await.unwrap();
    assert_eq!((done.kind, done.cost), (CredentialKind::ApiKey, CostClass::Metered));
    assert_eq!(done.profile.endpoint.auth_header, AuthHeader::XApiKey);
    assert_eq!(done.notes, Vec::<String>::new());
    assert_eq!(scene.keeper.cached(done.account).unwrap().secret().expose_secret(), account.key(), "trimmed");
    let checked: Vec<_> =
        scene.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Models).collect();
    assert_eq!(checked.len(), 1);
    assert_eq!(checked[0].header("x-api-key"), Some(account.key()));
}

#[rstest]
#[case::unknown_to_the_vendor("sk-ant-api03-wrong", "does not accept this key")]
#[case::a_refresh_token("sk-ant-ort01-x", "refresh token")]
#[case::an_admin_key("sk-ant-admin01-x", "admin key")]
#[case::something_else("hunter2", "does not look like")]
#[case::nothing("  \n", "empty")]
#[case::broken_in_two("sk-ant-api03-a b", "spaces")]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_in_words_that_do_not_repeat_it(#[case] key: &str, #[case] words: &str) {
    let scene = scene().await;
    let failure = scene.with_key(Way::Key(SecretString::from(key)), None).await.unwrap_err().to_string();
    assert!(failure.contains(words), "{failure}");
    assert!(key.trim().len() < 3 || !failure.contains(key.trim()), "{failure}");
    assert_eq!(scene.labels().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_failure_does_not_cost_the_key() {
    let scene = scene().await;
    let mut request = scene.request(Way::Key(SecretString::from("sk-ant-api03-unchecked")), Some("shop"));
    request.addresses.anthropic.api_base = "http://127.0.0.1:1".to_owned();
    let (_, stage) = scene.desk.start(request).await.unwrap();
    let Stage::Done(done) = stage else { panic!() };
    assert!(done.notes[0].contains("could not be checked"), "{:?}", done.notes);
    assert_eq!(scene.labels().await, ["shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_under_a_second_label_is_refused_with_the_first() {
    let scene = scene().await;
    let account = scene.vendor.add_account(AccountSpec::api_key("shop")).unwrap();
    let key = || Way::Key(SecretString::from(account.key()));
    let first = scene.with_key(key(), Some("shop")).await.unwrap();
    let failure = scene.with_key(key(), Some("other")).await.unwrap_err();
    assert_eq!(failure, LoginFailure::Duplicate { label: Label::new("shop").unwrap() });
    assert_eq!(scene.with_key(key(), None).await.unwrap().account, first.account, "without a label it is found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_place_of_a_subscription_is_metered_from_then_on() {
    let scene = scene().await;
    let subscription = scene.paste_as("ann", Some("work")).await.unwrap();
    let account = scene.vendor.add_account(AccountSpec::api_key("shop")).unwrap();
    let done = scene.with_key(Way::Key(SecretString::from(account.key())), Some("work")).await.unwrap();
    assert_eq!((done.account, done.updated, done.cost), (subscription.account, true, CostClass::Metered));
    let herd = scene.store.load(now()).await.unwrap();
    let stored = &herd.snapshot.accounts[&done.account];
    assert_eq!((stored.kind, stored.cost), (CredentialKind::ApiKey, CostClass::Metered));
    assert_eq!(scene.keeper.cached(done.account).unwrap().kind(), CredentialKind::ApiKey);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_lived_token_is_a_type_of_its_own() {
    let scene = scene().await;
    let account = scene.vendor.add_account(AccountSpec::static_token("ci")).unwrap();
    let secret = || SecretString::from(account.key());
    let done = scene.with_key(Way::Token(secret()), Some("ci")).await.unwrap();
    assert_eq!((done.kind, done.cost), (CredentialKind::StaticToken, CostClass::Included));
    assert!(!done.notes.is_empty(), "whose it is is not told");
    assert!(matches!(scene.store.credential(done.account).await.unwrap().credential, Credential::Static { .. }));

    let failure = scene.with_key(Way::Key(secret()), Some("key")).await.unwrap_err().to_string();
    assert!(failure.contains("--token-stdin"), "other terms were shown for a key: {failure}");
    let failure = scene.with_key(Way::Token("sk-ant-api03-x".into()), None).await.unwrap_err().to_string();
    assert!(failure.contains("--key-stdin"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compatible_endpoint_takes_any_key_in_whichever_header_it_knows_and_keeps_its_address() {
    let scene = scene().await;
    let compatible = BearerOnly::start().await;
    let mut request = scene.request(Way::Key(SecretString::from("any-key")), Some("elsewhere"));
    request.base_url = Some(format!("{}/claude/", compatible.url));
    let (_, stage) = scene.desk.start(request).await.unwrap();
    let Stage::Done(done) = stage else { panic!() };
    assert_eq!(done.profile.endpoint.auth_header, AuthHeader::Bearer);
    assert_eq!(
        done.profile.endpoint.bases.get(&Protocol::Messages).cloned(),
        Some(format!("{}/claude", compatible.url))
    );
    assert_eq!(done.notes, Vec::<String>::new());

    // Renewed without naming the address again: it stays there, and so does the key's way.
    let again = scene.with_key(Way::Key(SecretString::from("any-key")), Some("elsewhere")).await.unwrap();
    assert_eq!(
        (again.updated, again.profile.endpoint.bases.get(&Protocol::Messages).cloned()),
        (true, Some(format!("{}/claude", compatible.url)))
    );
}

#[rstest]
#[case("not an address")]
#[case("ftp://example.test")]
#[case("https://user:password@example.test")]
#[case("https://example.test/?a=b")]
#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_base_url_is_refused(#[case] url: &str) {
    let scene = scene().await;
    let mut request = scene.request(Way::Key(SecretString::from("any")), None);
    request.base_url = Some(url.to_owned());
    assert!(matches!(scene.desk.start(request).await.unwrap_err(), LoginFailure::BadUrl(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_that_nobody_finishes_are_bounded_and_can_be_cancelled() {
    let scene = scene().await;
    let (first, _) = scene.begin(Way::Paste, None).await;
    let mut last = first.clone();
    for _ in 0..MAX_PENDING {
        last = scene.begin(Way::Paste, None).await.0;
    }
    assert!(matches!(scene.desk.wait(&first, Duration::ZERO).await, Err(LoginFailure::Unknown)), "the oldest went");
    assert!(scene.desk.cancel(&last));
    assert!(!scene.desk.cancel(&last));
    assert!(matches!(scene.desk.paste(&last, &SecretString::from("x")).await, Err(LoginFailure::Unknown)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_random_numbers_nobody_logs_in() {
    struct Broken;
    impl Entropy for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), NoEntropy> {
            Err(NoEntropy)
        }
    }
    let scene = scene().await;
    let desk = LoginDesk::new(scene.keeper.clone(), Arc::new(Broken));
    let failure = desk.start(scene.request(Way::Paste, None)).await.unwrap_err();
    assert_eq!(failure, LoginFailure::NoEntropy(NoEntropy));
}

/// An endpoint that takes keys only as bearer tokens.
struct BearerOnly {
    url: String,
    _tasks: tokio::task::JoinSet<()>,
}

impl BearerOnly {
    async fn start() -> Self {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap() == 0 {
                        break;
                    }
                }
                let head = String::from_utf8(head).unwrap().to_lowercase();
                let known = head.starts_with("get /claude/v1/models") && head.contains("authorization: bearer any-key");
                let status = if known { "200 OK" } else { "401 Unauthorized" };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, _tasks: tasks }
    }
}
