//! The relay and its client on real sockets, with a vendor that remembers and a network that breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod answers;
mod bounds;
mod breaks;
mod saving;
mod vendor;
mod worker;
mod world;
