//! A place that cannot be written is reported as such, and nothing is half made in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

#[expect(dead_code, reason = "shared with other tests, which use the rest")]
mod local;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use local::*;
use remuda_store::{Credential, Places, Store, StoreError};
use rstest::rstest;

const HOME: &str = "REMUDA_TEST_HOME";
const NOBODY: u32 = 65_534;

/// Not a test: opens the home and says how that ended. Root may write everywhere, so it runs as somebody else.
#[test]
#[ignore = "runs only as the child of another test"]
fn child() {
    let Ok(home) = std::env::var(HOME) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refused = runtime.block_on(open(&Places::in_home(home))).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused:?}");
}

fn opening_is_refused(home: &Path) {
    let ours = home.parent().unwrap();
    let program = ours.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(["--exact", "child", "--ignored", "--nocapture"]).env(HOME, home).current_dir("/");
    if fs::metadata(ours).unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[rstest]
#[case::the_directory("", 0o555)]
#[case::the_database("remuda.db", 0o444)]
#[case::the_ledger("ledger.db", 0o444)]
#[tokio::test]
async fn what_cannot_be_written_is_refused_as_read_only(#[case] what: &str, #[case] mode: u32) {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let home = directory.path().join("home");
    let store = open(&Places::in_home(&home)).await.unwrap();
    store.add_account(account(ID, "one", Credential::Oauth(pair(1))), NOW).await.unwrap();
    store.close().await;
    let before = bytes_below(&home);
    // Whoever opens it may read and enter everything, and write all but one thing.
    let root = fs::metadata(&home).unwrap().uid() == 0;
    for path in before.keys().chain([&home, &home.join("locks")]) {
        if root {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let refused = home.join(what);
    if root {
        // Its owner could change the mode back.
        std::os::unix::fs::chown(&refused, Some(0), Some(0)).unwrap();
    }
    fs::set_permissions(&refused, Permissions::from_mode(mode)).unwrap();

    opening_is_refused(&home);
    let after = bytes_below(&home);
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)), "nothing was changed");
    fs::set_permissions(&refused, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_home_in_which_nothing_can_be_made_is_refused_as_read_only() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let home = directory.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, Permissions::from_mode(0o555)).unwrap();
    opening_is_refused(&home);
    assert!(bytes_below(&home).is_empty());
}
