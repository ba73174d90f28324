//! Accounts in full, and what changed about them.

use remuda_control::types::{AccountChanged, AccountRemoved, AccountShown, AccountView, Accounts, FloorView, State};
use remuda_core::UnixSeconds;

use super::quota;
use super::status::{bar, marker, no_accounts, plan, state};
use super::table::Table;
use super::words::{DIM, STRONG, class, command, cost, kind, moment, paint, span, window};
use super::{list, notes, undo};

/// `remuda accounts`.
pub(crate) fn accounts(all: &Accounts) -> String {
    if all.accounts.is_empty() {
        return no_accounts();
    }
    let mut table = Table::new(["", "ACCOUNT", "VENDOR", "KIND", "PLAN", "COST", "WHO", "STATE"]);
    for account in &all.accounts {
        table.row([
            marker(account.active),
            account.label.clone(),
            account.vendor.to_string(),
            kind(account.kind).to_owned(),
            account.who.plan.clone().unwrap_or_default(),
            cost(account.cost).to_owned(),
            who(account),
            state(account, all.now),
        ]);
    }
    table.render()
}

/// `remuda accounts show`.
pub(crate) fn shown(shown: &AccountShown, zone: &jiff::tz::TimeZone) -> String {
    let (account, now) = (&shown.account, shown.now);
    let mut text = format!("{}\n", paint(STRONG, &account.label));
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("  {} {value}\n", paint(DIM, format!("{name:<12}"))));
        }
    };
    fact("who", who(account));
    fact("vendor", format!("{}, {}", account.vendor, plan(account)));
    fact("endpoint", account.base_url.clone().unwrap_or_default());
    let borrowed = account.borrowed.as_ref().map(|from| {
        let slot = if from.slot.is_empty() { String::new() } else { format!(" ({})", from.slot) };
        format!("borrowed from {}: {}{slot}", from.program, from.file)
    });
    fact("login", borrowed.unwrap_or_default());
    fact("cost", cost(account.cost).to_owned());
    fact("state", full_state(account, now, zone));
    for rest in &account.resting_models {
        fact("model", format!("{} rests {}: {}", rest.model, span(rest.rest.until - now), rest.rest.evidence));
    }
    for w in &account.windows {
        fact(
            &window(&w.window),
            format!("{} {}", bar(w, now), paint(DIM, format!("read {} ago", span(now - w.read_at)))),
        );
    }
    let floors = |floors: &[FloorView]| {
        let asked = floors.iter().filter(|floor| floor.percent > 0.0);
        asked.map(quota::floor).collect::<Vec<_>>().join(", ")
    };
    fact("keeps", floors(&account.quota.minimum));
    if account.quota.kill_switch {
        fact("never below", floors(&account.quota.reserve));
    }
    fact("usage", usage(account, now));
    fact("trouble", quota::trouble(account, now).unwrap_or_default());
    fact("money", quota::money(account).unwrap_or_default());
    fact("stand-ins", account.chain.join(", "));
    fact(
        "stands in",
        if account.stands_in_for.is_empty() { String::new() } else { format!("for {}", list(&account.stands_in_for)) },
    );
    fact("pools", account.pools.iter().map(|p| format!("@{p}")).collect::<Vec<_>>().join(", "));
    fact("also serves", account.allowed_hosts.iter().map(|h| h.as_str()).collect::<Vec<_>>().join(", "));
    fact("added", account.added_at.map(|at| moment(at, now, zone)).unwrap_or_default());
    fact("id", account.id.to_string());
    text
}

/// How asking its vendor what is left went the last time.
fn usage(account: &AccountView, now: UnixSeconds) -> String {
    let usage = &account.quota.usage;
    match (&usage.why_not, &usage.trouble, usage.asked_at) {
        (Some(why), _, _) => why.clone(),
        (None, Some(trouble), _) => {
            let again = usage.not_before.map(|at| format!(", asked again in {} at the earliest", span(at - now)));
            format!("{trouble}{}", again.unwrap_or_default())
        }
        (None, None, Some(at)) => format!("the vendor was asked {} ago", span(now - at)),
        (None, None, None) => String::new(),
    }
}

