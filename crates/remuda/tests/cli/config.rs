//! `config`: shown, checked, changed, and taken over by a running daemon.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::trial::{Daemon, Trial};

#[tokio::test(flavor = "multi_thread")]
async fn every_key_tells_its_value_and_where_it_comes_from() {
    let trial = Trial::new().await;
    let keys = &trial.json(&["config", "show", "--effective"])["keys"];
    assert_eq!(keys["listen"], json!({"value": "127.0.0.1:0", "line": 1}));
    assert_eq!(keys["quota.poll_every_s"], json!({"value": 300, "line": null}));
    let shown = trial.remuda(&["config"]).ok().out;
    assert!(shown.contains("vendors.anthropic.api") && shown.contains("line 3"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_named_by_check_and_by_every_command_and_can_be_mended_by_command() {
    let trial = Trial::new().await;
    let path = trial.home().join("config.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{good}[quota]\npoll_evry_s = 60\n")).unwrap();
    let line = good.lines().count() + 2;
    let says = [format!("line {line}: unknown field `poll_evry_s`"), "did you mean `poll_every_s`?".to_owned()];
    let says: Vec<&str> = says.iter().map(String::as_str).collect();
    trial.remuda(&["config", "check"]).failed(2, &says);
    trial.remuda(&["status"]).failed(2, &says);
    std::fs::write(&path, &good).unwrap();
    let checked = trial.remuda(&["config", "check"]).ok().out;
    assert!(checked.contains("Good"), "{checked}");
    let set = trial.json(&["config", "set", "quota.poll_every_s", "90"]);
    assert_eq!((&set["before"], &set["value"]), (&json!(300), &json!(90)));
    trial.remuda(&["config", "set", "quota.poll_every_s", "5"]).failed(2, &["5 is not between 60 and 86400"]);
    assert!(std::fs::read_to_string(&path).unwrap().starts_with(&good), "the rest is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_json_that_names_every_section() {
    let trial = Trial::new().await;
    let schema = trial.remuda(&["config", "schema"]).ok().json();
    for section in ["listen", "hosts", "quota", "records", "vendors"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_works_on_a_copy_that_is_taken_over_only_if_it_is_good() {
    let trial = Trial::new().await;
    trial.remuda(&["config", "edit"]).failed(2, &["needs a terminal", "remuda config set"]);
    let path = trial.home().join("config.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let editor = trial.project().join("editor");
    let edits = |line: &str| {
        std::fs::write(&editor, format!("echo '{line}' >> \"$1\"\n")).unwrap();
        let with = format!("sh {}", editor.display());
        trial.on_terminal_with(&[("EDITOR", &with)], &["config", "edit"], "n\n")
    };
    let refused = edits("[qouta]");
    assert!(refused.out.contains("did you mean `quota`?") && refused.code == 1, "{refused:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), good, "it stays as it was");
    let taken = edits("[quota]");
    assert!(taken.out.contains("Good") && taken.code == 0, "{taken:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{good}[quota]\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_takes_a_good_change_over_and_keeps_the_last_good_one_when_a_bad_one_comes() {
    let trial = Trial::new().await;
    let path = trial.home().join("config.toml");
    let log = trial.home().join("test.log");
    let mut command = trial.command(&["serve", "--json"]);
    command.stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
    let daemon = Daemon::ready(command.spawn().unwrap());
    let told = |says: &str| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !std::fs::read_to_string(&log).unwrap().contains(says) {
            assert!(Instant::now() < deadline, "{says}: {}", std::fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    trial.remuda(&["config", "set", "quota.poll", "false"]).ok();
    told("the configuration was read again");
    trial.remuda(&["config", "set", "hosts", "['herd.lan']"]).ok();
    told("these hold from the next start");

    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{good}[quota]\n")).unwrap();
    told("is refused; the last good one stays");
    let status = trial.remuda(&["status"]).ok();
    assert!(status.err.contains("config.toml, line ") && status.err.contains("keeps the last good"), "{status:?}");
    std::fs::write(&path, good).unwrap();
    assert_eq!(trial.remuda(&["status"]).ok().err, "");
    daemon.kill();
    std::fs::write(&path, "listen = 5").unwrap();
    trial.remuda(&["status"]).failed(2, &["line 1"]);
}
