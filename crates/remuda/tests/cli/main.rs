//! The real binary as a person uses it: on a directory of its own, against the vendor in miniature.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a test"
)]

mod accounts;
#[cfg(target_os = "linux")]
mod agents;
#[cfg(target_os = "linux")]
mod canary;
mod choice;
mod cloudflare;
mod config;
mod daemon;
mod demo;
mod direct;
mod import;
mod login;
mod project;
mod quota;
mod relay;
mod run;
mod setup;
mod statusline;
mod terminal;
mod trial;
mod trouble;
mod watching;
