//! What is left: windows with bar, countdown, pace and age; floors; how asking the vendors went.

use remuda_control::types::{
    AccountFloors, AccountView, Accounts, FloorView, KillSwitchChanged, KillSwitchView, Minimums, MinimumsChanged,
    PolledHow, PolledView, QuotaRefreshed, WindowView,
};
use remuda_core::headroom::SaidOf;
use remuda_core::snapshot::UnknownQuota;
use remuda_core::standing::Trust;
use remuda_core::{CostClass, ReadingSource, UnixSeconds, Window};

use super::money::usd;
use super::status::{marker, no_accounts, plan, state};
use super::table::Table;
use super::words::{BAD, DIM, GOOD, STRONG, WARN, command, cost, paint, span, window};
use super::wrap::paragraph;
use super::{notes, undo};

/// `remuda quota`.
pub(crate) fn quota(all: &Accounts) -> String {
    if all.accounts.is_empty() {
        return no_accounts();
    }
    let blocks: Vec<String> = all.accounts.iter().map(|account| block(account, all.now)).collect();
    blocks.join("\n")
}

/// `remuda quota --refresh`. `one`: a single account was meant.
pub(crate) fn quota_refreshed(refreshed: &QuotaRefreshed, one: bool) -> String {
    let concerns = |account: &&AccountView| !one || refreshed.polled.iter().any(|p| p.account == account.label);
    let accounts =
        Accounts { now: refreshed.now, accounts: refreshed.accounts.iter().filter(concerns).cloned().collect() };
    let mut text = quota(&accounts);
    let told: Vec<String> = refreshed.polled.iter().filter_map(|polled| came(polled, refreshed.now)).collect();
    if !told.is_empty() {
        text.push('\n');
        text.extend(told);
    }
    text
}

/// What did not go as hoped.
fn came(polled: &PolledView, now: UnixSeconds) -> Option<String> {
    let why = polled.why.as_deref().unwrap_or_default();
    let again = polled.until.map(|until| format!("; again in {}", span(until - now))).unwrap_or_default();
    let text = match polled.how {
        PolledHow::Answered if polled.windows > 0 => return None,
        PolledHow::Answered => "the vendor answered and named no window".to_owned(),
        PolledHow::Fresh => "was asked a moment ago".to_owned(),
        PolledHow::Rests => format!("is not asked yet: {why}{again}"),
        PolledHow::Failed => format!("{why}{again}"),
        PolledHow::Busy => "another account of its vendor is being asked about; try again in a moment".to_owned(),
        PolledHow::Nobody => why.to_owned(),
    };
    let style = if polled.how == PolledHow::Failed { WARN } else { DIM };
    Some(format!("{} {}\n", paint(style, format!("{}:", polled.account)), text))
}

fn block(account: &AccountView, now: UnixSeconds) -> String {
    let mark = if account.active { marker(true) } else { " ".to_owned() };
    let facts = format!("{} · {} · {}", account.vendor, plan(account), cost(account.cost));
    let mut text =
        format!("{mark} {}  {}  {}\n", paint(STRONG, &account.label), state(account, now), paint(DIM, facts));
    let mut table = Table::new(["", "WINDOW", "LEFT", "RENEWS", "PACE", "READ"]);
    for w in &account.windows {
        let name = window(&w.window);
        table.row([
            "  ".to_owned(),
            if w.binding && account.windows.len() > 1 { paint(STRONG, name) } else { name },
            left(w),
            w.resets_at.filter(|at| *at > now).map(|at| span(at - now)).unwrap_or_default(),
            pace(w, now),
            read(w),
        ]);
    }
    if account.windows.is_empty() {
        text.push_str(&format!("    {}\n", paint(DIM, "nothing is known yet")));
    } else {
        text.push_str(&table.render());
    }
    for line in lines(account, now) {
        text.push_str(&paragraph(&line, 4));
    }
    text
}

/// What there is to say besides the windows.
fn lines(account: &AccountView, now: UnixSeconds) -> Vec<String> {
    let mut lines = Vec::new();
    let floors = |name: &str, floors: &[FloorView]| {
        let asked: Vec<String> = floors.iter().filter(|floor| floor.percent > 0.0).map(floor).collect();
        (!asked.is_empty()).then(|| format!("{name} {}", asked.join(", ")))
    };
    lines.extend(floors("keeps", &account.quota.minimum));
    if account.quota.kill_switch {
        lines.extend(floors("never goes below", &account.quota.reserve));
    }
    lines.extend(money(account));
    if let Some(why) = &account.quota.usage.why_not {
        lines.push(paint(DIM, why));
    }
    if let Some(why) = &account.quota.usage.trouble {
        let again = account.quota.usage.not_before.map(|at| format!(", again in {}", span(at - now)));
        lines.push(paint(WARN, format!("{why}{}", again.unwrap_or_default())));
    }
    lines.extend(trouble(account, now));
    lines
}

