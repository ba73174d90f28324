//! The wrapper around an agent, as real processes. The agent is a shell script.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use remuda_core::{Host, Vendor};
use remuda_hosts::{Environment, Facts, Gateway, Launch, exit_code, run, spec};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::SecretString;
use tempfile::TempDir;

const KEY: &str = "rmd_planted-client-key";

/// Not a test of its own: the other tests start this test binary again to have a wrapper process under their control.
#[test]
fn wrapper_process() {
    let Some(agent) = std::env::var_os("WRAPPED_AGENT") else { return };
    let inherited: Environment = std::env::vars_os().collect();
    let base_url = "http://127.0.0.1:4747".to_owned();
    let gateway = Gateway { base_url, key: SecretString::from(KEY), served: vec![Vendor::Anthropic] };
    let claude = spec(Host::Claude).unwrap();
    let (args, facts, files) = (vec!["an argument".into()], Facts::default(), Path::new("."));
    let launch = Launch::plan(claude, PathBuf::from(agent), args, &gateway, &inherited, &facts, files).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = runtime.block_on(run(&launch)).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the exit code is what the test looks at")]
    std::process::exit(exit_code(status).into());
}

struct Stage(TempDir);

impl Stage {
    /// Writes the agent: a script that runs in this directory, so that the files it names are found by the test.
    fn with_agent(script: &str) -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        let agent = stage.path("agent");
        fs::write(&agent, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The wrapper, in a process group of its own so that no terminal of the person running the tests takes part.
    fn wrapper(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "wrapper_process", "--nocapture"]);
        command.env("WRAPPED_AGENT", self.path("agent")).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        command
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

fn await_file(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn the_exit_code_of_the_agent_is_passed_on() {
    for code in [0, 1, 7, 255] {
        let stage = Stage::with_agent(&format!("exit {code}"));
        assert_eq!(stage.wrapper().output().unwrap().status.code(), Some(code));
    }
}

#[test]
fn an_agent_ended_by_a_signal_gives_128_and_its_number() {
    let stage = Stage::with_agent("kill -KILL $$");
    assert_eq!(stage.wrapper().output().unwrap().status.code(), Some(128 + 9));
}

#[test]
fn standard_input_and_output_are_the_wrappers_own() {
    let stage = Stage::with_agent("cat");
    let mut wrapper = stage.wrapper().stdin(Stdio::piped()).spawn().unwrap();
    wrapper.stdin.take().unwrap().write_all(b"from the person\n").unwrap();
    let output = wrapper.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("from the person\n"));
}

#[test]
fn the_key_is_in_the_agents_environment_and_in_no_argument_list() {
    let stage = Stage::with_agent("env > env; cat /proc/$$/cmdline /proc/$PPID/cmdline | tr '\\0' '\\n' > argv");
    let status = stage
        .wrapper()
        .env("ANTHROPIC_API_KEY", "planted-api-key")
        .env("CLAUDE_CODE_USE_BEDROCK", "1")
        .env("HTTP_PROXY", "http://proxy.corp:3128")
        .output()
        .unwrap()
        .status;
    assert!(status.success());
    let env = stage.text("env");
    let has = |line: &str| env.lines().any(|found| found == line);
    assert!(has(&format!("ANTHROPIC_AUTH_TOKEN={KEY}")), "{env}");
    assert!(has("ANTHROPIC_BASE_URL=http://127.0.0.1:4747/anthropic"), "{env}");
    assert!(env.lines().any(|line| line.starts_with("NO_PROXY=") && line.ends_with("127.0.0.1")), "{env}");
    assert!(!env.contains("ANTHROPIC_API_KEY") && !env.contains("CLAUDE_CODE_USE_BEDROCK"), "{env}");
    let argv = stage.text("argv");
    assert!(argv.contains("an argument") && argv.contains("wrapper_process"), "{argv}");
    assert!(!argv.contains(KEY), "{argv}");
}

#[test]
fn the_agent_is_in_the_wrappers_process_group() {
    let stage = Stage::with_agent("cut -d' ' -f5 /proc/$$/stat > group");
    let wrapper = stage.wrapper().spawn().unwrap();
    let group = wrapper.id().to_string();
    wrapper.wait_with_output().unwrap();
    assert_eq!(stage.text("group").trim(), group);
}

#[test]
fn a_signal_to_the_wrapper_alone_reaches_the_agent_and_the_wrapper_waits_for_its_end() {
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::HUP, "HUP"), (Signal::INT, "INT"), (Signal::QUIT, "QUIT")] {
        let stage = Stage::with_agent(&format!(
            "trap 'echo done > cleaned-up; exit 42' {name}\n: > ready\nwhile :; do sleep 0.02; done"
        ));
        let wrapper = stage.wrapper().spawn().unwrap();
        await_file(&stage.path("ready"));
        send(&wrapper, signal);
        let status = wrapper.wait_with_output().unwrap().status;
        assert_eq!((status.code(), stage.text("cleaned-up").trim()), (Some(42), "done"), "{name}");
    }
}

#[test]
fn an_agent_that_ignores_a_signal_goes_on_and_so_does_the_wrapper() {
    let stage =
        Stage::with_agent("trap 'echo >> heard' TERM\n: > ready\nwhile [ ! -e stop ]; do sleep 0.02; done\nexit 5");
    let wrapper = stage.wrapper().spawn().unwrap();
    await_file(&stage.path("ready"));
    send(&wrapper, Signal::TERM);
    await_file(&stage.path("heard"));
    fs::write(stage.path("stop"), "").unwrap();
    assert_eq!(wrapper.wait_with_output().unwrap().status.code(), Some(5));
}

/// `script` gives the wrapper a terminal, as a person has it. The shell runs a trap at once only while it is in `wait`; else
/// two signals might look like one.
#[test]
fn a_ctrl_c_at_the_terminal_counts_once() {
    let stage = Stage::with_agent(
        "trap 'echo interrupted >> heard' INT\ntrap 'kill $!; exit 6' TERM\necho $PPID > wrapper\n: > ready\n\
         while :; do sleep 9 < /dev/null > /dev/null 2>&1 & wait; done",
    );
    let wrapper = format!("exec {} --exact wrapper_process --nocapture", std::env::current_exe().unwrap().display());
    let mut terminal = Command::new("script")
        .args(["-qec", &wrapper, "/dev/null"])
        .env("WRAPPED_AGENT", stage.path("agent"))
        .current_dir(stage.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    await_file(&stage.path("ready"));
    let mut keyboard = terminal.stdin.take().unwrap();
    keyboard.write_all(b"\x03").unwrap();
    await_file(&stage.path("heard"));
    let pid: i32 = stage.text("wrapper").trim().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    assert_eq!(terminal.wait().unwrap().code(), Some(6));
    assert_eq!(stage.text("heard"), "interrupted\n");
}
