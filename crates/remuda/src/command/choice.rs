//! `remuda use`, `next`, `fallback`, `reset`.

use remuda_control::types::{AccountRef, ActiveChange, ChainChange, Empty, NextChange, Reset, Status};
use remuda_control::verb::{DoReset, GetStatus, ListChains, Next, SetChain, ShowAccount, Use};
use remuda_control::{Code, Failure, nearest};
use serde::Serialize;

use super::{Context, OK};
use crate::cli::{FallbackArgs, NextArgs, ResetArgs, UseArgs};
use crate::{project, view};

pub(super) async fn use_target(context: &Context, args: UseArgs) -> anyhow::Result<u8> {
    match args.target {
        Some(target) if args.project => pin_project(context, &target).await,
        Some(target) => context.show::<Use>(ActiveChange { target, session: args.session }, view::active).await,
        None if args.project => show_project(context),
        None => choose(context).await,
    }
}

pub(super) async fn next(context: &Context, args: NextArgs) -> anyhow::Result<u8> {
    context.show::<Next>(NextChange { session: args.session }, view::active).await
}

pub(super) async fn reset(context: &Context, args: ResetArgs) -> anyhow::Result<u8> {
    context.show::<DoReset>(Reset { what: args.what.into() }, view::reset).await
}

pub(super) async fn fallback(context: &Context, args: FallbackArgs) -> anyhow::Result<u8> {
    let Some(source) = args.source else {
        return context.show::<ListChains>(Empty {}, view::chains).await;
    };
    if args.targets.is_empty() && !args.clear {
        let account = context.ask::<ShowAccount>(AccountRef { account: source.clone() }).await?.account;
        let instead = format!("say so beforehand: remuda fallback {} --clear", view::quoted(&source));
        let question = view::before_clearing(&account);
        if !account.chain.is_empty() && !context.agreed(&question, &instead)? {
            context.out.note("Nothing was changed.");
            return Ok(OK);
        }
    }
    context.show::<SetChain>(ChainChange { source, targets: args.targets }, view::chain).await
}

/// Shows what is chosen; on a terminal asks for another.
async fn choose(context: &Context) -> anyhow::Result<u8> {
    let status = context.ask::<GetStatus>(Empty {}).await?;
    if status.accounts.is_empty() || !context.out.can_ask() {
        context.out.answer(status, |status| {
            if status.accounts.is_empty() { view::status(status, None) } else { view::choices(status) }
        })?;
        return Ok(OK);
    }
    context.out.note(view::choices(&status).trim_end());
    if let Some(price) = &status.warm {
        context.out.note(&view::note(&view::switch_price(price, false)));
    }
    let answer = context.out.ask("Number or label (Enter: no change):")?.unwrap_or_default();
    if answer.is_empty() {
        return Ok(OK);
    }
    let target = numbered(&status, &answer).unwrap_or(answer);
    context.show::<Use>(ActiveChange { target, session: None }, view::active).await
}

/// What a number in the list of choices stands for. A label that is a number wins.
fn numbered(status: &Status, answer: &str) -> Option<String> {
    let known = |label: &str| status.accounts.iter().any(|a| a.label == label);
    let index = answer.parse::<usize>().ok().filter(|_| !known(answer))?.checked_sub(1)?;
    let labels = status.accounts.iter().map(|account| account.label.clone());
    labels.chain(status.pools.iter().map(|pool| format!("@{}", pool.name))).nth(index)
}

/// A project file before and after, as `--json` prints it.
#[derive(Debug, Serialize)]
struct ProjectChanged {
    path: std::path::PathBuf,
    target: Option<String>,
    before: Option<String>,
}

async fn pin_project(context: &Context, target: &str) -> anyhow::Result<u8> {
    let status = context.ask::<GetStatus>(Empty {}).await?;
    let target = known_target(&status, target)?;
    let here = std::env::current_dir()?;
    let before = project::find_here(&here)?.map(|pin| pin.target);
    let path = project::write(&here, &target)?;
    context.out.answer(ProjectChanged { path, target: Some(target), before }, |changed| {
        let target = changed.target.as_deref().unwrap_or_default();
        view::project(&changed.path, target, changed.before.as_deref())
    })?;
    Ok(OK)
}

fn show_project(context: &Context) -> anyhow::Result<u8> {
    let here = std::env::current_dir()?;
    let pin = project::find(&here)?;
    let path = pin.as_ref().map_or_else(|| here.join(project::FILE), |pin| pin.path.clone());
    let target = pin.map(|pin| pin.target);
    context.out.answer(ProjectChanged { path, before: target.clone(), target }, |shown| match &shown.target {
        Some(target) => format!("Agents started here go to {target} ({}).\n", shown.path.display()),
        None => "No project file here or above: agents started here go to the active account.\n".to_owned(),
    })?;
    Ok(OK)
}

/// The label or pool as its owner writes it. A project file must not name what is not there.
fn known_target(status: &Status, typed: &str) -> Result<String, Failure> {
    let all: Vec<String> = status
        .accounts
        .iter()
        .map(|account| account.label.clone())
        .chain(status.pools.iter().map(|pool| format!("@{}", pool.name)))
        .collect();
    let found = all.iter().find(|name| name.to_lowercase() == typed.trim().to_lowercase());
    found.cloned().ok_or_else(|| {
        let failure = Failure::new(Code::UnknownAccount, format!("there is no account or pool {typed:?}"));
        match nearest(typed, all.iter().map(String::as_str)) {
            Some(meant) => failure.remedy(format!("did you mean {meant:?}?")),
            None => failure.remedy("`remuda accounts` lists what is there"),
        }
    })
}
