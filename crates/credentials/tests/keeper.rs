//! What the gateway may rely on, on simulated time with a scripted token endpoint and the real store.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

mod refresh;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use refresh::case::Answer;
use refresh::sim::{Endpoint, SimClock, Trace};
use refresh::watched::Watched;
use remuda_core::route::Refreshed;
use remuda_core::{Account, AccountId, AccountStatus, CostClass, CredentialKind, Label, Vendor};
use remuda_credentials::{Clock, Keeper, TICK, TokenError};
use remuda_store::{
    Credential, Edit, KeySource, NewAccount, OauthPair, Places, Profile, SqliteOptions, SqliteStore, Store,
    StoredCredential,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

const NOW: i64 = 1_795_168_800;
const A: AccountId = AccountId(Uuid::from_u128(1));
const B: AccountId = AccountId(Uuid::from_u128(2));

struct Scene {
    _home: TempDir,
    store: Arc<SqliteStore>,
    endpoint: Arc<Endpoint>,
    clock: SimClock,
    trace: Arc<Trace>,
    keeper: Keeper,
}

async fn scene(answers: &[Answer]) -> Scene {
    let home = tempfile::tempdir().unwrap();
    let options = SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(Places::in_home(home.path())) };
    let store = Arc::new(SqliteStore::open(options, NOW).await.unwrap());
    let clock = SimClock::new(NOW);
    let trace = Arc::new(Trace::default());
    let endpoint = Arc::new(Endpoint::new(answers, clock.clone(), trace.clone(), Arc::default()));
    let watched = Arc::new(Watched { inner: store.clone(), trace: trace.clone(), kill: Arc::default() });
    let keeper = Keeper::new(watched, Arc::new(clock.clone()), endpoint.clone(), BTreeMap::new());
    Scene { _home: home, store, endpoint, clock, trace, keeper }
}

impl Scene {
    async fn add(&self, id: AccountId, vendor: Vendor, kind: CredentialKind, credential: Credential) {
        let label = Label::new(&format!("account {}", id.0.as_u128())).unwrap();
        let account = Account::new(id, label, vendor, kind, CostClass::Included);
        let new = NewAccount { account, profile: Profile::default(), credential };
        self.store.add_account(new, NOW).await.unwrap();
    }

    async fn add_login(&self, id: AccountId, vendor: Vendor, expires_in: i64) {
        self.add(id, vendor, CredentialKind::Subscription, oauth(expires_in)).await;
    }

    fn exchanges(&self) -> usize {
        self.endpoint.seen.lock().unwrap().sent.len()
    }

    async fn status(&self, id: AccountId) -> AccountStatus {
        self.store.load(NOW).await.unwrap().snapshot.accounts[&id].status
    }
}

fn oauth(expires_in: i64) -> Credential {
    Credential::Oauth(OauthPair {
        access: SecretString::from("at1"),
        refresh: SecretString::from("rt1"),
        expires_at: NOW + expires_in,
        last_refresh_at: Some(NOW - 1000),
        earliest_refresh_at: None,
        client_id: None,
    })
}

/// A pair whose access token is good for an hour. Its refresh token is `r-` and the access token.
fn pair(generation: u64, access: &str, last_refresh_at: i64) -> StoredCredential {
    let credential = Credential::Oauth(OauthPair {
        access: access.into(),
        refresh: format!("r-{access}").into(),
        expires_at: NOW + 3600,
        last_refresh_at: Some(last_refresh_at),
        earliest_refresh_at: None,
        client_id: None,
    });
    StoredCredential { credential, generation }
}

fn renewed(n: u32, delay_s: f64) -> Answer {
    let body = json!({"access_token": format!("at{n}"), "refresh_token": format!("rt{n}"), "expires_in": 28_800});
    serde_json::from_value(json!({"status": 200, "body": body.to_string(), "delay_s": delay_s})).unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    serde_json::from_value(json!({"status": status, "body": body})).unwrap()
}

