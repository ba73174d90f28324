//! `remuda run`, with a small script in the agent's place.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::trial::{Ended, Trial, ended};

/// An agent that says what it was given, asks once, and ends with 7.
const AGENT: &str = r#"#!/bin/sh
echo "arguments: $*"
echo "base: $ANTHROPIC_BASE_URL"
echo "input: $(cat)"
printf '%s' "$ANTHROPIC_AUTH_TOKEN" > "$AGENT_NOTES"
exit 7
"#;

impl Trial {
    fn agent(&self) -> PathBuf {
        let path = self.project().join("agent");
        std::fs::write(&path, AGENT).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn notes(&self) -> PathBuf {
        self.project().join("notes")
    }

    fn run_agent(&self, args: &[&str]) -> Ended {
        let mut command = self.command(&[&["run", "claude"], args].concat());
        command.env("REMUDA_CLAUDE_BIN", self.agent()).env("AGENT_NOTES", self.notes());
        ended(command)
    }
}

/// Stops the daemon that `run` has started, also when the test fails.
pub(crate) struct Stopped<'a>(pub(crate) &'a Trial);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.remuda(&["stop"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_starts_the_daemon_and_the_agent_and_passes_everything_through() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let ran = trial.run_agent(&["--", "-p", "hello there"]);
    let _stopped = Stopped(&trial);
    assert_eq!(ran.code, 7, "{ran:?}");
    let status = trial.json(&["status"]);
    let url = status["daemon"]["url"].as_str().unwrap();
    assert_eq!(ran.out, format!("arguments: -p hello there\nbase: {url}/anthropic\ninput: \n"));
    let secret = std::fs::read_to_string(trial.notes()).unwrap();
    assert!(secret.starts_with("rmd_"), "the agent has a key of its own");
    assert_eq!(trial.json(&["key"])["keys"], serde_json::json!([]), "it ends with the agent");
    let log = std::fs::read_to_string(trial.home().join("daemon.log")).unwrap();
    assert!(!log.contains(&secret), "{log}");
    assert_eq!(std::fs::metadata(trial.home().join("daemon.log")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_runs_at_once_share_one_daemon() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    trial.agent();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| {
                let mut command = trial.command(&["run", "claude"]);
                command.env("REMUDA_CLAUDE_BIN", trial.project().join("agent")).env("AGENT_NOTES", "/dev/null");
                scope.spawn(|| ended(command))
            })
            .collect();
        for run in runs {
            let ran = run.join().unwrap();
            assert_eq!(ran.code, 7, "{ran:?}");
        }
    });
    trial.remuda(&["stop"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_file_that_names_nobody_stops_run() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let _stopped = Stopped(&trial);
    let file = trial.project().join(".remuda.toml");
    std::fs::write(&file, "account = \"enterprise\"\n").unwrap();
    trial.run_agent(&[]).failed(1, &[".remuda.toml wants enterprise", "not there", "correct the file"]);
    assert!(!trial.notes().exists(), "the agent was not started");
    std::fs::write(&file, "acount = \"work\"\n").unwrap();
    trial.run_agent(&[]).failed(2, &["line 1", "did you mean `account`?"]);
    std::fs::write(&file, "account = \"work\"\n").unwrap();
    let ran = trial.run_agent(&[]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.err.contains("work serves here"), "{ran:?}");
    assert_eq!(
        trial.run_agent(&["--account", "nobody"]).code,
        1,
        "an explicit choice beats the file and is checked too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn run_without_an_account_or_an_agent_says_what_to_do() {
    let trial = Trial::new().await;
    let _stopped = Stopped(&trial);
    trial.run_agent(&[]).failed(3, &["no account yet", "remuda login anthropic"]);
    trial.remuda(&["run", "claude"]).failed(2, &["not installed", "npm install"]);
    trial.remuda(&["run", "vi"]).failed(2, &["claude"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_cannot_start_shows_the_end_of_its_log() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = trial.home().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string())).unwrap();
    trial.run_agent(&[]).failed(1, &["the daemon did not start", "is taken", "daemon.log"]);
}
