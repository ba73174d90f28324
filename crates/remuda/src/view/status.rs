//! The herd at a glance: a table where it fits, else one block per account.

use remuda_control::types::{AccountView, Daemon, FloorView, State, Status, WindowView};
use remuda_core::{UnixSeconds, Window};

use super::quota;
use super::table::Table;
use super::words::{BAD, DIM, GOOD, STRONG, WARN, command, cost, kind, paint, share, span, window};
use super::wrap::paragraph;

/// What `remuda status` shows. `columns`: width of the terminal, `None` when there is none.
pub(crate) fn status(status: &Status, columns: Option<usize>) -> String {
    let mut text = String::new();
    if status.accounts.is_empty() {
        text.push_str(&no_accounts());
    } else {
        let table = table(status);
        if columns.is_none_or(|columns| table.width() <= columns) {
            text.push_str(&table.render());
        } else {
            text.extend(status.accounts.iter().map(|account| block(account, status.now)));
        }
        text.push_str(&model_limits(&status.accounts, status.now));
        text.extend(status.accounts.iter().flat_map(|account| worth_knowing(account, status.now)));
    }
    text.push('\n');
    text.push_str(&active_line(status));
    for pool in &status.pools {
        text.push_str(&format!("Pool @{}: {}\n", pool.name, pool.members.join(", ")));
    }
    for hold in &status.holds {
        text.push_str(&format!("{}\n", super::hold_line(hold, status.now)));
    }
    for pin in &status.pins {
        text.push_str(&format!("Session {} is pinned to {}\n", pin.session, pin.target));
    }
    text.push_str(&daemon_line(status.daemon.as_ref(), status.now));
    text
}

/// What `remuda use` without a label shows: numbered accounts and pools.
pub(crate) fn choices(status: &Status) -> String {
    let mut table = Table::new(["", "", "ACCOUNT", "PLAN", "COST", "STATE", "5H USED", "7D USED"]);
    for (number, account) in (1..).zip(&status.accounts) {
        let [five_hour, seven_day] = main_windows(account, status.now);
        table.row([
            format!("{number:>2}"),
            marker(account.active),
            account.label.clone(),
            plan(account),
            cost(account.cost).to_owned(),
            state(account, status.now),
            five_hour,
            seven_day,
        ]);
    }
    for (number, pool) in (status.accounts.len() + 1..).zip(&status.pools) {
        let name = format!("@{}", pool.name);
        let members = format!("pool: {}", pool.members.join(", "));
        let none = String::new;
        table.row([format!("{number:>2}"), marker(pool.active), name, members, none(), none(), none(), none()]);
    }
    table.render()
}

/// Nobody is there yet.
pub(super) fn no_accounts() -> String {
    format!(
        "No accounts yet.\n\n  {}  add the first one\n  {}             see it work without any\n",
        command(["login", "anthropic"]),
        command(["demo"])
    )
}

fn table(status: &Status) -> Table {
    let mut table = Table::new(["", "ACCOUNT", "VENDOR", "PLAN", "COST", "STATE", "5H USED", "7D USED", "STAND-INS"]);
    for account in &status.accounts {
        let [five_hour, seven_day] = main_windows(account, status.now);
        table.row([
            marker(account.active),
            label(account),
            account.vendor.to_string(),
            plan(account),
            cost(account.cost).to_owned(),
            state(account, status.now),
            five_hour,
            seven_day,
            account.chain.join(", "),
        ]);
    }
    table
}

fn block(account: &AccountView, now: UnixSeconds) -> String {
    let mut text = format!(
        "{} {}  {}  {}\n",
        if account.active { marker(true) } else { " ".to_owned() },
        label(account),
        state(account, now),
        paint(DIM, format!("{} · {} · {}", account.vendor, plan(account), cost(account.cost)))
    );
    let windows: Vec<String> = [Window::FiveHour, Window::SevenDay]
        .iter()
        .filter_map(|wanted| account.windows.iter().find(|w| w.window == *wanted))
        .map(|w| format!("{} used {}", window(&w.window), bar(w, now)))
        .collect();
    if !windows.is_empty() {
        text.push_str(&format!("    {}\n", windows.join("   ")));
    }
    if !account.chain.is_empty() {
        text.push_str(&format!("    stand-ins: {}\n", account.chain.join(", ")));
    }
    text
}

/// Limits of single models, which have no column.
fn model_limits(accounts: &[AccountView], now: UnixSeconds) -> String {
    let mut text = String::new();
    for account in accounts {
        for rest in &account.resting_models {
            let left = span(rest.rest.until - now);
            text.push_str(&paint(WARN, format!("{}: {} rests {left}", account.label, rest.model)));
            text.push('\n');
        }
        for w in account.windows.iter().filter(|w| matches!(w.window, Window::Model(_)) && w.used_percent >= 70.0) {
            text.push_str(&format!("{}: {} {}\n", account.label, window(&w.window), bar(w, now)));
        }
    }
    text
}