fn text(token: &remuda_credentials::Token) -> &str {
    token.secret().expose_secret()
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_served_without_the_store() {
    let scene = scene(&[]).await;
    scene.add_login(A, Vendor::Anthropic, 3600).await;
    scene.keeper.resync().await.unwrap();
    scene.store.close().await;
    assert_eq!(text(&scene.keeper.cached(A).unwrap()), "at1");
    assert_eq!(text(&scene.keeper.token(A).await.unwrap()), "at1");
}

#[tokio::test(start_paused = true)]
async fn keys_have_nothing_to_refresh_and_a_refused_one_is_dead() {
    let scene = scene(&[]).await;
    for (id, kind) in [(A, CredentialKind::ApiKey), (B, CredentialKind::PlanKey)] {
        scene.add(id, Vendor::Qwen, kind, Credential::Key { key: SecretString::from("k") }).await;
        let mut changes = scene.keeper.status_changes();
        let token = scene.keeper.token(id).await.unwrap();
        assert_eq!(token.kind(), kind);
        assert_eq!(scene.keeper.rejected(id, token.generation()).await, Refreshed::Permanent);
        let change = changes.recv().await.unwrap();
        assert_eq!((change.account, change.status), (id, AccountStatus::NeedsLogin));
        assert_eq!(scene.status(id).await, AccountStatus::NeedsLogin);
        assert!(matches!(scene.keeper.token(id).await, Err(TokenError::NeedsLogin { .. })));
        assert_eq!(scene.keeper.rejected(id, token.generation()).await, Refreshed::Permanent);
        assert!(changes.is_empty(), "told once");
    }
    assert_eq!(scene.exchanges(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_persons_choice_gets_one_real_attempt_with_whatever_secret_has_not_run_out() {
    let scene = scene(&[answer(500, "")]).await;
    scene.add(A, Vendor::Anthropic, CredentialKind::StaticToken, Credential::Static { token: "s".into() }).await;
    assert_eq!(scene.keeper.rejected(A, 1).await, Refreshed::Permanent);
    assert!(scene.keeper.token(A).await.is_err());
    assert_eq!(text(&scene.keeper.token_of_choice(A).await.unwrap()), "s");

    scene.add_login(B, Vendor::Anthropic, 3600).await;
    assert_eq!(scene.keeper.rejected(B, 1).await, Refreshed::Transient);
    assert!(matches!(scene.keeper.token(B).await, Err(TokenError::Transient { .. })), "the vendor's word counts");
    assert_eq!(text(&scene.keeper.token_of_choice(B).await.unwrap()), "at1");
    assert_eq!(scene.exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_login_whose_access_token_still_works_is_used_up() {
    let scene = scene(&[answer(400, r#"{"error":"invalid_grant"}"#)]).await;
    scene.add_login(A, Vendor::Anthropic, 100).await;
    let mut changes = scene.keeper.status_changes();
    assert_eq!(text(&scene.keeper.token(A).await.unwrap()), "at1");
    assert_eq!(changes.recv().await.unwrap().status, AccountStatus::NeedsLogin);
    assert_eq!(text(&scene.keeper.token(A).await.unwrap()), "at1", "valid for another minute");
    scene.clock.until(100).await;
    let error = scene.keeper.token_of_choice(A).await.unwrap_err();
    assert!(matches!(&error, TokenError::NeedsLogin { why } if why.contains("invalid_grant")), "{error}");
    assert_eq!(scene.exchanges(), 1);
    assert!(changes.is_empty(), "told once");
}

#[tokio::test(start_paused = true)]
async fn a_paused_account_whose_login_dies_stays_paused() {
    let scene = scene(&[answer(400, r#"{"error":"invalid_grant"}"#)]).await;
    scene.add_login(A, Vendor::Anthropic, 100).await;
    scene.store.edit(vec![Edit::Status(A, AccountStatus::Paused)], NOW).await.unwrap();
    let changes = scene.keeper.status_changes();
    assert_eq!(scene.keeper.refresh_due().await.len(), 1);
    assert!(scene.store.refresh_state(A).await.unwrap().condemned.is_some());
    assert!(changes.is_empty(), "its owner's word stands");
}

#[tokio::test(start_paused = true)]
async fn a_key_replaced_while_the_old_one_was_being_refused_is_not_condemned() {
    let scene = scene(&[]).await;
    scene.add(A, Vendor::Anthropic, CredentialKind::ApiKey, Credential::Key { key: "old".into() }).await;
    scene.keeper.resync().await.unwrap();
    let new = StoredCredential { credential: Credential::Key { key: "new".into() }, generation: 2 };
    scene.store.advance(A, new).await.unwrap();
    assert_eq!(scene.keeper.rejected(A, 1).await, Refreshed::Renewed);
    assert_eq!(text(&scene.keeper.cached(A).unwrap()), "new");
    assert_eq!(scene.status(A).await, AccountStatus::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_without_a_rest_is_not_begun_again_with_every_request() {
    let scene = scene(&[]).await;
    scene.add_login(A, Vendor::Anthropic, 200).await;
    scene.keeper.resync().await.unwrap();
    scene.store.close().await;
    for second in 0..30 {
        scene.clock.until(second).await;
        for _ in 0..5 {
            assert_eq!(text(&scene.keeper.token(A).await.unwrap()), "at1");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let tries = scene.trace.count("lock");
    assert!((2..=4).contains(&tries), "{tries} tries in half a minute");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_gone_is_forgotten() {
    let scene = scene(&[]).await;
    scene.add_login(A, Vendor::Anthropic, 3600).await;
    scene.add_login(B, Vendor::Anthropic, 3600).await;
    scene.keeper.resync().await.unwrap();
    scene.store.remove_account(A).await.unwrap();
    assert!(matches!(scene.keeper.adopt(A).await, Err(TokenError::Missing)));
    scene.store.remove_account(B).await.unwrap();
    scene.keeper.resync().await.unwrap();
    for id in [A, B] {
        assert!(scene.keeper.cached(id).is_none());
        assert!(matches!(scene.keeper.token(id).await, Err(TokenError::Missing)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_removed_during_its_refresh_stays_removed() {
    let scene = scene(&[renewed(2, 5.0)]).await;
    scene.add_login(A, Vendor::Anthropic, -1).await;
    scene.keeper.resync().await.unwrap();
    let keeper = scene.keeper.clone();
    let asking = async move { keeper.token(A).await };
    let removing = async {
        scene.clock.until(1).await;
        scene.store.remove_account(A).await.unwrap();
    };
    let (asked, ()) = tokio::join!(asking, removing);
    assert!(matches!(asked, Err(TokenError::Missing)));
    assert!(matches!(scene.store.credential(A).await, Err(remuda_store::StoreError::UnknownAccount(_))));
}

#[tokio::test(start_paused = true)]
async fn the_vendors_do_not_wait_for_each_other() {
    let scene = scene(&[renewed(2, 30.0), renewed(3, 0.0)]).await;
    scene.add_login(A, Vendor::Anthropic, -1).await;
    scene.add_login(B, Vendor::OpenAi, -1).await;
    scene.keeper.resync().await.unwrap();
    let slow = async { scene.keeper.token(A).await.map(|_| scene.clock.now() - NOW) };
    let fast = async {
        scene.clock.until(1).await;
        scene.keeper.token(B).await.map(|_| scene.clock.now() - NOW)
    };
    let (slow, fast) = tokio::join!(slow, fast);
    assert_eq!((slow.unwrap(), fast.unwrap()), (30, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_gives_up_after_a_while_and_the_refresh_does_not() {
    let scene = scene(&[renewed(2, 100.0)]).await;
    scene.add_login(A, Vendor::Anthropic, -1).await;
    assert!(matches!(scene.keeper.token(A).await, Err(TokenError::Transient { .. })));
    assert!((60..100).contains(&(scene.clock.now() - NOW)));
    assert_eq!(text(&scene.keeper.token(A).await.unwrap()), "at2", "joined the same one");
    assert_eq!(scene.exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_released_is_not_waited_for_for_ever() {
    let scene = scene(&[]).await;
    scene.add_login(A, Vendor::Anthropic, -1).await;
    let _held = scene.store.refresh_lock(Vendor::Anthropic, Duration::ZERO).await.unwrap();
    assert!(scene.keeper.token(A).await.is_err());
    assert!(scene.keeper.token(A).await.is_err());
    assert!(scene.keeper.shutdown(Duration::from_secs(300)).await);
    assert_eq!(scene.exchanges(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_timer_renews_before_the_end_also_what_is_paused_but_not_what_is_dead() {
    let scene = scene(&[renewed(2, 0.0), renewed(3, 0.0)]).await;
    let c = AccountId(Uuid::from_u128(3));
    let d = AccountId(Uuid::from_u128(4));
    scene.add_login(A, Vendor::Anthropic, 1000).await;
    scene.add_login(B, Vendor::Anthropic, 2000).await;
    scene.add_login(c, Vendor::Anthropic, 1000).await;
    let borrowed = Credential::Borrowed {
        access: SecretString::from("theirs"),
        expires_at: Some(NOW + 1000),
        source: "/home/x/.claude/.credentials.json".to_owned(),
    };
    scene.add(d, Vendor::Anthropic, CredentialKind::Subscription, borrowed).await;
    let edits = vec![Edit::Status(B, AccountStatus::Paused), Edit::Status(c, AccountStatus::NeedsLogin)];
    scene.store.edit(edits, NOW).await.unwrap();

    let keeper = scene.keeper.clone();
    let mut jitters = (0..).map(|n| Duration::from_secs(n % 5));
    let timer = async move { keeper.run_timer(|| jitters.next().unwrap()).await };
    let watch = async {
        scene.clock.until(3000).await;
        scene.keeper.shutdown(Duration::from_secs(60)).await
    };
    let ((), finished) = tokio::join!(timer, watch);

    assert!(finished);
    let sent_at: Vec<i64> = scene.endpoint.seen.lock().unwrap().sent_at.iter().map(|at| at - NOW).collect();
    let tick = i64::try_from(TICK.as_secs()).unwrap();
    assert_eq!(sent_at.len(), 2);
    assert!((701..=705 + tick).contains(&sent_at[0]), "{sent_at:?}");
    assert!((1701..=1705 + tick).contains(&sent_at[1]), "{sent_at:?}");
    assert_eq!(scene.status(B).await, AccountStatus::Paused, "a refresh does not wake it");
}

#[tokio::test(start_paused = true)]
async fn a_borrowed_login_that_was_refused_waits_for_its_owner() {
    let scene = scene(&[]).await;
    let borrowed =
        Credential::Borrowed { access: "theirs".into(), expires_at: None, source: "/x/auth.json".to_owned() };
    scene.add(A, Vendor::OpenAi, CredentialKind::Subscription, borrowed).await;
    assert_eq!(text(&scene.keeper.token(A).await.unwrap()), "theirs");
    assert_eq!(scene.keeper.rejected(A, 1).await, Refreshed::Transient);
    let error = scene.keeper.token(A).await.unwrap_err();
    assert!(error.to_string().contains("/x/auth.json"), "{error}");
    assert_eq!(scene.status(A).await, AccountStatus::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_restored_backup_followed_by_a_new_login_keeps_the_new_login() {
    let scene = scene(&[]).await;
    scene.add_login(A, Vendor::Anthropic, 3600).await;
    scene.store.plant_credential(A, pair(7, "memory", NOW - 100)).await.unwrap();
    scene.keeper.resync().await.unwrap();
    // The backup had generation 2; the login after it made generation 3.
    scene.store.plant_credential(A, pair(3, "new login", NOW)).await.unwrap();
    scene.keeper.resync().await.unwrap();
    assert_eq!(text(&scene.keeper.cached(A).unwrap()), "new login");
    assert_eq!(scene.store.credential(A).await.unwrap().generation, 3);
}

#[tokio::test(start_paused = true)]
async fn ten_callers_share_one_refresh() {
    let scene = scene(&[renewed(2, 1.0)]).await;
    scene.add_login(A, Vendor::Anthropic, -1).await;
    scene.keeper.resync().await.unwrap();
    let read = scene.trace.count("reread");
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let keeper = scene.keeper.clone();
        asking.spawn(async move { keeper.token(A).await });
    }
    assert!(asking.join_all().await.iter().all(|token| text(token.as_ref().unwrap()) == "at2"));
    assert_eq!((scene.trace.count("intent"), scene.trace.count("reread") - read), (1, 2), "not ten times");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_room_on_the_disk() {
    let scene = scene(&[renewed(2, 0.0), renewed(3, 0.0)]).await;
    scene.add_login(A, Vendor::Anthropic, -1).await;
    scene.store.fail_persists(8).await.unwrap();
    assert_eq!(text(&scene.keeper.token(A).await.unwrap()), "at2");
    assert_eq!(scene.clock.now(), NOW);
    // It is refused before it could be stored: a refresh of a pair that is not on the disk is not begun.
    assert_eq!(scene.keeper.rejected(A, 2).await, Refreshed::Transient);
    assert!(matches!(scene.keeper.token(A).await, Err(TokenError::Store { .. })));
    assert_eq!(scene.exchanges(), 1);

    scene.clock.until(600).await;
    assert_eq!(scene.store.credential(A).await.unwrap().generation, 2);
    assert_eq!(text(&scene.keeper.token(A).await.unwrap()), "at3");
}

#[tokio::test(start_paused = true)]
async fn a_codex_login_is_renewed_every_eight_days() {
    let long = r#"{"access_token":"at2","refresh_token":"rt2","expires_in":8640000}"#;
    let scene = scene(&[answer(200, long), answer(200, &long.replace('2', "3"))]).await;
    scene.add_login(A, Vendor::OpenAi, 100).await;
    for day in 0..=9 {
        scene.clock.until(day * 86_400).await;
        scene.keeper.refresh_due().await;
    }
    let sent_at: Vec<i64> = scene.endpoint.seen.lock().unwrap().sent_at.iter().map(|at| (at - NOW) / 86_400).collect();
    assert_eq!(sent_at, [0, 9], "more than eight days after the last time");
}

/// What happens to the store during an exchange of 5 seconds, and what is there and in memory afterwards.
async fn meanwhile(reply: Answer, planted: StoredCredential) -> (Scene, Result<String, TokenError>) {
    let scene = scene(&[Answer { delay_s: Some(5.0), ..reply }]).await;
    scene.add_login(A, Vendor::Anthropic, 3600).await;
    scene.store.plant_credential(A, pair(4, "ours", NOW - 100)).await.unwrap();
    scene.keeper.resync().await.unwrap();
    let keeper = scene.keeper.clone();
    let refused = async move {
        keeper.rejected(A, 4).await;
        keeper.token(A).await
    };
    let write = async {
        scene.clock.until(1).await;
        scene.store.plant_credential(A, planted).await.unwrap();
    };
    let (token, ()) = tokio::join!(refused, write);
    assert_eq!(scene.exchanges(), 1);
    let token = token.map(|token| text(&token).to_owned());
    (scene, token)
}

#[tokio::test(start_paused = true)]
async fn an_old_backup_put_back_during_the_exchange_does_not_win() {
    let (scene, token) = meanwhile(renewed(5, 0.0), pair(2, "backup", NOW - 9000)).await;
    assert_eq!(token.unwrap(), "at5");
    let stored = scene.store.credential(A).await.unwrap();
    let Credential::Oauth(pair) = stored.credential else { panic!() };
    assert_eq!((pair.access.expose_secret(), stored.generation), ("at5", 5));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_on_a_token_that_is_not_the_stored_one_condemns_nobody_not_even_under_its_generation() {
    let dead = || answer(400, r#"{"error":"invalid_grant"}"#);
    // An old backup (generation 3) was put back, and the login after it counts on from there.
    let (scene, token) = meanwhile(dead(), pair(4, "new login", NOW)).await;
    assert_eq!(token.unwrap(), "new login");
    assert_eq!(scene.status(A).await, AccountStatus::Ready);
    assert!(scene.store.refresh_state(A).await.unwrap().condemned.is_none());

    let (scene, token) = meanwhile(dead(), pair(9, "new login", NOW)).await;
    assert_eq!(token.unwrap(), "new login");
    assert_eq!(scene.status(A).await, AccountStatus::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_old_token_does_not_stick_to_a_new_login_that_counts_from_below() {
    let scene = scene(&[answer(500, "")]).await;
    scene.add_login(A, Vendor::Anthropic, 3600).await;
    scene.store.plant_credential(A, pair(4, "ours", NOW - 100)).await.unwrap();
    assert_eq!(scene.keeper.rejected(A, 4).await, Refreshed::Transient);
    for generation in [3, 4] {
        scene.store.plant_credential(A, pair(generation, "new login", NOW)).await.unwrap();
        scene.keeper.adopt(A).await.unwrap();
        assert_eq!(text(&scene.keeper.cached(A).expect("good")), "new login");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_to_routing_in_its_own_words() {
    use remuda_core::Class;
    let of = |error: TokenError| error.verdict().class;
    let why = || "x".to_owned();
    assert_eq!(of(TokenError::NeedsLogin { why: why() }), Class::CredentialDead);
    assert_eq!(of(TokenError::Missing), Class::CredentialDead);
    assert_eq!(of(TokenError::Disabled { why: why() }), Class::AccountDisabled);
    for passing in [
        TokenError::Transient { retry_at: 0, why: why() },
        TokenError::Config { retry_at: 0, why: why() },
        TokenError::Store { why: why() },
        TokenError::WaitingForOwner { source_file: why() },
    ] {
        let verdict = passing.verdict();
        assert_eq!((verdict.class, verdict.fail_over, verdict.retry_same_after_s), (Class::Transient, true, None));
    }
}
