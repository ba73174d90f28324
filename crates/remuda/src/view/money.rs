//! Rules for metered accounts.

use remuda_control::types::{SpendChanged, SpendRuleView, SpendRules};

use super::table::Table;
use super::words::{STRONG, command, paint};
use super::{list, undo};

/// `remuda spend`.
pub(crate) fn spend_rules(all: &SpendRules) -> String {
    let mut text = String::new();
    if !all.rules.is_empty() {
        let mut table = Table::new(["ACCOUNT", "STANDS IN AFTER", "A DAY", "TODAY"]);
        for rule in &all.rules {
            table.row([rule.account.clone(), after(rule), usd(rule.daily_limit_usd), usd(rule.spent_today_usd)]);
        }
        text.push_str(&table.render());
    }
    if let Some(first) = all.without_rule.first() {
        let verb = if all.without_rule.len() == 1 { "is metered and has" } else { "are metered and have" };
        text.push_str(&format!(
            "{} {verb} no rule, so never stands in unless chosen: {}\n",
            list(&all.without_rule),
            command(["spend", first, "--daily", "5"])
        ));
    }
    if text.is_empty() {
        text.push_str("No account is metered: standing in costs nothing.\n");
    }
    text
}

/// After `remuda spend ACCOUNT …`.
pub(crate) fn spend(changed: &SpendChanged) -> String {
    let account = &changed.account;
    let mut text = match &changed.rule {
        Some(rule) => format!(
            "{} may stand in after {}, for at most {} a day.\n",
            paint(STRONG, account),
            after(rule),
            usd(rule.daily_limit_usd)
        ),
        None if changed.before.is_none() => return format!("{account} had no rule.\n"),
        None => format!("{account} never stands in.\n"),
    };
    match &changed.before {
        None => text.push_str(&undo(["spend", account, "--clear"])),
        Some(before) if changed.rule.as_ref() != Some(before) => {
            let daily = before.daily_limit_usd.to_string();
            let mut line = vec!["spend", account, "--daily", &daily];
            for class in &before.after {
                line.extend(["--after", class.as_str()]);
            }
            text.push_str(&undo(line));
        }
        Some(_) => {}
    }
    text
}

fn after(rule: &SpendRuleView) -> String {
    rule.after.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) fn usd(amount: f64) -> String {
    format!("{amount:.2} USD")
}

#[cfg(test)]
mod tests {
    use remuda_core::Class;

    use super::*;

    #[test]
    fn what_spend_says() {
        let rule = |daily: f64| SpendRuleView {
            account: "key".to_owned(),
            after: vec![Class::WindowExhausted, Class::Burst],
            daily_limit_usd: daily,
            spent_today_usd: 0.3,
        };
        let change = |before, rule| spend(&SpendChanged { account: "key".to_owned(), before, rule });
        let texts = [
            spend_rules(&SpendRules { rules: vec![rule(5.0)], without_rule: vec!["other".to_owned()] }),
            spend_rules(&SpendRules { rules: Vec::new(), without_rule: Vec::new() }),
            change(None, Some(rule(5.0))),
            change(Some(rule(2.5)), Some(rule(5.0))),
            change(Some(rule(2.5)), None),
            change(None, None),
        ];
        insta::assert_snapshot!(anstream::adapter::strip_str(&texts.join("\n")).to_string());
    }
}
