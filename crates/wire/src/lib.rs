//! Bytes without copies: what the gateway must see in a body or a stream, and change in it, without parsing the rest.
//!
//! Pure functions and small state machines fed with the frames as they come. Used by the gateway's data plane only.

pub mod anthropic;
pub mod cache;
pub mod decode;
mod document;
pub mod identity;
mod members;
pub mod openai;
pub mod opening;
pub mod peek;
pub mod socket;
pub mod splice;
pub mod sse;
pub mod state;
