//! Processes that die: at each write point, and at any instant.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

#[expect(dead_code, reason = "shared with other tests, which use the rest")]
mod local;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local::*;
use remuda_core::Vendor;
use remuda_store::{Credential, Places, Rotation, Store, StoreError};
use rstest::rstest;
use secrecy::SecretString;

/// What the child does, and where.
const TASK: &str = "REMUDA_TEST_TASK";
const HOME: &str = "REMUDA_TEST_HOME";

const SIGKILL: i32 = 9;
const SIGABRT: i32 = 6;

/// Not a test: this very program, started again by the tests below to be killed.
#[test]
#[ignore = "runs only as the child of another test"]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let places = Places::in_home(std::env::var(HOME).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(&places).await.unwrap();
        say("ready");
        match task.as_str() {
            "rotate once" => {
                store.rotate(ID, SecretString::from("rt1"), pair(2)).await.unwrap();
                say("stored 2");
            }
            "rotate on and on" => {
                for n in 1.. {
                    store.rotate(ID, SecretString::from(format!("rt{n}")), pair(n + 1)).await.unwrap();
                    say(&format!("stored {}", n + 1));
                }
            }
            "race" => {
                std::io::stdin().read_line(&mut String::new()).unwrap();
                let new = pair(1_000 + std::process::id());
                let rotation = store.rotate(ID, SecretString::from("rt1"), new).await.unwrap();
                say(if matches!(rotation, Rotation::Stored { .. }) { "won" } else { "lost" });
            }
            "hold the lock" => {
                let _held = store.refresh_lock(Vendor::Anthropic, Duration::ZERO).await.unwrap();
                say("held");
                std::io::stdin().read_line(&mut String::new()).unwrap();
            }
            other => panic!("no such task: {other}"),
        }
    });
}

/// Lines of ours begin with `>`: the test harness prints some of its own.
fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n>{line}").unwrap();
    out.flush().unwrap();
}

fn start(task: &str, places: &Places, fault: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(HOME, &places.state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(point) = fault {
        command.env("REMUDA_FAULT_POINT", point);
    }
    command.spawn().unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out = BufReader::new(child.stdout.take().unwrap());
    out.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix('>').map(str::to_owned))
}

/// A home with one account, closed.
async fn home() -> (tempfile::TempDir, Places) {
    let directory = tempfile::tempdir().unwrap();
    let places = Places::in_home(directory.path().join("home"));
    let store = open(&places).await.unwrap();
    store.add_account(account(ID, "one", Credential::Oauth(pair(1))), NOW).await.unwrap();
    store.close().await;
    (directory, places)
}

#[rstest]
#[case("before_persist", "at1 rt1 generation 1")]
#[case("during_persist", "at1 rt1 generation 1")]
#[case("after_persist", "at2 rt2 generation 2")]
#[tokio::test]
async fn killed_at_a_write_point_the_store_holds_the_old_pair_or_the_new_one_complete(
    #[case] point: &str,
    #[case] expected: &str,
) {
    let (_directory, places) = home().await;
    let mut child = start("rotate once", &places, Some(point));
    let said: Vec<String> = lines(&mut child).collect();
    assert_eq!(said, ["ready"], "it died before it could report");
    assert_eq!(child.wait().unwrap().signal(), Some(SIGABRT));
    let store = open(&places).await.unwrap();
    assert_eq!(stored(&store).await, expected);
    store.check().await.unwrap();
}

#[tokio::test]
async fn killed_at_any_instant_nothing_that_was_reported_stored_is_lost() {
    for round in 0..6_usize {
        let (_directory, places) = home().await;
        let mut child = start("rotate on and on", &places, None);
        let mut said = lines(&mut child);
        let mut last = said.by_ref().nth(1 + round * 7).unwrap();
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(SIGKILL));
        if let Some(line) = said.last() {
            last = line;
        }
        let reported: u64 = last.strip_prefix("stored ").unwrap().parse().unwrap();
        let store = open(&places).await.unwrap();
        let generation = store.credential(ID).await.unwrap().generation;
        assert!((reported..=reported + 1).contains(&generation), "reported {reported}, found {generation}");
        assert_eq!(stored(&store).await, format!("at{generation} rt{generation} generation {generation}"));
        store.check().await.unwrap();
    }
}

#[tokio::test]
async fn of_processes_that_rotate_the_same_token_exactly_one_wins() {
    let (_directory, places) = home().await;
    let mut racers: Vec<_> = (0..4).map(|_| start("race", &places, None)).collect();
    let mut outputs: Vec<_> = racers.iter_mut().map(lines).collect();
    for output in &mut outputs {
        assert_eq!(output.next().unwrap(), "ready");
    }
    for racer in &mut racers {
        racer.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let mut results: Vec<String> = outputs.iter_mut().map(|output| output.next().unwrap()).collect();
    results.sort();
    assert_eq!(results, ["lost", "lost", "lost", "won"]);
    for racer in &mut racers {
        assert!(racer.wait().unwrap().success());
    }
    assert_eq!(open(&places).await.unwrap().credential(ID).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_live_lock_is_waited_for_and_a_dead_holders_lock_is_free() {
    let (_directory, places) = home().await;
    let store = open(&places).await.unwrap();
    let mut child = start("hold the lock", &places, None);
    let mut said = lines(&mut child);
    assert_eq!(said.by_ref().nth(1).unwrap(), "held");
    let refused = store.refresh_lock(Vendor::Anthropic, Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(store.refresh_lock(Vendor::Anthropic, Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn processes_that_start_at_once_make_one_store_with_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let places = Places::in_home(directory.path().join("home"));
    let mut children: Vec<_> = (0..4).map(|_| start("hold the lock", &places, None)).collect();
    for child in &mut children {
        assert_eq!(lines(child).next().as_deref(), Some("ready"));
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let store = open(&places).await.unwrap();
    store.add_account(account(ID, "one", Credential::Oauth(pair(1))), NOW).await.unwrap();
    assert_eq!(stored(&store).await, "at1 rt1 generation 1");
}
