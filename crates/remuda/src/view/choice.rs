//! The active account, chains, pools, resets.

use remuda_control::types::{
    AccountView, ActiveChanged, ChainChanged, Chains, PoolChanged, Pools, ResetDone, ResetWhat, SwitchPrice,
};

use remuda_core::snapshot::Strategy;

use super::table::Table;
use super::words::{DIM, STRONG, command, paint};
use super::{list, notes, undo};

/// After `use` and `next`.
pub(crate) fn active(changed: &ActiveChanged) -> String {
    let target = paint(STRONG, &changed.target);
    let same = changed.before.as_deref() == Some(&changed.target);
    let mut text = match (&changed.session, same) {
        (None, false) => format!("Requests now go to {target}.\n"),
        (None, true) => format!("Requests go to {target} already.\n"),
        (Some(session), false) => format!("Requests of session {session} now go to {target}.\n"),
        (Some(session), true) => format!("Requests of session {session} go to {target} already.\n"),
    };
    if let Some(price) = &changed.switch {
        text.push_str(&format!("{}.\n", super::note(&switch_price(price, true))));
    }
    text.push_str(&notes(&changed.notes));
    match (changed.before.as_deref(), &changed.session) {
        _ if same => {}
        (Some(before), None) => text.push_str(&undo(["use", before])),
        (Some(before), Some(session)) => text.push_str(&undo(["use", before, "--session", session])),
        (None, Some(_)) => {
            text.push_str(&format!("{} (lets every pinned session go)\n", undo(["reset", "pins"]).trim_end()))
        }
        (None, None) => {}
    }
    text
}

/// After `use --project`.
pub(crate) fn project(path: &std::path::Path, target: &str, before: Option<&str>) -> String {
    let mut text = format!("Agents started here and below go to {} ({}).\n", paint(STRONG, target), path.display());
    match before {
        Some(before) if before != target => text.push_str(&undo(["use", before, "--project"])),
        Some(_) => {}
        None => text.push_str(&format!("{} rm {}\n", paint(DIM, "Undo:"), super::quoted(&path.display().to_string()))),
    }
    text
}

/// `remuda fallback`.
pub(crate) fn chains(all: &Chains) -> String {
    if all.chains.is_empty() {
        return format!(
            "No account has a stand-in: each stands alone.\n\n  {}  personal stands in for work\n",
            command(["fallback", "work", "personal"])
        );
    }
    let mut table = Table::new(["WHEN", "", "STANDS IN, IN ORDER"]);
    for chain in &all.chains {
        table.row([chain.source.clone(), paint(DIM, "cannot serve →"), chain.targets.join(", ")]);
    }
    table.render()
}

/// What it costs that conversations leave their prompt caches.
pub(crate) fn switch_price(price: &SwitchPrice, will: bool) -> String {
    let SwitchPrice { sessions, tokens, usd } = price;
    let who = if *sessions == 1 { "one conversation".to_owned() } else { format!("{sessions} conversations") };
    let (verb, when) = if will { ("writes", "with its next request") } else { ("would write", "on another account") };
    let verb = if *sessions > 1 { verb.trim_end_matches('s') } else { verb };
    let when = if *sessions > 1 { when.replace("its next request", "their next requests") } else { when.to_owned() };
    let cost = match usd {
        Some(usd) => format!("{usd:.2} USD at list price"),
        None => "the price is not known".to_owned(),
    };
    let thousand = tokens.div_ceil(1_000);
    format!("{who} {verb} about {thousand}k tokens of prompt cache anew {when} ({cost})")
}

/// The question before a chain is cleared.
pub(crate) fn before_clearing(source: &AccountView) -> String {
    let verb = if source.chain.len() == 1 { "stands" } else { "stand" };
    format!("{} {verb} in for {} now. Shall it stand alone?", list(&source.chain), paint(STRONG, &source.label))
}

