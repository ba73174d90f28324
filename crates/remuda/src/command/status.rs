//! `remuda status`.

use std::time::Duration;

use remuda_control::types::{Empty, State, Status};
use remuda_control::verb::GetStatus;

use super::{Context, NEEDS_LOGIN, NOT_RUNNING, OK};
use crate::cli::StatusArgs;
use crate::view;

const WATCH_EVERY: Duration = Duration::from_secs(2);

pub(super) async fn status(context: &Context, args: StatusArgs) -> anyhow::Result<u8> {
    if args.watch {
        return watch(context).await;
    }
    let status = ask(context).await?;
    let code = code(&status);
    let columns = context.out.columns();
    context.out.answer(status, |status| view::status(status, columns))?;
    Ok(code)
}

async fn ask(context: &Context) -> anyhow::Result<Status> {
    Ok(context.ask::<GetStatus>(Empty {}).await?)
}

async fn watch(context: &Context) -> anyhow::Result<u8> {
    let mut shown = String::new();
    loop {
        let status = ask(context).await?;
        let text = view::status(&status, context.out.columns());
        if text != shown {
            context.out.repaint(&text)?;
            shown = text;
        }
        tokio::select! {
            () = tokio::time::sleep(WATCH_EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(code(&status)),
        }
    }
}

/// Not running weighs more than a missing login: without the daemon nothing is served at all.
fn code(status: &Status) -> u8 {
    let mut active = status.accounts.iter().filter(|account| account.active).peekable();
    // Of a pool any member will do.
    let needs_login = active.peek().is_some() && active.all(|account| account.state == State::NeedsLogin);
    match status.daemon {
        None => NOT_RUNNING,
        Some(_) if needs_login => NEEDS_LOGIN,
        Some(_) => OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_daemon_is_4_a_missing_login_of_the_active_account_3() {
        let mut status = crate::view::sample::status();
        assert_eq!(code(&status), OK, "an inactive account may need a login");
        status.accounts[0].state = State::NeedsLogin;
        assert_eq!(code(&status), NEEDS_LOGIN);
        status.accounts[1].active = true;
        assert_eq!(code(&status), OK, "another member of the active pool can serve");
        status.accounts[1].state = State::NeedsLogin;
        assert_eq!(code(&status), NEEDS_LOGIN);
        status.daemon = None;
        assert_eq!(code(&status), NOT_RUNNING);
    }
}
