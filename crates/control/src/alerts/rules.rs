//! What is worth an alert. Pure: the herd and the paces of sessions in, troubles out.

use remuda_core::snapshot::Snapshot;
use remuda_core::{AccountStatus, UnixSeconds, Window};

use super::pace::{Paces, Runaway};
use crate::types::AlertKind;

/// The numbers of the rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlertRules {
    /// A window that is used up to this share, in percent, is nearly spent.
    pub window_percent: f64,
    /// A metered account that has spent this share of its daily ceiling, in percent, is told of.
    pub spending_percent: f64,
    /// A session that uses more tokens within an hour runs away; all input counts, cached or not. 0: never.
    pub tokens_per_hour: u64,
    /// A session that sends requests of the very same size so many times in a row repeats itself. 0: never.
    pub repeats: u32,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self { window_percent: 90.0, spending_percent: 90.0, tokens_per_hour: 100_000_000, repeats: 20 }
    }
}

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trouble {
    /// The same trouble has the same id.
    pub(crate) id: String,
    pub(crate) kind: AlertKind,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) session: Option<String>,
}

/// Everything that is wrong now.
pub(crate) fn troubles(herd: &Snapshot, paces: &Paces, rules: &AlertRules, now: UnixSeconds) -> Vec<Trouble> {
    let mut all = Vec::new();
    for account in herd.order.iter().filter_map(|id| herd.accounts.get(id)) {
        let label = account.label.as_str();
        let of_account = |id: String, kind, message: String, remedy: Option<String>| Trouble {
            id,
            kind,
            message,
            remedy,
            account: Some(label.to_owned()),
            session: None,
        };
        match account.status {
            AccountStatus::NeedsLogin => all.push(of_account(
                format!("needs_login:{}", account.id),
                AlertKind::NeedsLogin,
                format!("{label} needs a login"),
                Some(format!("remuda login {} --label '{label}'", account.vendor)),
            )),
            AccountStatus::Ready => {}
            // Its owner knows, or can do nothing about it.
            AccountStatus::Disabled | AccountStatus::Paused => continue,
        }
        for (window, reading) in &account.readings {
            let over = reading.resets_at.is_some_and(|at| at <= now);
            if over || reading.used_percent < rules.window_percent {
                continue;
            }
            // The reset belongs to the id: a window that is spent again next week is told of again. To the hour, because
            // vendors state the same reset to the second now and to the minute then.
            let hour = reading.resets_at.map_or(0, |at| (at + 1800).div_euclid(3600));
            all.push(of_account(
                format!("window_low:{}:{}:{hour}", account.id, name(window)),
                AlertKind::WindowLow,
                format!("{label}: {:.0} % of the {} window are used", reading.used_percent, name(window)),
                Some("remuda next".to_owned()),
            ));
        }
        if let Some(rule) = herd.spend_rules.get(&account.id)
            && rule.daily_limit_usd > 0.0
            && rule.spent_today_usd >= rule.daily_limit_usd * rules.spending_percent / 100.0
        {
            all.push(of_account(
                format!("spending:{}:{}", account.id, now.div_euclid(86_400)),
                AlertKind::Spending,
                format!("{label} has spent {:.2} of {:.2} USD today", rule.spent_today_usd, rule.daily_limit_usd),
                Some(format!("remuda spend '{label}'")),
            ));
        }
    }
    all.extend(paces.runaways(rules, now).into_iter().map(runaway));
    all
}

fn runaway((session, how): (String, Runaway)) -> Trouble {
    let message = match how {
        Runaway::Fast { tokens } => format!("{session} has used {} million tokens within an hour", tokens / 1_000_000),
        Runaway::Repeats { times } => format!("{session} has sent the same request {times} times in a row"),
    };
    Trouble {
        id: format!("runaway:{session}"),
        kind: AlertKind::Runaway,
        message,
        remedy: Some(format!("remuda sessions stop '{session}'")),
        account: None,
        session: Some(session),
    }
}

fn name(window: &Window) -> String {
    serde_json::to_value(window).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
