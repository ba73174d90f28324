//! What `setup` and `undo` change, and what they did.

use super::notes;
use super::words::{BAD, DIM, GOOD, STRONG, command, paint};
use crate::command::SetUp;

/// What would change.
pub(crate) fn set_up(all: &SetUp) -> String {
    differences(all) + &notes(&all.notes)
}

/// After `remuda setup`.
pub(crate) fn set_up_done(all: &SetUp) -> String {
    let mut text = format!("{} uses the gateway from its next start.\n", paint(STRONG, all.name));
    for file in &all.files {
        if let Some(backup) = &file.backup {
            text.push_str(&format!("A copy of {} is in {}\n", file.path.display(), backup.display()));
        }
    }
    text.push_str(&format!("It needs the daemon: {} keeps one running.\n", command(["serve"])));
    text + &super::undo(["undo", all.host.as_str()])
}

/// After `remuda undo`.
pub(crate) fn undone(all: &SetUp) -> String {
    let mut text = differences(all) + &notes(&all.notes);
    if all.done {
        text.push_str(&format!(
            "{} is as it was, and its client key opens nothing any more.\n",
            paint(STRONG, all.name)
        ));
    }
    text
}

fn differences(all: &SetUp) -> String {
    let mut text = String::new();
    for file in all.files.iter().filter(|file| !file.diff.is_empty()) {
        text.push_str(&format!("{}\n", paint(STRONG, file.path.display())));
        for line in file.diff.lines() {
            let style = match line.as_bytes().first() {
                Some(b'+') => GOOD,
                Some(b'-') => BAD,
                _ => DIM,
            };
            text.push_str(&format!("  {}\n", paint(style, line)));
        }
    }
    text
}
