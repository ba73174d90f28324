//! `remuda status`.

use std::time::Duration;

use remuda_control::types::{AccountView, Empty, EventKind, State, Status};
use remuda_control::verb::{GetOverview, GetStatus};
use remuda_control::{Code, EventStream, Failure};

use serde::Serialize;

use super::{Context, NEEDS_LOGIN, NOT_RUNNING, OK};
use crate::backend::Backend;
use crate::cli::StatusArgs;
use crate::profiles::{Direct, Profiles};
use crate::view;

/// Between two looks while no daemon runs.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Times are shown in minutes; they pass without an event.
const COUNTDOWN: Duration = Duration::from_secs(30);
/// What status shows.
const WATCHED: [EventKind; 4] = [EventKind::Herd, EventKind::Accounts, EventKind::Windows, EventKind::Logins];

pub(super) async fn status(context: &Context, args: StatusArgs) -> anyhow::Result<u8> {
    if args.watch {
        return watch(context).await;
    }
    if args.all {
        return all(context).await;
    }
    let status = ask(context).await?;
    let code = code(&status.accounts, status.daemon.is_some());
    let columns = context.out.columns();
    let direct = Profiles::of(&context.paths).direct()?;
    context.out.answer(Shown { status, direct }, |shown| {
        view::status(&shown.status, columns) + &view::direct(&shown.direct, shown.status.now)
    })?;
    Ok(code)
}

/// The herd, and what runs beside the gateway.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    status: Status,
    direct: Direct,
}

async fn all(context: &Context) -> anyhow::Result<u8> {
    let overview = context.ask::<GetOverview>(Empty {}).await?;
    let code = code(&overview.herd.accounts, overview.daemon.is_some());
    let (columns, zone) = (context.out.columns(), jiff::tz::TimeZone::system());
    context.out.answer(overview, |overview| view::overview(overview, columns, &zone))?;
    Ok(code)
}

async fn ask(context: &Context) -> anyhow::Result<Status> {
    Ok(context.ask::<GetStatus>(Empty {}).await?)
}

async fn watch(context: &Context) -> anyhow::Result<u8> {
    let mut shown = String::new();
    let mut events = None;
    context.out.clear()?;
    loop {
        if events.is_none() {
            events = listen(context).await?;
        }
        let status = ask(context).await?;
        let text = view::status(&status, context.out.columns());
        if text != shown {
            context.out.repaint(&text)?;
            shown = text;
        }
        let listens = async {
            match &mut events {
                Some(stream) => {
                    let next = tokio::time::timeout(COUNTDOWN, EventStream::next(stream)).await;
                    matches!(next, Err(_) | Ok(Ok(Some(_))))
                }
                None => {
                    tokio::time::sleep(LOOK_EVERY).await;
                    false
                }
            }
        };
        tokio::select! {
            listens = listens => {
                if !listens {
                    events = None;
                }
            }
            _ = tokio::signal::ctrl_c() => return Ok(code(&status.accounts, status.daemon.is_some())),
        }
    }
}

/// The daemon's events; `None`: it does not run.
async fn listen(context: &Context) -> Result<Option<EventStream>, Failure> {
    let Some(Backend::Daemon(daemon)) = Backend::daemon(&context.paths).await? else { return Ok(None) };
    match daemon.events(&WATCHED, None).await {
        Ok(events) => Ok(Some(events)),
        Err(failure) if failure.code == Code::NotRunning => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Not running weighs more than a missing login: without the daemon nothing is served at all.
fn code(accounts: &[AccountView], daemon: bool) -> u8 {
    let mut active = accounts.iter().filter(|account| account.active).peekable();
    // Of a pool any member will do.
    let needs_login = active.peek().is_some() && active.all(|account| account.state == State::NeedsLogin);
    match daemon {
        false => NOT_RUNNING,
        true if needs_login => NEEDS_LOGIN,
        true => OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_daemon_is_4_a_missing_login_of_the_active_account_3() {
        let mut status = crate::view::sample::status();
        assert_eq!(code(&status.accounts, status.daemon.is_some()), OK, "an inactive account may need a login");
        status.accounts[0].state = State::NeedsLogin;
        assert_eq!(code(&status.accounts, status.daemon.is_some()), NEEDS_LOGIN);
        status.accounts[1].active = true;
        assert_eq!(code(&status.accounts, status.daemon.is_some()), OK, "another member of the active pool can serve");
        status.accounts[1].state = State::NeedsLogin;
        assert_eq!(code(&status.accounts, status.daemon.is_some()), NEEDS_LOGIN);
        status.daemon = None;
        assert_eq!(code(&status.accounts, status.daemon.is_some()), NOT_RUNNING);
    }
}
