//! `remuda relay setup`, `rotate`, `teardown`: the plan first, then a yes, then step by step.

use remuda_control::Failure;
use secrecy::SecretString;
use serde::Serialize;

use super::cloudflare::{Cloudflare, Plan, spreads};
use super::place::{new_token, round_trip, switch_on};
use super::ssh::Ssh;
use super::state::{State, answers};
use crate::cli::{RelayRotateArgs, RelaySetupArgs, RelayTeardownArgs};
use crate::command::{Context, OK};
use crate::config::{self, LOOK_EVERY, Relay};
use crate::relay_use::{read_token, write_token};
use crate::view;

/// What would be done.
#[derive(Debug, Serialize)]
pub(crate) struct Planned {
    /// The plan.
    pub(crate) plan: Plan,
    /// Where the relay is or will be.
    pub(crate) url: String,
}

pub(super) async fn setup(context: &Context, args: RelaySetupArgs) -> anyhow::Result<u8> {
    if args.print {
        context.out.print(super::ssh::BY_HAND)?;
        return Ok(OK);
    }
    let known = read_token(&context.paths.relay_token()).ok();
    if let Some(host) = &args.ssh {
        let url = args.url.clone().unwrap_or_default();
        let same = context.config()?.relay.url.as_deref() == Some(&url);
        let known = known.filter(|_| same);
        let ssh = Ssh::new(host, &args.account.allow)?;
        let plan = ssh.plan();
        if !go(context, &plan, &url, args.dry_run, args.yes)? {
            return Ok(OK);
        }
        let token = match known {
            Some(token) => token,
            None => new_token()?,
        };
        ssh.set_up(&token).await?;
        return done(context, &url, &token).await;
    }
    let mut worker = Cloudflare::look(context, &args.account).await?;
    let url = args.url.clone().unwrap_or_else(|| worker.url.clone());
    let same = context.config()?.relay.url.as_deref() == Some(&url);
    let known = known.filter(|_| same);
    let plan = worker.plan(known.is_some())?;
    if !go(context, &plan, &url, args.dry_run, args.yes)? {
        return Ok(OK);
    }
    let remembered = known.is_some();
    let token = worker.set_up(known).await?;
    let wanted = Relay { url: Some(url.clone()), ..Relay::default() };
    let refused = answers(&wanted, &token).await?.error.is_some_and(|error| error.contains("token"));
    if remembered && refused {
        worker.set_token(&token).await?;
    }
    done(context, &url, &token).await
}

/// It answers, it is on, and this is how it is.
async fn done(context: &Context, url: &str, token: &SecretString) -> anyhow::Result<u8> {
    let answers = round_trip(url, token).await?;
    switch_on(context, url, token)?;
    let state = State::of(&config::load(&context.paths.config())?.relay, Some(answers), None);
    context.out.answer(state, view::relay_state)?;
    Ok(OK)
}

/// Shows the plan; may it be carried out?
fn go(context: &Context, plan: &Plan, url: &str, dry_run: bool, yes: bool) -> anyhow::Result<bool> {
    let planned = Planned { plan: plan.clone(), url: url.to_owned() };
    if dry_run {
        context.out.answer(planned, view::relay_plan)?;
        return Ok(false);
    }
    context.out.note(&view::relay_plan(&planned));
    if plan.steps.is_empty() || yes {
        return Ok(true);
    }
    context.agreed("Do this?", "look at it with --dry-run, then say --yes")
}

pub(super) async fn rotate(context: &Context, args: RelayRotateArgs) -> anyhow::Result<u8> {
    let relay = &context.config()?.relay;
    let url = relay.url.clone().ok_or_else(|| Failure::invalid("there is no relay here to give a new token"))?;
    let old = read_token(&context.paths.relay_token())?;
    let new = new_token()?;
    match &args.ssh {
        Some(host) => {
            let ssh = Ssh::new(host, &[])?;
            ssh.set_tokens(&[&old, &new]).await?;
            handed_over(context, &url, &new).await?;
            ssh.set_tokens(&[&new]).await?;
        }
        None => {
            let worker = Cloudflare::look(context, &args.account).await?;
            worker.add_token(&new).await?;
            handed_over(context, &url, &new).await?;
            worker.drop_old_token(&new).await?;
        }
    }
    let answers = round_trip(&url, &new).await?;
    // The old one must be of no use now.
    let wanted = Relay { url: Some(url), ..Relay::default() };
    let ended = spreads(|| async { answers_error(&wanted, &old).await.filter(|error| error.contains("token")) });
    if ended.await.is_none() {
        context.out.note("Note: the old token is still accepted somewhere; it ends when the change has spread.");
    }
    context.out.answer(State::of(relay, Some(answers), None), view::relay_state)?;
    Ok(OK)
}

async fn answers_error(wanted: &Relay, token: &SecretString) -> Option<String> {
    answers(wanted, token).await.ok()?.error
}

/// The relay knows the new token; the daemon here takes it over.
async fn handed_over(context: &Context, url: &str, new: &SecretString) -> anyhow::Result<()> {
    round_trip(url, new).await?;
    write_token(&context.paths.relay_token(), secrecy::ExposeSecret::expose_secret(new))?;
    // Until the daemon has looked, and what it began with the old token has reached the relay.
    tokio::time::sleep(LOOK_EVERY * 2).await;
    Ok(())
}

pub(super) async fn teardown(context: &Context, args: RelayTeardownArgs) -> anyhow::Result<u8> {
    let url = context.config()?.relay.url.clone().unwrap_or_default();
    enum Place {
        Ssh(Ssh),
        Cloudflare(Box<Cloudflare>),
    }
    let (place, plan) = match &args.ssh {
        Some(host) => {
            let ssh = Ssh::new(host, &[])?;
            let plan = ssh.removal();
            (Place::Ssh(ssh), plan)
        }
        None => {
            let worker = Cloudflare::look(context, &args.account).await?;
            let plan = worker.removal()?;
            (Place::Cloudflare(Box::new(worker)), plan)
        }
    };
    if !go(context, &plan, &url, args.dry_run, args.yes)? {
        return Ok(OK);
    }
    let path = context.paths.config();
    if context.config()?.relay.enabled {
        config::set(&path, "relay.enabled", "false")?;
    }
    match place {
        Place::Ssh(ssh) => ssh.tear_down().await?,
        Place::Cloudflare(worker) => worker.tear_down().await?,
    }
    if context.config()?.relay.url.is_some() {
        config::unset(&path, "relay.url")?;
    }
    match std::fs::remove_file(context.paths.relay_token()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    context.out.answer(State::of(&config::load(&path)?.relay, None, None), view::relay_state)?;
    Ok(OK)
}
