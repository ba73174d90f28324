//! `remuda sessions`, `live`.

use remuda_control::types::{Empty, LiveRef, SessionHalt, SessionRef, SessionsAsked};
use remuda_control::verb::{HaltSession, ListLive, ListSessions, ResumeSession, StopLive};

use super::Context;
use crate::cli::{LiveCommand, SessionsCommand};
use crate::view;

pub(super) async fn sessions(context: &Context, command: Option<SessionsCommand>) -> anyhow::Result<u8> {
    let zone = jiff::tz::TimeZone::system();
    match command {
        None => context.show::<ListSessions>(SessionsAsked::default(), |all| view::sessions(all, &zone)).await,
        Some(SessionsCommand::List(args)) => {
            let asked = SessionsAsked { limit: Some(args.limit) };
            context.show::<ListSessions>(asked, |all| view::sessions(all, &zone)).await
        }
        Some(SessionsCommand::Stop { session, why }) => {
            context.show::<HaltSession>(SessionHalt { session, why }, view::session_stopped).await
        }
        Some(SessionsCommand::Resume { session }) => {
            context.show::<ResumeSession>(SessionRef { session }, view::session_resumed).await
        }
    }
}

pub(super) async fn live(context: &Context, command: Option<LiveCommand>) -> anyhow::Result<u8> {
    match command.unwrap_or(LiveCommand::List) {
        LiveCommand::List => context.show::<ListLive>(Empty {}, view::live).await,
        LiveCommand::Stop { request } => context.show::<StopLive>(LiveRef { request }, view::live_stopped).await,
    }
}
