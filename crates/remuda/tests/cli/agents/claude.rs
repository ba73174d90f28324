//! What is particular to Claude Code.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use remuda_fake::{Endpoint, FakeAccount, Fault, Seen, Window};

use super::{CLAUDE, Running, wait_until};
use crate::run::Stopped;
use crate::trial::{Ended, Trial, ended, everything_below, exchange};

impl Trial {
    fn subscription(&self, label: &str) -> FakeAccount {
        self.plan_for(&CLAUDE, label)
    }

    /// Claude Code with these arguments, as `remuda run` starts it.
    fn claude(&self, args: &[&str]) -> Command {
        CLAUDE.command(self, args)
    }

    fn ask(&self, args: &[&str]) -> Ended {
        ended(self.claude(args))
    }

    fn messages(&self) -> Vec<Seen> {
        self.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Messages).collect()
    }

    /// Who was asked in this order, and with what result.
    #[track_caller]
    fn asked(&self, expected: &[(&str, u16)]) {
        let messages = self.messages();
        let turns: Vec<_> =
            messages.iter().map(|seen| (seen.account.as_deref().unwrap_or(""), seen.status.unwrap_or(0))).collect();
        assert_eq!(turns, expected);
        assert_eq!(self.vendor.violations(), [""; 0]);
    }

    /// All processes of this trial: commands, the daemon, the agent and what it starts.
    fn processes(&self) -> Vec<Process> {
        let home = self.home().into_os_string();
        let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Process::read(&entry.unwrap().path()));
        all.filter(|process| process.environment.get("REMUDA_HOME") == Some(&home)).collect()
    }
}

struct Process {
    arguments: String,
    environment: BTreeMap<String, OsString>,
}

impl Process {
    /// Nothing for what is no process, or has just ended.
    fn read(path: &std::path::Path) -> Option<Self> {
        let arguments = String::from_utf8_lossy(&std::fs::read(path.join("cmdline")).ok()?).replace('\0', " ");
        let environment = std::fs::read(path.join("environ")).ok()?;
        let pair = |line: &[u8]| {
            let at = line.iter().position(|byte| *byte == b'=')?;
            Some((String::from_utf8(line[..at].to_vec()).ok()?, OsString::from_vec(line[at + 1..].to_vec())))
        };
        Some(Self { arguments, environment: environment.split(|byte| *byte == 0).filter_map(pair).collect() })
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.environment.get(name)?.to_str()
    }
}

#[track_caller]
fn answers(ended: Ended, text: &str) {
    assert_eq!((ended.out.trim(), ended.code), (text, 0), "{ended:?}");
}

