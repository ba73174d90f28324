//! `explain` and `log`.

use clap::Args;

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
pub(crate) struct LogArgs {
    /// Show new requests as they end, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Most requests to list
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}
