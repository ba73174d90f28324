//! `statusline`.

use clap::{Args, ValueEnum};

use crate::config::{Field, Share};

/// Print one line: who serves, what is left, when it starts anew.
///
/// For the status line of Claude Code (which tells its conversation on standard input), of tmux, or for a shell prompt.
/// Asks the daemon and waits at most a fraction of a second for it; never fails, whatever is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Claude Code    \"statusLine\": {\"type\": \"command\", \"command\": \"remuda statusline\"}
  tmux           set -g status-right '#(remuda statusline --for tmux)'
  bash           PS1='$(remuda statusline --for bash) \\$ '
  zsh            setopt prompt_subst; RPROMPT='$(remuda statusline --for zsh --fields account,5h)'
  fish           remuda statusline --for fish, in fish_right_prompt

`[statusline]` in config.toml says the same for good (see docs/configuration.md).")]
pub(crate) struct StatusLineArgs {
    /// Who draws the line
    #[arg(long = "for", value_enum, value_name = "WHO", default_value = "claude")]
    pub(crate) drawn_by: DrawnBy,
    /// What it shows, in this order: account, detour, 5h, 7d, reset [default: `statusline.fields` in config.toml, else all]
    #[arg(long, value_enum, value_name = "FIELDS", value_delimiter = ',', hide_possible_values = true)]
    pub(crate) fields: Option<Vec<Field>>,
    /// Shares that are left, or that are used [default: `statusline.show` in config.toml, else left]
    #[arg(long, value_enum, value_name = "SHARE")]
    pub(crate) show: Option<Share>,
    /// No colours (so does NO_COLOR)
    #[arg(long, visible_alias = "no-color")]
    pub(crate) no_colour: bool,
}

/// Programs that draw a line of ours. Each has its own way to say a colour, and none of them is a terminal to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DrawnBy {
    /// Claude Code's statusLine
    Claude,
    /// tmux's #(…)
    Tmux,
    /// PS1 of bash
    Bash,
    /// PROMPT of zsh, with prompt_subst
    Zsh,
    /// fish_prompt, starship, and whatever else takes ANSI colours
    Fish,
}