/// After `remuda fallback SOURCE …`.
pub(crate) fn chain(changed: &ChainChanged) -> String {
    let source = &changed.source;
    let mut text = match changed.targets.as_slice() {
        _ if changed.targets == changed.before && changed.targets.is_empty() => {
            return format!("{source} stands alone already.\n");
        }
        [] => format!("{source} stands alone now.\n"),
        targets => {
            format!("When {source} cannot serve, its requests go to {}.\n", paint(STRONG, targets.join(", then ")))
        }
    };
    text.push_str(&notes(&changed.notes));
    if changed.before.is_empty() {
        text.push_str(&undo(["fallback", source, "--clear"]));
    } else if changed.before != changed.targets {
        let before = changed.before.iter().map(String::as_str);
        text.push_str(&undo(["fallback", source].into_iter().chain(before)));
    }
    text
}

/// `remuda pool`.
pub(crate) fn pools(all: &Pools) -> String {
    if all.pools.is_empty() {
        return format!(
            "No pools yet. A pool names several accounts as one.\n\n  {}\n",
            command(["pool", "create", "spare", "personal", "side-project"])
        );
    }
    let mut table = Table::new(["", "POOL", "STRATEGY", "MEMBERS, IN ORDER", "STANDS IN FOR"]);
    for pool in &all.pools {
        table.row([
            super::status::marker(pool.active),
            format!("@{}", pool.name),
            pool.strategy.as_str().to_owned(),
            pool.members.join(", "),
            pool.on_chains_of.join(", "),
        ]);
    }
    table.render()
}

/// After `pool create` and `pool edit`.
pub(crate) fn pool(changed: &PoolChanged) -> String {
    let Some(pool) = &changed.pool else { return pool_removed(changed) };
    let members = if pool.members.is_empty() { "nobody yet".to_owned() } else { pool.members.join(", ") };
    let mut text = format!("@{} holds {}. {}\n", pool.name, paint(STRONG, members), places(pool.strategy));
    text.push_str(&notes(&changed.notes));
    match &changed.before {
        None => text.push_str(&undo(["pool", "remove", &pool.name])),
        Some(before) if before != pool => {
            let members = before.members.iter().map(String::as_str).filter(|_| before.members != pool.members);
            let strategy =
                ["--strategy", before.strategy.as_str()].into_iter().filter(|_| before.strategy != pool.strategy);
            text.push_str(&undo(["pool", "edit", &pool.name].into_iter().chain(members).chain(strategy)));
        }
        Some(_) => {}
    }
    text
}

fn places(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Ordered => "A new conversation begins on the first that can serve.",
        Strategy::Headroom => "A new conversation begins where most is left.",
        Strategy::SoonestReset => "A new conversation begins where the week ends first.",
        Strategy::Balanced => "A new conversation begins where most can be spent until the reset.",
        Strategy::RoundRobin => "New conversations begin on each in turn.",
    }
}

/// After `pool remove`.
pub(crate) fn pool_removed(changed: &PoolChanged) -> String {
    let Some(before) = &changed.before else { return String::new() };
    let mut text = format!("@{} is gone; its accounts stay.\n", before.name);
    if !before.on_chains_of.is_empty() {
        text.push_str(&format!("It no longer stands in for {}.\n", list(&before.on_chains_of)));
    }
    text.push_str(&notes(&changed.notes));
    let members = before.members.iter().map(String::as_str);
    let strategy =
        ["--strategy", before.strategy.as_str()].into_iter().filter(|_| before.strategy != Strategy::default());
    text + &undo(["pool", "create", &before.name].into_iter().chain(members).chain(strategy))
}

