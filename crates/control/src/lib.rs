//! The control API: everything a person can see or change, as verbs with one JSON form.
//!
//! [`verb`] is the table of verbs, [`types`] what goes in and out of them, [`Failure`] what can go wrong, [`Api`] the
//! verbs themselves. A view (CLI, terminal UI, dashboard) calls verbs and shows answers; it never reaches around them
//! into the store or the gateway. It calls them through a [`Client`] of the daemon, or, when no daemon runs, directly.

mod alerts;
mod api;
mod browser;
mod client;
mod client_events;
mod dashboard;
mod health;
mod metrics;
mod nearest;
mod open;
mod openapi;
mod router;
mod serve;
mod stream;
pub mod verb;
mod watch;

pub use alerts::{AlertRules, Notify};
pub use api::{Api, Installation, LoginEngine, Running, Told, Watched, login_kind, stored};
pub use client::{Client, not_running};
pub use client_events::EventStream;
pub use nearest::nearest;
pub use remuda_api as types;
pub use router::Control;
pub use serve::Serve;
pub use types::{Code, Failure, FailureAnswer, VERSION, Versioned};
pub use verb::Verb;
