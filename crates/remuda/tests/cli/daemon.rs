//! `serve`, `stop`, and who holds the state.

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use remuda_fake::Fault;

use crate::trial::{Trial, ended, exchange, get};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_says_who_runs_and_ends_well() {
    let trial = Trial::new().await;
    let daemon = trial.serve();
    let second = trial.remuda(&["serve"]).ok();
    for says in ["Already running", &daemon.child.id().to_string(), &daemon.url] {
        assert!(second.out.contains(says), "{says}: {second:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_the_daemon_and_then_there_is_none() {
    let trial = Trial::new().await;
    let daemon = trial.serve();
    assert_eq!(trial.remuda(&["status"]).code, 0);
    trial.remuda(&["stop"]).ok();
    assert_eq!(daemon.wait(), 0);
    trial.remuda(&["stop"]).failed(4, &["not running"]);
    trial.remuda(&["status"]).failed(4, &[]);
    trial.remuda(&["log", "--follow"]).failed(4, &["not running"]);
    assert!(!trial.home().join("remuda.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_an_answer_under_way_end() {
    let trial = Trial::new().await;
    let account = trial.add_key("work", &["--cost", "free"]);
    trial.vendor.script(&account, [Fault::serve().paced(Duration::from_millis(150))]);
    let daemon = trial.serve();
    let key = trial.key(&[]);
    let authority = daemon.url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    let body = r#"{"model":"claude-sonnet-4-6","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"count to 5"}]}"#;
    write!(
        stream,
        "POST /anthropic/v1/messages HTTP/1.1\r\nhost: {authority}\r\nx-api-key: {key}\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    let mut some = [0; 4096];
    while !String::from_utf8_lossy(&answer).contains("content_block_delta") {
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&some[..read]);
    }
    let terminated = std::process::Command::new("kill").arg(daemon.child.id().to_string()).status().unwrap();
    assert!(terminated.success());
    stream.read_to_end(&mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("message_stop"), "the answer was cut");
    assert_eq!(daemon.wait(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_commands_work_and_the_next_start_takes_over() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    let daemon = trial.serve();
    trial.remuda(&["use", "personal"]).ok();
    daemon.kill();
    let status = trial.remuda(&["status", "--json"]);
    assert_eq!((status.code, &status.json()["active"]), (4, &"personal".into()));
    trial.remuda(&["use", "work"]).ok();
    let daemon = trial.serve();
    assert_eq!(trial.json(&["status"])["active"], "work");
    assert_eq!(daemon.ask(&trial.key(&[]), "hello").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_starts_at_once_make_one_daemon() {
    let trial = Trial::new().await;
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let mut command = trial.command(&["serve", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut lines = Vec::new();
    let mut children = Vec::new();
    for mut child in starts {
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.ends_with("\n}\n") {
            assert!(std::io::BufRead::read_line(&mut out, &mut text).unwrap() > 0, "{text}");
        }
        lines.push(serde_json::from_str::<serde_json::Value>(&text).unwrap());
        children.push(child);
    }
    let daemons = lines.iter().filter(|line| line["already_running"] == false).count();
    let pids: std::collections::BTreeSet<u64> =
        lines.iter().map(|line| line["daemon"]["pid"].as_u64().unwrap()).collect();
    trial.remuda(&["stop"]).ok();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!((daemons, pids.len()), (1, 1), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_the_control_api_wants_an_admin_key() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let daemon = trial.serve();
    let (agent, admin) = (trial.key(&[]), trial.key(&["--admin"]));
    let status = format!("{}/api/v1/status", daemon.url);
    let ask = |head: &str| exchange("GET", &status, head, "").status;
    assert_eq!(get(&status).status, 401);
    assert_eq!(ask(&format!("x-api-key: {agent}\r\n")), 401, "an agent's key opens requests only");
    assert_eq!(ask("authorization: Bearer rmd_guessed\r\n"), 401);
    assert_eq!(ask("authorization: Bearer \r\n"), 401);
    assert_eq!(ask(&format!("authorization: Bearer {admin}\r\n")), 200);
    assert_eq!(ask(&format!("x-remuda-key: {admin}\r\n")), 200);
    assert_eq!(ask(&format!("x-remuda-key: {admin}\r\nhost: evil.example\r\n")), 403);
    assert_eq!(ask(&format!("x-remuda-key: {admin}\r\norigin: https://evil.example\r\n")), 403);
    let revoked = trial.json(&["key", "list"])["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["id"].clone())
        .collect::<Vec<_>>();
    for id in revoked {
        trial.remuda(&["key", "revoke", id.as_str().unwrap()]).ok();
    }
    assert_eq!(ask(&format!("x-remuda-key: {admin}\r\n")), 401, "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_follow_shows_new_requests_as_they_end() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let daemon = trial.serve();
    let key = trial.key(&[]);
    daemon.ask(&key, "before");
    let mut command = trial.command(&["log", "--follow", "--limit", "1", "--json"]);
    let mut follow = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(follow.stdout.take().unwrap()));
    let mut next = || serde_json::from_str::<serde_json::Value>(&lines.next().unwrap().unwrap()).unwrap();
    let first = next();
    daemon.ask(&key, "meanwhile");
    let second = next();
    assert_ne!(first["id"], second["id"]);
    trial.remuda(&["stop"]).ok();
    assert_eq!(follow.wait().unwrap().code(), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_help_need_no_home() {
    let trial = Trial::new().await;
    for args in [&["completions", "bash"][..], &["completions", "zsh"], &["--help"], &["use", "--help"]] {
        let mut command = trial.command(args);
        command.env_remove("REMUDA_HOME").env_remove("HOME");
        let ended = ended(command).ok();
        assert!(ended.out.contains("remuda"), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendor_in_miniature_prints_what_a_trial_needs() {
    let trial = Trial::new().await;
    let fake = ["fake", "--listen", "127.0.0.1:0", "--account", "ann", "--account", "lab:key", "--json"];
    let mut vendor = trial.command(&fake).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = std::io::BufReader::new(vendor.stdout.take().unwrap());
    let mut text = String::new();
    while !text.ends_with("\n}\n") {
        assert!(std::io::BufRead::read_line(&mut said, &mut text).unwrap() > 0, "it ended early: {text}");
    }
    let runs: serde_json::Value = serde_json::from_str(&text).unwrap();
    std::fs::write(trial.home().join("config.toml"), runs["config"].as_str().unwrap()).unwrap();
    for (at, way) in [(0, "--token-stdin"), (1, "--key-stdin")] {
        let account = &runs["accounts"][at];
        let login = ["login", "anthropic", "--label", account["name"].as_str().unwrap(), way, "--accept-terms"];
        trial.remuda_reading(&login, account["secret"].as_str().unwrap()).ok();
    }
    assert_eq!(trial.json(&["accounts"])["accounts"][1]["label"], "lab");
    vendor.kill().unwrap();
    vendor.wait().unwrap();
}
