//! Profiles for direct mode: one directory per account and agent, in which the agent itself keeps its login, its settings and
//! its history. Remuda keeps a note beside it and never looks inside.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use remuda_control::{Code, Failure};
use remuda_core::{AccountId, Host, Vendor};
use serde::{Deserialize, Serialize};

use crate::paths::Paths;

const NOTE: &str = "profile.json";

/// Whose profile it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// The account's label when it was made.
    pub(crate) label: String,
    /// The account of that label in the herd, which may be called otherwise by now.
    pub(crate) account: Option<AccountId>,
    /// Who serves it.
    pub(crate) vendor: Vendor,
    /// The agent.
    pub(crate) host: Host,
}

/// An agent that runs directly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The process of its `remuda run`.
    pub(crate) pid: u32,
    /// The account's label.
    pub(crate) label: String,
    /// The agent.
    pub(crate) host: Host,
    /// Since when, in Unix seconds.
    pub(crate) since: i64,
}

/// What `status` shows of direct mode.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Direct {
    /// All profiles.
    pub(crate) profiles: Vec<Profile>,
    /// What runs in them now.
    pub(crate) running: Vec<Run>,
}

/// All profiles of this herd.
pub(crate) struct Profiles {
    directory: PathBuf,
    runs: PathBuf,
}

impl Profiles {
    pub(crate) fn of(paths: &Paths) -> Self {
        Self { directory: paths.data_dir.join("profiles"), runs: paths.state_dir.join("direct") }
    }

    /// All of them, by label.
    pub(crate) fn all(&self) -> Result<Vec<(Profile, PathBuf)>, Failure> {
        let mut all = Vec::new();
        for directory in entries(&self.directory)? {
            if let Some(profile) = read::<Profile>(&directory.join(NOTE))? {
                all.push((profile, directory));
            }
        }
        all.sort_by(|(a, _), (b, _)| (&a.label, a.host.as_str()).cmp(&(&b.label, b.host.as_str())));
        Ok(all)
    }

    /// The profile of an account for an agent: by its id if it is in the herd, else by the label it was made with.
    pub(crate) fn find(&self, label: &str, account: Option<AccountId>, host: Host) -> Result<Option<PathBuf>, Failure> {
        let fits = |profile: &Profile| match (account, profile.account) {
            (Some(wanted), Some(known)) => wanted == known,
            _ => profile.label.eq_ignore_ascii_case(label),
        };
        let found = self.all()?.into_iter().find(|(profile, _)| profile.host == host && fits(profile));
        Ok(found.map(|(_, directory)| directory.join("home")))
    }

    /// Makes one; the agent's own directory is inside.
    pub(crate) fn create(&self, profile: &Profile) -> Result<PathBuf, Failure> {
        let directory = self.directory.join(format!("{}-{}", profile.host.as_str(), uuid::Uuid::now_v7()));
        let home = directory.join("home");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&home).map_err(|e| failed(&home, &e))?;
        write(&directory.join(NOTE), profile)?;
        Ok(home)
    }

    /// Marks a run as long as the returned value lives.
    pub(crate) fn mark(&self, run: &Run) -> Result<Marked, Failure> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.runs)
            .map_err(|e| failed(&self.runs, &e))?;
        let path = self.runs.join(format!("{}.json", run.pid));
        write(&path, run)?;
        Ok(Marked(path))
    }

    /// What runs now. Marks of processes that are gone are taken away.
    pub(crate) fn running(&self) -> Result<Vec<Run>, Failure> {
        let mut all = Vec::new();
        for path in entries(&self.runs)? {
            let Some(run) = read::<Run>(&path)? else { continue };
            let pid = i32::try_from(run.pid).ok().and_then(rustix::process::Pid::from_raw);
            if pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok()) {
                all.push(run);
            } else {
                drop(Marked(path));
            }
        }
        all.sort_by_key(|run| (run.since, run.pid));
        Ok(all)
    }

    pub(crate) fn direct(&self) -> Result<Direct, Failure> {
        let profiles = self.all()?.into_iter().map(|(profile, _)| profile).collect();
        Ok(Direct { profiles, running: self.running()? })
    }
}

/// A run's mark.
pub(crate) struct Marked(PathBuf);

impl Drop for Marked {
    fn drop(&mut self) {
        // If it cannot be removed, the next look does it: the process is gone.
        let _gone = std::fs::remove_file(&self.0);
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    match std::fs::read_dir(directory) {
        Ok(all) => Ok(all.filter_map(|entry| Some(entry.ok()?.path())).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(directory, &error)),
    }
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Option<T>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(path, &error)),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| failed(path, &error.into()))
}

fn write<T: Serialize>(path: &Path, note: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(note).map_err(|error| failed(path, &error.into()))?;
    remuda_hosts::setup::write_private(path, &text).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::Store, format!("{} cannot be used", path.display())).why(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(dir: &Path) -> Profiles {
        Profiles { directory: dir.join("profiles"), runs: dir.join("direct") }
    }

    fn profile(label: &str, account: Option<u128>) -> Profile {
        let account = account.map(|n| AccountId(uuid::Uuid::from_u128(n)));
        Profile { label: label.to_owned(), account, vendor: Vendor::Anthropic, host: Host::Claude }
    }

    #[test]
    fn a_renamed_account_keeps_its_profile_and_another_of_its_old_name_does_not_get_it() {
        let dir = tempfile::tempdir().unwrap();
        let all = profiles(dir.path());
        let home = all.create(&profile("work", Some(1))).unwrap();
        let id = |n| Some(AccountId(uuid::Uuid::from_u128(n)));
        assert_eq!(all.find("renamed", id(1), Host::Claude).unwrap(), Some(home));
        assert_eq!(all.find("work", id(2), Host::Claude).unwrap(), None);
        assert_eq!(all.find("work", id(1), Host::Codex).unwrap(), None);
    }

    #[test]
    fn a_profile_without_an_account_is_found_by_its_label() {
        let dir = tempfile::tempdir().unwrap();
        let all = profiles(dir.path());
        let home = all.create(&profile("Side", None)).unwrap();
        assert_eq!(all.find("side", None, Host::Claude).unwrap(), Some(home));
    }

    #[test]
    fn only_what_still_runs_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let all = profiles(dir.path());
        let run = |pid| Run { pid, label: "work".to_owned(), host: Host::Claude, since: 1 };
        let mark = all.mark(&run(std::process::id())).unwrap();
        let gone = all.mark(&run(i32::MAX as u32)).unwrap();
        assert_eq!(all.running().unwrap(), [run(std::process::id())]);
        assert!(!gone.0.exists());
        drop(mark);
        assert_eq!(all.running().unwrap(), []);
    }
}
