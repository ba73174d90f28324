//! `remuda doctor`: are secrets readable by their owner alone? And the way out when the store is damaged.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use remuda_control::{Code, Failure};
use remuda_credentials::{Clock, SystemClock};
use remuda_store::permissions::{self, ModeState, PathMode};
use serde::Serialize;

use super::{Context, OK};
use crate::cli::DoctorArgs;
use crate::instance::{Holder, Instance, Role};
use crate::paths::Paths;
use crate::{here, view};

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Which file or directory.
    pub(crate) path: PathBuf,
    /// Its permissions, octal.
    pub(crate) found: String,
    /// What they should be.
    pub(crate) wanted: String,
    /// What to do.
    pub(crate) remedy: String,
}

/// A damaged file that was moved aside.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    /// Where it was.
    pub(crate) from: PathBuf,
    /// Where it is.
    pub(crate) to: PathBuf,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    /// What was moved aside, where that was asked for.
    pub(crate) quarantined: Vec<Moved>,
    /// How many files and directories were looked at.
    pub(crate) checked: usize,
    /// What is not as it should be.
    pub(crate) findings: Vec<Finding>,
}

pub(super) fn doctor(context: &Context, args: &DoctorArgs) -> anyhow::Result<u8> {
    let paths = &context.paths;
    let quarantined = if args.quarantine { move_aside(paths)? } else { Vec::new() };
    let mut checked = 0;
    let mut findings = Vec::new();
    for mode in permissions::check(&here::places(paths)).map_err(Failure::from)? {
        checked += 1;
        findings.extend(finding(mode));
    }
    let of_state =
        [(paths.state_dir.clone(), 0o700), (paths.log(), 0o600), (paths.lock(), 0o600), (paths.holder(), 0o600)];
    for (path, wanted) in of_state {
        if let Some(found) = mode_of(&path)? {
            checked += 1;
            findings.extend(too_open(path, found, wanted));
        }
    }
    // In a single home the store's directories and ours are the same.
    findings.dedup();
    let code = if findings.is_empty() { OK } else { 1 };
    context.out.answer(Findings { quarantined, checked, findings }, view::findings)?;
    Ok(code)
}

/// Nobody else may work on the store meanwhile.
fn move_aside(paths: &Paths) -> Result<Vec<Moved>, Failure> {
    paths.create()?;
    let now = SystemClock.now();
    let holder = Holder { role: Role::Command, pid: std::process::id(), started_at: now, url: None, socket: None };
    let _instance = Instance::take(paths, &holder)?.ok_or_else(|| {
        Failure::new(Code::Busy, "the store is in use").remedy("remuda stop, then the same command again")
    })?;
    let moved = remuda_store::quarantine(&here::places(paths), now)?;
    Ok(moved.into_iter().map(|file| Moved { from: file.from, to: file.to }).collect())
}

fn finding(mode: PathMode) -> Option<Finding> {
    let remedy = match mode.state {
        ModeState::Right => return None,
        ModeState::TooOpen | ModeState::Corrected => return too_open(mode.path, mode.found & 0o777, mode.wanted),
        ModeState::Foreign { owner } => format!("it belongs to user {owner}: use a directory of your own"),
        ModeState::Shared => "it is shared by everybody: use a directory of your own".to_owned(),
    };
    Some(Finding {
        found: format!("{:04o}", mode.found),
        wanted: format!("{:04o}", mode.wanted),
        path: mode.path,
        remedy,
    })
}

/// Permissions narrower than wanted are fine.
fn too_open(path: PathBuf, found: u32, wanted: u32) -> Option<Finding> {
    let remedy = format!("chmod {wanted:04o} {}", view::quoted(&path.display().to_string()));
    (found & !wanted != 0).then(|| Finding {
        path,
        found: format!("{found:04o}"),
        wanted: format!("{wanted:04o}"),
        remedy,
    })
}

/// `None`: it is not there.
fn mode_of(path: &Path) -> std::io::Result<Option<u32>> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some(found.permissions().mode() & 0o777)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_could_read_is_found_and_what_is_narrower_is_not() {
        let path = || PathBuf::from("/home/ann/my herd/daemon.log");
        assert_eq!(too_open(path(), 0o400, 0o600), None);
        assert_eq!(too_open(path(), 0o600, 0o600), None);
        let open = too_open(path(), 0o640, 0o600).unwrap();
        assert_eq!((open.found.as_str(), open.remedy.as_str()), ("0640", "chmod 0600 '/home/ann/my herd/daemon.log'"));
    }
}
