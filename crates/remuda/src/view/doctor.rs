//! What `doctor` found.

use super::words::{GOOD, WARN, paint};
use crate::command::{Finding, Findings, Moved};

/// `remuda doctor`.
pub(crate) fn findings(all: &Findings) -> String {
    let mut text: String = all.quarantined.iter().map(moved).collect();
    if all.findings.is_empty() {
        let ok = paint(GOOD, "ok:");
        text.push_str(&format!("{ok} {} files and directories are readable by you alone.\n", all.checked));
    }
    let line = |finding: &Finding| {
        let (path, found, remedy) = (finding.path.display(), &finding.found, &finding.remedy);
        format!("{} {path} has permissions {found}\n  do: {remedy}\n", paint(WARN, "others can read:"))
    };
    text.extend(all.findings.iter().map(line));
    text
}

fn moved(file: &Moved) -> String {
    format!("{} {} is now {}\n", paint(WARN, "moved aside:"), file.from.display(), file.to.display())
}
