//! `remuda quota`, `minimum`, `killswitch`.

use std::collections::BTreeMap;

use remuda_control::Failure;
use remuda_control::types::{AccountRef, Accounts, Empty, FloorChange, QuotaRefresh};
use remuda_control::verb::{
    GetKillSwitch, GetMinimum, ListAccounts, RefreshQuota, SetKillSwitch, SetMinimum, ShowAccount,
};
use remuda_core::Window;

use super::{Context, OK};
use crate::cli::{KillSwitchArgs, MinimumArgs, QuotaArgs};
use crate::view;

pub(super) async fn quota(context: &Context, args: QuotaArgs) -> anyhow::Result<u8> {
    if args.refresh {
        let only = args.account.clone();
        let refreshed = context.ask::<RefreshQuota>(QuotaRefresh { account: args.account }).await?;
        context.out.answer(refreshed, |refreshed| view::quota_refreshed(refreshed, only.is_some()))?;
        return Ok(OK);
    }
    let accounts = match args.account {
        None => context.ask::<ListAccounts>(Empty {}).await?,
        Some(account) => {
            let shown = context.ask::<ShowAccount>(AccountRef { account }).await?;
            Accounts { now: shown.now, accounts: vec![shown.account] }
        }
    };
    context.out.answer(accounts, view::quota)?;
    Ok(OK)
}

pub(super) async fn minimum(context: &Context, args: MinimumArgs) -> anyhow::Result<u8> {
    let said = Said::of(args.words, args.account, &[])?;
    let unknown = args.unknown.map(Into::into);
    if said.is_nothing() && unknown.is_none() && !args.clear {
        return context.show::<GetMinimum>(Empty {}, view::minimums).await;
    }
    let change = FloorChange { account: said.account, clear: args.clear, set: said.set, unknown, enabled: None };
    context.show::<SetMinimum>(change, view::minimums_changed).await
}

pub(super) async fn kill_switch(context: &Context, args: KillSwitchArgs) -> anyhow::Result<u8> {
    let said = Said::of(args.words, args.account, &["on", "off", "show"])?;
    let enabled = match said.word.as_deref() {
        Some("on") => Some(true),
        Some("off") => Some(false),
        _ => None,
    };
    if said.is_nothing() && enabled.is_none() && !args.clear {
        return context.show::<GetKillSwitch>(Empty {}, view::kill_switch).await;
    }
    let change = FloorChange { account: said.account, clear: args.clear, set: said.set, unknown: None, enabled };
    context.show::<SetKillSwitch>(change, view::kill_switch_changed).await
}

/// What the words of a command say, in whatever order.
#[derive(Debug, Default, PartialEq)]
struct Said {
    word: Option<String>,
    account: Option<String>,
    set: BTreeMap<Window, Option<f64>>,
}

impl Said {
    /// `known`: words that are no labels here.
    fn of(words: Vec<String>, account: Option<String>, known: &[&str]) -> Result<Self, Failure> {
        let mut said = Self { account, ..Self::default() };
        for word in words {
            if known.contains(&word.as_str()) && said.word.is_none() {
                said.word = Some(word);
            } else if let Some((window, percent)) = word.rsplit_once('=') {
                let window = Window::try_from(window.to_owned()).map_err(|unknown| {
                    Failure::invalid(unknown.to_string()).remedy("for example: 5h=10, 7d=20, model:opus=15")
                })?;
                if said.set.insert(window.clone(), self::percent(percent)?).is_some() {
                    return Err(Failure::invalid(format!("{window} is named twice")).remedy("name each window once"));
                }
            } else if said.account.is_none() {
                said.account = Some(word);
            } else {
                return Err(Failure::invalid(format!("{word:?} is neither a window nor the only account named"))
                    .remedy("one account, then WINDOW=PERCENT: for example work 5h=10"));
            }
        }
        Ok(said)
    }

    fn is_nothing(&self) -> bool {
        self.account.is_none() && self.set.is_empty()
    }
}

/// `10`, `10%`, `12.5`; `off` is zero, `default` takes back what was said.
fn percent(text: &str) -> Result<Option<f64>, Failure> {
    match text {
        "default" => return Ok(None),
        "off" => return Ok(Some(0.0)),
        _ => {}
    }
    text.trim_end_matches('%').parse::<f64>().ok().filter(|percent| percent.is_finite()).map(Some).ok_or_else(|| {
        Failure::invalid(format!("{text:?} is no percentage")).remedy("a number from 0 to 100, or `default`: 5h=10")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Result<Said, Failure> {
        Said::of(words.iter().map(|word| (*word).to_owned()).collect(), None, &["on", "off", "show"])
    }

    #[test]
    fn words_are_understood_in_any_order() {
        let expected = Said {
            word: Some("on".to_owned()),
            account: Some("work".to_owned()),
            set: [
                (Window::FiveHour, Some(10.0)),
                (Window::SevenDay, None),
                (Window::Model("opus".to_owned()), Some(0.0)),
            ]
            .into(),
        };
        assert_eq!(said(&["on", "work", "5h=10%", "1w=default", "model:Opus=off"]).unwrap(), expected);
        assert_eq!(said(&["5h=10", "7d=default", "model:opus=0", "work", "on"]).unwrap(), expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_an_example() {
        for words in [&["work", "home"][..], &["5x=10"], &["5h=much"], &["5h=nan"], &["5h=1", "300m=2"], &["=5"]] {
            let refused = said(words).unwrap_err();
            assert!(refused.remedy.is_some(), "{words:?}");
        }
    }
}
