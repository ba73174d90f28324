//! The control API: everything a person can see or change, as verbs with one JSON form.
//!
//! [`verb`] is the table of verbs, [`types`] what goes in and out of them, [`Failure`] what can go wrong. A view (CLI,
//! terminal UI, dashboard) calls verbs and shows answers; it never reaches around them into the store or the gateway.

mod client;
mod failure;
mod nearest;
pub mod types;
pub mod verb;

pub use client::{Client, not_running};
pub use failure::{Code, Failure, FailureAnswer};
pub use nearest::nearest;
pub use verb::{VERSION, Verb, Versioned};
