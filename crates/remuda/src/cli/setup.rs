//! `setup`, `undo`.

use clap::Args;

use super::daemon::RunHost;

/// Set an agent up for good.
///
/// Writes the gateway's address and a client key of its own into the agent's settings, so that it uses the gateway however
/// it is started. Shows the difference first. Comments, order and permissions of the file stay; a copy is kept; `remuda
/// undo` takes it back. Where you start the agent yourself anyway, `remuda run` does the same without touching a file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda setup claude --dry-run
  remuda setup opencode")]
pub(crate) struct SetupArgs {
    /// Which agent
    pub(crate) host: RunHost,
    /// Only show what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Take back what `setup` did.
///
/// A file that is as `setup` left it becomes what it was, byte for byte. Of a file that was changed since, only the values
/// of `setup` are taken out, and only where they still are as it wrote them. The client key opens nothing any more.
#[derive(Debug, Args)]
#[command(after_help = "Example: remuda undo claude --dry-run")]
pub(crate) struct UndoArgs {
    /// Which agent
    pub(crate) host: RunHost,
    /// Only show what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}
