//! Genuine agents through the relay: nothing is different for them, and little is uploaded.

use remuda_fake::Window;
use serde_json::Value;

use super::{Agent, CLAUDE, QWEN};
use crate::relay::{Relay, TOKEN};
use crate::run::Stopped;
use crate::trial::{Ended, Trial};

#[track_caller]
fn answers(ended: &Ended, text: &str) {
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains(text), "{text:?} is missing: {ended:?}");
}

/// Everything that was asked with bodies worth relaying, oldest first: who, status, what the relay was sent.
pub(crate) fn relayed(trial: &Trial) -> Vec<(String, u64, Value)> {
    let log = trial.json(&["log", "--limit", "100"]);
    let mut all = Vec::new();
    for request in log["requests"].as_array().unwrap().iter().rev() {
        for attempt in request["attempts"].as_array().unwrap() {
            if request["request_bytes"].as_u64().unwrap() >= 32_768 {
                let who = attempt["label"].as_str().unwrap().to_owned();
                all.push((who, attempt["status"].as_u64().unwrap_or(0), attempt["relayed"].clone()));
            }
        }
    }
    all
}

/// At least 95 % less than the body.
#[track_caller]
pub(crate) fn saves(relayed: &Value) {
    assert_eq!(relayed["delta"], true, "{relayed}");
    let (sent, body) = (relayed["sent_bytes"].as_u64().unwrap(), relayed["body_bytes"].as_u64().unwrap());
    println!("{sent} bytes for a body of {body}");
    assert!(sent * 20 <= body, "{sent} bytes for a body of {body}");
}

/// Three turns of Claude Code; before the second the account is spent, so that another one serves.
pub(crate) fn claude_with_a_failover(trial: &Trial) {
    let work = trial.plan_for(&CLAUDE, "work");
    trial.plan_for(&CLAUDE, "personal");
    let _stopped = Stopped(trial);
    trial.remuda(&["use", "work"]).ok();
    trial.remuda(&["fallback", "work", "personal"]).ok();

    answers(&CLAUDE.begin(trial, "the first question"), "pong the first question");
    work.set_window(Window::FiveHour, 100.0, 7200);
    answers(&CLAUDE.go_on(trial, "the second question"), "pong the second question");
    answers(&CLAUDE.go_on(trial, "the third question"), "pong the third question");
    CLAUDE.asked(trial, &[("work", 200), ("work", 429), ("personal", 200), ("personal", 200)]);

    let asked = relayed(trial);
    let asked: Vec<_> = asked.iter().map(|(who, status, relayed)| (who.as_str(), *status, relayed)).collect();
    let [("work", 200, first), ("work", 429, second), ("personal", 200, third), ("personal", 200, fourth)] = asked[..]
    else {
        panic!("{asked:?}");
    };
    assert_eq!(first["delta"], false, "{first}");
    for later in [second, third, fourth] {
        saves(later);
    }
    let explained = trial.remuda(&["explain", "last"]).ok().out;
    assert!(explained.contains("by relay:"), "{explained}");
}

async fn claude(transport: &str) {
    let trial = Trial::new().await;
    let relay = Relay::serve(&trial);
    let on = ["relay", "on", "--url", &relay.url, "--transport", transport, "--token-stdin"];
    trial.remuda_reading(&on, TOKEN).ok();
    claude_with_a_failover(&trial);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn a_conversation_with_a_failover_goes_through_the_relay_over_http_claude() {
    claude("http").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn a_conversation_with_a_failover_goes_through_the_relay_over_a_websocket_claude() {
    claude("websocket").await;
}

/// Two turns of an agent whose bodies may be small: with no lower bound all of them go through the relay.
async fn two_turns(agent: &Agent) {
    let trial = Trial::new().await;
    let relay = Relay::serve(&trial);
    trial.remuda(&["config", "set", "relay.min_bytes", "0"]).ok();
    trial.remuda_reading(&["relay", "on", "--url", &relay.url, "--token-stdin"], TOKEN).ok();
    trial.key_for(agent, "one");
    let _stopped = Stopped(&trial);
    answers(&agent.begin(&trial, "the first question"), "the first question");
    answers(&agent.go_on(&trial, "the second question"), "the second question");
    agent.asked(&trial, &[("one", 200), ("one", 200)]);
    let log = trial.json(&["log", "--limit", "100"]);
    let last = &log["requests"][0]["attempts"][0]["relayed"];
    saves(last);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Qwen Code"]
async fn a_conversation_goes_through_the_relay_qwen() {
    two_turns(&QWEN).await;
}
