//! How long each agent waits for an answer by itself, and what keeps it waiting then. One row per agent and protocol.
//!
//! As long as the agent waits by itself nothing is sent: then the answer, or the refusal, is as if there had been no wait.
//! Only before it would give up the answer is begun (status 200, a stream) and kept alive, and from then on a refusal can
//! only be an event of that stream.

use std::time::Duration;

use remuda_core::{Host, Protocol, Protocols};

/// How an agent is kept waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// So long it waits for the head of an answer.
    pub silent: Duration,
    /// What keeps a stream alive that has begun.
    pub beat: &'static str,
    /// Between two of them.
    pub every: Duration,
}

/// A comment of server-sent events: parsers skip it.
const COMMENT: &str = ": waiting\n\n";
/// Anthropic's own keep-alive ("streams may also include any number of `ping` events").
const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
/// OpenAI's own keep-alive in Responses. Codex 0.169.0 counts events, not comments, against its idle limit of 300 s, and
/// skips events of a type that it does not know.
const KEEPALIVE: &str = "event: keepalive\ndata: {\"type\":\"keepalive\"}\n\n";

const EVERY: Duration = Duration::from_secs(10);

/// Measured in November 2026 with the agents' own programs, where a figure is named; otherwise well within what was seen.
#[must_use]
pub fn of(host: Host, protocol: Protocols) -> KeepAlive {
    let silent = match host {
        // `X-Stainless-Timeout: 600` (300 when it does not stream); still waiting after 100 s.
        Host::Claude => 240,
        // `x-stainless-timeout: 300`.
        Host::Pi => 200,
        // Still waiting after 60 s.
        Host::Codex => 45,
        // Not measured.
        Host::OpenCode | Host::Qwen | Host::Other => 45,
    };
    let beat = match protocol.iter().next() {
        Some(Protocol::Messages) => PING,
        Some(Protocol::Responses | Protocol::Codex) => KEEPALIVE,
        Some(Protocol::Chat) | None => COMMENT,
    };
    KeepAlive { silent: Duration::from_secs(silent), beat, every: EVERY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beat_is_a_whole_event_or_a_comment() {
        for protocol in Protocol::ALL {
            let kept = of(Host::Other, Protocols::of(&[protocol]));
            assert!(kept.beat.ends_with("\n\n"), "{protocol}");
            assert!(kept.every < Duration::from_secs(15) && kept.silent >= Duration::from_secs(45));
        }
    }
}
