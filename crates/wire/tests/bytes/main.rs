//! What the gateway sees in bytes, against serde_json and naive readings of the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod anthropic;
mod decode;
mod identity;
mod json;
mod openai;
mod peek;
mod socket;
mod splice;
mod split;
mod sse;
mod state;
