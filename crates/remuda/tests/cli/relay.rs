//! The self-hosted relay beside the daemon: switched on, used, switched off, and what it has saved.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use remuda_fake::Endpoint;

use crate::trial::{Answer, Daemon, Trial, exchange};

pub(crate) const TOKEN: &str = "rly_the_token_of_this_trial_1";

/// A relay in the foreground. Does not outlive a test that fails.
pub(crate) struct Relay {
    child: Child,
    pub(crate) url: String,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

impl Relay {
    pub(crate) fn serve(trial: &Trial) -> Self {
        let token = trial.project().join("relay-token");
        std::fs::write(&token, TOKEN).unwrap();
        let mut command = trial.command(&["relay", "serve", "--json", "--listen", "127.0.0.1:0"]);
        command.arg("--token-file").arg(token).arg("--allow").arg(trial.vendor.base_url());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.ends_with("\n}\n") {
            assert!(said.read_line(&mut text).unwrap() > 0, "it ended early: {text}");
        }
        let ready: serde_json::Value = serde_json::from_str(&text).unwrap();
        Self { child, url: ready["url"].as_str().unwrap().to_owned() }
    }
}

/// Waits until the daemon has taken the configuration over.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_switched_on_used_and_switched_off_without_a_restart() {
    let trial = Trial::new().await;
    trial.add_key("console", &[]);
    let relay = Relay::serve(&trial);
    let daemon = trial.serve();
    let key = trial.key(&[]);

    trial.remuda(&["relay", "on", "--url", &relay.url]).failed(2, &["token"]);
    trial
        .remuda_reading(&["relay", "on", "--url", &relay.url, "--token-stdin"], "rly_some_other_token_entirely")
        .failed(1, &["was not switched on", "a valid relay token is needed"]);
    let on = trial.remuda_reading(&["relay", "on", "--url", &relay.url, "--token-stdin"], TOKEN).ok();
    assert!(on.out.contains("Relay on:") && on.out.contains("It answers: remuda"), "{on:?}");

    // Bodies of 40 kB and more, each the one before and a little more.
    let mut turns = vec!["the long story of it all ".repeat(1600)];
    let mut ask = || {
        turns.push(format!("turn {}", turns.len()));
        assert_eq!(converse(&daemon, &key, &turns).status, 200);
        let asked = trial.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Messages).count();
        until("it is recorded", || {
            trial.json(&["log", "--limit", "1000"])["requests"].as_array().unwrap().len() >= asked
        });
        trial.json(&["explain", "last"])["request"]["attempts"][0]["relayed"].clone()
    };
    until("the relay is used", || !ask().is_null());
    let saved = ask();
    assert_eq!(saved["delta"], true);
    assert!(saved["sent_bytes"].as_u64().unwrap() * 20 < saved["body_bytes"].as_u64().unwrap(), "{saved}");
    let explained = trial.remuda(&["explain", "last"]).ok().out;
    assert!(explained.contains("by relay:") && explained.contains("only what"), "{explained}");
    let status = trial.remuda(&["relay", "status"]).ok().out;
    assert!(status.contains("Saved ") && status.contains("of them as what changed"), "{status}");

    trial.remuda(&["relay", "off"]).ok();
    until("it is off", || ask().is_null());
    assert_eq!(trial.vendor.violations(), [""; 0]);
    let files = crate::trial::everything_below(&trial.home());
    assert_eq!(files.matches(TOKEN).count(), 1, "the token is in its own file and nowhere else");
}

/// A conversation of these turns, as it is sent with the last of them.
fn converse(daemon: &Daemon, key: &str, turns: &[String]) -> Answer {
    let role = |number: usize| if number.is_multiple_of(2) { "user" } else { "assistant" };
    let mut messages: Vec<_> =
        turns.iter().enumerate().map(|(n, text)| serde_json::json!({"role": role(n), "content": text})).collect();
    if turns.len().is_multiple_of(2) {
        messages.push(serde_json::json!({"role": "user", "content": "go on"}));
    }
    let body = serde_json::json!({"model": "claude-sonnet-4-6", "max_tokens": 64, "messages": messages});
    let head = format!("x-api-key: {key}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n");
    exchange("POST", &format!("{}/anthropic/v1/messages", daemon.url), &head, &body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_gone_is_left_out_and_that_is_said() {
    let trial = Trial::new().await;
    trial.add_key("console", &[]);
    let relay = Relay::serve(&trial);
    trial.remuda_reading(&["relay", "on", "--url", &relay.url, "--token-stdin"], TOKEN).ok();
    drop(relay);
    let daemon = trial.serve();
    let key = trial.key(&[]);
    let prompt = "the long story of it all ".repeat(1600);
    until("the relay is wanted", || {
        assert_eq!(daemon.ask(&key, &prompt).status, 200, "served directly");
        std::thread::sleep(Duration::from_millis(300));
        trial.remuda(&["explain", "last"]).ok().out.contains("relay: left out")
    });
    let status = trial.remuda(&["relay", "status"]);
    assert_eq!(status.code, 1, "{status:?}");
    assert!(
        status.out.contains("It does not answer as a relay") && status.out.contains("Left out because it failed"),
        "{status:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_others_can_reach_needs_tls_and_every_relay_a_token() {
    let trial = Trial::new().await;
    trial.remuda(&["relay", "serve"]).failed(2, &["it has no token", "--token-file"]);
    let weak = trial.project().join("weak");
    std::fs::write(&weak, "changeme").unwrap();
    let weak = weak.to_str().unwrap();
    trial.remuda(&["relay", "serve", "--token-file", weak]).failed(2, &["at least 22"]);
    trial
        .remuda(&["relay", "serve", "--listen", "0.0.0.0:0", "--token-file", weak])
        .failed(2, &["no TLS", "--tls-cert"]);
    assert!(trial.remuda(&["relay"]).ok().out.contains("No relay is known"));
}
