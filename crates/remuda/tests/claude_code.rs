//! The genuine Claude Code, headless, on the gateway, against the vendor in miniature.
//!
//! Ignored unless asked for: `./test` installs the pinned agent and runs these, see CONTRIBUTING.md.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use remuda_fake::{AccountSpec, Browser, Config, Endpoint, Fake, FakeAccount, Fault, Reply, Seen, Window};
use tempfile::TempDir;

const MODEL: &str = "claude-sonnet-4-6";

/// A person at a machine: a home directory, a herd of their own, and the vendor.
struct Person {
    vendor: Fake,
    home: TempDir,
    herd: TempDir,
}

impl Person {
    async fn new() -> Self {
        let replies = ["first question", "second question", "only question"]
            .map(|when| Reply { when: when.to_owned(), say: format!("the answer to the {when}") });
        let vendor = Fake::start(Config { replies: replies.into(), ..Config::default() }).await.unwrap();
        let person = Self { vendor, home: tempfile::tempdir().unwrap(), herd: tempfile::tempdir().unwrap() };
        fs::create_dir(person.project()).unwrap();
        let endpoints = format!(
            "listen = '127.0.0.1:0'\n[vendors.anthropic]\napi = '{}'\nauthorize = '{}'\ntoken = '{}'\ncopy_code = '{}'\n",
            person.vendor.base_url(),
            person.vendor.authorize_url(),
            person.vendor.token_url(),
            person.vendor.copy_code_redirect(),
        );
        fs::write(person.herd.path().join("config.toml"), endpoints).unwrap();
        person
    }

    fn project(&self) -> PathBuf {
        self.home.path().join("project")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_remuda"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.home.path()).env("REMUDA_HOME", self.herd.path());
        command.current_dir(self.project()).stdin(Stdio::null());
        command
    }

