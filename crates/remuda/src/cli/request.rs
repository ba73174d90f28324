//! `explain` and `log`.

use clap::Args;

use super::account::HostArg;

/// Tell why a request went where it went.
///
/// Who was asked, who was passed over and why, what the vendor said, how long it waited, what was changed, what it
/// cost.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda explain                  the last request
  remuda explain 019a9e12-4c21    the request whose id begins so; `remuda log` lists them")]
pub(crate) struct ExplainArgs {
    /// `last`, or an id, or the beginning of one
    #[arg(default_value = "last")]
    pub(crate) request: String,
}

/// List requests.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda log --failed                      what went wrong
  remuda log --account work --since 2h     what work served in the last two hours
  remuda log --search overloaded           in ids, labels, models, paths and the vendors' words")]
pub(crate) struct LogArgs {
    /// Only what this account served
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Only this conversation: the agent's own session id, or the beginning of it
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only this model
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Only this agent
    #[arg(long, value_enum)]
    pub(crate) agent: Option<HostArg>,
    /// Only agents that work in this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) project: Option<String>,
    /// Only what was not served well
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only what is not older: 30m, 2h, 3d, 2w, or a date
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only records in which this text occurs
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Show new requests as they end, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Most requests to list
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}
