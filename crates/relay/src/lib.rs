//! The relay: on a slow uplink the gateway sends only what changed of a body, and a relay that its user owns rebuilds
//! the exact bytes and calls the vendor.
//!
//! [`delta`] finds and applies the difference; [`exchange`] is the rule by which a relay takes a message or refuses it.
//! [`gate`] sees to it that no message reaches a vendor twice. All three are pure: no I/O, no clock, no randomness. What
//! travels is in [`record`], [`request`] and [`message`]; [`server`] is the
//! self-hosted relay and [`client`] the gateway's end. The protocol for all who
//! want to write another end of it is docs/relay-protocol.md.

pub mod client;
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
pub mod server;

pub use delta::Op;
pub use hash::BodyHash;
