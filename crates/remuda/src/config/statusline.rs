//! `[statusline]`: what `remuda statusline` shows. Read by that command alone, each time.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One line for Claude Code, tmux and prompts. Options of the command go before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StatusLine {
    /// What it shows, in this order.
    pub(crate) fields: Vec<Field>,
    /// Shares that are left, or that are used.
    pub(crate) show: Share,
}

/// A part of the line. One that has nothing to tell is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Field {
    /// Who serves, and whether it can.
    Account,
    /// For whom it stands in.
    Detour,
    /// The five-hour window.
    #[serde(rename = "5h")]
    #[value(name = "5h")]
    FiveHour,
    /// The seven-day window.
    #[serde(rename = "7d")]
    #[value(name = "7d")]
    SevenDay,
    /// Time until the window that gives out first starts anew, or until the account is back.
    Reset,
}

/// Which share of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Share {
    /// What is left.
    #[default]
    Left,
    /// What is used.
    Used,
}

impl Default for StatusLine {
    fn default() -> Self {
        Self {
            fields: vec![Field::Account, Field::Detour, Field::FiveHour, Field::SevenDay, Field::Reset],
            show: Share::default(),
        }
    }
}