/// After `rename`, `enable`, `disable`.
pub(crate) fn changed(changed: &AccountChanged) -> String {
    let (before, after) = (&changed.before, &changed.account);
    let mut text = String::new();
    if before.label != after.label {
        text.push_str(&format!("{} is now called {}.\n", before.label, paint(STRONG, &after.label)));
        text.push_str(&undo(["accounts", "rename", &after.label, &before.label]));
    }
    match (before.state == State::Paused, after.state == State::Paused) {
        (false, true) => {
            text.push_str(&format!("{} is off: it serves nothing until it is enabled.\n", after.label));
            text.push_str(&undo(["accounts", "enable", &after.label]));
        }
        (true, false) => {
            text.push_str(&format!("{} is on.\n", after.label));
            text.push_str(&undo(["accounts", "disable", &after.label]));
        }
        _ if before.label == after.label => text.push_str(&format!("{} was that already.\n", after.label)),
        _ => {}
    }
    text + &notes(&changed.notes)
}

/// The question before `remove`.
pub(crate) fn before_removal(account: &AccountView) -> String {
    let mut facts = Vec::new();
    if !account.stands_in_for.is_empty() {
        facts.push(format!("it stands in for {}", list(&account.stands_in_for)));
    }
    if !account.pools.is_empty() {
        let pools: Vec<String> = account.pools.iter().map(|pool| format!("@{pool}")).collect();
        facts.push(format!("it is in {}", list(&pools)));
    }
    if account.active {
        facts.push("requests go to it now".to_owned());
    }
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join("; ")) };
    format!("Delete {} with its credential?{facts} This cannot be undone.", paint(STRONG, &account.label))
}

/// After `remove`.
pub(crate) fn removed(removed: &AccountRemoved) -> String {
    let label = &removed.before.label;
    let mut text = format!("{label} and its credential are gone. There is no undo: log in again to bring it back.\n");
    if !removed.removed_from_chains.is_empty() {
        text.push_str(&format!("It no longer stands in for {}.\n", list(&removed.removed_from_chains)));
    }
    if !removed.removed_from_pools.is_empty() {
        let pools: Vec<String> = removed.removed_from_pools.iter().map(|p| format!("@{p}")).collect();
        text.push_str(&format!("It was taken out of {}.\n", list(&pools)));
    }
    if removed.before.active {
        match &removed.active {
            Some(active) => text.push_str(&format!("Requests now go to {}.\n", paint(STRONG, active))),
            None => text.push_str(&format!("No account is chosen any more: {}\n", command(["use"]))),
        }
    }
    text
}

/// `alice@example.com, Example Org`.
pub(super) fn who(account: &AccountView) -> String {
    [&account.who.email, &account.who.organization].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")
}

fn full_state(account: &AccountView, now: UnixSeconds, zone: &jiff::tz::TimeZone) -> String {
    let short = state(account, now);
    match (account.state, &account.resting) {
        (State::Resting, Some(rest)) => {
            let until = moment(rest.until, now, zone);
            format!("{short}, until {until}: {} ({})", class(rest.reason), rest.evidence)
        }
        (State::NeedsLogin, _) if account.borrowed.is_some() => {
            let program = account.borrowed.as_ref().map_or("its program", |from| from.program.as_str());
            format!("{short}: its login belongs to {program}; log in there again")
        }
        (State::NeedsLogin, _) => {
            format!("{short}: {}", command(["login", account.vendor.as_str(), "--label", &account.label]))
        }
        (State::Paused, _) => format!("{short}: {}", command(["accounts", "enable", &account.label])),
        _ => short,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn list_of_accounts() {
        let status = sample::status();
        insta::assert_snapshot!(plain(&accounts(&Accounts { now: status.now, accounts: status.accounts })));
    }

    #[test]
    fn every_account_in_full() {
        let status = sample::status();
        let all: String = status
            .accounts
            .iter()
            .map(|account| shown(&AccountShown { now: status.now, account: account.clone() }, &jiff::tz::TimeZone::UTC))
            .collect();
        insta::assert_snapshot!(plain(&all));
    }

    #[test]
    fn each_change_names_the_command_that_takes_it_back() {
        let before = sample::status().accounts.remove(0);
        let mut renamed = before.clone();
        renamed.label = "my home".to_owned();
        let mut off = before.clone();
        off.state = State::Paused;
        let show = |before: &AccountView, after: &AccountView| {
            plain(&changed(&AccountChanged { before: before.clone(), account: after.clone(), notes: Vec::new() }))
        };
        insta::assert_snapshot!(
            [show(&before, &renamed), show(&before, &off), show(&off, &before), show(&before, &before)].join("\n")
        );
    }

    #[test]
    fn a_removal_says_who_has_lost_a_stand_in() {
        let before = sample::status().accounts.remove(0);
        let gone = AccountRemoved {
            before,
            removed_from_chains: vec!["work".to_owned(), "lab".to_owned()],
            removed_from_pools: vec!["spare".to_owned()],
            active: None,
        };
        insta::assert_snapshot!(plain(&removed(&gone)));
    }
}
