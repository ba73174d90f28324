//! The deadline of the stage an exchange is in. One timer per connection, reused by all its requests: moving the
//! deadline later costs a clock reading, because the timer is only corrected when it fires.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

pub(crate) struct Watch {
    sleep: Pin<Box<Sleep>>,
    due: Instant,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let due = Instant::now();
        Self { sleep: Box::pin(tokio::time::sleep_until(due)), due }
    }

    /// The stage may last `after` from now.
    pub(crate) fn arm(&mut self, after: Duration) {
        self.due = Instant::now() + after;
        if self.due < self.sleep.deadline() {
            self.sleep.as_mut().reset(self.due);
        }
    }

    /// Ready when the deadline has passed.
    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if Instant::now() >= self.due {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(self.due);
        }
    }
}