/// What is about to go wrong, or has: one line each.
fn worth_knowing(account: &AccountView, now: UnixSeconds) -> Vec<String> {
    let told = |style, text: String| paragraph(&format!("{} {text}", paint(style, format!("{}:", account.label))), 0);
    let mut lines: Vec<String> = quota::runs_out(account, now).into_iter().map(|text| told(WARN, text)).collect();
    let low = |floors: &[FloorView]| {
        let low = floors.iter().filter(|floor| floor.remaining_percent.is_some_and(|left| left < floor.percent));
        let low: Vec<String> = low.map(|floor| format!("{} below {}%", window(&floor.window), floor.percent)).collect();
        (!low.is_empty()).then(|| low.join(", "))
    };
    if let Some(low) = low(&account.quota.reserve).filter(|_| account.quota.kill_switch) {
        lines.push(told(BAD, format!("the kill switch holds it back ({low})")));
    } else if let Some(low) = low(&account.quota.minimum) {
        lines.push(told(WARN, format!("stands behind others ({low})")));
    }
    lines.extend(account.spend.as_ref().and_then(|_| quota::money(account)).map(|text| told(DIM, text)));
    lines.extend(quota::trouble(account, now).map(|text| told(WARN, text)));
    lines
}

fn active_line(status: &Status) -> String {
    match &status.active {
        Some(active) => format!("Requests go to {}\n", paint(STRONG, active)),
        None if status.accounts.is_empty() => String::new(),
        None => format!("{} choose one with {}\n", paint(WARN, "No account is chosen:"), command(["use"])),
    }
}

fn daemon_line(daemon: Option<&Daemon>, now: UnixSeconds) -> String {
    match daemon {
        Some(daemon) => {
            let up = span(now - daemon.started_at);
            let facts = format!("pid {} · up {up} · version {}", daemon.pid, daemon.version);
            format!("{} {} {}\n", paint(GOOD, "Daemon runs at"), daemon.url, paint(DIM, format!("· {facts}")))
        }
        None => format!(
            "{} start it with {}, or start an agent with {}\n",
            paint(WARN, "The daemon is not running:"),
            command(["serve"]),
            command(["run", "claude"])
        ),
    }
}

pub(super) fn marker(active: bool) -> String {
    if active { paint(GOOD, "▸") } else { String::new() }
}

fn label(account: &AccountView) -> String {
    if account.active { paint(STRONG, &account.label) } else { account.label.clone() }
}

/// The plan as the vendor calls it, or the kind of secret.
pub(super) fn plan(account: &AccountView) -> String {
    account.who.plan.clone().unwrap_or_else(|| kind(account.kind).to_owned())
}

/// The state in a word, with the time that is left of a rest.
pub(super) fn state(account: &AccountView, now: UnixSeconds) -> String {
    match (account.state, &account.resting) {
        (State::Ready, _) => paint(GOOD, "ready"),
        (State::Resting, Some(rest)) => {
            let about = if rest.stated { "" } else { "~" };
            paint(WARN, format!("rests {about}{}", span(rest.until - now)))
        }
        (State::Resting, None) => paint(WARN, "rests"),
        (State::NeedsLogin, _) => paint(BAD, "needs login"),
        (State::Disabled, _) => paint(BAD, "closed by vendor"),
        (State::Paused, _) => paint(DIM, "off"),
    }
}

fn main_windows(account: &AccountView, now: UnixSeconds) -> [String; 2] {
    [Window::FiveHour, Window::SevenDay]
        .map(|wanted| account.windows.iter().find(|w| w.window == wanted).map_or_else(String::new, |w| bar(w, now)))
}

/// `████░░░░  43% 2h14m`: share used, and the time until it starts anew.
pub(super) fn bar(w: &WindowView, now: UnixSeconds) -> String {
    const CELLS: usize = 8;
    if w.resets_at.is_some_and(|at| at <= now) {
        return paint(DIM, format!("{}  renewed", "░".repeat(CELLS)));
    }
    let used = w.used_percent.clamp(0.0, 100.0);
    let full = (1..=CELLS).filter(|cell| used >= 100.0 / CELLS as f64 * (*cell as f64 - 0.5)).count();
    let left = w.resets_at.map(|at| format!(" {}", span(at - now))).unwrap_or_default();
    format!(
        "{}{} {used:>3.0}%{}",
        paint(share(used), "█".repeat(full)),
        paint(DIM, "░".repeat(CELLS - full)),
        paint(DIM, left)
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn wide() {
        insta::assert_snapshot!(plain(&status(&sample::status(), None)));
    }

    #[test]
    fn eighty_columns() {
        let text = plain(&status(&sample::status(), Some(80)));
        assert!(text.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 80), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn nothing_there_says_what_to_do() {
        insta::assert_snapshot!(plain(&status(&sample::empty_status(), None)));
    }

    #[test]
    fn choices_are_numbered() {
        insta::assert_snapshot!(plain(&choices(&sample::status())));
    }
}