/// After `reset`.
pub(crate) fn reset(done: &ResetDone) -> String {
    let mut text = String::new();
    if done.what != ResetWhat::Pins {
        text.push_str(&match done.accounts.as_slice() {
            [] => "No account was resting.\n".to_owned(),
            accounts => format!("{} may be asked again at once.\n", list(accounts)),
        });
    }
    if done.what != ResetWhat::Cooldowns {
        text.push_str(&match done.sessions {
            0 => "No session had a pin or a home.\n".to_owned(),
            1 => "One session is placed anew with its next request.\n".to_owned(),
            n => format!("{n} sessions are placed anew with their next requests.\n"),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use remuda_control::types::{ChainView, PoolView};

    fn plain(texts: &[String]) -> String {
        anstream::adapter::strip_str(&texts.join("\n")).to_string()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_switch_costs() {
        let price = |sessions, usd| SwitchPrice { sessions, tokens: 179_500, usd };
        assert_eq!(
            switch_price(&price(1, Some(1.126)), true),
            "one conversation writes about 180k tokens of prompt cache anew with its next request (1.13 USD at list price)"
        );
        assert_eq!(
            switch_price(&price(3, None), false),
            "3 conversations would write about 180k tokens of prompt cache anew on another account (the price is not known)"
        );
        assert_eq!(
            switch_price(&price(3, Some(0.5)), true),
            "3 conversations write about 180k tokens of prompt cache anew with their next requests (0.50 USD at list price)"
        );
    }

    #[test]
    fn what_use_says() {
        let change = |before: Option<&str>, session: Option<&str>, notes: &[&str]| {
            active(&ActiveChanged {
                target: "work".to_owned(),
                before: before.map(str::to_owned),
                session: session.map(str::to_owned),
                switch: None,
                notes: names(notes),
            })
        };
        insta::assert_snapshot!(plain(&[
            change(Some("my home"), None, &[]),
            change(Some("work"), None, &[]),
            change(None, None, &["work is metered: requests on it cost money"]),
            change(Some("@spare"), Some("3431a7ea"), &[]),
            change(None, Some("3431a7ea"), &[]),
        ]));
    }

    #[test]
    fn what_fallback_says() {
        let change = |targets: &[&str], before: &[&str]| {
            chain(&ChainChanged {
                source: "work".to_owned(),
                targets: names(targets),
                before: names(before),
                notes: Vec::new(),
            })
        };
        let all = Chains {
            chains: vec![
                ChainView { source: "work".to_owned(), targets: names(&["personal", "@spare"]) },
                ChainView { source: "side project".to_owned(), targets: names(&["work"]) },
            ],
        };
        insta::assert_snapshot!(plain(&[
            chains(&all),
            chains(&Chains { chains: Vec::new() }),
            change(&["personal", "@spare"], &[]),
            change(&["personal"], &["side project", "@spare"]),
            change(&[], &["personal"]),
            change(&[], &[]),
        ]));
    }

    #[test]
    fn what_pool_says() {
        let view = |members: &[&str]| PoolView {
            name: "spare".to_owned(),
            strategy: Strategy::Ordered,
            members: names(members),
            on_chains_of: names(&["work"]),
            active: true,
        };
        let change = |before: Option<PoolView>, pool: Option<PoolView>| PoolChanged { before, pool, notes: Vec::new() };
        insta::assert_snapshot!(plain(&[
            pools(&Pools { pools: vec![view(&["personal", "lab"])] }),
            pools(&Pools { pools: Vec::new() }),
            pool(&change(None, Some(view(&["personal"])))),
            pool(&change(Some(view(&["personal", "lab"])), Some(view(&["lab"])))),
            pool(&change(Some(view(&["personal"])), None)),
        ]));
    }

    #[test]
    fn what_reset_says() {
        let done = |what, accounts: &[&str], sessions| reset(&ResetDone { what, accounts: names(accounts), sessions });
        insta::assert_snapshot!(plain(&[
            done(ResetWhat::Cooldowns, &["work", "lab", "home"], 0),
            done(ResetWhat::Pins, &[], 1),
            done(ResetWhat::All, &[], 0),
        ]));
    }
}
