//! The relay: on a slow uplink the gateway sends only what changed of a body, and a relay that its user owns rebuilds
//! the exact bytes and calls the vendor.
//!
//! [`delta`] finds and applies the difference; [`exchange`] is the rule by which a relay takes a message or refuses it.
//! Both are pure: no I/O, no clock, no randomness.

pub mod code;
pub mod coding;
pub mod delta;
pub mod exchange;
pub mod gate;
pub mod hash;
pub mod message;
pub mod record;
pub mod request;
pub mod script;

pub use delta::Op;
pub use hash::BodyHash;