/// `1.20 of 5.00 USD spent today`, for accounts that cost money.
pub(super) fn money(account: &AccountView) -> Option<String> {
    match &account.spend {
        Some(rule) => {
            let (spent, limit) = (usd(rule.spent_today_usd), usd(rule.daily_limit_usd));
            let style = if rule.spent_today_usd >= rule.daily_limit_usd { BAD } else { DIM };
            Some(paint(style, format!("{spent} of {limit} spent today")))
        }
        None if account.cost == CostClass::Metered => Some(paint(DIM, "no spending rule: stands in for nobody")),
        None => None,
    }
}

/// Why its token cannot be renewed now.
pub(super) fn trouble(account: &AccountView, now: UnixSeconds) -> Option<String> {
    let trouble = account.trouble.as_ref()?;
    let why = trouble.why.as_deref().unwrap_or("its token could not be renewed the last time");
    let again = trouble.retry_at.filter(|at| *at > now).map(|at| format!(" (again in {})", span(at - now)));
    Some(paint(WARN, format!("{why}{}", again.unwrap_or_default())))
}

/// `5h 10% (everyone)`.
pub(super) fn floor(floor: &FloorView) -> String {
    let low = floor.remaining_percent.is_some_and(|left| left < floor.percent);
    let said = match floor.said_of {
        SaidOf::Account => "",
        SaidOf::Everyone => " (everyone)",
    };
    let text = format!("{} {}%{said}", window(&floor.window), floor.percent);
    match floor.remaining_percent {
        Some(left) if low => paint(BAD, format!("{text}: {left:.0}% left")),
        None => paint(WARN, format!("{text}: not known")),
        Some(_) => text,
    }
}

/// `██████████████░░░░░░  58%`: the share that is left.
fn left(w: &WindowView) -> String {
    const CELLS: usize = 12;
    let left = w.remaining_percent.clamp(0.0, 100.0);
    let full = (1..=CELLS).filter(|cell| left >= 100.0 / CELLS as f64 * (*cell as f64 - 0.5)).count();
    let style = match left {
        left if left <= 10.0 => BAD,
        left if left <= 30.0 => WARN,
        _ => GOOD,
    };
    format!("{}{} {left:>3.0}%", paint(style, "█".repeat(full)), paint(DIM, "░".repeat(CELLS - full)))
}

/// `on pace`, `12% in reserve`, `25% ahead, gone in 1h30m`.
fn pace(w: &WindowView, now: UnixSeconds) -> String {
    let Some(pace) = w.pace else { return String::new() };
    let gone = pace.runs_out_at.map(|at| format!(", gone in {}", span(at - now)));
    match pace.ahead_percent {
        _ if w.remaining_percent <= 0.0 => String::new(),
        _ if pace.is_even() => "on pace".to_owned(),
        ahead if ahead > 0.0 => paint(WARN, format!("{ahead:.0}% ahead{}", gone.unwrap_or_default())),
        behind => format!("{:.0}% in reserve", -behind),
    }
}

/// `1m ago, answer`.
fn read(w: &WindowView) -> String {
    let source = match w.source {
        ReadingSource::Headers | ReadingSource::Event => "answer",
        ReadingSource::Usage => "asked",
    };
    let age = if w.age_s < 60 { "just now".to_owned() } else { format!("{} ago", span(w.age_s)) };
    match w.trust {
        Trust::Fresh => paint(DIM, format!("{age}, {source}")),
        Trust::Old => paint(DIM, format!("{age}, {source}, old")),
        Trust::Over => paint(DIM, format!("{age}, {source}, before it began anew")),
        Trust::Refuted => paint(WARN, format!("{age}, {source}; refused since")),
    }
}

/// Windows that will give out before they start anew, for `status`.
pub(super) fn runs_out(account: &AccountView, now: UnixSeconds) -> Vec<String> {
    let soon = |w: &&WindowView| w.remaining_percent > 0.0 && w.trust == Trust::Fresh;
    let told = account.windows.iter().filter(soon).filter_map(|w| {
        let (at, resets_at) = (w.pace?.runs_out_at?, w.resets_at?);
        let left = span(at - now);
        Some(format!("{} gives out in {left} at this rate, {} early", window(&w.window), span(resets_at - at)))
    });
    told.collect()
}

/// `remuda minimum`.
pub(crate) fn minimums(all: &Minimums) -> String {
    let unknown = match all.unknown {
        UnknownQuota::Open => "may serve",
        UnknownQuota::Closed => "stands behind",
    };
    let mut text = format!("Everyone keeps {}; an account whose quota is not known {unknown}.\n", said(&all.everyone));
    text.push_str(&table(&all.accounts, "KEEPS"));
    text
}

/// After `remuda minimum …`.
pub(crate) fn minimums_changed(changed: &MinimumsChanged) -> String {
    if changed.before.everyone == changed.after.everyone
        && changed.before.unknown == changed.after.unknown
        && same(&changed.before.accounts, &changed.after.accounts)
    {
        return format!("That holds already.\n{}", minimums(&changed.after));
    }
    format!("{}{}", minimums(&changed.after), notes(&changed.notes))
}

