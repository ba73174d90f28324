//! `remuda run`, `stop`. What `serve` runs is in `crate::serve`.

use std::time::{Duration, Instant};

use remuda_control::types::{AccountView, Empty, KeyCreate, KeyCreated, KeyRef, KeyScope, State, Status};
use remuda_control::verb::{CreateKey, GetStatus, RevokeKey, Stop};
use remuda_control::{Code, Failure, not_running};
use remuda_core::Host;
use remuda_hosts::{Environment, Gateway, Launch};

use super::{Context, OK};
use crate::backend::Backend;
use crate::cli::RunArgs;
use crate::instance::Instance;
use crate::project::{self, ProjectPin};
use crate::{launch, view};

/// Longer than the daemon drains and finishes refreshes.
const GONE_WITHIN: Duration = Duration::from_secs(75);
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// The key of an agent whose `remuda run` was killed ends by itself then. Otherwise it ends with the agent.
const KEY_LIFETIME_S: u64 = 7 * 86_400;

pub(super) async fn stop(context: &Context) -> anyhow::Result<u8> {
    let Some(daemon) = Backend::daemon(&context.paths).await? else { return Err(not_running().into()) };
    let stopping = daemon.call::<Stop>(Empty {}).await?;
    let deadline = Instant::now() + GONE_WITHIN;
    let mut told = false;
    while Instance::is_held(&context.paths)? {
        if Instant::now() > deadline {
            return Err(Failure::new(Code::Busy, "the daemon was asked to stop and has not done so yet")
                .remedy(format!("look at {}, or end process {}", context.paths.log().display(), stopping.daemon.pid))
                .into());
        }
        if !told && deadline - Instant::now() < GONE_WITHIN - Duration::from_secs(1) {
            context.out.note("Requests under way may end …");
            told = true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    context.out.answer(stopping, view::stopped)?;
    Ok(OK)
}

/// Who shall serve the agent, and who says so.
struct Pin {
    target: Option<String>,
    project: Option<ProjectPin>,
}

pub(super) async fn run(context: &Context, args: RunArgs) -> anyhow::Result<u8> {
    let host = Host::from(args.host);
    let spec = remuda_hosts::spec(host)
        .ok_or_else(|| Failure::invalid(format!("Remuda cannot start {} yet", host.as_str())))?;
    let inherited: Environment = std::env::vars_os().collect();
    let program = spec.find(&inherited).map_err(|error| Failure::new(Code::Invalid, error.to_string()))?;
    let pin = pin(&args)?;
    let daemon = launch::daemon(&context.paths).await?;
    let status = daemon.call::<GetStatus>(Empty {}).await?;
    for note in worth_knowing(&status, &pin)? {
        context.out.note(&view::note(&note));
    }
    let url = status.daemon.ok_or_else(not_running)?.url;
    let minted = mint(&daemon, host, pin).await?;
    let gateway = Gateway { base_url: url, key: minted.secret.0.clone() };
    let launch = Launch::plan(spec, program, args.args, &gateway, &inherited);
    for note in launch.notes() {
        context.out.note(&view::note(note));
    }
    let ended = remuda_hosts::run(&launch).await;
    // A daemon that is gone meanwhile has nothing to revoke from; the key ends by itself.
    let revoked = daemon.call::<RevokeKey>(KeyRef { key: minted.key.id }).await;
    drop(revoked);
    Ok(remuda_hosts::exit_code(ended?))
}

fn pin(args: &RunArgs) -> anyhow::Result<Pin> {
    let pool = || args.pool.as_ref().map(|pool| format!("@{}", pool.trim_start_matches('@')));
    if let Some(target) = args.account.clone().or_else(pool) {
        return Ok(Pin { target: Some(target), project: None });
    }
    let project = project::find(&std::env::current_dir()?)?;
    Ok(Pin { target: project.as_ref().map(|pin| pin.target.clone()), project })
}

/// What to know before the agent starts. Refuses to start one that nobody could serve.
fn worth_knowing(status: &Status, pin: &Pin) -> Result<Vec<String>, Failure> {
    if status.accounts.is_empty() {
        return Err(Failure::new(Code::NeedsLogin, "there is no account yet that could serve the agent")
            .remedy("`remuda login anthropic` adds one; `remuda demo` shows it all without any"));
    }
    let Some(target) = pin.target.as_ref().or(status.active.as_ref()) else {
        return Err(Failure::new(Code::Conflict, "no account is chosen to serve the agent")
            .remedy("choose one: `remuda use`, or `remuda run … --account LABEL`"));
    };
    let mut notes = Vec::new();
    if let Some(project) = &pin.project {
        notes.push(format!("{} serves here, because {} says so", project.target, project.path.display()));
    }
    let needs_login = |account: &&AccountView| account.label == *target && account.state == State::NeedsLogin;
    if let Some(account) = status.accounts.iter().find(needs_login) {
        let label = view::quoted(&account.label);
        notes.push(format!("{} needs a login: remuda login {} --label {label}", account.label, account.vendor));
    }
    Ok(notes)
}

async fn mint(daemon: &Backend, host: Host, pin: Pin) -> Result<KeyCreated, Failure> {
    let create = KeyCreate {
        name: format!("remuda run {} (process {})", host.as_str(), std::process::id()),
        host,
        scope: KeyScope::Agent,
        pin: pin.target,
        pinned_by_project: pin.project.is_some(),
        project: std::env::current_dir().ok().map(|directory| directory.display().to_string()),
        lifetime_s: Some(KEY_LIFETIME_S),
    };
    let minted = daemon.call::<CreateKey>(create).await;
    minted.map_err(|failure| match (&pin.project, failure.code) {
        (Some(project), Code::UnknownAccount | Code::UnknownPool) => {
            let what = format!("{} wants {}, which is not there", project.path.display(), project.target);
            let remedy = format!("correct the file, or add the account: {}", failure.remedy.unwrap_or_default());
            Failure::new(failure.code, what).why("guessing could put work on the wrong account").remedy(remedy)
        }
        _ => failure,
    })
}
