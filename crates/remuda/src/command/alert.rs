//! `remuda alerts`.

use remuda_control::types::{AlertRef, Empty};
use remuda_control::verb::{ListAlerts, SeeAlert};

use super::Context;
use crate::cli::AlertsCommand;
use crate::view;

pub(super) async fn alerts(context: &Context, command: Option<AlertsCommand>) -> anyhow::Result<u8> {
    let zone = jiff::tz::TimeZone::system();
    match command.unwrap_or(AlertsCommand::List) {
        AlertsCommand::List => context.show::<ListAlerts>(Empty {}, |all| view::alerts(all, &zone)).await,
        AlertsCommand::Seen { alert } => context.show::<SeeAlert>(AlertRef { alert }, view::alert_seen).await,
    }
}
