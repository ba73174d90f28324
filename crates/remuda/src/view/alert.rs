//! Alerts.

use remuda_control::types::{AlertSeen, Alerts};

use super::table::Table;
use super::words::{DIM, WARN, moment, paint};

/// `remuda alerts`.
pub(crate) fn alerts(all: &Alerts, zone: &jiff::tz::TimeZone) -> String {
    if all.alerts.is_empty() {
        return "No alerts. The daemon raises them while it runs.\n".to_owned();
    }
    let mut table = Table::new(["SINCE", "ALERT", "WHAT TO DO", "ID"]);
    for alert in &all.alerts {
        let over = alert.over_at.is_some();
        let style = if over || alert.seen { DIM } else { WARN };
        let remedy = if over { "it is over".to_owned() } else { alert.remedy.clone().unwrap_or_default() };
        table.row([
            moment(alert.raised_at, all.now, zone),
            paint(style, &alert.message),
            remedy,
            paint(DIM, &alert.id),
        ]);
    }
    table.render()
}

/// After `alerts seen`.
pub(crate) fn alert_seen(seen: &AlertSeen) -> String {
    format!("Seen: {}\n", seen.alert.message)
}
