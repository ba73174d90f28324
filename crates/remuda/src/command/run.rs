//! `remuda run`: one agent on the gateway.

use remuda_control::types::{AccountView, Empty, KeyCreate, KeyCreated, KeyRef, KeyScope, State, Status};
use remuda_control::verb::{CreateKey, GetStatus, RevokeKey};
use remuda_control::{Code, Failure, not_running};
use remuda_core::{CredentialKind, Host, Vendor};
use remuda_hosts::{Environment, Gateway, HostSpec, Launch};

use super::Context;
use crate::backend::Backend;
use crate::cli::RunArgs;
use crate::project::{self, ProjectPin};
use crate::{launch, view};

/// The key of an agent whose `remuda run` was killed ends by itself then. Otherwise it ends with the agent.
const KEY_LIFETIME_S: u64 = 7 * 86_400;

/// Who shall serve the agent, and who says so.
struct Pin {
    target: Option<String>,
    project: Option<ProjectPin>,
}

pub(super) async fn run(context: &Context, args: RunArgs) -> anyhow::Result<u8> {
    let host = Host::from(args.host);
    let spec =
        remuda_hosts::spec(host).ok_or_else(|| Failure::invalid(format!("Remuda cannot start {}", host.as_str())))?;
    let inherited: Environment = std::env::vars_os().collect();
    let program = spec.find(&inherited).map_err(|error| Failure::new(Code::Invalid, error.to_string()))?;
    let pin = pin(&args)?;
    let daemon = launch::daemon(&context.paths).await?;
    let status = daemon.call::<GetStatus>(Empty {}).await?;
    for note in worth_knowing(spec, &status, &pin)? {
        context.out.note(&view::note(&note));
    }
    let served = served(spec, &status, &pin);
    let facts = spec.look(&program, &args.args, &inherited).await?;
    let base_url = status.daemon.ok_or_else(not_running)?.url;
    let minted = mint(&daemon, host, pin, args.hold).await?;
    let gateway = Gateway { base_url, key: minted.secret.0.clone(), served };
    let files = context.paths.agents();
    let launch = Launch::plan(spec, program, args.args, &gateway, &inherited, &facts, &files);
    let ended = match &launch {
        Ok(launch) => {
            for note in launch.notes() {
                context.out.note(&view::note(note));
            }
            remuda_hosts::run(launch).await.map_err(anyhow::Error::from)
        }
        Err(error) => Err(Failure::invalid(error.to_string()).into()),
    };
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

/// The accounts that the choice names.
fn chosen<'a>(status: &'a Status, pin: &'a Pin) -> Vec<&'a AccountView> {
    let target = pin.target.as_deref().or(status.active.as_deref()).unwrap_or_default();
    let members: &[String] = match target.strip_prefix('@') {
        Some(name) => status.pools.iter().find(|pool| pool.name == name).map_or(&[], |pool| &pool.members),
        None => &[],
    };
    let named = |account: &&AccountView| account.label == target || members.contains(&account.label);
    status.accounts.iter().filter(named).collect()
}

/// Vendors of those that the agent can use.
fn served(spec: &HostSpec, status: &Status, pin: &Pin) -> Vec<Vendor> {
    let able = chosen(status, pin).into_iter().filter(|account| can_use(spec, account));
    let mut vendors: Vec<Vendor> = able.map(|account| account.vendor).collect();
    vendors.sort_unstable();
    vendors.dedup();
    vendors
}

fn can_use(spec: &HostSpec, account: &AccountView) -> bool {
    spec.can_use(account.vendor, account.speaks)
}

/// Would the account turn this agent away? A subscription serves its vendor's own agent, and others as far as its owner has
/// allowed them.
fn needs_grant(account: &AccountView, host: Host) -> bool {
    let is_key = matches!(account.kind, CredentialKind::ApiKey | CredentialKind::PlanKey);
    !is_key && host.maker() != Some(account.vendor) && !account.allowed_hosts.contains(&host)
}

/// What to know before the agent starts. Refuses to start one that nobody could serve.
fn worth_knowing(spec: &HostSpec, status: &Status, pin: &Pin) -> Result<Vec<String>, Failure> {
    if status.accounts.is_empty() {
        return Err(Failure::new(Code::NeedsLogin, "there is no account yet that could serve the agent").remedy(
            format!("`remuda login {}` adds one; `remuda demo` shows it all without any", spec.ways[0].vendor),
        ));
    }
    let Some(target) = pin.target.as_ref().or(status.active.as_ref()) else {
        return Err(Failure::new(Code::Conflict, "no account is chosen to serve the agent")
            .remedy("choose one: `remuda use`, or `remuda run … --account LABEL`"));
    };
    let chosen = chosen(status, pin);
    if !chosen.is_empty() && !chosen.iter().any(|account| can_use(spec, account)) {
        return Err(other_vendor(spec, status, target));
    }
    let mut notes = Vec::new();
    if let Some(project) = &pin.project {
        notes.push(format!("{} serves here, because {} says so", project.target, project.path.display()));
    }
    for account in chosen.iter().filter(|account| account.label == *target) {
        let (label, vendor) = (view::quoted(&account.label), account.vendor);
        if account.state == State::NeedsLogin {
            notes.push(format!("{} needs a login: remuda login {vendor} --label {label}", account.label));
        }
        if needs_grant(account, spec.host) {
            let host = spec.host.as_str();
            notes.push(format!(
                "{} is a subscription for its vendor's own agent and will not serve {}; to allow it after reading the \
                 vendor's terms: remuda login {vendor} --label {label} --allow-host {host}",
                account.label, spec.name
            ));
        }
    }
    Ok(notes)
}

/// The agent and the account do not speak with each other; says which accounts would do.
fn other_vendor(spec: &HostSpec, status: &Status, target: &str) -> Failure {
    let speaks: Vec<String> = spec.ways.iter().map(|way| format!("{} ({})", way.vendor, way.protocol)).collect();
    let able = status.accounts.iter().find(|account| can_use(spec, account));
    let remedy = match able {
        Some(account) => {
            format!("remuda run {} --account {}", spec.host.as_str(), view::quoted(&account.label))
        }
        None => format!("add one it can use: remuda login {}", spec.ways[0].vendor),
    };
    Failure::new(Code::Conflict, format!("{} does not speak the protocol of {target}", spec.name))
        .why(format!("it needs an account of {}", speaks.join(", or ")))
        .remedy(remedy)
}

async fn mint(daemon: &Backend, host: Host, pin: Pin, hold_s: Option<i64>) -> Result<KeyCreated, Failure> {
    let create = KeyCreate {
        name: format!("remuda run {} (process {})", host.as_str(), std::process::id()),
        host,
        scope: KeyScope::Agent,
        pin: pin.target,
        pinned_by_project: pin.project.is_some(),
        hold_s,
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
