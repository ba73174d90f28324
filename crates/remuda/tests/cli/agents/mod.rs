//! The genuine agents from npm, headless, on the gateway.
//!
//! Ignored unless asked for: `./test` installs the pinned agents and runs these, see CONTRIBUTING.md. A test names its agent,
//! so that one that cannot be installed is left out alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use remuda_fake::{AccountSpec, Browser, FakeAccount, QwenPlan, Seen, Vendor};

use crate::trial::{Ended, Trial, ended, get};

mod claude;
mod codex;
mod every;
pub(crate) mod relay;

/// How an agent is asked without a terminal, on accounts of one vendor.
pub(crate) struct Agent {
    pub(crate) host: &'static str,
    /// Names its program to `remuda run`.
    variable: &'static str,
    /// Where the test finds it; see tests/agents/install.sh.
    installed: &'static str,
    /// Whose accounts serve it.
    pub(crate) vendor: Vendor,
    /// Arguments before the prompt: a new conversation.
    begin: &'static [&'static str],
    /// Arguments before the prompt: the same conversation once more.
    go_on: &'static [&'static str],
    /// What would leave the machine is switched off. Nothing here concerns the gateway.
    quiet: &'static [(&'static str, &'static str)],
    /// The model it asks for.
    pub(crate) model: &'static str,
    /// Its tool for commands, the tool's name for the command, and what the tool needs beside it.
    pub(crate) shell: (&'static str, &'static str, &'static str),
}

const SONNET: &str = "claude-sonnet-4-6";

const CLAUDE_QUIET: &[(&str, &str)] =
    &[("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"), ("DISABLE_AUTOUPDATER", "1"), ("IS_SANDBOX", "1")];
const PI_QUIET: &[(&str, &str)] = &[("PI_OFFLINE", "1"), ("PI_SKIP_VERSION_CHECK", "1"), ("PI_TELEMETRY", "0")];
const OPENCODE_QUIET: &[(&str, &str)] = &[
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
    ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
];
const QWEN_QUIET: &[(&str, &str)] = &[("QWEN_CODE_NO_RELAUNCH", "true"), ("QWEN_TELEMETRY_ENABLED", "false")];

