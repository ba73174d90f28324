//! What `doctor` found.

use super::notes;
use super::words::{DIM, GOOD, STRONG, WARN, paint};
use crate::command::Examined;

/// `remuda doctor`.
pub(crate) fn examined(all: &Examined) -> String {
    let mut text = String::new();
    for file in &all.quarantined {
        text.push_str(&format!("{} is now {}\n", file.from.display(), file.to.display()));
    }
    for finding in &all.findings {
        let (problem, remedy) = (&finding.problem, &finding.remedy);
        text.push_str(&format!("{} {problem}\n  {} {remedy}\n", paint(WARN, "found:"), paint(STRONG, "do:")));
    }
    if all.findings.is_empty() {
        let checked = all.checked;
        text.push_str(&format!("{} {checked} files and directories are readable by you alone\n", paint(GOOD, "ok:")));
    }
    if let Some(store) = &all.store {
        text.push_str(&format!("{} {} is sound; its key is in {}\n", paint(GOOD, "ok:"), store.place, store.key_place));
    }
    for agent in &all.agents {
        let program = paint(DIM, agent.program.display());
        text.push_str(&format!("\n{} {program}\nOn the gateway it has less of:\n", paint(STRONG, agent.name)));
        for cost in agent.costs {
            text.push_str(&format!("  {}: {}\n", cost.feature, cost.effect));
            if let Some(remedy) = cost.remedy {
                text.push_str(&format!("    {} {remedy}\n", paint(DIM, "instead:")));
            }
        }
    }
    text + &notes(&all.notes)
}
