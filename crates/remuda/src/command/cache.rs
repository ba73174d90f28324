//! `remuda cache`.

use std::collections::BTreeMap;

use remuda_control::Failure;
use serde::Serialize;

use super::{Context, OK};
use crate::cli::{CacheArgs, HostArg};
use crate::config::{self, Cache, CacheMode, RelayHost};
use crate::view;

/// What holds, as `--json` shows it.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct CacheShown {
    /// Where nothing else is said.
    pub(crate) mode: CacheMode,
    /// By agent.
    pub(crate) hosts: BTreeMap<RelayHost, CacheMode>,
    /// By label of the account.
    pub(crate) accounts: BTreeMap<String, CacheMode>,
}

pub(super) fn cache(context: &Context, args: CacheArgs) -> anyhow::Result<u8> {
    let path = context.paths.config();
    if args.mode.is_some() || args.clear {
        context.paths.create()?;
        let known = config::load(&path)?.cache;
        let (key, value) = changed(known, args)?;
        match value {
            Some(value) => config::set(&path, key, &value)?,
            None => config::unset(&path, key)?,
        };
    } else if args.host.is_some() || args.account.is_some() {
        return Err(Failure::invalid("which mode?").remedy("off, explicit, automatic or hybrid; or --clear").into());
    }
    let Cache { mode, hosts, accounts } = config::load(&path)?.cache;
    context.out.answer(CacheShown { mode, hosts, accounts }, view::cache)?;
    Ok(OK)
}

/// The key to write and its value as TOML; `None`: the key goes.
fn changed(known: Cache, args: CacheArgs) -> Result<(&'static str, Option<String>), Failure> {
    let CacheArgs { mode, host, account, .. } = args;
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    let table = |entries: Vec<(String, CacheMode)>| {
        let parts: Vec<String> =
            entries.iter().map(|(name, mode)| format!("{} = {}", quoted(name), quoted(mode.as_str()))).collect();
        (!parts.is_empty()).then(|| format!("{{ {} }}", parts.join(", ")))
    };
    if let Some(label) = account {
        let mut accounts = known.accounts;
        match mode {
            Some(mode) => drop(accounts.insert(label, mode)),
            None if accounts.remove(&label).is_none() => {
                return Err(
                    Failure::invalid(format!("nothing is said of {label}")).remedy("`remuda cache` shows what holds")
                );
            }
            None => {}
        }
        return Ok(("cache.accounts", table(accounts.into_iter().collect())));
    }
    if let Some(host) = host {
        let mut hosts = known.hosts;
        let host = named(host)?;
        match mode {
            Some(mode) => drop(hosts.insert(host, mode)),
            None => drop(hosts.remove(&host)),
        }
        let entries = hosts.into_iter().map(|(host, mode)| (remuda_core::Host::from(host).as_str().to_owned(), mode));
        return Ok(("cache.hosts", table(entries.collect())));
    }
    Ok(("cache.mode", mode.map(|mode| quoted(mode.as_str()))))
}

fn named(host: HostArg) -> Result<RelayHost, Failure> {
    Ok(match host {
        HostArg::Claude => RelayHost::Claude,
        HostArg::Codex => RelayHost::Codex,
        HostArg::Pi => RelayHost::Pi,
        HostArg::OpenCode => RelayHost::OpenCode,
        HostArg::Qwen => RelayHost::Qwen,
        HostArg::Other => {
            return Err(Failure::invalid("other programs have no name to go by")
                .remedy("say it of an account, or of everything"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(mode: Option<CacheMode>, account: Option<&str>, host: Option<HostArg>) -> CacheArgs {
        CacheArgs { mode, host, account: account.map(str::to_owned), clear: mode.is_none() }
    }

    #[test]
    fn what_was_said_of_others_stays_and_labels_may_be_anything() {
        let known = Cache {
            accounts: BTreeMap::from([("my side.project \"x\"".to_owned(), CacheMode::Off)]),
            ..Cache::default()
        };
        let (key, value) = changed(known, args(Some(CacheMode::Hybrid), Some("work"), None)).unwrap();
        let written: toml::Table = toml::from_str(&format!("{} = {}", "accounts", value.unwrap())).unwrap();
        assert_eq!(key, "cache.accounts");
        assert_eq!(written["accounts"]["my side.project \"x\""].as_str(), Some("off"));
        assert_eq!(written["accounts"]["work"].as_str(), Some("hybrid"));
    }

    #[test]
    fn the_last_word_taken_back_leaves_no_empty_table() {
        let known = Cache { hosts: BTreeMap::from([(RelayHost::Pi, CacheMode::Hybrid)]), ..Cache::default() };
        assert_eq!(changed(known, args(None, None, Some(HostArg::Pi))).unwrap(), ("cache.hosts", None));
        let refused = changed(Cache::default(), args(None, Some("work"), None)).unwrap_err();
        assert_eq!(refused.message, "nothing is said of work");
    }
}
