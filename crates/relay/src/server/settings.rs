//! The bounds of a relay. Every map and every wait has one.

use std::time::Duration;

/// See the module. The defaults suit one person or a small team on a small server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Largest body, in bytes. The vendors' own limit is 32 MB.
    pub most_body: usize,
    /// Bytes of sealed bodies that are kept; beyond it the longest unused go.
    pub most_kept: usize,
    /// A conversation that rests for so long is forgotten. Not less than twice [`crate::gate::WINDOW_MS`].
    pub keep_for: Duration,
    /// Most conversations.
    pub most_conversations: usize,
    /// Most requests under way.
    pub most_active: usize,
    /// Bytes of bodies that may be on their way to vendors at one moment.
    pub most_under_way: usize,
    /// Requests per minute with one token.
    pub per_minute: u32,
    /// A transport that has been silent for so long says that it is there.
    pub alive: Duration,
    /// A WebSocket client that has been silent for so long is taken for gone.
    pub client_silent: Duration,
    /// How long an answer that nobody follows is waited for before the vendor is hung up on.
    pub grace: Duration,
    /// How long a complete answer is kept for a client that lost its connection.
    pub keep_answer: Duration,
    /// Bytes of an answer that are kept for that.
    pub most_answer: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            most_body: 32 * 1024 * 1024,
            most_kept: 256 * 1024 * 1024,
            keep_for: Duration::from_secs(3600),
            most_conversations: 20_000,
            most_active: 2_000,
            most_under_way: 256 * 1024 * 1024,
            per_minute: 600,
            alive: Duration::from_secs(15),
            client_silent: Duration::from_secs(60),
            grace: Duration::from_secs(20),
            keep_answer: Duration::from_secs(60),
            most_answer: 1024 * 1024,
        }
    }
}
