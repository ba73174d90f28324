//! A person at a machine: a herd of their own, a project directory, and the vendor in miniature.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use remuda_fake::{AccountSpec, Browser, Config, Fake, FakeAccount, QwenPlan, Region, Site};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Trial {
    pub(crate) vendor: Fake,
    dir: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Ended {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// It did what was asked.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It failed with this code, and its message holds all of these.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, says: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        for part in says {
            assert!(self.err.contains(part), "{part:?} is missing: {self:?}");
        }
        self
    }
}

impl Trial {
    pub(crate) async fn new() -> Self {
        let vendor = Fake::start(Config::default()).await.unwrap();
        let trial = Self { vendor, dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir(trial.home()).unwrap();
        std::fs::create_dir(trial.project()).unwrap();
        let vendor = &trial.vendor;
        let (openai, anthropic) = vendor.qwen_urls(QwenPlan::Coding, Region::China);
        let config = format!(
            "listen = '127.0.0.1:0'\n[vendors.anthropic]\napi = '{}'\nauthorize = '{}'\ntoken = '{}'\ncopy_code = '{}'\n\
             [vendors.openai]\nissuer = '{}'\napi = '{}/v1'\nbackend = '{}/backend-api'\n\
             [[vendors.qwen.bases]]\nkind = 'coding-plan'\nopenai = '{openai}'\nanthropic = '{anthropic}'\n",
            vendor.base_url(),
            vendor.authorize_url(),
            vendor.token_url(),
            vendor.copy_code_redirect(),
            vendor.url(Site::OpenAiAuth),
            vendor.url(Site::OpenAi),
            vendor.url(Site::ChatGpt),
        );
        std::fs::write(trial.home().join("config.toml"), config).unwrap();
        trial
    }

    /// The person's home directory; the herd and the project are below it.
    pub(crate) fn user_home(&self) -> &Path {
        self.dir.path()
    }

    /// `REMUDA_HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("herd")
    }

    /// Where commands are started.
    pub(crate) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_remuda"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.dir.path()).env("REMUDA_HOME", self.home());
        command.current_dir(self.project()).stdin(Stdio::null()).args(args);
        command
    }

    pub(crate) fn remuda(&self, args: &[&str]) -> Ended {
        ended(self.command(args))
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.remuda(&[args, &["--json"]].concat()).ok().json()
    }

    /// A command that reads this from standard input.
    pub(crate) fn remuda_reading(&self, args: &[&str], input: &str) -> Ended {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        told(child)
    }

    /// A command on a terminal of 100 columns, with a person who types this. Standard output and error are one.
    pub(crate) fn on_terminal(&self, args: &[&str], typed: &str) -> Ended {
        self.on_terminal_with(&[], args, typed)
    }

    /// The same with more in the environment.
    pub(crate) fn on_terminal_with(&self, environment: &[(&str, &str)], args: &[&str], typed: &str) -> Ended {
        let quoted: Vec<String> = args.iter().map(|arg| format!("'{arg}'")).collect();
        let line = format!("stty cols 100; exec {} {}", env!("CARGO_BIN_EXE_remuda"), quoted.join(" "));
        let plain = self.command::<&str>(&[]);
        let mut command = Command::new("script");
        command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("SHELL", "/bin/sh").env("TERM", "xterm").current_dir(self.project());
        command.envs(environment.iter().copied()).args(["-qec", &line, "/dev/null"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        told(child)
    }

    /// An API-key account: metered unless `options` say otherwise.
    pub(crate) fn add_key(&self, label: &str, options: &[&str]) -> FakeAccount {
        let account = self.vendor.add_account(AccountSpec::api_key(label)).unwrap();
        let login = ["login", "anthropic", "--label", label, "--key-stdin"];
        self.remuda_reading(&[&login, options].concat(), account.key()).ok();
        account
    }

    /// Accounts that cost nothing, in this order. The first one is active.
    pub(crate) fn add_free(&self, labels: &[&str]) {
        for label in labels {
            self.add_key(label, &["--cost", "free"]);
        }
    }

    /// Logs in to a subscription; the browser is played by plain requests.
    pub(crate) fn log_in(&self, who: &str, options: &[&str]) -> Ended {
        self.vendor.set_browser(Browser::User(who.to_owned()));
        let login = ["login", "anthropic", "--no-browser", "--accept-terms"];
        let mut command = self.command(&[&login, options].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut shown = BufReader::new(child.stderr.take().unwrap());
        let mut err = String::new();
        while shown.read_line(&mut err).unwrap() > 0 {
            let last = err.lines().next_back().unwrap();
            if let Some(page) = last.split_whitespace().find(|word| word.starts_with("http://")) {
                let callback = get(page).location.expect("the vendor leads back to the callback");
                get(&callback);
                break;
            }
        }
        shown.read_to_string(&mut err).unwrap();
        let ended = told(child);
        Ended { err, ..ended }
    }

    /// Starts the daemon in the foreground and waits until it answers.
    pub(crate) fn serve(&self) -> Daemon {
        let mut command = self.command(&["serve", "--json"]);
        Daemon::ready(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// A client key of this kind.
    pub(crate) fn key(&self, options: &[&str]) -> String {
        let create = ["key", "create", "--name", "a test", "--host", "claude"];
        self.remuda(&[&create, options].concat()).ok().out.trim().to_owned()
    }
}

/// A daemon in the foreground. Does not outlive a test that fails.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Daemon {
    /// Waits until `serve --json` says that it answers.
    pub(crate) fn ready(mut child: Child) -> Self {
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.ends_with("\n}\n") {
            assert!(said.read_line(&mut text).unwrap() > 0, "it ended early: {text}");
        }
        let ready: Value = serde_json::from_str(&text).unwrap();
        Self { child, url: ready["daemon"]["url"].as_str().unwrap().to_owned() }
    }

    /// One short message to the model.
    pub(crate) fn ask(&self, key: &str, prompt: &str) -> Answer {
        let body = serde_json::json!({
            "model": "claude-sonnet-4-6", "max_tokens": 64,
            "messages": [{"role": "user", "content": prompt}],
        });
        let head = format!("x-api-key: {key}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n");
        exchange("POST", &format!("{}/anthropic/v1/messages", self.url), &head, &body.to_string())
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn wait(mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

pub(crate) fn get(url: &str) -> Answer {
    exchange("GET", url, "", "")
}

/// One plain request. `head`: further header lines, each with its line break.
pub(crate) fn exchange(method: &str, url: &str, head: &str, body: &str) -> Answer {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let length = body.len();
    let host =
        if head.to_ascii_lowercase().contains("host:") { String::new() } else { format!("host: {authority}\r\n") };
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\n{host}{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
    Answer { status, location, body: body.to_owned() }
}

pub(crate) fn ended(mut command: Command) -> Ended {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    told(child)
}

fn told(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// Everything that is stored in files below a directory, as one text.
pub(crate) fn everything_below(directory: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&everything_below(&path));
        } else if path.is_file() {
            all.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
    }
    all
}
