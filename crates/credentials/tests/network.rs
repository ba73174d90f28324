//! The real client against the vendor in miniature: what is sent, and what failures of the network mean.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

mod live;

use std::sync::Arc;
use std::time::Duration;

use live::{ACCOUNT, add_expired, endpoints, keeper, now, open, refreshes, status, stored_pair};
use remuda_core::AccountStatus;
use remuda_core::route::Refreshed;
use remuda_credentials::{Exchange, Https, MAX_BODY, SendError, TokenError};
use remuda_fake::{AccountSpec, Config, Endpoint, Fake, Fault, Point, Refusal};
use remuda_store::Store;
use remuda_vendors::anthropic::profile::profile_call;
use rstest::rstest;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

struct Scene {
    _home: TempDir,
    vendor: Fake,
    account: remuda_fake::FakeAccount,
    store: Arc<remuda_store::SqliteStore>,
}

async fn scene() -> Scene {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let store = Arc::new(open(home.path()).await);
    add_expired(&*store, ACCOUNT, "main", &account).await;
    Scene { _home: home, vendor, account, store }
}

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/token", listener.local_addr().unwrap())
}

async fn untouched(scene: &Scene) {
    assert_eq!(status(&*scene.store, ACCOUNT).await, AccountStatus::Ready);
    assert_eq!(stored_pair(&*scene.store, ACCOUNT).await.1, 1);
}

#[tokio::test]
async fn a_refresh_says_who_we_are_and_keeps_the_token_out_of_the_address() {
    let scene = scene().await;
    let token = keeper(scene.store.clone(), &scene.vendor.token_url()).token(ACCOUNT).await.unwrap();
    assert!(token.secret().expose_secret().starts_with("sk-ant-oat01-"));
    let [seen] = &refreshes(&scene.vendor)[..] else { panic!("not one refresh") };
    assert_eq!(seen.header("user-agent"), Some(concat!("remuda/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.path, "/v1/oauth/token");
    assert!(token.expires_at().unwrap() > now() + 28_000);
}

#[tokio::test]
async fn nobody_listening_condemns_nobody_and_is_tried_again_later() {
    let scene = scene().await;
    let keeper = keeper(scene.store.clone(), &nobody());
    let error = keeper.token(ACCOUNT).await.unwrap_err();
    assert!(
        matches!(error, TokenError::Transient { retry_at, .. } if (50..=60).contains(&(retry_at - now()))),
        "{error}"
    );
    assert!(error.to_string().contains("no connection"), "{error}");
    untouched(&scene).await;
    assert!(scene.store.refresh_state(ACCOUNT).await.unwrap().intent.is_none());
}

#[rstest]
#[case::cut_off_before_an_answer(Fault::reset(Point::BeforeHeaders))]
#[case::cut_off_within_the_answer(Fault::truncate(Point::After(10), false))]
#[case::an_edge_that_blocks(Fault::answer(403, "text/html", "<html>Forbidden</html>"))]
#[case::a_login_page_in_between(Fault::answer(200, "text/html", "<html>Welcome to the hotel</html>"))]
#[case::a_busy_endpoint(Fault::refuse(Refusal::Overloaded))]
#[case::a_redirect_which_is_not_followed(Fault::answer(302, "text/html", "").header("location", "/v1/oauth/token"))]
#[tokio::test]
async fn a_failing_path_sends_the_token_once_and_condemns_nobody(#[case] fault: Fault) {
    let scene = scene().await;
    scene.vendor.script(&scene.account, [fault.on(Endpoint::Token)]);
    let keeper = keeper(scene.store.clone(), &scene.vendor.token_url());
    for _ in 0..3 {
        let error = keeper.token(ACCOUNT).await.unwrap_err();
        assert!(matches!(error, TokenError::Transient { .. }), "{error}");
    }
    assert_eq!(refreshes(&scene.vendor).len(), 1);
    untouched(&scene).await;
}

#[tokio::test]
async fn a_token_revoked_before_its_time_is_renewed_once_for_all_who_were_refused() {
    let scene = scene().await;
    let keeper = keeper(scene.store.clone(), &scene.vendor.token_url());
    let first = keeper.token(ACCOUNT).await.unwrap();
    scene.account.revoke_access();
    let mut refused = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (keeper, generation) = (keeper.clone(), first.generation());
        refused.spawn(async move { keeper.rejected(ACCOUNT, generation).await });
    }
    assert!(refused.join_all().await.iter().all(|outcome| *outcome == Refreshed::Renewed));
    let second = keeper.cached(ACCOUNT).unwrap();
    assert!(live::works(&scene.vendor, second.secret()).await);
    assert_eq!(refreshes(&scene.vendor).len(), 2);
    assert_eq!(scene.vendor.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let scene = scene().await;
    let long = "x".repeat(3 * MAX_BODY);
    scene.vendor.script(&scene.account, [Fault::answer(200, "text/plain", &long).on(Endpoint::Profile)]);
    let tokens = scene.account.issue_tokens();
    let call = profile_call(&endpoints(&scene.vendor), &SecretString::from(tokens.access_token));
    let answer = Https::new().send(&call).await.unwrap();
    assert_eq!(answer.body.len(), MAX_BODY);
}

#[tokio::test]
async fn a_refused_connection_is_known_to_have_sent_nothing_and_a_broken_one_is_not() {
    let scene = scene().await;
    let https = Https::new();
    let secret = SecretString::from(scene.account.issue_tokens().access_token);
    let to = |api_base: String| {
        profile_call(&remuda_vendors::anthropic::Endpoints { api_base, ..endpoints(&scene.vendor) }, &secret)
    };

    let nobody = https.send(&to(nobody())).await;
    assert!(matches!(nobody, Err(SendError::NotSent(_))), "{:?}", nobody.err());
    let not_tls = https.send(&to(scene.vendor.base_url().replace("http:", "https:"))).await;
    assert!(matches!(not_tls, Err(SendError::NotSent(_))), "{:?}", not_tls.err());
    scene.vendor.script(&scene.account, [Fault::reset(Point::BeforeHeaders).on(Endpoint::Profile)]);
    let broken = https.send(&to(scene.vendor.base_url())).await;
    assert!(matches!(&broken, Err(SendError::MaybeSent(why)) if !why.contains(secret.expose_secret())));
}

#[tokio::test]
async fn an_exchange_that_nobody_waits_for_any_more_is_finished_before_the_end() {
    let scene = scene().await;
    scene.vendor.script(&scene.account, [Fault::serve().on(Endpoint::Token).delayed(Duration::from_millis(300))]);
    let keeper = keeper(scene.store.clone(), &scene.vendor.token_url());
    let impatient = tokio::time::timeout(Duration::from_millis(100), keeper.token(ACCOUNT)).await;
    assert!(impatient.is_err(), "it gave up");
    assert!(keeper.shutdown(Duration::from_secs(10)).await);
    let (pair, generation) = stored_pair(&*scene.store, ACCOUNT).await;
    assert_eq!(generation, 2);
    assert!(live::works(&scene.vendor, &pair.access).await);
    assert!(matches!(keeper.rejected(ACCOUNT, generation).await, Refreshed::Transient), "nothing new is begun");
    assert_eq!(refreshes(&scene.vendor).len(), 1);
}
