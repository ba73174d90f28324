//! Answers as a person reads them. Pure: an answer in, text with styles out; `output` prints it.

mod account;
mod alert;
mod cache;
mod choice;
mod config;
mod daemon;
pub(crate) mod demo;
mod direct;
mod doctor;
mod fake;
mod import;
mod key;
mod limit;
mod login;
mod money;
mod overview;
mod quota;
mod relay;
mod request;
mod session;
mod setup;
mod status;
mod statusline;
mod table;
mod usage;
mod words;
mod wrap;

use remuda_control::Failure;

pub(crate) use account::{accounts, before_removal, changed, removed, shown};
pub(crate) use alert::{alert_seen, alerts};
pub(crate) use cache::cache;
pub(crate) use choice::{
    active, before_clearing, chain, chains, pool, pool_removed, pools, project, reset, switch_price,
};
pub(crate) use config::{checked, config_shown, edited, effective};
pub(crate) use daemon::{already_runs, serving, stopped};
pub(crate) use direct::{direct, logged_in};
pub(crate) use doctor::examined;
pub(crate) use fake::fake_runs;
pub(crate) use import::imported;
pub(crate) use key::{key_created, key_revoked, keys};
pub(crate) use limit::{hold_line, holds, holds_cancelled, limit, limits};
pub(crate) use login::{browser, device, login_done, paste, terms};
pub(crate) use money::{spend, spend_rules};
pub(crate) use overview::overview;
pub(crate) use quota::{kill_switch, kill_switch_changed, minimums, minimums_changed, quota, quota_refreshed};
pub(crate) use relay::{relay_plan, relay_serving, relay_state};
pub(crate) use request::{log_line, log_page};
pub(crate) use session::{live, live_stopped, session_resumed, session_stopped, sessions};
pub(crate) use setup::{set_up, set_up_done, undone};
pub(crate) use status::{choices, status};
pub(crate) use statusline::{Daemon, Drawn, Line, served, statusline};
pub(crate) use usage::{usage, usage_csv};
pub(crate) use words::quoted;
use words::{BAD, DIM, STRONG, command, paint};

/// What happened, why, and what to do.
pub(crate) fn failure(failure: &Failure) -> String {
    let mut text = format!("{} {}", paint(BAD.bold(), "error:"), failure.message);
    if let Some(why) = &failure.why {
        text.push_str(&format!("\n  {} {why}", paint(DIM, "why:")));
    }
    if let Some(remedy) = &failure.remedy {
        text.push_str(&format!("\n  {} {remedy}", paint(STRONG, "do:")));
    }
    text
}

/// The command that takes a change back.
fn undo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    format!("{} {}\n", paint(DIM, "Undo:"), command(arguments))
}

/// What a careful owner wants to know, one line each.
fn notes(notes: &[String]) -> String {
    notes.iter().map(|text| note(text) + "\n").collect()
}

/// Something to know.
pub(crate) fn note(text: &str) -> String {
    format!("{} {text}", paint(words::WARN, "Note:"))
}

/// Names in a sentence: `work, personal and @spare`.
fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
pub(crate) mod sample;
