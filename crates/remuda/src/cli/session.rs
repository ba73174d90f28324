//! `sessions` and `live`.

use clap::{Args, Subcommand};

/// What to do with conversations.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List conversations, the one seen last first
    List(SessionsListArgs),
    /// Stop a conversation: cut what is under way, serve nothing more of it
    #[command(after_help = "\
Example:
  remuda sessions stop 7f3c --why 'reads the same file for ever'

It stays stopped, also over restarts, until `remuda sessions resume`.")]
    Stop {
        /// The agent's own session id, or the beginning of it
        session: String,
        /// The reason, for those who wonder later
        #[arg(long)]
        why: Option<String>,
    },
    /// Let a stopped conversation go on
    #[command(after_help = "\
Example:
  remuda sessions resume 7f3c")]
    Resume {
        /// The agent's own session id, or the beginning of it
        session: String,
    },
}

/// How many to list.
#[derive(Debug, Args)]
pub(crate) struct SessionsListArgs {
    /// Most conversations to list
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

/// What to do with requests under way.
#[derive(Debug, Subcommand)]
pub(crate) enum LiveCommand {
    /// List requests under way
    List,
    /// Stop a request under way
    #[command(after_help = "\
Example:
  remuda live stop 019a9e12-4c21    its id, or the beginning of it

Its agent sees an error, or a stream that is cut, and may try again: `remuda sessions stop` stops the conversation.")]
    Stop {
        /// Its id, or the beginning of it
        request: String,
    },
}
