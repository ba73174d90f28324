//! Refreshing with real processes: this test binary starts itself as the daemons that race, and that are killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

mod live;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use live::{ACCOUNT, add_expired, keeper, open, refreshes, status, stored_pair, works};
use remuda_core::AccountStatus;
use remuda_credentials::TokenError;
use remuda_fake::{AccountSpec, Config, Endpoint, Fake, Fault};
use remuda_store::Store;
use rstest::rstest;
use secrecy::ExposeSecret;

/// Not a test: a daemon in small. Reads the store, says so, and at the word `go` needs the token many times at once.
#[test]
#[ignore = "the other tests start it as a process"]
fn daemon() {
    let home = std::env::var("TEST_HOME").unwrap();
    let url = std::env::var("TEST_TOKEN_URL").unwrap();
    let callers: usize = std::env::var("TEST_CALLERS").unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(open(Path::new(&home)).await);
        let keeper = keeper(store.clone(), &url);
        keeper.resync().await.unwrap();
        println!("ready");
        tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new())).await.unwrap().unwrap();
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..callers {
            let keeper = keeper.clone();
            asking.spawn(async move { keeper.token(ACCOUNT).await });
        }
        for answer in asking.join_all().await {
            // Tokens of the vendor in miniature.
            match answer {
                Ok(token) => println!("token {}", token.secret().expose_secret()),
                Err(error) => println!("error {error}"),
            }
        }
        assert!(keeper.shutdown(Duration::from_secs(10)).await);
        store.close().await;
    });
    println!("done");
}

