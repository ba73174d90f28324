//! The daemon's comings and goings.

use remuda_control::types::{Daemon, Stopping};
use remuda_core::UnixSeconds;

use super::words::{DIM, GOOD, STRONG, command, paint, span};

/// After `serve`, when it is ready.
pub(crate) fn serving(daemon: &Daemon) -> String {
    format!(
        "{} {} {}\nStart an agent with {}; Ctrl-C ends the daemon.\n",
        paint(GOOD, "Serving at"),
        paint(STRONG, &daemon.url),
        paint(DIM, format!("· pid {} · version {}", daemon.pid, daemon.version)),
        command(["run", "claude"])
    )
}

/// After `serve`, when another daemon was first.
pub(crate) fn already_runs(daemon: &Daemon, now: UnixSeconds) -> String {
    format!(
        "{} pid {}, at {}, for {}. Nothing was started; {} ends it.\n",
        paint(GOOD, "Already running:"),
        daemon.pid,
        paint(STRONG, &daemon.url),
        span(now - daemon.started_at),
        command(["stop"])
    )
}

/// After `stop`.
pub(crate) fn stopped(stopping: &Stopping) -> String {
    format!("The daemon (pid {}) has stopped. {} starts it again.\n", stopping.daemon.pid, command(["serve"]))
}