/// The time of day so many seconds from now, as `14:05`; the minute may end while it is computed.
fn utc_in(seconds: u64) -> [String; 2] {
    [seconds, seconds + 1].map(|seconds| {
        let then = (SystemTime::now() + Duration::from_secs(seconds)).duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let of_day = then.as_secs() % 86_400;
        format!("{:02}:{:02}", of_day / 3600, of_day % 3600 / 60)
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn a_subscription_answers_a_prompt() {
    let trial = Trial::new().await;
    trial.subscription("personal");
    let _stopped = Stopped(&trial);
    answers(trial.ask(&["-p", "the only question"]), "pong the only question");
    trial.asked(&[("personal", 200)]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn an_api_key_answers_a_prompt_from_standard_input() {
    let trial = Trial::new().await;
    trial.add_key("console", &[]);
    let _stopped = Stopped(&trial);
    let question = trial.project().join("question");
    std::fs::write(&question, "the only question").unwrap();
    let mut command = trial.claude(&["-p"]);
    command.stdin(std::fs::File::open(question).unwrap());
    answers(ended(command), "pong the only question");
    trial.asked(&[("console", 200)]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn what_claude_code_says_about_its_own_arguments_comes_through_and_so_does_its_exit_code() {
    let trial = Trial::new().await;
    trial.add_key("console", &[]);
    let _stopped = Stopped(&trial);
    assert_eq!(trial.ask(&["--no-such-option"]).failed(1, &["--no-such-option"]).out, "");
    trial.asked(&[]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn an_account_that_is_limited_in_mid_conversation_is_stood_in_for_by_the_next_of_its_chain() {
    let trial = Trial::new().await;
    let work = trial.subscription("work");
    trial.subscription("personal");
    let _stopped = Stopped(&trial);
    trial.remuda(&["use", "work"]).ok();
    trial.remuda(&["fallback", "work", "personal"]).ok();

    answers(trial.ask(&["-p", "the first question"]), "pong the first question");
    work.set_window(Window::FiveHour, 100.0, 7200);
    answers(trial.ask(&["--continue", "-p", "the second question"]), "pong the second question");

    trial.asked(&[("work", 200), ("work", 429), ("personal", 200)]);
    let messages = trial.messages();
    let sessions: BTreeSet<_> =
        messages.iter().map(|seen| seen.header("x-claude-code-session-id").expect("a session")).collect();
    assert_eq!(sessions.len(), 1, "one conversation");
    let explained = trial.remuda(&["explain", "last"]).ok().out;
    for says in [
        "Meant for work: the session lives there.",
        "1. work refused with status 429",
        "window_exhausted",
        "2. personal answered with status 200",
        "Served by personal in place of work. The client got status 200.",
    ] {
        assert!(explained.contains(says), "{says:?} is missing: {explained}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn an_account_without_a_chain_shows_its_own_limit_with_the_true_time_and_nobody_else_is_asked() {
    let trial = Trial::new().await;
    let work = trial.subscription("work");
    trial.subscription("personal");
    let _stopped = Stopped(&trial);
    trial.remuda(&["use", "work"]).ok();
    let returns = utc_in(7200);
    work.set_window(Window::FiveHour, 100.0, 7200);

    let refused = trial.ask(&["-p", "the only question"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    for says in ["429", "work", "remuda explain"] {
        assert!(refused.out.contains(says), "{says:?} is missing: {refused:?}");
    }
    assert!(returns.iter().any(|time| refused.out.contains(time)), "{returns:?}: {refused:?}");
    assert!(!refused.out.contains("/login"), "the agent must not think that it is logged out: {refused:?}");
    trial.asked(&[("work", 429)]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn a_home_that_leads_elsewhere_stays_as_it_is_and_does_not_lead_elsewhere() {
    let trial = Trial::new().await;
    trial.subscription("personal");
    let _stopped = Stopped(&trial);
    let home = trial.project().join("home");
    let settings = home.join(".claude/settings.json");
    let text = r#"{ "env": { "ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_AUTH_TOKEN": "theirs" } }"#;
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    std::fs::write(&settings, text).unwrap();

    let mut command = trial.claude(&["-p", "the only question"]);
    command.env("HOME", &home);
    answers(ended(command), "pong the only question");

    assert_eq!(std::fs::read_to_string(&settings).unwrap(), text);
    let names = std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let foreign: Vec<_> = names.filter(|name| !name.starts_with(".claude")).collect();
    assert_eq!(foreign, [""; 0], "Claude Code alone writes here, and only its own files");
    let written = everything_below(&home);
    assert!(!written.contains("rmd_") && !written.contains("sk-ant-"), "a key in a file of the person");
    trial.asked(&[("personal", 200)]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn no_argument_list_holds_a_secret_and_the_key_ends_with_the_agent() {
    let trial = Trial::new().await;
    let account = trial.subscription("personal");
    let _stopped = Stopped(&trial);
    trial.vendor.script(&account, [Fault::serve().delayed(Duration::from_secs(2))]);
    let mut agent = Running(trial.claude(&["-p", "the only question"]).stdout(Stdio::null()).spawn().unwrap());
    wait_until("the vendor is asked", || !trial.messages().is_empty());

    let processes = trial.processes();
    let lists: Vec<_> = processes.iter().map(|process| process.arguments.as_str()).collect();
    let with_prompt = lists.iter().filter(|list| list.contains("the only question")).count();
    assert!(with_prompt >= 2 && lists.len() >= 3, "the command, the agent and the daemon: {lists:?}");
    assert!(!lists.iter().any(|list| list.contains("rmd_") || list.contains("sk-ant-")), "{lists:?}");
    let holder = processes.iter().find(|process| process.value("ANTHROPIC_AUTH_TOKEN").is_some()).unwrap();
    let head = format!(
        "authorization: Bearer {}\r\nanthropic-version: 2023-06-01\r\n",
        holder.value("ANTHROPIC_AUTH_TOKEN").unwrap()
    );
    let models = format!("{}/v1/models", holder.value("ANTHROPIC_BASE_URL").unwrap());
    assert_eq!(exchange("GET", &models, &head, "").status, 200, "the agent's key is good while it works");

    assert!(agent.0.wait().unwrap().success());
    assert_eq!(exchange("GET", &models, &head, "").status, 401);
    assert_eq!(trial.json(&["key", "list"])["keys"], serde_json::json!([]));
    trial.asked(&[("personal", 200)]);
}
