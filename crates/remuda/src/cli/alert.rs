//! `alerts`.

use clap::Subcommand;

/// What to do with alerts.
#[derive(Debug, Subcommand)]
pub(crate) enum AlertsCommand {
    /// List alerts that hold, and those of the last day
    List,
    /// Mark an alert as seen
    #[command(after_help = "\
Example:
  remuda alerts seen needs_login:019a9e12-4c21-7000-8000-000000000001")]
    Seen {
        /// Its id
        alert: String,
    },
}
