//! `[cache]`: what is done with Anthropic's prompt-cache marks.

use std::collections::BTreeMap;

use remuda_gateway::CacheModes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RelayHost;

/// Marks of the prompt cache. What is said of an account holds before what is said of an agent, and that before `mode`.
/// All of it holds at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cache {
    /// What holds where nothing else is said.
    pub(crate) mode: CacheMode,
    /// By agent.
    pub(crate) hosts: BTreeMap<RelayHost, CacheMode>,
    /// By label of the account.
    pub(crate) accounts: BTreeMap<String, CacheMode>,
}

/// What is done with the marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CacheMode {
    /// Nothing: they are the agent's own
    #[default]
    Off,
    /// The agent's own marks hold for an hour
    Explicit,
    /// One mark for the whole request, moved along by the vendor
    Automatic,
    /// Up to four one-hour marks where they pay
    Hybrid,
}

impl CacheMode {
    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        remuda_gateway::CacheMode::from(self).as_str()
    }
}

impl From<CacheMode> for remuda_gateway::CacheMode {
    fn from(mode: CacheMode) -> Self {
        match mode {
            CacheMode::Off => Self::Off,
            CacheMode::Explicit => Self::Explicit,
            CacheMode::Automatic => Self::Automatic,
            CacheMode::Hybrid => Self::Hybrid,
        }
    }
}

impl From<&Cache> for CacheModes {
    fn from(cache: &Cache) -> Self {
        Self {
            everywhere: cache.mode.into(),
            hosts: cache.hosts.iter().map(|(host, mode)| ((*host).into(), (*mode).into())).collect(),
            accounts: cache.accounts.iter().map(|(label, mode)| (label.clone(), (*mode).into())).collect(),
        }
    }
}
