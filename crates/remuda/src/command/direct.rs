//! Direct mode: `remuda login VENDOR --with HOST`, `remuda run HOST --direct`. No gateway, no credential of ours: the genuine
//! agent with the login that it made itself, in a profile directory of its account. What is decided, is decided at start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use remuda_control::types::{AccountView, Empty, State, Status};
use remuda_control::verb::GetStatus;
use remuda_control::{Code, Failure};
use remuda_core::{Host, Vendor};
use remuda_hosts::{Environment, HostSpec, Launch};
use serde::Serialize;

use super::{Context, NEEDS_LOGIN, OK};
use crate::cli::RunArgs;
use crate::profiles::{Profile, Profiles, Run};
use crate::{project, view};

/// After `login --with`.
#[derive(Debug, Serialize)]
pub(crate) struct LoggedIn {
    /// Whose.
    #[serde(flatten)]
    pub(crate) profile: Profile,
    /// Where the agent keeps everything.
    pub(crate) directory: PathBuf,
    /// Does the agent say that it is logged in? `None`: it does not say.
    pub(crate) logged_in: Option<bool>,
}

pub(super) async fn login(context: &Context, host: Host, vendor: Vendor, label: &str) -> anyhow::Result<u8> {
    let spec = able(host)?;
    let how = spec.profile.as_ref().and_then(|profile| profile.login(vendor)).ok_or_else(|| {
        let vendors = spec.profile.iter().flat_map(|p| p.logins).map(|login| login.vendor.as_str()).collect::<Vec<_>>();
        Failure::invalid(format!("{} makes no login at {vendor} by itself", spec.name))
            .remedy(format!("it does at {}", vendors.join(", ")))
    })?;
    let status = context.ask::<GetStatus>(Empty {}).await?;
    let account = account(&status, label);
    if let Some(account) = account.filter(|account| account.vendor != vendor) {
        let what = format!("{} is an account of {}", account.label, account.vendor);
        return Err(Failure::new(Code::Conflict, what).remedy("choose another label").into());
    }
    let (program, inherited) = find(spec)?;
    let profiles = Profiles::of(&context.paths);
    context.paths.create()?;
    let id = account.map(|account| account.id);
    let profile = Profile { label: label.to_owned(), account: id, vendor, host };
    let directory = match profiles.find(label, id, host)? {
        Some(directory) => directory,
        None => profiles.create(&profile)?,
    };
    let args = how.login.iter().map(OsString::from).collect();
    start(context, spec, &program, args, &directory, &inherited).await?;
    let logged_in = spec.is_logged_in_at(&program, vendor, &directory).await;
    let code = if logged_in == Some(false) { NEEDS_LOGIN } else { OK };
    context.out.answer(LoggedIn { profile, directory, logged_in }, view::logged_in)?;
    Ok(code)
}

pub(super) async fn run(context: &Context, args: RunArgs) -> anyhow::Result<u8> {
    let host = Host::from(args.host);
    let spec = able(host)?;
    let status = context.ask::<GetStatus>(Empty {}).await?;
    let label = chosen(context, &status, args.account)?;
    let account = account(&status, &label);
    if let Some(account) = account {
        usable(account)?;
    }
    let profiles = Profiles::of(&context.paths);
    let Some(directory) = profiles.find(&label, account.map(|account| account.id), host)? else {
        let vendor = account.map_or_else(|| first_vendor(spec), |account| account.vendor);
        let quoted = view::quoted(&label);
        return Err(Failure::new(Code::NeedsLogin, format!("{label} has no profile for {}", spec.name))
            .why("without the gateway the agent works with a login that it made itself")
            .remedy(format!("remuda login {vendor} --with {} --label {quoted}", host.as_str()))
            .into());
    };
    let (program, inherited) = find(spec)?;
    let since = jiff::Timestamp::now().as_second();
    let _marked = profiles.mark(&Run { pid: std::process::id(), label, host, since })?;
    start(context, spec, &program, args.args, &directory, &inherited).await
}

/// The agent, if it can be kept apart per account.
fn able(host: Host) -> Result<&'static HostSpec, Failure> {
    let spec = remuda_hosts::spec(host).ok_or_else(|| Failure::invalid("Remuda does not know this agent"))?;
    if spec.profile.is_none() {
        return Err(Failure::invalid(format!("{} cannot keep accounts apart by itself", spec.name))
            .remedy(format!("on the gateway it can: remuda run {} --account LABEL", host.as_str())));
    }
    Ok(spec)
}

fn first_vendor(spec: &HostSpec) -> Vendor {
    let profile = spec.profile.as_ref().and_then(|profile| profile.logins.first());
    profile.map_or(spec.ways[0].vendor, |login| login.vendor)
}

fn find(spec: &HostSpec) -> Result<(PathBuf, Environment), Failure> {
    let inherited: Environment = std::env::vars_os().collect();
    let program = spec.find(&inherited).map_err(|error| Failure::new(Code::Invalid, error.to_string()))?;
    Ok((program, inherited))
}

fn account<'a>(status: &'a Status, label: &str) -> Option<&'a AccountView> {
    status.accounts.iter().find(|account| account.label.eq_ignore_ascii_case(label))
}

/// The account: named, else the project's, else the active one. Always one: nobody stands in for it.
fn chosen(context: &Context, status: &Status, named: Option<String>) -> anyhow::Result<String> {
    let target = match named {
        Some(label) => Some(label),
        None => match project::find(&std::env::current_dir()?)? {
            Some(pin) => {
                let note = format!("{} serves here, because {} says so", pin.target, pin.path.display());
                context.out.note(&view::note(&note));
                Some(pin.target)
            }
            None => status.active.clone(),
        },
    };
    match target {
        Some(pool) if pool.starts_with('@') => Err(Failure::new(Code::Conflict, format!("{pool} is a pool"))
            .why("without the gateway nobody moves a conversation: one account serves it to its end")
            .remedy("name one: --account LABEL")
            .into()),
        Some(label) => Ok(label),
        None => Err(Failure::new(Code::Conflict, "no account is chosen").remedy("name one: --account LABEL").into()),
    }
}

/// What its owner or vendor has said about the account counts here too.
fn usable(account: &AccountView) -> Result<(), Failure> {
    let label = view::quoted(&account.label);
    match account.state {
        State::Paused => Err(Failure::new(Code::Conflict, format!("{} is switched off", account.label))
            .remedy(format!("remuda accounts enable {label}"))),
        State::Disabled => Err(Failure::new(Code::Conflict, format!("{} was closed by its vendor", account.label))
            .remedy(format!("if it is open again: remuda accounts enable {label}"))),
        State::Ready | State::Resting | State::NeedsLogin => Ok(()),
    }
}

async fn start(
    context: &Context,
    spec: &HostSpec,
    program: &Path,
    args: Vec<OsString>,
    directory: &Path,
    inherited: &Environment,
) -> anyhow::Result<u8> {
    let launch = Launch::direct(spec, program.to_owned(), args, directory, inherited)
        .map_err(|error| Failure::invalid(error.to_string()))?;
    for note in launch.notes() {
        context.out.note(&view::note(note));
    }
    Ok(remuda_hosts::exit_code(remuda_hosts::run(&launch).await?))
}
