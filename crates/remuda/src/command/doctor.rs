//! `remuda doctor`: are secrets readable by their owner alone, and is the store sound?

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use remuda_control::{Code, Failure, Told, stored};
use remuda_core::Host;
use remuda_hosts::{Cost, HOSTS, HostSpec};
use remuda_store::permissions::{self, ModeState, PathMode};
use remuda_store::{Health, SqliteOptions, SqliteStore, Store, StoreError};
use serde::Serialize;

use super::{Context, OK};
use crate::cli::DoctorArgs;
use crate::here;
use crate::instance::{self, Holder, Instance, Role};
use crate::view;

/// What `doctor` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Examined {
    /// How many files and directories were looked at.
    pub(crate) checked: usize,
    /// The store; `None`: there is none yet, it is damaged, or a daemon works on it.
    pub(crate) store: Option<StoreExamined>,
    /// Files that were moved aside.
    pub(crate) quarantined: Vec<Moved>,
    /// What is not as it should be.
    pub(crate) findings: Vec<Finding>,
    /// The agents that are installed, and what a gateway costs each of them.
    pub(crate) agents: Vec<AgentExamined>,
    /// What could not be looked at.
    pub(crate) notes: Vec<String>,
}

/// An installed agent.
#[derive(Debug, Serialize)]
pub(crate) struct AgentExamined {
    /// Which.
    pub(crate) host: Host,
    /// Its name as its maker writes it.
    pub(crate) name: &'static str,
    /// Its program.
    pub(crate) program: PathBuf,
    /// What it can do less well behind any gateway.
    pub(crate) costs: &'static [Cost],
}

/// A sound store.
#[derive(Debug, Serialize)]
pub(crate) struct StoreExamined {
    /// Where it is.
    pub(crate) place: String,
    /// Version of its schema.
    pub(crate) schema: i64,
    /// Where its key is, in words.
    pub(crate) key_place: String,
}

/// A damaged file, out of the way. Nothing was deleted.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    /// Where it was.
    pub(crate) from: PathBuf,
    /// Where it is.
    pub(crate) to: PathBuf,
}

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What is wrong.
    pub(crate) problem: String,
    /// What to do.
    pub(crate) remedy: String,
}

pub(super) async fn doctor(context: &Context, args: DoctorArgs) -> anyhow::Result<u8> {
    let mut examined = Examined {
        checked: 0,
        store: None,
        quarantined: Vec::new(),
        findings: Vec::new(),
        agents: agents(),
        notes: Vec::new(),
    };
    // First the permissions as they are: opening the store corrects what it can.
    look_at_permissions(context, &mut examined)?;
    if args.quarantine {
        let _alone = alone(context)?.ok_or_else(|| in_use(context))?;
        let now = jiff::Timestamp::now().as_second();
        let moved = remuda_store::quarantine(&here::places(&context.paths), now).told()?;
        examined.quarantined = moved.into_iter().map(|file| Moved { from: file.from, to: file.to }).collect();
    }
    look_at_store(context, &mut examined).await?;
    let code = if examined.findings.is_empty() { OK } else { 1 };
    context.out.answer(examined, view::examined)?;
    Ok(code)
}

fn agents() -> Vec<AgentExamined> {
    let inherited = std::env::vars_os().collect();
    let examined = |spec: &'static HostSpec| {
        let program = spec.find(&inherited).ok()?;
        Some(AgentExamined { host: spec.host, name: spec.name, program, costs: spec.costs })
    };
    HOSTS.into_iter().filter_map(examined).collect()
}

/// The lock, if nobody has it.
fn alone(context: &Context) -> Result<Option<Instance>, Failure> {
    context.paths.create()?;
    let started_at = jiff::Timestamp::now().as_second();
    let holder = Holder { role: Role::Command, pid: std::process::id(), started_at, url: None, socket: None };
    Instance::take(&context.paths, &holder)
}

fn in_use(context: &Context) -> Failure {
    let failure = Failure::new(Code::Busy, "the store is in use").remedy("`remuda stop`, then the same command again");
    match instance::holder(&context.paths) {
        Some(holder) => failure.why(format!("process {} works on it", holder.pid)),
        None => failure,
    }
}

async fn look_at_store(context: &Context, examined: &mut Examined) -> Result<(), Failure> {
    if !here::places(&context.paths).database().exists() {
        return Ok(());
    }
    let Some(_alone) = alone(context)? else {
        examined.notes.push("the store was not examined, because a daemon works on it: `remuda stop` first".to_owned());
        return Ok(());
    };
    match health(here::store_options(&context.paths, context.config()?)).await {
        Ok(Health { place, schema, key_place, .. }) => {
            examined.store = Some(StoreExamined { place, schema, key_place });
        }
        Err(error) => {
            let damaged = matches!(error, StoreError::Corrupt { .. } | StoreError::NotADatabase { .. });
            let failure = stored(&error);
            let remedy = if damaged {
                "restore a backup; or `remuda doctor --quarantine` moves it aside, and you log in again".to_owned()
            } else {
                failure.remedy.unwrap_or_else(|| "see the message".to_owned())
            };
            examined.findings.push(Finding { problem: failure.message, remedy });
        }
    }
    Ok(())
}

async fn health(options: SqliteOptions) -> Result<Health, StoreError> {
    let store = SqliteStore::open(options, jiff::Timestamp::now().as_second()).await?;
    let health = store.check().await;
    store.close().await;
    health
}

fn look_at_permissions(context: &Context, examined: &mut Examined) -> anyhow::Result<()> {
    let paths = &context.paths;
    for mode in permissions::check(&here::places(paths)).told()? {
        examined.checked += 1;
        examined.findings.extend(finding(mode));
    }
    let of_state =
        [(paths.state_dir.clone(), 0o700), (paths.log(), 0o600), (paths.lock(), 0o600), (paths.holder(), 0o600)];
    for (path, wanted) in of_state {
        if let Some(found) = mode_of(&path)? {
            examined.checked += 1;
            examined.findings.extend(too_open(&path, found, wanted));
        }
    }
    // In a single home the store's directory and ours are the same.
    examined.findings.dedup();
    Ok(())
}

fn finding(mode: PathMode) -> Option<Finding> {
    let path = mode.path.display();
    let (problem, remedy) = match mode.state {
        ModeState::Right => return None,
        ModeState::TooOpen | ModeState::Corrected => return too_open(&mode.path, mode.found & 0o777, mode.wanted),
        ModeState::Foreign { owner } => (format!("{path} belongs to user {owner}"), "use a directory of your own"),
        ModeState::Shared => (format!("{path} is shared by everybody"), "use a directory of your own"),
    };
    Some(Finding { problem, remedy: remedy.to_owned() })
}

/// Permissions narrower than wanted are fine.
fn too_open(path: &Path, found: u32, wanted: u32) -> Option<Finding> {
    let shown = path.display();
    (found & !wanted != 0).then(|| Finding {
        problem: format!("others can read {shown}: its permissions are {found:04o}"),
        remedy: format!("chmod {wanted:04o} {}", view::quoted(&shown.to_string())),
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
        let path = Path::new("/home/ann/my herd/daemon.log");
        assert_eq!(too_open(path, 0o400, 0o600), None);
        assert_eq!(too_open(path, 0o600, 0o600), None);
        let open = too_open(path, 0o640, 0o600).unwrap();
        assert!(open.problem.contains("0640"), "{open:?}");
        assert_eq!(open.remedy, "chmod 0600 '/home/ann/my herd/daemon.log'");
    }
}
