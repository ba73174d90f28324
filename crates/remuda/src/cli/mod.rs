//! The command tree: names, options and help of every command. Parsing only; what commands do is in `command`.
//!
//! The names are stable (scripts use them). Help is written for a person who has never seen Remuda.

mod account;
mod alert;
mod cache;
mod choice;
mod config;
mod daemon;
mod fake;
mod help;
mod import;
mod limit;
mod quota;
mod relay;
mod request;
mod session;
mod setup;
mod statusline;
mod usage;

use clap::{Parser, Subcommand};

pub(crate) use account::{AccountsCommand, HostArg, KeyCommand, LoginArgs, VendorArg};
pub(crate) use alert::AlertsCommand;
pub(crate) use cache::CacheArgs;
pub(crate) use choice::{FallbackArgs, NextArgs, PoolCommand, ResetArgs, SpendArgs, UseArgs};
pub(crate) use config::ConfigCommand;
pub(crate) use daemon::{DashboardArgs, DoctorArgs, RunArgs, ServeArgs, StatusArgs};
pub(crate) use fake::{FakeAccountArg, FakeArgs, FakeKind};
pub(crate) use help::command;
pub(crate) use import::ImportArgs;
pub(crate) use limit::{HoldCommand, LimitArgs};
pub(crate) use quota::{KillSwitchArgs, MinimumArgs, QuotaArgs};
pub(crate) use relay::{
    CloudflareArgs, RelayCommand, RelayOnArgs, RelayRotateArgs, RelayServeArgs, RelaySetupArgs, RelayTeardownArgs,
    RelayTransportArg,
};
pub(crate) use request::{ExplainArgs, LogArgs};
pub(crate) use session::{LiveCommand, SessionsCommand};
pub(crate) use setup::{SetupArgs, UndoArgs};
pub(crate) use statusline::{DrawnBy, StatusLineArgs};
pub(crate) use usage::UsageArgs;

/// One local gateway for all your coding-agent accounts.
#[derive(Debug, Parser)]
#[command(
    name = "remuda",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Print the answer as JSON (one object with "version": 1; see docs/cli.md)
    #[arg(long, global = true, display_order = 1000)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// All commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Setup(SetupArgs),
    Undo(UndoArgs),
    Serve(ServeArgs),
    /// Stop the daemon after the requests under way
    #[command(after_help = "The daemon takes no new requests, finishes those under way (at most 30 s) and ends.")]
    Stop,
    Login(LoginArgs),
    Import(ImportArgs),
    /// List, show, rename, enable, disable or remove accounts
    #[command(args_conflicts_with_subcommands = true)]
    Accounts {
        #[command(subcommand)]
        command: Option<AccountsCommand>,
    },
    Use(UseArgs),
    Next(NextArgs),
    Fallback(FallbackArgs),
    /// Name sets of accounts
    #[command(args_conflicts_with_subcommands = true)]
    Pool {
        #[command(subcommand)]
        command: Option<PoolCommand>,
    },
    Spend(SpendArgs),
    Limit(LimitArgs),
    Cache(CacheArgs),
    /// List or cancel requests that wait for an account
    #[command(args_conflicts_with_subcommands = true)]
    Hold {
        #[command(subcommand)]
        command: Option<HoldCommand>,
    },
    Status(StatusArgs),
    #[command(name = "statusline")]
    StatusLine(StatusLineArgs),
    Quota(QuotaArgs),
    Minimum(MinimumArgs),
    #[command(name = "killswitch")]
    KillSwitch(KillSwitchArgs),
    Explain(ExplainArgs),
    Log(LogArgs),
    Usage(UsageArgs),
    /// List alerts
    #[command(args_conflicts_with_subcommands = true)]
    Alerts {
        #[command(subcommand)]
        command: Option<AlertsCommand>,
    },
    Dashboard(DashboardArgs),
    /// List requests under way, or stop one
    #[command(args_conflicts_with_subcommands = true)]
    Live {
        #[command(subcommand)]
        command: Option<LiveCommand>,
    },
    /// List conversations, stop one that runs away, let it go on
    #[command(args_conflicts_with_subcommands = true)]
    Sessions {
        #[command(subcommand)]
        command: Option<SessionsCommand>,
    },
    Reset(ResetArgs),
    /// Make, list or revoke client keys
    #[command(args_conflicts_with_subcommands = true)]
    Key {
        #[command(subcommand)]
        command: Option<KeyCommand>,
    },
    /// Send what changed, not the whole conversation: a relay for slow uplinks
    #[command(args_conflicts_with_subcommands = true)]
    Relay {
        #[command(subcommand)]
        command: Option<RelayCommand>,
    },
    /// Show, check or change config.toml
    #[command(args_conflicts_with_subcommands = true)]
    Config {
        #[command(subcommand)]
        command: Option<ConfigCommand>,
    },
    /// See it work, without any account.
    ///
    /// Three accounts at a vendor in miniature, a conversation through the real gateway, and one account that runs dry in
    /// the middle of it. Takes a few seconds, uses no account of yours, leaves nothing behind, and ends with 0 only if all
    /// that it claims has held.
    Demo,
    Fake(FakeArgs),
    Doctor(DoctorArgs),
    /// Print a completion script for your shell
    #[command(after_help = "\
Examples:
  remuda completions bash > ~/.local/share/bash-completion/completions/remuda
  remuda completions zsh  > ~/.zfunc/_remuda
  remuda completions fish > ~/.config/fish/completions/remuda.fish")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}
