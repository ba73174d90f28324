//! Everything on one screen, as text.

use remuda_control::types::{Ending, Overview, RequestView, Status};

use super::status::status;
use super::table::Table;
use super::words::{BAD, DIM, GOOD, STRONG, WARN, moment_s, paint};

/// `remuda status --all`.
pub(crate) fn overview(overview: &Overview, columns: Option<usize>, zone: &jiff::tz::TimeZone) -> String {
    let herd = overview.herd.clone();
    let status = Status {
        now: overview.now,
        daemon: overview.daemon.clone(),
        active: herd.active,
        accounts: herd.accounts,
        pools: herd.pools,
        pins: herd.pins,
        // They stand among the requests under way.
        holds: Vec::new(),
        warm: None,
    };
    let mut text = self::status(&status, columns);
    for chain in &overview.herd.chains {
        text.push_str(&format!("Chain: {} → {}\n", chain.source, chain.targets.join(" → ")));
    }
    for alert in &overview.alerts {
        text.push_str(&format!("{} {}\n", paint(WARN, "Alert:"), alert.message));
    }
    let day = &overview.last_day;
    text.push_str(&format!("Last 24 hours: {} requests, {:.2} USD at list price\n", day.requests, day.cost_usd));
    if !overview.live.is_empty() {
        text.push_str(&format!("\n{}\n", paint(STRONG, "Under way")));
        let live = remuda_control::types::LiveRequests { now: overview.now, requests: overview.live.clone() };
        text.push_str(&super::live(&live));
    }
    if !overview.recent.is_empty() {
        text.push_str(&format!("\n{}\n", paint(STRONG, "Lately")));
        text.push_str(&recent(overview, zone));
    }
    text
}

/// Oldest first, as in every log.
fn recent(overview: &Overview, zone: &jiff::tz::TimeZone) -> String {
    let mut table = Table::new(["WHEN", "AGENT", "MODEL", "SERVED BY", "RESULT"]);
    for request in overview.recent.iter().rev() {
        table.row([
            moment_s(request.at, overview.now, zone),
            request.host.as_str().to_owned(),
            request.model.clone(),
            served_by(request),
            ending(request),
        ]);
    }
    table.render()
}

fn served_by(request: &RequestView) -> String {
    match (&request.source, &request.account) {
        (Some(source), Some(account)) if source != account => format!("{source} → {account}"),
        (_, Some(account)) => account.clone(),
        (source, None) => source.clone().unwrap_or_default(),
    }
}

fn ending(request: &RequestView) -> String {
    let class = request.class.map_or("no route", remuda_core::Class::as_str);
    match request.ending {
        Ending::Served => paint(GOOD, request.status),
        Ending::Failed => paint(BAD, format!("{} {class}", request.status)),
        Ending::BrokeOff => paint(BAD, format!("broke off, {class}")),
        Ending::Abandoned => paint(DIM, "client left"),
        Ending::Stopped => paint(WARN, "stopped"),
    }
}
