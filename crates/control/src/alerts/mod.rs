//! Alerts: what its owner should know without looking. Rules are pure; the desk remembers what was raised, so that the same
//! trouble is told once.

mod desk;
mod pace;
mod rules;

pub(crate) use desk::AlertDesk;
pub(crate) use pace::Paces;
pub use rules::AlertRules;
pub(crate) use rules::{Trouble, troubles};

use std::pin::Pin;

use crate::types::AlertView;

/// Carries alerts out of the daemon: to the desktop, to a web hook.
pub trait Notify: Send + Sync + 'static {
    /// Tells of an alert that was raised, or that is over. Failing to is logged by whoever fails.
    fn tell<'a>(&'a self, alert: &'a AlertView) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}
