//! `usage`.

use clap::{Args, ValueEnum};
use remuda_control::types::{UsageBucket, UsageBy};

use super::account::HostArg;

/// Show what was used, and what it costs at list price.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda usage                              the last 30 days, day by day
  remuda usage --by account                 the same by account
  remuda usage --by model --since 7d        the last week by model
  remuda usage --bucket hour --since 1d     the last day by the hour
  remuda usage --by project --csv > usage.csv

Costs are list prices: what a subscription includes is worth that much, it is not paid. The price of an unknown model is
unknown and in no sum; such requests are counted.")]
pub(crate) struct UsageArgs {
    /// Split by this
    #[arg(long, value_enum)]
    pub(crate) by: Option<UsageByArg>,
    /// Length of one bucket of time; with --by and without this: the whole time at once
    #[arg(long, value_enum)]
    pub(crate) bucket: Option<UsageBucketArg>,
    /// From then on: 12h, 7d, 4w, or a date
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Before then
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only this account: label or id
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Only agents that work in this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) project: Option<String>,
    /// Only this model
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Only this agent
    #[arg(long, value_enum)]
    pub(crate) agent: Option<HostArg>,
    /// Comma-separated values with a head line, for spreadsheets
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// By what to split.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum UsageByArg {
    /// Who served
    Account,
    /// Working directory of the agent, known of those that `remuda run` starts
    Project,
    /// The model that was asked for
    Model,
    /// The agent program
    Agent,
}

impl From<UsageByArg> for UsageBy {
    fn from(arg: UsageByArg) -> Self {
        match arg {
            UsageByArg::Account => Self::Account,
            UsageByArg::Project => Self::Project,
            UsageByArg::Model => Self::Model,
            UsageByArg::Agent => Self::Agent,
        }
    }
}

/// Length of a bucket.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum UsageBucketArg {
    /// An hour
    Hour,
    /// A day of the calendar
    Day,
    /// A week from Monday
    Week,
    /// A month of the calendar
    Month,
}

impl From<UsageBucketArg> for UsageBucket {
    fn from(arg: UsageBucketArg) -> Self {
        match arg {
            UsageBucketArg::Hour => Self::Hour,
            UsageBucketArg::Day => Self::Day,
            UsageBucketArg::Week => Self::Week,
            UsageBucketArg::Month => Self::Month,
        }
    }
}
