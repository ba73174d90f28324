//! `remuda demo`, on a machine that has never seen Remuda.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::trial::ended;

/// A home, and a place for temporary files: both empty.
struct Machine {
    home: TempDir,
    temporary: TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), temporary: tempfile::tempdir().unwrap() }
    }

    fn demo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_remuda"));
        command.env_clear().env("HOME", self.home.path()).env("TMPDIR", self.temporary.path());
        // Somebody's proxy must not be asked for what is on this machine; nobody listens there.
        command.env("HTTP_PROXY", "http://127.0.0.1:9").env("http_proxy", "http://127.0.0.1:9");
        command.current_dir(self.home.path()).stdin(Stdio::null()).arg("demo").args(args);
        command
    }

    #[track_caller]
    fn is_untouched(&self) {
        for place in [&self.home, &self.temporary] {
            assert_eq!(names_in(place.path()), Vec::<String>::new());
        }
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_demo_holds_in_a_few_seconds_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let begun = Instant::now();
    let shown = ended(machine.demo(&[])).ok();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    machine.is_untouched();
    assert_eq!(shown.err, "");

    for part in [
        "  enterprise  It sleeps for 100 ms",
        "  personal    Wait for what it needs",
        "$ remuda status\n▸ enterprise  rests 2h14m",
        "$ remuda explain last\nRequest ",
        "Served by personal in place of enterprise.",
        "  enterprise  Look for the other sleeps",
        "  429         ",
        "All 10 held",
    ] {
        assert!(shown.out.contains(part), "{part:?} is missing: {}", shown.out);
    }
    assert!(!shown.out.contains('\x1b'), "no colours where there is no terminal");
    let wide: Vec<&str> = shown.out.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());

    let (_, url) = shown.out.split_once("Daemon runs at http://").unwrap();
    assert!(TcpStream::connect(url.split_whitespace().next().unwrap()).is_err(), "the daemon is gone");
}

#[test]
fn with_json_only_the_checks_are_printed_and_a_herd_that_is_there_is_not_looked_at() {
    let machine = Machine::new();
    let herd = tempfile::tempdir().unwrap();
    std::fs::write(herd.path().join("config.toml"), "this is no TOML").unwrap();
    let mut command = machine.demo(&["--json"]);
    command.env("REMUDA_HOME", herd.path());
    let done = ended(command).ok().json();
    assert_eq!(done["held"], true);
    let checks = done["checks"].as_array().unwrap();
    assert!(checks.len() == 10 && checks.iter().all(|check| check["held"] == true), "{done:#}");
    assert!(checks.iter().all(|check| check["name"].is_string() && check.get("found").is_none()), "{done:#}");
    assert!(done["took_ms"].as_u64() < Some(20_000));
    assert_eq!(names_in(herd.path()), ["config.toml"]);
    machine.is_untouched();
}

#[test]
fn a_demo_that_is_stopped_in_the_middle_of_an_answer_leaves_nothing_behind() {
    let machine = Machine::new();
    let mut child = machine.demo(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("  agent  ") {
        assert!(said.read_line(&mut text).unwrap() > 0, "it ended early: {text}");
    }
    let there = names_in(machine.temporary.path());
    assert!(there.len() == 1 && there[0].starts_with("remuda-demo-"), "{there:?}");
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    said.read_to_string(&mut text).unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{text}{err}");
    assert!(err.contains("stopped (SIGINT)") && !text.contains("held"), "{text}{err}");
    machine.is_untouched();
}

#[test]
fn without_a_place_for_temporary_files_it_says_so() {
    let machine = Machine::new();
    let mut command = machine.demo(&["--json"]);
    command.env("TMPDIR", machine.home.path().join("nowhere"));
    let failed = ended(command);
    assert_eq!(failed.code, 1, "{failed:?}");
    let error: Value = failed.json();
    assert!(error["error"]["message"].as_str().unwrap().contains("TMPDIR"), "{error}");
    machine.is_untouched();
}
