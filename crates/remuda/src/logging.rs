//! Where log lines go: standard error, quiet unless asked. `REMUDA_LOG` takes a level or levels by target (`debug`,
//! `remuda_gateway=trace`).

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging; `default` holds when `REMUDA_LOG` says nothing.
pub(crate) fn start(default: &str) {
    let asked = std::env::var("REMUDA_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = asked.or_else(|| default.parse().ok()).unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr);
    let set = tracing_subscriber::registry().with(lines).with(filter).try_init();
    debug_assert!(set.is_ok(), "logging is started once");
}
