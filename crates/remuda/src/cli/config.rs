//! `config`.

use clap::Subcommand;

/// `remuda config …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the file, or every key that holds (the default)
    Show {
        /// Every key, its value, and where the value comes from
        #[arg(long)]
        effective: bool,
    },
    /// Say whether the file is good, without changing anything
    #[command(after_help = "Exit codes: 0 it is good, 2 it is refused (line, reason, and what was probably meant).")]
    Check,
    /// Open the file in your editor; it is taken over only if it is good
    #[command(after_help = "The editor is the one that VISUAL or EDITOR names, else vi.")]
    Edit,
    /// Set one key; comments and everything else in the file stay
    #[command(after_help = "\
Examples:
  remuda config set quota.poll_every_s 600
  remuda config set hosts '[\"herd.lan\"]'")]
    Set {
        /// Its dotted name
        key: String,
        /// TOML, or else a plain text
        value: String,
    },
    /// Let a key have its default again
    Unset {
        /// Its dotted name
        key: String,
    },
    /// Print the JSON Schema of the file, for editors
    #[command(after_help = "\
Example (with the first line your editor completes and checks as you type):
  remuda config schema > ~/.config/remuda/schema.json
  # first line of config.toml:
  #:schema ./schema.json")]
    Schema,
}
