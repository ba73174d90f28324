//! No secret and no prompt is found where it does not belong: not in a log at its most talkative, not in a file, not in
//! anything that a command prints, not in an argument list or an environment.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use remuda_fake::{AccountSpec, Chunking, Effect, Endpoint, Fault, Point, Refusal, Window};
use serde_json::Value;

use crate::trial::{Daemon, Trial, everything_below};

const PROMPT: &str = "canary-prompt-5d1c";

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_prompts_are_found_nowhere() {
    let trial = Trial::new().await;
    let work = trial.vendor.add_account(AccountSpec::subscription("work")).unwrap();
    trial.log_in("work", &["--label", "work"]).ok();
    let side = trial.add_key("side", &["--cost", "free"]);
    trial.remuda(&["fallback", "work", "side"]).ok();
    let key = trial.key(&[]);

    let log = trial.project().join("log");
    let mut serve = trial.command(&["serve", "--json"]);
    serve.env("REMUDA_LOG", "trace").stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
    let daemon = Daemon::ready(serve.spawn().unwrap());
    trouble(&trial, &work, &daemon, &key);

    let mut seen = vec![
        ("the log", std::fs::read_to_string(&log).unwrap()),
        ("the files", everything_below(&trial.home())),
        ("the daemon's environment", process(daemon.child.id(), "environ")),
        ("the daemon's arguments", process(daemon.child.id(), "cmdline")),
        ("what the agent sees", an_agents_view(&trial)),
    ];
    for (name, args) in COMMANDS {
        let plain = trial.remuda(args);
        let json = trial.remuda(&[*args, &["--json"]].concat());
        seen.push((name, [plain.out, plain.err, json.out, json.err].join("\n")));
    }
    assert!(seen[0].1.contains("TRACE"), "the log is at its most talkative");

    let mut planted = at_the_vendor(&trial);
    assert!(planted.iter().any(|s| s.starts_with("sk-ant-ort01-")), "a refresh token was at work");
    planted.extend([side.key().to_owned(), PROMPT.to_owned()]);
    for (place, text) in &seen {
        for secret in &planted {
            let part = &secret[..secret.len().min(40)];
            assert!(!text.contains(part), "{place} holds {}…", &secret[..secret.len().min(14)]);
        }
        assert!(!text.contains(&key), "{place} holds a client key");
    }
}

const COMMANDS: &[(&str, &[&str])] = &[
    ("status", &["status"]),
    ("accounts show", &["accounts", "show", "work"]),
    ("log", &["log"]),
    ("explain", &["explain", "last"]),
    ("key list", &["key", "list"]),
    ("doctor", &["doctor"]),
    ("login with a broken key", &["login", "anthropic", "--label", "x", "--key-env", "NOT_SET"]),
];

/// Everything that goes wrong and right around a credential.
fn trouble(trial: &Trial, work: &remuda_fake::FakeAccount, daemon: &Daemon, key: &str) {
    daemon.ask(key, PROMPT);
    work.expire_access();
    daemon.ask(key, PROMPT);
    let faults = [
        Fault::refuse(Refusal::InvalidBearer),
        Fault::refuse(Refusal::TokenRevoked),
        Fault::refuse(Refusal::HtmlForbidden),
        Fault::reset(Point::BeforeHeaders),
        Fault::new(Effect::Serve).chunked(Chunking::Bytes(7)),
    ];
    for fault in faults {
        trial.vendor.script("work", [fault]);
        daemon.ask(key, PROMPT);
    }
    trial.vendor.script("work", [Fault::refuse(Refusal::GrantInvalid).on(Endpoint::Token)]);
    work.expire_access();
    daemon.ask(key, PROMPT);
    work.set_window(Window::FiveHour, 100.0, 3600);
    daemon.ask(key, PROMPT);
    daemon.ask("rmd_not-a-key", PROMPT);
}

/// Every credential and code that the vendor was shown.
fn at_the_vendor(trial: &Trial) -> Vec<String> {
    let mut all = Vec::new();
    for request in trial.vendor.requests() {
        let bearer = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        all.extend(bearer.or_else(|| request.header("x-api-key")).map(str::to_owned));
        if request.endpoint == Endpoint::Token {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            for field in ["refresh_token", "code", "code_verifier"] {
                all.extend(body[field].as_str().map(str::to_owned));
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

/// What an agent could find out about credentials: its arguments and its environment, but for the key that it is given.
fn an_agents_view(trial: &Trial) -> String {
    let agent = trial.project().join("claude");
    std::fs::write(&agent, "#!/bin/sh\ntr '\\0' '\\n' < /proc/self/environ\ntr '\\0' '\\n' < /proc/$$/cmdline\n")
        .unwrap();
    std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut run = trial.command(&["run", "claude", "--", "-p", "hi"]);
    run.env("REMUDA_CLAUDE_BIN", &agent);
    let ended = crate::trial::ended(run).ok();
    assert!(ended.out.contains("ANTHROPIC_BASE_URL="), "{ended:?}");
    ended.out
}

fn process(id: u32, file: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{id}/{file}")).unwrap()).into_owned()
}
