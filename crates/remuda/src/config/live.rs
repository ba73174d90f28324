//! The configuration of a running daemon: the file is looked at every two seconds, a good one is taken over, and with a
//! bad one the last good one stays in force until it is mended.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::RwLock;
use remuda_control::Failure;
use tokio_util::sync::CancellationToken;

use super::{Config, load};

/// Between two looks.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is in force.
#[derive(Debug)]
pub(crate) struct Live {
    path: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<Config>,
    seen: Option<Stamp>,
    problem: Option<Failure>,
}

/// By what a changed file is known. A file that was replaced within the same tick has another inode or length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Live {
    /// The file as it is now.
    ///
    /// # Errors
    /// It is refused: a daemon does not start on half a configuration.
    pub(crate) fn start(path: &Path) -> Result<Self, Failure> {
        let seen = stamp(path);
        let state = State { config: Arc::new(load(path)?), seen, problem: None };
        Ok(Self { path: path.to_owned(), state: RwLock::new(state) })
    }

    /// Looks whether the file is another one. `Some`: it is, it is good, and now in force.
    pub(crate) fn look(&self) -> Option<(Arc<Config>, Arc<Config>)> {
        let found = stamp(&self.path);
        if self.state.read().seen == found {
            return None;
        }
        let read = load(&self.path);
        let mut state = self.state.write();
        state.seen = found;
        match read {
            Ok(config) => {
                state.problem = None;
                let config = Arc::new(config);
                let before = std::mem::replace(&mut state.config, Arc::clone(&config));
                (before != config).then_some((before, config))
            }
            Err(problem) => {
                tracing::warn!(%problem, remedy = problem.remedy, "config.toml is refused; the last good one stays");
                state.problem = Some(problem);
                None
            }
        }
    }

    /// Why the file as it is now is not in force.
    #[cfg(test)]
    pub(crate) fn problem(&self) -> Option<Failure> {
        self.state.read().problem.clone()
    }
}

/// Takes over every good change, until `stop`.
pub(crate) async fn follow(live: Arc<Live>, stop: CancellationToken, take_over: impl Fn(&Config)) {
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        let Some((before, config)) = live.look() else { continue };
        take_over(&config);
        let later = before.needs_restart(&config);
        if later.is_empty() {
            tracing::info!("the configuration was read again");
        } else {
            tracing::info!(keys = later.join(", "), "the configuration was read again; these hold from the next start");
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    let inode = std::os::unix::fs::MetadataExt::ino(&found);
    Some(Stamp { modified: found.modified().ok(), length: found.len(), inode })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_change_is_taken_over_and_a_bad_one_leaves_the_last_good_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let live = Live::start(&path).unwrap();
        assert!(live.look().is_none(), "there is no file");
        std::fs::write(&path, "[quota]\npoll = false\n").unwrap();
        assert!(!live.look().unwrap().1.quota.poll);
        assert!(live.look().is_none(), "nothing has changed since");

        std::fs::write(&path, "[quota]\npol = true\n").unwrap();
        assert!(live.look().is_none());
        assert!(live.problem().unwrap().message.contains("line 2"));
        assert!(!live.state.read().config.quota.poll, "the last good one");

        std::fs::write(&path, "[quota]\npoll = true # mended\n").unwrap();
        assert!(live.look().unwrap().1.quota.poll);
        assert!(live.problem().is_none());
        std::fs::remove_file(&path).unwrap();
        assert!(live.look().is_none(), "all defaults is what held already");
    }
}
