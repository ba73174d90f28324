//! The vendor in miniature, over real HTTP: what it promises to those who test against it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod cache;
mod client;
mod codex;
mod control;
mod faults;
mod messages;
mod oauth;
mod openai;
mod openai_auth;
mod quota;
mod qwen;
mod sharing;
mod socket;
mod strict;
mod watch;
