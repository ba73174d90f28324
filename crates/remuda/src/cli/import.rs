//! `import`.

use clap::Args;

use super::account::HostArg;

/// Take over the logins that your agents and earlier multi-account tools keep on this machine.
///
/// Finds Claude Code, Codex, Pi, OpenCode and Qwen Code, and the files of multi-claude-code, codex-accounts, multi-auth,
/// anthropic-auth and provider-failover. Without --move the logins stay with their programs: Remuda reads them, watches
/// the files, and never refreshes or revokes anything; who logs out there leaves the rotation here within seconds and
/// comes back with the next login.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda import --dry-run            what is there, who it is, who refreshes it; changes nothing
  remuda import                      borrow everything
  remuda import --from codex         only what belongs to Codex
  remuda import --from pi --move     Remuda owns these logins from now on; they are taken out of Pi's files

Logins in the macOS keychain or a system keyring cannot be read: log in with remuda login.")]
pub(crate) struct ImportArgs {
    /// Only logins of this agent, and of tools that belong to it
    #[arg(long, value_name = "HOST")]
    pub(crate) from: Option<HostArg>,
    /// Remuda becomes the owner: it refreshes them, and takes them out of the programs' files
    #[arg(long = "move")]
    pub(crate) take: bool,
    /// Only show what is there
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Say that you have read the vendors' terms, where nobody can be asked
    #[arg(long)]
    pub(crate) accept_terms: bool,
    /// Do not ask before files are changed (--move)
    #[arg(long, short)]
    pub(crate) yes: bool,
}