pub(crate) static CLAUDE: Agent = Agent {
    host: "claude",
    variable: "REMUDA_CLAUDE_BIN",
    installed: "REMUDA_TEST_CLAUDE",
    vendor: Vendor::Anthropic,
    begin: &["--model", SONNET, "--permission-mode", "bypassPermissions", "-p"],
    go_on: &["--model", SONNET, "--continue", "-p"],
    quiet: CLAUDE_QUIET,
    model: SONNET,
    shell: ("Bash", "command", r#""description":"a test""#),
};

pub(crate) static CLAUDE_ON_QWEN: Agent = Agent {
    host: "claude",
    variable: "REMUDA_CLAUDE_BIN",
    installed: "REMUDA_TEST_CLAUDE",
    vendor: Vendor::Qwen,
    begin: &["--model", "qwen3-coder-plus", "--permission-mode", "bypassPermissions", "-p"],
    go_on: &[],
    quiet: CLAUDE_QUIET,
    model: "qwen3-coder-plus",
    shell: ("Bash", "command", r#""description":"a test""#),
};

const CODEX_QUIET: &[&str] = &[
    "-m",
    "gpt-5.5",
    "-c",
    "features.plugins=false",
    "-c",
    "features.apps=false",
    "-c",
    "features.remote_plugin=false",
    "-c",
    "analytics.enabled=false",
    "-c",
    "check_for_update_on_startup=false",
];

pub(crate) static CODEX: Agent = Agent {
    host: "codex",
    variable: "REMUDA_CODEX_BIN",
    installed: "REMUDA_TEST_CODEX",
    vendor: Vendor::OpenAi,
    begin: &["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"],
    go_on: &["exec", "resume", "--skip-git-repo-check", "--last"],
    quiet: &[],
    model: "gpt-5.5",
    shell: ("exec_command", "cmd", r#""yield_time_ms":5000"#),
};

pub(crate) static PI: Agent = Agent {
    host: "pi",
    variable: "REMUDA_PI_BIN",
    installed: "REMUDA_TEST_PI",
    vendor: Vendor::Anthropic,
    begin: &["--model", "anthropic/claude-sonnet-4-6", "-p"],
    go_on: &["--model", "anthropic/claude-sonnet-4-6", "--continue", "-p"],
    quiet: PI_QUIET,
    model: SONNET,
    shell: ("bash", "command", r#""timeout":20"#),
};

const fn pi_on(vendor: Vendor, begin: &'static [&'static str], model: &'static str) -> Agent {
    Agent {
        host: "pi",
        variable: "REMUDA_PI_BIN",
        installed: "REMUDA_TEST_PI",
        vendor,
        begin,
        go_on: &[],
        quiet: PI_QUIET,
        model,
        shell: ("bash", "command", r#""timeout":20"#),
    }
}

pub(crate) static PI_ON_OPENAI: Agent = pi_on(Vendor::OpenAi, &["--model", "openai/gpt-5.5", "-p"], "gpt-5.5");
pub(crate) static PI_ON_QWEN: Agent =
    pi_on(Vendor::Qwen, &["--model", "qwen-token-plan/qwen3.6-plus", "-p"], "qwen3.6-plus");

const fn opencode_on(vendor: Vendor, begin: &'static [&'static str], model: &'static str) -> Agent {
    Agent {
        host: "opencode",
        variable: "REMUDA_OPENCODE_BIN",
        installed: "REMUDA_TEST_OPENCODE",
        vendor,
        begin,
        go_on: &["run", "--model", "anthropic/claude-sonnet-4-6", "--continue"],
        quiet: OPENCODE_QUIET,
        model,
        shell: ("bash", "command", r#""description":"a test""#),
    }
}

pub(crate) static OPENCODE: Agent =
    opencode_on(Vendor::Anthropic, &["run", "--auto", "--model", "anthropic/claude-sonnet-4-6"], SONNET);
pub(crate) static OPENCODE_ON_OPENAI: Agent =
    opencode_on(Vendor::OpenAi, &["run", "--auto", "--model", "openai/gpt-5.5"], "gpt-5.5");
pub(crate) static OPENCODE_ON_QWEN: Agent =
    opencode_on(Vendor::Qwen, &["run", "--auto", "--model", "alibaba/qwen3-coder-plus"], "qwen3-coder-plus");

const fn qwen_on(vendor: Vendor, begin: &'static [&'static str], model: &'static str) -> Agent {
    Agent {
        host: "qwen",
        variable: "REMUDA_QWEN_BIN",
        installed: "REMUDA_TEST_QWEN",
        vendor,
        begin,
        go_on: &["-m", "qwen3-coder-plus", "--continue", "-p"],
        quiet: QWEN_QUIET,
        model,
        shell: ("run_shell_command", "command", r#""is_background":false"#),
    }
}

pub(crate) static QWEN: Agent = qwen_on(Vendor::Qwen, &["-m", "qwen3-coder-plus", "--yolo", "-p"], "qwen3-coder-plus");
pub(crate) static QWEN_ON_OPENAI: Agent = qwen_on(Vendor::OpenAi, &["-m", "gpt-5.5", "--yolo", "-p"], "gpt-5.5");
pub(crate) static QWEN_ON_ANTHROPIC: Agent = qwen_on(Vendor::Anthropic, &["-m", SONNET, "--yolo", "-p"], SONNET);

/// Settings by which Qwen Code asks once for every prompt, and nobody else.
const QWEN_SETTINGS: &str = r#"{
  "memory": { "enableManagedAutoMemory": false, "enableManagedAutoDream": false },
  "privacy": { "usageStatisticsEnabled": false },
  "general": { "enableAutoUpdate": false }
}"#;

impl Agent {
    pub(crate) fn begin(&self, trial: &Trial, prompt: &str) -> Ended {
        self.told(trial, self.begin, prompt)
    }

    pub(crate) fn go_on(&self, trial: &Trial, prompt: &str) -> Ended {
        self.told(trial, self.go_on, prompt)
    }

    fn told(&self, trial: &Trial, args: &[&str], prompt: &str) -> Ended {
        ended(self.telling(trial, args, prompt))
    }

    fn telling(&self, trial: &Trial, args: &[&str], prompt: &str) -> Command {
        // OpenCode puts an argument with spaces in quotes, but not what it reads from standard input.
        if self.host != "opencode" {
            return self.command(trial, &[args, &[prompt]].concat());
        }
        let input = trial.user_home().join("prompt");
        std::fs::write(&input, prompt).unwrap();
        let mut command = self.command(trial, args);
        command.stdin(std::fs::File::open(input).unwrap());
        command
    }

    /// The agent with these arguments, as `remuda run` starts it.
    pub(crate) fn command(&self, trial: &Trial, args: &[&str]) -> Command {
        let agent = std::env::var_os(self.installed)
            .unwrap_or_else(|| panic!("{}: see tests/agents/install.sh", self.installed));
        let quiet: &[&str] = if self.host == "codex" { CODEX_QUIET } else { &[] };
        let mut command = trial.command(&[&["run", self.host, "--"], quiet, args].concat());
        command.env(self.variable, agent).envs(self.quiet.iter().copied());
        if self.host == "qwen" {
            let settings = trial.user_home().join(".qwen/settings.json");
            std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
            if !settings.exists() {
                std::fs::write(settings, QWEN_SETTINGS).unwrap();
            }
        }
        command
    }

    /// The agent itself, without Remuda around it.
    pub(crate) fn by_itself(&self, trial: &Trial, prompt: &str) -> Ended {
        let wrapped = self.telling(trial, self.begin, prompt);
        let behind = wrapped.get_args().skip_while(|arg| *arg != "--").skip(1);
        let mut command = Command::new(std::env::var_os(self.installed).unwrap());
        command.args(behind).env_clear().envs(wrapped.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env_remove("REMUDA_HOME").current_dir(trial.project()).stdin(Stdio::null());
        if self.host == "opencode" {
            command.stdin(std::fs::File::open(trial.user_home().join("prompt")).unwrap());
        }
        ended(command)
    }

    /// What this agent asked its model, without what it asks on the side: titles, memory, and what Codex sends through a
    /// fresh WebSocket to warm it up.
    pub(crate) fn turns(&self, trial: &Trial) -> Vec<Seen> {
        let asks =
            |seen: &Seen| seen.endpoint.is_inference() && seen.model.as_deref() == Some(self.model) && !warms_up(seen);
        trial.vendor.requests().into_iter().filter(asks).collect()
    }

    /// Who was asked in this order, and with what result.
    #[track_caller]
    pub(crate) fn asked(&self, trial: &Trial, expected: &[(&str, u16)]) {
        let turns = self.turns(trial);
        let turns: Vec<_> =
            turns.iter().map(|seen| (seen.account.as_deref().unwrap_or(""), seen.status.unwrap_or(0))).collect();
        assert_eq!(turns, expected, "{}", self.host);
        assert_eq!(trial.vendor.violations(), [""; 0]);
    }
}

/// What Codex sends through a fresh WebSocket before its first turn.
fn warms_up(seen: &Seen) -> bool {
    seen.method == "WS" && String::from_utf8_lossy(&seen.body).contains(r#""generate":false"#)
}

impl Trial {
    /// A plan of the agent's vendor, logged in here; its owner lets this agent use it.
    pub(crate) fn plan_for(&self, agent: &Agent, label: &str) -> FakeAccount {
        let own = matches!((agent.host, agent.vendor), ("claude", Vendor::Anthropic) | ("codex", Vendor::OpenAi));
        let grant: &[&str] = if own { &[] } else { &["--allow-host", agent.host] };
        match agent.vendor {
            Vendor::Anthropic => {
                let account = self.vendor.add_account(AccountSpec::subscription(label)).unwrap();
                self.log_in(label, &[&["--label", label], grant].concat()).ok();
                account
            }
            Vendor::OpenAi => {
                let account = self.vendor.add_account(AccountSpec::chatgpt(label)).unwrap();
                self.paste_login(label, &[&["login", "openai", "--label", label], grant].concat());
                account
            }
            Vendor::Qwen => self.key_for(agent, label),
        }
    }

    /// A key of the agent's vendor that costs nothing.
    pub(crate) fn key_for(&self, agent: &Agent, label: &str) -> FakeAccount {
        let (spec, vendor) = match agent.vendor {
            Vendor::Anthropic => (AccountSpec::api_key(label), "anthropic"),
            Vendor::OpenAi => (AccountSpec::openai_key(label), "openai"),
            Vendor::Qwen => (AccountSpec::qwen(label, QwenPlan::Coding), "qwen"),
        };
        let account = self.vendor.add_account(spec).unwrap();
        let login = ["login", vendor, "--label", label, "--key-stdin", "--cost", "free", "--accept-terms"];
        self.remuda_reading(&login, account.key()).ok();
        account
    }

    /// Logs in by the address at which the vendor's page ends, so that no port of this machine is needed.
    fn paste_login(&self, who: &str, args: &[&str]) {
        self.vendor.set_browser(Browser::User(who.to_owned()));
        let mut command = self.command(&[args, &["--paste", "--accept-terms"]].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut shown = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let page = loop {
            assert!(shown.read_line(&mut said).unwrap() > 0, "no address: {said}");
            let last = said.lines().next_back().unwrap();
            if let Some(page) = last.split_whitespace().find(|word| word.starts_with("http://")) {
                break get(page);
            }
        };
        writeln!(child.stdin.take().unwrap(), "{}", page.location.expect("the vendor leads back")).unwrap();
        shown.read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
    }
}

/// An agent that is not waited for. Does not outlive a test that fails.
struct Running(Child);

impl Running {
    fn start(agent: &Agent, trial: &Trial, prompt: &str) -> Self {
        let mut command = agent.telling(trial, agent.begin, prompt);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked to end, `remuda run` takes the agent with it; killed, it would leave it behind.
        let pid = rustix::process::Pid::from_child(&self.0);
        let _ended_already = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ended_already = self.0.wait();
    }
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[track_caller]
pub(crate) fn answers(ended: &Ended, text: &str) {
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains(text), "{text:?} is missing: {ended:?}");
}
