//! The client against real TCP servers on loopback, scripted byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod answers;
mod deadlines;
mod early;
mod flow;
mod heads;
mod keeping;
mod origins;
mod scripted;
mod secure;
mod upgrades;
mod uploads;
