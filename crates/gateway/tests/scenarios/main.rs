//! The gateway as a whole, over real HTTP: real listener, real store in a temporary directory, the vendor in miniature
//! or a scripted socket as upstream.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod choice;
mod codex;
mod doors;
mod drain;
mod failover;
mod fidelity;
mod foreign_state;
mod isolation;
mod marks;
mod openai;
mod polls;
mod qwen;
mod routing_cases;
mod script;
mod socket;
mod storm;
mod switching;
mod waiting;
mod world;
