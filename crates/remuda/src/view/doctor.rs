//! What `doctor` found.

use super::words::{GOOD, WARN, paint};
use crate::command::{Finding, Findings};

/// `remuda doctor`.
pub(crate) fn findings(all: &Findings) -> String {
    if all.findings.is_empty() {
        return format!("{} {} files and directories are readable by you alone.\n", paint(GOOD, "ok:"), all.checked);
    }
    let line = |finding: &Finding| {
        let (path, found, remedy) = (finding.path.display(), &finding.found, &finding.remedy);
        format!("{} {path} has permissions {found}\n  do: {remedy}\n", paint(WARN, "others can read:"))
    };
    all.findings.iter().map(line).collect()
}
