//! The clock of the demo's daemon: the machine's, put forward when the story leaps.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use remuda_core::UnixSeconds;
use remuda_credentials::{Clock, SystemClock};

/// The machine's clock and this many seconds.
#[derive(Debug, Default)]
pub(crate) struct Ahead(AtomicI64);

impl Ahead {
    /// Puts it forward.
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> UnixSeconds {
        SystemClock.now().saturating_add(self.0.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}