    /// A command that must succeed.
    fn remuda(&self, args: &[&str]) -> String {
        let output = self.command().args(args).output().unwrap();
        assert!(output.status.success(), "remuda {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Logs in to a subscription as a person does, with the browser played by plain requests.
    fn log_in(&self, name: &str) -> FakeAccount {
        let account = self.vendor.add_account(AccountSpec::subscription(name)).unwrap();
        self.vendor.set_browser(Browser::User(name.to_owned()));
        let mut login = self
            .command()
            .args(["login", "anthropic", "--label", name, "--no-browser", "--accept-terms"])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let shown = BufReader::new(login.stderr.take().unwrap());
        let url = shown
            .lines()
            .map(|line| line.unwrap())
            .find_map(|line| line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned))
            .expect("an address to open");
        let callback = get(&url).1.expect("the vendor leads back to the callback");
        assert_eq!(get(&callback).0, 200);
        assert!(login.wait().unwrap().success());
        account
    }

    fn add_key(&self, name: &str) -> FakeAccount {
        let account = self.vendor.add_account(AccountSpec::api_key(name)).unwrap();
        let login = ["login", "anthropic", "--label", name, "--key-env", "ITS_KEY"];
        let output = self.command().args(login).env("ITS_KEY", account.key()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        account
    }

    /// Claude Code with this prompt, as `remuda run` starts it.
    fn claude(&self, args: &[&str]) -> Command {
        let agent = std::env::var_os("REMUDA_TEST_CLAUDE").expect("REMUDA_TEST_CLAUDE: see tests/agents/install.sh");
        let mut command = self.command();
        command.env("REMUDA_CLAUDE_BIN", agent);
        // What would leave the machine is switched off; nothing here concerns the gateway.
        command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1").env("DISABLE_AUTOUPDATER", "1");
        command.args(["run", "claude", "--", "--model", MODEL]).args(args);
        command
    }

    fn ask(&self, args: &[&str]) -> Answer {
        Answer::of(self.claude(args).output().unwrap())
    }

    /// The turns that reached the vendor, as (account, status).
    fn turns(&self) -> Vec<(String, u16)> {
        self.messages().into_iter().map(|seen| (seen.account.unwrap_or_default(), seen.status.unwrap_or(0))).collect()
    }

    fn messages(&self) -> Vec<Seen> {
        self.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Messages).collect()
    }

    /// Stops the daemon; the vendor must have nothing to complain about.
    fn leave(self) {
        self.remuda(&["stop"]);
        assert_eq!(self.vendor.violations(), [""; 0]);
    }
}

struct Answer {
    text: String,
    notes: String,
    code: Option<i32>,
}

impl Answer {
    fn of(output: Output) -> Self {
        Self {
            text: String::from_utf8(output.stdout).unwrap().trim().to_owned(),
            notes: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    #[track_caller]
    fn is(&self, text: &str) {
        assert_eq!((self.text.as_str(), self.code), (text, Some(0)), "{}", self.notes);
    }
}

/// Status, `location` and body of one plain request.
fn get(url: &str) -> (u16, Option<String>, String) {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
    (status, location, body.to_owned())
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).fold(Vec::new(), |mut files, path| {
        if path.is_dir() {
            files.extend(files_below(&path))
        } else {
            files.push(path)
        }
        files
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn a_subscription_answers_a_prompt() {
    let person = Person::new().await;
    person.log_in("personal");
    person.ask(&["-p", "the only question"]).is("the answer to the only question");
    assert_eq!(person.turns(), [("personal".to_owned(), 200)]);
    person.leave();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn an_api_key_answers_a_prompt() {
    let person = Person::new().await;
    person.add_key("console");
    person.ask(&["-p", "the only question"]).is("the answer to the only question");
    assert_eq!(person.turns(), [("console".to_owned(), 200)]);
    person.leave();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn an_account_that_is_limited_in_mid_conversation_is_stood_in_for_by_the_next_of_its_chain() {
    let person = Person::new().await;
    let work = person.log_in("work");
    person.log_in("personal");
    person.remuda(&["use", "work"]);
    person.remuda(&["fallback", "work", "personal"]);

    person.ask(&["-p", "the first question"]).is("the answer to the first question");
    work.set_window(Window::FiveHour, 100.0, 7200);
    person.ask(&["--continue", "-p", "the second question"]).is("the answer to the second question");

    let turns = [("work", 200), ("work", 429), ("personal", 200)].map(|(name, status)| (name.to_owned(), status));
    assert_eq!(person.turns(), turns);
    let sessions: BTreeSet<_> = person
        .messages()
        .iter()
        .filter_map(|seen| seen.header("x-claude-code-session-id").map(str::to_owned))
        .collect();
    assert_eq!(sessions.len(), 1, "one conversation");
    let explained = person.remuda(&["explain", "last"]);
    assert!(explained.contains("work") && explained.contains("personal"), "{explained}");
    person.leave();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn an_account_without_a_chain_shows_its_own_error_and_nobody_else_is_asked() {
    let person = Person::new().await;
    let work = person.log_in("work");
    person.log_in("personal");
    person.remuda(&["use", "work"]);
    work.set_window(Window::FiveHour, 100.0, 7200);

    let answer = person.ask(&["-p", "the only question"]);
    assert_eq!(answer.code, Some(1), "{}", answer.text);
    assert!(answer.text.contains("429") || answer.text.contains("limit"), "{}", answer.text);
    assert!(!answer.text.contains("/login"), "the agent must not think that it is logged out: {}", answer.text);
    assert_eq!(person.turns(), [("work".to_owned(), 429)]);
    person.leave();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn a_home_that_leads_elsewhere_stays_as_it_is_and_does_not_lead_elsewhere() {
    let person = Person::new().await;
    person.log_in("personal");
    let settings = person.home.path().join(".claude/settings.json");
    let text = r#"{ "env": { "ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_AUTH_TOKEN": "theirs" } }"#;
    fs::create_dir(settings.parent().unwrap()).unwrap();
    fs::write(&settings, text).unwrap();

    person.ask(&["-p", "the only question"]).is("the answer to the only question");

    assert_eq!(fs::read_to_string(&settings).unwrap(), text);
    let written: BTreeSet<_> = fs::read_dir(person.home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with(".claude"))
        .collect();
    assert_eq!(
        written,
        BTreeSet::from(["project".to_owned()]),
        "Claude Code alone writes here, and only its own files"
    );
    for file in files_below(person.home.path()) {
        let bytes = fs::read(&file).unwrap();
        let holds = |secret: &str| String::from_utf8_lossy(&bytes).contains(secret);
        assert!(!holds("rmd_") && !holds("sk-ant-"), "a key in {}", file.display());
    }
    person.leave();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Claude Code"]
async fn no_argument_list_holds_a_secret_and_the_key_ends_with_the_agent() {
    let person = Person::new().await;
    let account = person.log_in("personal");
    person.vendor.script(&account, [Fault::serve().delayed(Duration::from_secs(2))]);
    let mut agent = Agent(person.claude(&["-p", "the only question"]).stdout(Stdio::null()).spawn().unwrap());
    wait_until("the vendor is asked", || !person.messages().is_empty());

    let argument_lists: Vec<String> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .collect();
    let agents = argument_lists.iter().filter(|list| list.contains("the only question")).count();
    assert!(agents >= 2, "the wrapper and the agent: {argument_lists:?}");
    for list in &argument_lists {
        assert!(!list.contains("rmd_") && !list.contains("sk-ant-"), "{list}");
    }

    assert!(agent.0.wait().unwrap().success());
    let keys = person.remuda(&["key", "list", "--json"]);
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    assert_eq!(keys["keys"], serde_json::json!([]), "{keys}");
    person.leave();
}

/// Does not outlive a test that fails.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
    }
}
