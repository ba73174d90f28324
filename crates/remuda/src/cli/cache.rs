//! `cache`.

use clap::Args;

use super::HostArg;
use crate::config::CacheMode;

/// Say what is done with Anthropic's prompt-cache marks.
///
/// An agent marks where the vendor may keep the beginning of a conversation; Remuda leaves these marks alone unless you
/// say otherwise. Only the marks change: every other byte is the agent's own, and each request's decision record says what
/// was done. Subagents keep five minutes. One hour costs twice the input price to write, five minutes one and a quarter;
/// reading costs a tenth. Without MODE it shows what holds.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda cache                            what holds
  remuda cache hybrid                     for everything that says nothing else
  remuda cache explicit --host opencode   the agent's own marks, kept for an hour
  remuda cache hybrid --account work
  remuda cache --clear --account work     work says nothing of its own any more
  remuda cache off")]
pub(crate) struct CacheArgs {
    /// What is done with the marks
    #[arg(value_enum, conflicts_with = "clear")]
    pub(crate) mode: Option<CacheMode>,
    /// Only for requests of this agent
    #[arg(long, value_enum, conflicts_with = "account")]
    pub(crate) host: Option<HostArg>,
    /// Only for requests on this account
    #[arg(long, value_name = "LABEL")]
    pub(crate) account: Option<String>,
    /// Take back what was said
    #[arg(long)]
    pub(crate) clear: bool,
}
