//! Direct mode: profiles, and what runs in them.

use remuda_core::UnixSeconds;

use super::words::{GOOD, STRONG, WARN, command, paint, span};
use crate::command::LoggedIn;
use crate::profiles::Direct;

/// After `remuda login VENDOR --with HOST`.
pub(crate) fn logged_in(all: &LoggedIn) -> String {
    let (label, host) = (&all.profile.label, all.profile.host);
    if all.logged_in == Some(false) {
        return format!("{} {} says that it is not logged in.\n", paint(WARN, "Not yet:"), host.name());
    }
    format!(
        "{} has a profile of its own for {label}. Start it there with {}\n",
        paint(STRONG, host.name()),
        command(["run", host.as_str(), "--direct", "--account", label])
    )
}

/// What `remuda status` says about it. Empty: nobody uses it.
pub(crate) fn direct(all: &Direct, now: UnixSeconds) -> String {
    let mut text = String::new();
    for profile in &all.profiles {
        let running: Vec<String> = all
            .running
            .iter()
            .filter(|run| run.host == profile.host && run.label.eq_ignore_ascii_case(&profile.label))
            .map(|run| format!("pid {} since {}", run.pid, span(now - run.since)))
            .collect();
        let state = match running.as_slice() {
            [] => "not running".to_owned(),
            all => paint(GOOD, format!("runs ({})", all.join(", "))),
        };
        text.push_str(&format!("Direct: {} in {}'s own login, {state}\n", profile.label, profile.host.name()));
    }
    text
}
