//! `remuda import`: the logins of other programs, borrowed and moved, and what becomes of them while a daemon watches.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use remuda_fake::{AccountSpec, Endpoint, FakeAccount, Tokens};
use serde_json::{Value, json};

use crate::trial::{Trial, everything_below};

/// Far longer than a look at the files takes, on a busy machine.
const SECONDS: Duration = Duration::from_secs(30);

struct Machine {
    trial: Trial,
}

impl Machine {
    async fn new() -> Self {
        Self { trial: Trial::new().await }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.trial.home().parent().unwrap().join(name)
    }

    fn put(&self, name: &str, content: &Value) {
        let file = self.file(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        // As such programs do it: in one step.
        let beside = file.with_extension("new");
        std::fs::write(&beside, content.to_string()).unwrap();
        std::fs::rename(beside, file).unwrap();
    }

    fn subscription(&self, name: &str) -> (FakeAccount, Tokens) {
        let account = self.trial.vendor.add_account(AccountSpec::subscription(name)).unwrap();
        let tokens = account.issue_tokens();
        (account, tokens)
    }

    fn claude(&self, tokens: &Tokens) {
        self.put(".claude/.credentials.json", &claude(tokens));
    }

    fn account(&self, label: &str) -> Value {
        self.trial.json(&["accounts", "show", label])["account"].clone()
    }

    /// Waits until the account is in this state, at most [`SECONDS`].
    #[track_caller]
    fn becomes(&self, label: &str, state: &str) {
        let deadline = Instant::now() + SECONDS;
        while self.account(label)["state"] != state {
            assert!(Instant::now() < deadline, "{label} does not become {state}: {}", self.account(label));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What went to the vendor's token endpoint.
    fn refreshes(&self) -> usize {
        let seen = self.trial.vendor.requests();
        seen.iter().filter(|seen| matches!(seen.endpoint, Endpoint::Token | Endpoint::Revoke)).count()
    }
}

fn claude(tokens: &Tokens) -> Value {
    json!({"claudeAiOauth": {"accessToken": tokens.access_token, "refreshToken": tokens.refresh_token,
        "expiresAt": tokens.expires_at * 1000, "scopes": ["user:inference"], "subscriptionType": "max"},
        "mcpOAuth": {"kept": true}})
}

fn oauth(tokens: &Tokens) -> Value {
    json!({"type": "oauth", "access": tokens.access_token, "refresh": tokens.refresh_token, "expires": tokens.expires_at * 1000})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_everything_and_changes_nothing() {
    let machine = Machine::new().await;
    let (_, tokens) = machine.subscription("ann");
    machine.claude(&tokens);
    machine
        .put(".pi/agent/auth.json", &json!({"anthropic": oauth(&tokens), "ollama": {"type": "api_key", "key": "x"}}));
    let ended = machine.trial.remuda(&["import", "--dry-run"]).ok();
    for says in
        ["ann@example.com", "Max", "Claude Code", "to borrow", "known", "ollama is no vendor", "nothing was changed"]
    {
        assert!(ended.out.contains(says), "{says:?}: {ended:?}");
    }
    let json = machine.trial.json(&["import", "--dry-run"]);
    assert_eq!((&json["dry_run"], &json["logins"][0]["fate"]), (&true.into(), &"borrowed".into()));
    assert_eq!(json["logins"][1]["fate"], "known", "the same person, in two files");
    assert!(!json.to_string().contains("sk-ant-"), "no secret is shown");
    assert_eq!(machine.trial.json(&["accounts"])["accounts"].as_array().unwrap().len(), 0);
    assert!(!everything_below(&machine.trial.home()).contains("sk-ant-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_come_before_the_first_login_of_a_kind() {
    let machine = Machine::new().await;
    let (_, tokens) = machine.subscription("ann");
    machine.claude(&tokens);
    machine.trial.remuda(&["import"]).failed(2, &["Anthropic", "--accept-terms"]);
    machine.trial.remuda(&["import", "--accept-terms"]).ok();
    assert_eq!(machine.account("ann@example.com")["borrowed"]["program"], "claude");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_borrowed_login_leaves_with_its_owners_logout_and_returns_with_the_next_login() {
    let machine = Machine::new().await;
    let (ann, tokens) = machine.subscription("ann");
    machine.claude(&tokens);
    machine.trial.add_free(&["spare"]);
    machine.trial.remuda(&["import", "--accept-terms"]).ok();
    machine.trial.remuda(&["accounts", "rename", "ann@example.com", "ann"]).ok();
    machine.trial.remuda(&["use", "ann"]).ok();
    machine.trial.remuda(&["fallback", "ann", "spare"]).ok();
    let key = machine.trial.key(&[]);
    let daemon = machine.trial.serve();
    let served_by = || {
        assert_eq!(daemon.ask(&key, "hello").status, 200);
        machine.trial.json(&["log", "--limit", "1"])["requests"][0].to_string()
    };
    assert!(served_by().contains("\"ann\""));

    std::fs::remove_file(machine.file(".claude/.credentials.json")).unwrap();
    machine.becomes("ann", "needs_login");
    assert!(served_by().contains("spare"), "its stand-in serves");

    let again = ann.issue_tokens();
    machine.claude(&again);
    machine.becomes("ann", "ready");
    assert_eq!(daemon.ask(&key, "hello again").status, 200);

    // Half a file is no logout.
    std::fs::write(machine.file(".claude/.credentials.json"), "{\"claudeAiOauth\": {").unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(machine.account("ann")["state"], "ready");
    assert_eq!(machine.refreshes(), 0, "nothing was ever refreshed or revoked");
    assert_eq!(machine.trial.vendor.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_its_owner_renewed_is_taken_over_and_a_new_login_in_the_file_joins() {
    let machine = Machine::new().await;
    let (ann, tokens) = machine.subscription("ann");
    let file = ".pi/agent/auth.json";
    machine.put(file, &json!({"anthropic": oauth(&tokens)}));
    machine.trial.remuda(&["import", "--accept-terms"]).ok();
    let key = machine.trial.key(&[]);
    let daemon = machine.trial.serve();
    assert_eq!(daemon.ask(&key, "one").status, 200);

    // Pi's own renewal: the vendor no longer takes the old token.
    let renewed = ann.issue_tokens();
    ann.revoke_access();
    let renewed = {
        drop(renewed);
        ann.issue_tokens()
    };
    let (_, others) = machine.subscription("bob");
    machine.put(file, &json!({"anthropic": oauth(&renewed), "anthropic-account-2": oauth(&others)}));
    let deadline = Instant::now() + SECONDS;
    while machine.trial.json(&["accounts"])["accounts"].as_array().unwrap().len() < 2 {
        assert!(Instant::now() < deadline, "the newcomer does not join");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(daemon.ask(&key, "two").status, 200);
    assert_eq!(machine.account("bob@example.com")["borrowed"]["slot"], "anthropic-account-2");
    assert_eq!(machine.refreshes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_under_the_same_entry_is_another_account() {
    let machine = Machine::new().await;
    let (_, tokens) = machine.subscription("ann");
    machine.claude(&tokens);
    machine.trial.remuda(&["import", "--accept-terms"]).ok();
    let _daemon = machine.trial.serve();
    let (_, others) = machine.subscription("bob");
    machine.claude(&others);
    machine.becomes("ann@example.com", "needs_login");
    let deadline = Instant::now() + SECONDS;
    while machine.trial.json(&["accounts"])["accounts"].as_array().unwrap().len() < 2 {
        assert!(Instant::now() < deadline, "the newcomer does not join");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(machine.account("bob@example.com")["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_login_is_ours_and_gone_from_the_file_of_its_former_owner() {
    let machine = Machine::new().await;
    let (_, tokens) = machine.subscription("ann");
    machine.claude(&tokens);
    machine.trial.remuda(&["import", "--move", "--accept-terms"]).failed(2, &["--yes"]);
    let moved = machine.trial.remuda(&["import", "--move", "--accept-terms", "--yes"]).ok();
    assert!(moved.out.contains("moved") && moved.out.contains("taken out of"), "{moved:?}");
    let left = std::fs::read_to_string(machine.file(".claude/.credentials.json")).unwrap();
    assert_eq!(left, "{\"mcpOAuth\":{\"kept\":true}}", "everything else stays");
    assert_eq!(machine.account("ann@example.com")["borrowed"], Value::Null);
    let key = machine.trial.key(&[]);
    let daemon = machine.trial.serve();
    assert_eq!(daemon.ask(&key, "hello").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_borrowed_can_be_moved_later_and_what_is_ours_is_left_alone() {
    let machine = Machine::new().await;
    let (_, tokens) = machine.subscription("ann");
    machine.claude(&tokens);
    machine.trial.remuda(&["import", "--accept-terms"]).ok();
    let again = machine.trial.json(&["import", "--accept-terms"]);
    assert_eq!(again["logins"][0]["fate"], "known");
    machine.trial.remuda(&["import", "--move", "--accept-terms", "--yes"]).ok();
    assert_eq!(machine.account("ann@example.com")["borrowed"], Value::Null);
    machine.claude(&tokens);
    let third = machine.trial.json(&["import", "--accept-terms"]);
    assert_eq!(third["logins"][0]["fate"], "known");
    assert!(third["logins"][0]["why"].as_str().unwrap().contains("a login of its own"));
    assert_eq!(machine.trial.json(&["accounts"])["accounts"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_chains_rests_and_preferences_of_an_earlier_tool_hold_here() {
    let machine = Machine::new().await;
    let (_, work) = machine.subscription("work");
    let (_, home) = machine.subscription("home");
    let soon = machine.trial.vendor.now() + 3600;
    let account = |label: &str, tokens: &Tokens, targets: &[&str], limited: i64| {
        json!({"label": label, "accessToken": tokens.access_token, "refreshToken": tokens.refresh_token,
            "expiresAt": tokens.expires_at * 1000, "rateLimitedUntil": limited * 1000, "fallbackTo": targets})
    };
    machine.put(
        ".pi/agent/multi-claude-code.json",
        &json!({"activeLabel": "Home", "accounts": [
            account("Work", &work, &["Home", "Gone"], 0), account("Home", &home, &[], soon)]}),
    );
    machine.put(".config/opencode/anthropic-auth.json", &json!({"fallbackOn": [401, 403, 429, 529], "accounts": []}));
    let json = machine.trial.json(&["import", "--accept-terms"]);
    let status = machine.trial.remuda(&["status", "--json"]).json();
    assert_eq!(status["active"], "Home");
    assert_eq!(machine.account("Work")["chain"], json!(["Home"]));
    assert_eq!(machine.account("Home")["state"], "resting");
    assert!(json["not_kept"].to_string().contains("Gone"), "{json}");
    let config = std::fs::read_to_string(machine.trial.home().join("config.toml")).unwrap();
    assert!(config.contains("[[refusals]]\nvendor = \"anthropic\"\nstatus = 529\n"), "{config}");
    machine.trial.remuda(&["config", "check"]).ok();
    // Again: nothing twice.
    machine.trial.json(&["import", "--accept-terms"]);
    assert_eq!(std::fs::read_to_string(machine.trial.home().join("config.toml")).unwrap(), config);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_told_and_keeps_no_other_from_being_taken() {
    let machine = Machine::new().await;
    let (_, tokens) = machine.subscription("ann");
    machine.claude(&tokens);
    std::fs::create_dir_all(machine.file(".codex")).unwrap();
    std::fs::write(machine.file(".codex/auth.json"), "{\"tokens\": {\"access_token\": \"geheim").unwrap();
    let ended = machine.trial.remuda(&["import", "--accept-terms"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("Not readable") && !ended.out.contains("geheim"), "{ended:?}");
    assert_eq!(machine.account("ann@example.com")["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_qwen_login_that_has_ended_is_explained() {
    let machine = Machine::new().await;
    machine.put(".qwen/oauth_creds.json", &json!({"access_token": "a", "refresh_token": "r", "expiry_date": 1}));
    let ended = machine.trial.remuda(&["import", "--from", "qwen"]).ok();
    assert!(ended.out.contains("ended on 2026-04-15") && ended.out.contains("remuda login qwen"), "{ended:?}");
}
