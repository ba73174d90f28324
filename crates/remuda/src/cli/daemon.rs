//! `run`, `serve`, `status`, `doctor`.

use clap::{Args, ValueEnum};

/// Agents that `run` can start.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RunHost {
    /// Claude Code
    Claude,
    /// Codex CLI
    Codex,
    /// Pi
    Pi,
    /// OpenCode
    #[value(name = "opencode")]
    OpenCode,
    /// Qwen Code
    Qwen,
}

impl From<RunHost> for remuda_core::Host {
    fn from(host: RunHost) -> Self {
        match host {
            RunHost::Claude => Self::Claude,
            RunHost::Codex => Self::Codex,
            RunHost::Pi => Self::Pi,
            RunHost::OpenCode => Self::OpenCode,
            RunHost::Qwen => Self::Qwen,
        }
    }
}

/// Start an agent on the gateway.
///
/// Starts the daemon if it is not running, gives the agent a key of its own and the gateway's address for this one
/// process, and steps aside: input, output, signals and the exit code are the agent's. None of your agent's files is
/// touched.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda run claude
  remuda run claude --account work
  remuda run codex --account chatgpt -- exec 'why is the build red?'
  remuda run opencode
  remuda run claude --hold 5h

Which account serves: --account or --pool, else .remuda.toml here or above, else the active one (remuda use).")]
pub(crate) struct RunArgs {
    /// Which agent
    pub(crate) host: RunHost,
    /// This account serves it, whatever is active
    #[arg(long, value_name = "LABEL", conflicts_with = "pool")]
    pub(crate) account: Option<String>,
    /// This pool serves it, whatever is active
    #[arg(long, value_name = "POOL")]
    pub(crate) pool: Option<String>,
    /// Without the gateway: the agent's own login in the account's own profile (see docs/direct.md)
    #[arg(long, conflicts_with_all = ["pool", "hold"])]
    pub(crate) direct: bool,
    /// When nobody can serve, let it wait so long for the first who is back (30m, 5h), instead of failing
    #[arg(long, value_name = "TIME", value_parser = super::limit::seconds)]
    pub(crate) hold: Option<i64>,
    /// Arguments for the agent
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<std::ffi::OsString>,
}

/// Run the daemon in the foreground.
///
/// Listens on a Unix socket for commands and on a loopback address for agents. Only one daemon runs at a time; a
/// second start says which one does and ends well.
#[derive(Debug, Args)]
#[command(after_help = "\
Agents reach it at http://127.0.0.1:4747/anthropic with a client key (remuda key create).
Ctrl-C or SIGTERM ends it after the requests under way, at most 30 s later.")]
pub(crate) struct ServeArgs {
    /// Where agents reach it; loopback only [default: `listen` in config.toml, else 127.0.0.1:4747]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Started by another command: logs as the log file wants it, survives the terminal
    #[arg(long, hide = true)]
    pub(crate) background: bool,
}

/// Show accounts, what is left of them, and the daemon.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 all is well, 3 the active account needs a login, 4 the daemon is not running (the
accounts are shown all the same).")]
pub(crate) struct StatusArgs {
    /// Show it anew whenever something changes, until Ctrl-C
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// Chains, alerts, requests under way and the last ones, too
    #[arg(long, short, conflicts_with = "watch")]
    pub(crate) all: bool,
}

/// Open the dashboard in your browser.
///
/// The link opens once, within five minutes; the browser is let in for 30 days, or until the daemon ends.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda dashboard
  remuda dashboard --no-browser    print the link only")]
pub(crate) struct DashboardArgs {
    /// Print the link and open nothing
    #[arg(long)]
    pub(crate) no_browser: bool,
}

/// Check files and the store.
///
/// Secrets are readable by you alone: directories 0700, files 0600. Names every file for which that does not hold, with
/// the command that mends it, and reads the store from end to end if no daemon works on it.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Move a damaged store aside, so that a new one can begin. What is sound stays, nothing is deleted
    #[arg(long)]
    pub(crate) quarantine: bool,
}
