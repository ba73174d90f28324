//! What each vendor says on the wire, as data: verdicts, quota, login, refresh, terms, error shapes.
//!
//! Pure: no I/O, no clock, no randomness. The gateway asks it what an answer means and what windows it reports; the
//! credentials crate asks it what to send to a token endpoint and how to read what comes back; the command line asks
//! it for terms and identities. Time and random values come from the caller.
//!
//! Vendor knowledge lives in one table per vendor (`anthropic/refusals.rs`, `openai/refusals.rs`,
//! `qwen/refusals.rs`), read by small shared code. What is unknown is neutral: passed on, nobody blamed.

mod addresses;
pub mod anthropic;
pub mod call;
pub mod classify;
pub mod client_error;
pub mod compatible;
pub mod endpoint;
pub mod identity;
mod jwt;
pub mod login;
pub mod openai;
mod own_row;
mod own_words;
pub mod profile;
pub mod quota;
pub mod qwen;
pub mod refresh;
mod refusal;
pub mod stream;
mod table;
pub mod terms;
mod time;
mod token_answer;
pub mod usage;

pub use addresses::Addresses;
pub use call::Call;
pub use classify::{UpstreamAnswer, classify, classify_with};
pub use client_error::{ClientError, ErrorKind, client_error};
pub use login::{Login, LoginError};
pub use own_row::{BadRow, MAX_ROWS, OwnRow, OwnRows};
pub use profile::Profile;
pub use quota::{windows_from_event, windows_from_headers, windows_from_usage};
pub use refresh::{RefreshAnswer, judge_refresh};
pub use stream::{EventKind, event_kind};
pub use usage::no_usage_endpoint;

/// A moment in RFC 3339, in whole seconds.
#[must_use]
pub fn rfc3339(text: &str) -> Option<remuda_core::UnixSeconds> {
    time::date::rfc3339(text).map(|seconds| seconds as remuda_core::UnixSeconds)
}