struct Daemon {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Daemon {
    /// Starts one, and waits until it has read the store.
    fn start(home: &Path, vendor: &Fake, callers: usize, die_at: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "daemon", "--ignored", "--nocapture"])
            .env("TEST_HOME", home)
            .env("TEST_TOKEN_URL", vendor.token_url())
            .env("TEST_CALLERS", callers.to_string())
            .env_remove("REMUDA_FAULT_POINT")
            // Nobody listens there. No proxy is asked for what is on this machine.
            .env("http_proxy", "http://127.0.0.1:1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(point) = die_at {
            command.env("REMUDA_FAULT_POINT", point);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("ready")), "the daemon did not come up");
        Self { child, lines }
    }

    fn go(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }

    /// What it said after `go`, and how it ended.
    fn end(mut self) -> (Vec<String>, ExitStatus) {
        let said =
            self.lines.map(Result::unwrap).filter(|l| l.starts_with("token ") || l.starts_with("error ")).collect();
        (said, self.child.wait().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_requests_at_once_with_an_expired_token_make_one_exchange() {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let store = open(home.path()).await;
    add_expired(&store, ACCOUNT, "main", &account).await;

    let mut daemon = Daemon::start(home.path(), &vendor, 10, None);
    daemon.go();
    let (said, ended) = daemon.end();

    assert!(ended.success());
    assert_eq!(said.len(), 10);
    assert_eq!(said.iter().collect::<BTreeSet<_>>().len(), 1, "all ten have the same token");
    assert_eq!(refreshes(&vendor).len(), 1);
    assert_eq!(vendor.violations(), Vec::<String>::new());
    let (pair, generation) = stored_pair(&store, ACCOUNT).await;
    assert_eq!(generation, 2);
    assert_eq!(said[0], format!("token {}", pair.access.expose_secret()));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_daemons_at_the_same_moment_make_one_exchange() {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let store = open(home.path()).await;
    add_expired(&store, ACCOUNT, "main", &account).await;
    // A slow answer: without the lock all four would be at the endpoint together.
    vendor.script(&account, [Fault::serve().on(Endpoint::Token).delayed(Duration::from_millis(300))]);

    let mut daemons: Vec<Daemon> = (0..4).map(|_| Daemon::start(home.path(), &vendor, 3, None)).collect();
    daemons.iter_mut().for_each(Daemon::go);
    let ended: Vec<_> = daemons.into_iter().map(Daemon::end).collect();

    let tokens: BTreeSet<_> = ended.iter().flat_map(|(said, _)| said).collect();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert!(ended.iter().all(|(said, status)| said.len() == 3 && status.success()));
    assert_eq!(refreshes(&vendor).len(), 1);
    assert_eq!(vendor.violations(), Vec::<String>::new());
}

/// What becomes of a login whose daemon dies at a point of the refresh.
#[rstest]
#[case::before_anything_was_sent("after_intent", 1)]
#[case::right_before_the_exchange("before_exchange", 1)]
#[case::after_the_new_pair_is_on_the_disk("after_persist", 1)]
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_here_costs_nothing(#[case] point: &str, #[case] exchanges: usize) {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let store = open(home.path()).await;
    add_expired(&store, ACCOUNT, "main", &account).await;

    let mut doomed = Daemon::start(home.path(), &vendor, 1, Some(point));
    doomed.go();
    let (said, ended) = doomed.end();
    assert!(!ended.success() && said.is_empty(), "it died at {point} before it could answer");

    let mut next = Daemon::start(home.path(), &vendor, 1, None);
    next.go();
    let (said, ended) = next.end();
    assert!(ended.success());
    let (pair, generation) = stored_pair(&store, ACCOUNT).await;
    assert_eq!(said, [format!("token {}", pair.access.expose_secret())]);
    assert!(works(&vendor, &pair.access).await);
    assert_eq!(generation, 2);
    assert_eq!(refreshes(&vendor).len(), exchanges);
    assert_eq!(vendor.violations(), Vec::<String>::new());
    assert_eq!(status(&store, ACCOUNT).await, AccountStatus::Ready);
}

/// Between the vendor's answer and the disk lies the one moment that nobody can bridge: the old token is spent, the new
/// one was only in the memory of the dead. The old one is tried once, then the login is asked for. Nothing is deleted.
#[rstest]
#[case("after_exchange")]
#[case("before_persist")]
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_between_answer_and_disk_costs_one_login_and_no_second_try(#[case] point: &str) {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let store = open(home.path()).await;
    let tokens = add_expired(&store, ACCOUNT, "main", &account).await;

    let mut doomed = Daemon::start(home.path(), &vendor, 1, Some(point));
    doomed.go();
    assert!(!doomed.end().1.success());
    assert!(store.refresh_state(ACCOUNT).await.unwrap().intent.is_some(), "the intent tells what happened");

    for _ in 0..2 {
        let mut next = Daemon::start(home.path(), &vendor, 2, None);
        next.go();
        let (said, _) = next.end();
        assert!(said.iter().all(|line| line.starts_with("error login needed")), "{said:?}");
    }
    assert_eq!(refreshes(&vendor).len(), 2, "once by the dead, once by the living, never again");
    assert_eq!(status(&store, ACCOUNT).await, AccountStatus::NeedsLogin);
    let (pair, generation) = stored_pair(&store, ACCOUNT).await;
    assert_eq!((pair.refresh.expose_secret(), generation), (tokens.refresh_token.as_str(), 1), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_while_writing_leaves_the_old_pair_or_the_new_one() {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let store = open(home.path()).await;
    let tokens = add_expired(&store, ACCOUNT, "main", &account).await;

    let mut doomed = Daemon::start(home.path(), &vendor, 1, Some("during_persist"));
    doomed.go();
    assert!(!doomed.end().1.success());

    let (pair, generation) = stored_pair(&store, ACCOUNT).await;
    let old = pair.refresh.expose_secret() == tokens.refresh_token && generation == 1;
    let new = generation == 2 && works(&vendor, &pair.access).await;
    assert!(old || new, "generation {generation}");
    assert_eq!(status(&store, ACCOUNT).await, AccountStatus::Ready);
}

/// `kill -9` of the daemon that holds the lock and waits for the vendor: the next one goes on at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_a_killed_daemon_is_free() {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let store = open(home.path()).await;
    add_expired(&store, ACCOUNT, "main", &account).await;
    // The first request never takes effect: the vendor goes silent before it has done anything.
    vendor.script(&account, [Fault::stall(remuda_fake::Point::BeforeHeaders).on(Endpoint::Token)]);

    let mut doomed = Daemon::start(home.path(), &vendor, 1, None);
    doomed.go();
    let mut patience = 500;
    while refreshes(&vendor).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        patience -= 1;
        assert!(patience > 0, "the request never came");
    }
    doomed.child.kill().unwrap();
    let _ = doomed.end();

    let mut next = Daemon::start(home.path(), &vendor, 1, None);
    next.go();
    let (said, ended) = next.end();
    assert!(ended.success() && said[0].starts_with("token "), "{said:?}");
    assert_eq!(vendor.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_what_helps() {
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(open(home.path()).await);
    let error = keeper(store, "http://127.0.0.1:9/").token(ACCOUNT).await.unwrap_err();
    assert!(matches!(error, TokenError::Missing));
    assert!(error.to_string().contains("remuda login"));
}
