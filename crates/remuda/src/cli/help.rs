//! The first help page: commands in groups, in the order in which a newcomer needs them.

use clap::{Command, CommandFactory};

use super::Cli;

/// Groups of the first help page. Every visible command is in exactly one of them (see the test).
const GROUPS: &[(&str, &[&str])] = &[
    ("Work", &["run", "status", "quota", "use", "next", "setup", "undo", "dashboard", "statusline"]),
    (
        "Accounts",
        &[
            "login",
            "import",
            "accounts",
            "fallback",
            "pool",
            "spend",
            "limit",
            "cache",
            "hold",
            "minimum",
            "killswitch",
        ],
    ),
    ("What happened", &["explain", "log", "usage", "live", "sessions", "reset", "alerts"]),
    ("The daemon", &["serve", "stop", "key", "config", "relay", "doctor"]),
    ("More", &["demo", "fake", "completions"]),
];

const TEMPLATE: &str = "{about}\n\n{usage-heading} {usage}\n{before-help}Options:\n{options}{after-help}";

/// The whole command tree, with the grouped first page.
pub(crate) fn command() -> Command {
    let tree = Cli::command();
    let groups = groups(&tree);
    tree.before_help(groups).help_template(TEMPLATE).after_help(
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a login is needed, 4 the daemon is not running.\n\
         Begin with `remuda login anthropic`, then `remuda run claude`.\n\
         Help on a command: `remuda use --help`.",
    )
}

fn groups(tree: &Command) -> String {
    let heading = anstyle::Style::new().bold().underline();
    let name_style = anstyle::Style::new().bold();
    let mut text = String::new();
    for (title, names) in GROUPS {
        text.push_str(&format!("\n{heading}{title}:{heading:#}\n"));
        for name in *names {
            let about = tree.find_subcommand(name).and_then(Command::get_about).map(ToString::to_string);
            text.push_str(&format!("  {name_style}{name:<12}{name_style:#} {}\n", about.unwrap_or_default()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_stands_in_one_group() {
        let tree = Cli::command();
        let mut there: Vec<&str> = tree.get_subcommands().filter(|c| !c.is_hide_set()).map(Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        there.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, there);
    }

    /// Every page of help, as a person reads it at 100 columns.
    #[test]
    fn help_of_every_command() {
        let mut pages = String::new();
        let mut tree = command().term_width(100);
        tree.build();
        collect(&mut tree, &mut pages);
        insta::assert_snapshot!(pages);
    }

    fn collect(command: &mut Command, pages: &mut String) {
        let title = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        pages.push_str(&format!("──── {title} ────\n{}\n", command.render_long_help()));
        for sub in command.get_subcommands_mut() {
            collect(sub, pages);
        }
    }
}
