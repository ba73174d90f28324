//! Where log lines go: standard error, quiet unless asked. `REMUDA_LOG` takes `tracing` filters (`debug`,
//! `remuda_gateway=trace`).

use tracing_subscriber::EnvFilter;

/// Starts logging; `default` holds when `REMUDA_LOG` says nothing.
pub(crate) fn start(default: &str) {
    let filter = EnvFilter::try_from_env("REMUDA_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let set = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    debug_assert!(set.is_ok(), "logging is started once");
}
