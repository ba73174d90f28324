//! `remuda login --with`, `remuda run --direct`, with a small script in the agent's place.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::trial::{Ended, Trial, ended};

/// Keeps its login in its profile, says what it was given, and ends with 7.
const AGENT: &str = r#"#!/bin/sh
case "$1 $2" in
  "auth login") echo theirs > "$CLAUDE_CONFIG_DIR/.credentials.json"; exit 0 ;;
  "auth status") test -e "$CLAUDE_CONFIG_DIR/.credentials.json"; exit $? ;;
esac
echo "arguments: $*"
echo "profile: $CLAUDE_CONFIG_DIR"
echo "base: $ANTHROPIC_BASE_URL key: $ANTHROPIC_API_KEY"
"$REMUDA" status --json > status.json
exit 7
"#;

impl Trial {
    fn directly(&self, args: &[&str]) -> Ended {
        let agent = self.project().join("agent");
        std::fs::write(&agent, AGENT).unwrap();
        std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command: Command = self.command(args);
        command.env("REMUDA_CLAUDE_BIN", agent).env("REMUDA", env!("CARGO_BIN_EXE_remuda"));
        ended(command)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_runs_in_the_profile_in_which_it_logged_in_itself() {
    let trial = Trial::new().await;
    trial
        .directly(&["run", "claude", "--direct", "--account", "work"])
        .failed(3, &["work has no profile", "login anthropic --with claude --label work"]);
    let login = trial.directly(&["login", "anthropic", "--with", "claude", "--label", "work", "--json"]).ok().json();
    assert_eq!(login["logged_in"], true, "{login}");
    let directory = login["directory"].as_str().unwrap();

    let ran = trial.directly(&["run", "claude", "--direct", "--account", "work", "--", "-p", "hello"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(ran.out, format!("arguments: -p hello\nprofile: {directory}\nbase:  key: \n"));
    let during = std::fs::read_to_string(trial.project().join("status.json")).unwrap();
    let during: serde_json::Value = serde_json::from_str(&during).unwrap();
    assert_eq!(during["direct"]["running"][0]["label"], "work", "{during}");
    let status = trial.remuda(&["status", "--json"]).json();
    assert_eq!(status["direct"]["running"], serde_json::json!([]));
    assert_eq!(status["direct"]["profiles"][0]["label"], "work");

    let again = trial.directly(&["login", "anthropic", "--with", "claude", "--label", "work", "--json"]).ok().json();
    assert_eq!(again["directory"], directory, "one profile, renewed in place");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_serve_in_place_of_its_login_is_left_out_by_name() {
    let trial = Trial::new().await;
    trial.directly(&["login", "anthropic", "--with", "claude", "--label", "work"]).ok();
    let mut command: Command = trial.command(&["run", "claude", "--direct", "--account", "work"]);
    command.env("REMUDA_CLAUDE_BIN", trial.project().join("agent")).env("REMUDA", "true");
    command.env("ANTHROPIC_API_KEY", "planted-value");
    let ran = ended(command);
    assert!(ran.err.contains("ANTHROPIC_API_KEY is left out"), "{ran:?}");
    assert!(!format!("{}{}", ran.out, ran.err).contains("planted-value"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_pools_and_switched_off_accounts_decide_at_the_start() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.directly(&["login", "anthropic", "--with", "claude", "--label", "work"]).ok();
    trial.remuda(&["pool", "create", "both", "work", "personal"]).ok();
    std::fs::write(trial.project().join(".remuda.toml"), "pool = \"both\"\n").unwrap();
    trial.directly(&["run", "claude", "--direct"]).failed(1, &["@both is a pool", "--account"]);
    std::fs::write(trial.project().join(".remuda.toml"), "account = \"work\"\n").unwrap();
    let ran = trial.directly(&["run", "claude", "--direct"]);
    assert!(ran.code == 7 && ran.err.contains("work serves here"), "{ran:?}");
    trial.remuda(&["accounts", "disable", "work"]).ok();
    trial.directly(&["run", "claude", "--direct"]).failed(1, &["work is switched off", "accounts enable work"]);
    trial.directly(&["run", "opencode", "--direct", "--account", "work"]).failed(2, &["cannot keep accounts apart"]);
}
