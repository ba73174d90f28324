//! Conversations and requests under way.

use remuda_control::types::{LiveRequests, LiveStage, LiveStopped, LiveView, SessionChanged, SessionView, Sessions};

use super::table::Table;
use super::undo;
use super::words::{BAD, DIM, GOOD, WARN, command, moment, paint, span};

/// Enough of an id to name a request: milliseconds of its arrival.
const SHORT_ID: usize = 13;

/// `remuda sessions`.
pub(crate) fn sessions(all: &Sessions, zone: &jiff::tz::TimeZone) -> String {
    if all.sessions.is_empty() {
        return format!("No conversations yet. Start an agent with {}\n", command(["run", "claude"]));
    }
    let mut table = Table::new(["SESSION", "SERVED BY", "PLACED BY", "PINNED TO", "LAST SEEN", "NOW"]);
    for session in &all.sessions {
        table.row([
            session.session.clone(),
            session.account.clone().unwrap_or_default(),
            session.pool.clone().unwrap_or_default(),
            session.pin.clone().unwrap_or_default(),
            session.seen_at.map(|at| moment(at, all.now, zone)).unwrap_or_default(),
            doing(session),
        ]);
    }
    table.render()
}

fn doing(session: &SessionView) -> String {
    match (&session.stopped, session.live) {
        (Some(stop), _) => paint(BAD, format!("stopped: {}", stop.why)),
        (None, 0) => String::new(),
        (None, 1) => paint(GOOD, "1 request"),
        (None, n) => paint(GOOD, format!("{n} requests")),
    }
}

/// After `sessions stop`.
pub(crate) fn session_stopped(changed: &SessionChanged) -> String {
    let cut = match changed.cut {
        0 => "nothing of it was under way".to_owned(),
        1 => "one request was cut".to_owned(),
        n => format!("{n} requests were cut"),
    };
    format!("{} is stopped; {cut}.\n{}", changed.session, undo(["sessions", "resume", &changed.session]))
}

/// After `sessions resume`.
pub(crate) fn session_resumed(changed: &SessionChanged) -> String {
    match &changed.before {
        Some(stop) => format!("{} goes on. It was stopped: {}.\n", changed.session, stop.why),
        None => format!("{} was not stopped.\n", changed.session),
    }
}

/// `remuda live`.
pub(crate) fn live(all: &LiveRequests) -> String {
    if all.requests.is_empty() {
        return "No requests are under way.\n".to_owned();
    }
    let mut table = Table::new(["REQUEST", "AGENT", "MODEL", "ACCOUNT", "STAGE", "SINCE", "SESSION", "DIRECTORY"]);
    for request in &all.requests {
        table.row([
            request.id.to_string().chars().take(SHORT_ID).collect(),
            request.host.as_str().to_owned(),
            request.model.clone(),
            request.account.clone().unwrap_or_default(),
            stage(request, all.now),
            span(i64::try_from(request.age_ms / 1000).unwrap_or(i64::MAX)),
            request.session.clone().unwrap_or_default(),
            request.project.clone().unwrap_or_default(),
        ]);
    }
    table.render()
}

fn stage(request: &LiveView, now: i64) -> String {
    match request.stage {
        LiveStage::Routing => paint(DIM, "routing"),
        LiveStage::Asking if request.attempts > 1 => paint(WARN, format!("asking, try {}", request.attempts)),
        LiveStage::Asking => "asking".to_owned(),
        LiveStage::Waiting => paint(WARN, format!("waits {}", span(request.until.unwrap_or(now) - now))),
        LiveStage::Streaming => paint(GOOD, "streaming"),
    }
}

/// After `live stop`.
pub(crate) fn live_stopped(stopped: &LiveStopped) -> String {
    let request = &stopped.request;
    format!("The request of {} for {} was stopped.\n", request.host.as_str(), request.model)
}
