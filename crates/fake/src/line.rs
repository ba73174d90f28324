//! What an answer can do to the connection that it goes over.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::play::Cut;

/// What goes on over the connection when HTTP is done with it.
type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// See the module.
#[derive(Default)]
pub(crate) struct Line {
    /// Ends it with a reset.
    pub(crate) cut: Arc<Cut>,
    rest: Mutex<Option<Rest>>,
}

impl Line {
    /// Goes on with this after the upgrade, in the connection's own task.
    pub(crate) fn go_on(&self, rest: impl Future<Output = ()> + Send + 'static) {
        *self.rest.lock() = Some(Box::pin(rest));
    }

    pub(crate) fn take(&self) -> Option<Rest> {
        self.rest.lock().take()
    }
}