/// `remuda killswitch`.
pub(crate) fn kill_switch(switch: &KillSwitchView) -> String {
    let mut text = match switch.enabled {
        true => format!("{} nobody goes below {}.\n", paint(GOOD, "The kill switch is on:"), said(&switch.everyone)),
        false => format!(
            "{} nothing is held back. {}\n",
            paint(DIM, "The kill switch is off:"),
            match switch.everyone.is_empty() {
                true => format!("Switch it on: {}", command(["killswitch", "on", "5h=5", "7d=10"])),
                false =>
                    format!("On, nobody would go below {}: {}", said(&switch.everyone), command(["killswitch", "on"])),
            }
        ),
    };
    if switch.enabled || switch.accounts.iter().any(|account| !account.floors.is_empty()) {
        text.push_str(&table(&switch.accounts, "NEVER BELOW"));
    }
    text
}

/// After `remuda killswitch …`.
pub(crate) fn kill_switch_changed(changed: &KillSwitchChanged) -> String {
    let mut text = kill_switch(&changed.after);
    match (changed.before.enabled, changed.after.enabled) {
        (true, false) => text.push_str(&undo(["killswitch", "on"])),
        (false, true) => text.push_str(&undo(["killswitch", "off"])),
        _ => {}
    }
    text + &notes(&changed.notes)
}

fn same(before: &[AccountFloors], after: &[AccountFloors]) -> bool {
    before == after
}

fn said(floors: &std::collections::BTreeMap<Window, f64>) -> String {
    let asked: Vec<String> =
        floors.iter().filter(|(_, p)| **p > 0.0).map(|(w, p)| format!("{p}% of {}", window(w))).collect();
    if asked.is_empty() { "nothing".to_owned() } else { asked.join(", ") }
}

fn table(accounts: &[AccountFloors], head: &'static str) -> String {
    let mut table = Table::new(["ACCOUNT", head, "LEFT", "SAID OF", "WHEN UNKNOWN"]);
    for account in accounts {
        let unknown = match account.unknown {
            UnknownQuota::Open => "open",
            UnknownQuota::Closed => "closed",
        };
        let own = |said_of| if said_of == SaidOf::Account { "it" } else { "everyone" };
        let unknown = match account.unknown_said_of {
            SaidOf::Account => unknown.to_owned(),
            SaidOf::Everyone => paint(DIM, unknown),
        };
        if account.floors.is_empty() {
            let none = || paint(DIM, "nothing");
            table.row([account.account.clone(), none(), String::new(), String::new(), unknown]);
            continue;
        }
        for (n, floor) in account.floors.iter().enumerate() {
            let left = match floor.remaining_percent {
                _ if floor.percent <= 0.0 => String::new(),
                None => paint(WARN, "not known"),
                Some(left) if left < floor.percent => paint(BAD, format!("{left:.0}%")),
                Some(left) => format!("{left:.0}%"),
            };
            table.row([
                if n == 0 { account.account.clone() } else { String::new() },
                format!("{}% of {}", floor.percent, window(&floor.window)),
                left,
                own(floor.said_of).to_owned(),
                if n == 0 { unknown.clone() } else { String::new() },
            ]);
        }
    }
    format!("\n{}", table.render())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn what_is_left_fits_into_eighty_columns() {
        let status = sample::status();
        let text = plain(&quota(&Accounts { now: status.now, accounts: status.accounts }));
        assert!(text.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 80), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn asking_tells_what_did_not_go_as_hoped() {
        let status = sample::status();
        let polled = |account: &str, how, until: Option<i64>, why: Option<&str>| PolledView {
            account: account.to_owned(),
            how,
            windows: 0,
            until: until.map(|in_s| status.now + in_s),
            why: why.map(str::to_owned),
        };
        let refreshed = QuotaRefreshed {
            now: status.now,
            polled: vec![
                PolledView { windows: 2, ..polled("work", PolledHow::Answered, None, None) },
                polled("personal", PolledHow::Failed, Some(60), Some("the usage endpoint answered 429")),
                polled("side project", PolledHow::Nobody, None, Some("it needs a login first")),
            ],
            accounts: status.accounts[..1].to_vec(),
        };
        insta::assert_snapshot!(plain(&quota_refreshed(&refreshed, false)));
    }

    #[test]
    fn floors_tell_what_holds_and_who_says_so() {
        insta::assert_snapshot!(plain(&minimums(&sample::minimums())));
    }

    #[test]
    fn the_kill_switch_tells_what_it_holds_back() {
        let mut switch = sample::kill_switch();
        let on = plain(&kill_switch(&switch));
        switch.enabled = false;
        insta::assert_snapshot!(format!("{on}\n{}", plain(&kill_switch(&switch))));
    }
}
