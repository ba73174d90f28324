//! Routing as a specification: the acceptance cases, what goes beyond them, and properties of generated worlds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod cases;
mod herd;
mod hold;
mod homes;
mod limits;
mod money;
mod pools;
mod probes;
mod properties;
mod protocols;
mod rules;
mod simulation;
mod strategies;
mod subagents;
mod switching;
mod terms;
mod world;
