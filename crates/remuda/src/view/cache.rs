//! Cache modes, as a person reads them.

use super::words::{STRONG, command, paint};
use crate::command::CacheShown;
use crate::config::CacheMode;

/// After `cache`.
pub(crate) fn cache(shown: &CacheShown) -> String {
    let mut text = format!("Prompt-cache marks: {} ({})\n", paint(STRONG, shown.mode.as_str()), means(shown.mode));
    for (host, mode) in &shown.hosts {
        let host = remuda_core::Host::from(*host).as_str();
        text.push_str(&format!("  requests of {host}: {} ({})\n", paint(STRONG, mode.as_str()), means(*mode)));
    }
    for (label, mode) in &shown.accounts {
        text.push_str(&format!("  on {label}: {} ({})\n", paint(STRONG, mode.as_str()), means(*mode)));
    }
    if shown.mode == CacheMode::Off && shown.hosts.is_empty() && shown.accounts.is_empty() {
        text.push_str(&format!(
            "{} keeps long conversations for an hour between turns; see docs/cache.md\n",
            command(["cache", "hybrid"])
        ));
    }
    text
}

fn means(mode: CacheMode) -> &'static str {
    match mode {
        CacheMode::Off => "as the agent sets them",
        CacheMode::Explicit => "the agent's own, for an hour",
        CacheMode::Automatic => "one for the whole request, for an hour",
        CacheMode::Hybrid => "up to four where they pay, for an hour",
    }
}
