//! The vendor in miniature, when it runs as a program.

use super::words::{DIM, GOOD, STRONG, paint};
use crate::command::FakeRuns;

/// `remuda fake`, when it is ready.
pub(crate) fn fake_runs(runs: &FakeRuns) -> String {
    let mut text =
        format!("{} {}; Ctrl-C ends it.\n\n", paint(GOOD, "The vendor in miniature is at"), paint(STRONG, &runs.url));
    text.push_str(&paint(DIM, "# for config.toml of a trial herd (REMUDA_HOME)"));
    text.push('\n');
    text.push_str(&runs.config);
    text.push('\n');
    for account in &runs.accounts {
        let option = if account.secret.starts_with("sk-ant-oat") { "--token-stdin" } else { "--key-stdin" };
        text.push_str(&format!(
            "echo {} | remuda login anthropic --label {} {option}\n",
            account.secret,
            super::quoted(&account.name)
        ));
    }
    text
}
