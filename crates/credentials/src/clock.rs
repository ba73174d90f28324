//! Time as an effect, so that tests run on simulated time. Used by the keeper and the login engine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use remuda_core::UnixSeconds;

/// Where the time comes from.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Now, in whole seconds since 1970 (rounded down).
    fn now(&self) -> UnixSeconds;

    /// Returns after this long on this clock.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> UnixSeconds {
        // A clock before 1970 counts as 1970: every token then looks valid and the vendor decides.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
