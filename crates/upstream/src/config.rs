//! What a [`Client`](crate::Client) can be told. The binary fills it from the user's settings.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of a client. There is no limit on the whole duration of a request: reasoning turns are long.
#[derive(Clone, Debug)]
pub struct Config {
    /// Longest wait for a usable connection: name look-up, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest wait for the head of the answer, counted from the last byte of the request that could be written.
    /// Waiting for the caller's own body is not counted.
    pub head_timeout: Duration,
    /// Longest silence of the vendor while it takes the request body or sends the answer's body.
    pub idle_timeout: Duration,
    /// How long an unused connection is kept for the next request.
    pub keep_idle_for: Duration,
    /// Unused connections kept per origin.
    pub max_idle_per_origin: usize,
    /// Unused connections kept in all; the oldest is closed for a new one.
    pub max_idle: usize,
    /// A PEM file with certificates of further authorities to trust, beside those of the platform.
    pub extra_ca_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(300),
            keep_idle_for: Duration::from_secs(60),
            max_idle_per_origin: 64,
            max_idle: 256,
            extra_ca_file: None,
        }
    }
}
