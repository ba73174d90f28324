//! `remuda setup`, `remuda undo`: what happens to a person's files.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::run::Stopped;
use crate::trial::{Trial, everything_below};

const MINE: &str = "{\n  // how I like it\n  \"theme\": \"dark\",\n  \"env\": { \"EDITOR\": \"vi\" },\n}\n";

impl Trial {
    fn settings(&self) -> PathBuf {
        let path = self.user_home().join(".claude/settings.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.settings()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_puts_in_two_values_and_undo_restores_every_byte() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let _stopped = Stopped(&trial);
    std::fs::write(trial.settings(), MINE).unwrap();
    std::fs::set_permissions(trial.settings(), std::fs::Permissions::from_mode(0o640)).unwrap();

    let preview = trial.remuda(&["setup", "claude", "--dry-run"]).ok();
    assert!(preview.out.contains("ANTHROPIC_BASE_URL") && preview.out.contains("rmd_…"), "{preview:?}");
    assert_eq!(trial.text(), MINE);
    trial.remuda(&["setup", "claude"]).failed(2, &["nobody can be asked", "--yes"]);
    assert_eq!(trial.text(), MINE);
    assert_eq!(trial.json(&["key"])["keys"], serde_json::json!([]), "no key for nothing");

    let done = trial.remuda(&["setup", "claude", "--yes"]).ok();
    let written = trial.text();
    assert!(written.starts_with("{\n  // how I like it\n  \"theme\": \"dark\",\n"), "{written}");
    let key = written.split('"').find(|part| part.starts_with("rmd_")).expect("a client key").to_owned();
    assert!(!format!("{}{}", done.out, done.err).contains(&key), "{done:?}");
    assert!(!everything_below(&trial.home().join("setup")).contains(&key));
    assert!(done.err.contains("others can read"), "{done:?}");
    assert_eq!(trial.json(&["key"])["keys"][0]["name"], "remuda setup claude");
    let mode = std::fs::metadata(trial.settings()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);

    let again = trial.json(&["setup", "claude", "--yes"]);
    assert_eq!(again["done"], false, "{again}");
    assert_eq!(trial.text(), written);

    trial.remuda(&["undo", "claude"]).ok();
    assert_eq!(trial.text(), MINE);
    assert_eq!(trial.json(&["key"])["keys"], serde_json::json!([]));
    let nothing = trial.json(&["undo", "claude"]);
    assert_eq!(nothing["done"], false, "{nothing}");
    assert_eq!(trial.text(), MINE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_changed_since_loses_only_our_values() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let _stopped = Stopped(&trial);
    std::fs::write(trial.settings(), MINE).unwrap();
    trial.remuda(&["setup", "claude", "--yes"]).ok();
    let url = trial.json(&["status"])["daemon"]["url"].as_str().unwrap().to_owned();
    let theirs = trial.text().replace("\"dark\"", "\"light\"").replace(&format!("{url}/anthropic"), "https://llm.corp");
    std::fs::write(trial.settings(), &theirs).unwrap();

    let undone = trial.remuda(&["undo", "claude"]).ok();
    assert!(undone.out.contains("changed since") && undone.out.contains("env.ANTHROPIC_BASE_URL"), "{undone:?}");
    let text = trial.text();
    assert!(text.contains("\"light\"") && text.contains("https://llm.corp") && text.contains("// how I like it"));
    assert!(!text.contains("rmd_"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_left_alone_both_ways() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let _stopped = Stopped(&trial);
    std::fs::write(trial.settings(), "{ \"a\": ").unwrap();
    trial.remuda(&["setup", "claude", "--yes"]).failed(1, &["is left as it is", "settings.json"]);
    assert_eq!(trial.text(), "{ \"a\": ");
    assert_eq!(trial.json(&["key"])["keys"], serde_json::json!([]));

    std::fs::write(trial.settings(), MINE).unwrap();
    trial.remuda(&["setup", "claude", "--yes"]).ok();
    std::fs::write(trial.settings(), "{ \"a\": ").unwrap();
    trial.remuda(&["undo", "claude"]).failed(1, &["is left as it is", "what was there before"]);
    assert_eq!(trial.text(), "{ \"a\": ");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_not_there_are_gone_again() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let _stopped = Stopped(&trial);
    for (host, file) in [("pi", ".pi/agent/models.json"), ("opencode", ".config/opencode/opencode.json")] {
        let path = trial.user_home().join(file);
        trial.remuda(&["setup", host, "--yes"]).ok();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        trial.remuda(&["undo", host]).ok();
        assert!(!path.exists());
    }
    trial.remuda(&["setup", "codex", "--yes"]).failed(3, &["no account that Codex CLI could use", "login openai"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_never_becomes_an_account_of_its_own() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let key = trial.key(&[]);
    let daemon = trial.serve();
    let url = daemon.url.replace("127.0.0.1", "localhost");
    let login = ["login", "anthropic", "--label", "loop", "--key-stdin", "--base-url"];
    let to_itself = format!("{url}/anthropic");
    trial.remuda_reading(&[&login[..], &[&to_itself]].concat(), "sk-x").failed(2, &["the address of Remuda itself"]);
    let refused = trial.remuda_reading(&login[..5], &key).failed(2, &["a client key of Remuda itself"]);
    assert!(!refused.err.contains(&key), "{refused:?}");
}
