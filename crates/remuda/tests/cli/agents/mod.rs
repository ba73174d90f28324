//! The genuine agents from npm, headless, on the gateway.
//!
//! Ignored unless asked for: `./test` installs the pinned agents and runs these, see CONTRIBUTING.md. A test names its agent,
//! so that one that cannot be installed is left out alone.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use remuda_fake::{AccountSpec, FakeAccount, Seen};

use crate::trial::{Ended, Trial, ended};

mod claude;
mod every;

/// How an agent is asked without a terminal.
pub(crate) struct Agent {
    pub(crate) host: &'static str,
    /// Names its program to `remuda run`.
    variable: &'static str,
    /// Where the test finds it; see tests/agents/install.sh.
    installed: &'static str,
    /// Arguments before the prompt: a new conversation.
    begin: &'static [&'static str],
    /// Arguments before the prompt: the same conversation once more.
    go_on: &'static [&'static str],
    /// What would leave the machine is switched off. Nothing here concerns the gateway.
    quiet: &'static [(&'static str, &'static str)],
    /// The model it asks for.
    pub(crate) model: &'static str,
    /// Its tool for commands, and what the tool needs beside the command.
    pub(crate) shell: (&'static str, &'static str),
}

const SONNET: &str = "claude-sonnet-4-6";

pub(crate) static CLAUDE: Agent = Agent {
    host: "claude",
    variable: "REMUDA_CLAUDE_BIN",
    installed: "REMUDA_TEST_CLAUDE",
    begin: &["--model", SONNET, "--permission-mode", "bypassPermissions", "-p"],
    go_on: &["--model", SONNET, "--continue", "-p"],
    quiet: &[("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"), ("DISABLE_AUTOUPDATER", "1"), ("IS_SANDBOX", "1")],
    model: SONNET,
    shell: ("Bash", r#""description":"a test""#),
};

pub(crate) static PI: Agent = Agent {
    host: "pi",
    variable: "REMUDA_PI_BIN",
    installed: "REMUDA_TEST_PI",
    begin: &["--model", "anthropic/claude-sonnet-4-6", "-p"],
    go_on: &["--model", "anthropic/claude-sonnet-4-6", "--continue", "-p"],
    quiet: &[("PI_OFFLINE", "1"), ("PI_SKIP_VERSION_CHECK", "1"), ("PI_TELEMETRY", "0")],
    model: SONNET,
    shell: ("bash", r#""timeout":20"#),
};

pub(crate) static OPENCODE: Agent = Agent {
    host: "opencode",
    variable: "REMUDA_OPENCODE_BIN",
    installed: "REMUDA_TEST_OPENCODE",
    begin: &["run", "--auto", "--model", "anthropic/claude-sonnet-4-6"],
    go_on: &["run", "--model", "anthropic/claude-sonnet-4-6", "--continue"],
    quiet: &[
        ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
        ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
        ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
    ],
    model: SONNET,
    shell: ("bash", r#""description":"a test""#),
};

pub(crate) static QWEN: Agent = Agent {
    host: "qwen",
    variable: "REMUDA_QWEN_BIN",
    installed: "REMUDA_TEST_QWEN",
    begin: &["-m", SONNET, "--yolo", "-p"],
    go_on: &["-m", SONNET, "--continue", "-p"],
    quiet: &[("QWEN_CODE_NO_RELAUNCH", "true"), ("QWEN_TELEMETRY_ENABLED", "false")],
    model: SONNET,
    shell: ("run_shell_command", r#""is_background":false"#),
};

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
        let mut command = trial.command(&[&["run", self.host, "--"], args].concat());
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

    /// What this agent asked its model, without what it asks on the side (titles, memory).
    pub(crate) fn turns(&self, trial: &Trial) -> Vec<Seen> {
        let asks = |seen: &Seen| seen.endpoint.is_inference() && seen.model.as_deref() == Some(self.model);
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

impl Trial {
    /// A subscription, logged in here; its owner lets this agent use it.
    pub(crate) fn subscription_for(&self, agent: &Agent, label: &str) -> FakeAccount {
        let account = self.vendor.add_account(AccountSpec::subscription(label)).unwrap();
        let grant: &[&str] = if agent.host == "claude" { &[] } else { &["--allow-host", agent.host] };
        self.log_in(label, &[&["--label", label], grant].concat()).ok();
        account
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
