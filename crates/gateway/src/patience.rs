//! How each agent takes a refusal that says "later": one table.
//!
//! Measured in November 2026 (Claude Code 2.1.329, Codex 0.169.0, Pi 1.5.2, OpenCode 1.18.33, Qwen Code 0.24.4):
//!
//! * Claude Code waits for a `retry-after` of 20 s and gives up at 70 s.
//! * Codex waits exactly as long as it is told, without a bound, and gives up at once on a 429 that tells nothing. A
//!   `usage_limit_reached` it shows with the time of the reset and does not retry.
//! * Pi heeds no header: three tries within 14 s, unless the text says that a quota is exceeded.
//! * OpenCode waits as long as it is told, however long; without a `retry-after` it gives up after about 75 s.
//! * Qwen Code heeds up to 60 s; on anything longer it tries again at once.

use remuda_core::Host;

/// What is told to an agent that nobody can serve now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Seconds of `retry-after`, if any is told.
    pub retry_after_s: Option<u64>,
    /// As a limit of the plan with its reset, which the agent shows instead of trying again.
    pub as_usage_limit: bool,
    /// As an error of the request, because the agent shows the text of no other.
    pub as_request_error: bool,
    /// Words to add, so that the agent does not try again.
    pub words: Option<&'static str>,
}

/// Longest believable wait: that of the quota rules.
const MOST_S: f64 = 3_024_000.0;

/// How a wait is told to one agent.
struct Patience {
    host: Host,
    /// Longest `retry-after` that it heeds.
    heeds_s: u64,
    /// Up to this a wait is told, in portions that it heeds.
    worth_s: u64,
    /// What it is told of a longer one.
    beyond: Beyond,
    words: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Beyond {
    /// The truth: it gives up.
    Truth,
    /// No time: it gives up after some tries.
    Nothing,
    /// The truth as a limit of the plan.
    UsageLimit,
}

const ALL: &[Patience] = &[
    Patience { host: Host::Claude, heeds_s: 20, worth_s: 120, beyond: Beyond::Truth, words: None },
    Patience { host: Host::Codex, heeds_s: 300, worth_s: 300, beyond: Beyond::UsageLimit, words: None },
    Patience { host: Host::Pi, heeds_s: 14, worth_s: 14, beyond: Beyond::Truth, words: Some("quota exceeded") },
    Patience { host: Host::OpenCode, heeds_s: 60, worth_s: 60, beyond: Beyond::Nothing, words: None },
    Patience { host: Host::Qwen, heeds_s: 60, worth_s: u64::MAX, beyond: Beyond::Truth, words: None },
];

/// What to tell this agent when the true wait is so many seconds; `None`: waiting does not help.
#[must_use]
pub fn told(host: Host, wait_s: Option<f64>) -> Told {
    let plain = Told { retry_after_s: None, as_usage_limit: false, as_request_error: false, words: None };
    let patience = ALL.iter().find(|patience| patience.host == host);
    let Some(wait_s) = wait_s else {
        let words = patience.and_then(|patience| patience.words);
        return Told { as_request_error: host == Host::Codex, words, ..plain };
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
    let truth = wait_s.ceil().clamp(1.0, MOST_S) as u64;
    match patience {
        None => Told { retry_after_s: Some(truth), ..plain },
        Some(patience) if truth <= patience.worth_s => {
            Told { retry_after_s: Some(truth.min(patience.heeds_s)), ..plain }
        }
        Some(patience) => match patience.beyond {
            Beyond::Truth => Told { retry_after_s: Some(truth), words: patience.words, ..plain },
            Beyond::Nothing => Told { words: patience.words, ..plain },
            Beyond::UsageLimit => Told { retry_after_s: Some(truth), as_usage_limit: true, ..plain },
        },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::short_waits_are_true(Host::Claude, 7.2, Some(8))]
    #[case::what_claude_heeds(Host::Claude, 20.0, Some(20))]
    #[case::told_in_portions(Host::Claude, 119.0, Some(20))]
    #[case::too_long_is_told_truly(Host::Claude, 7200.0, Some(7200))]
    #[case::others_get_the_truth(Host::Other, 45.0, Some(45))]
    #[case::never_zero(Host::Claude, 0.0, Some(1))]
    #[case::never_absurd(Host::Other, f64::INFINITY, Some(3_024_000))]
    #[case::codex_waits_as_told(Host::Codex, 45.0, Some(45))]
    #[case::opencode_would_hang(Host::OpenCode, 7200.0, None)]
    #[case::opencode_waits_a_minute(Host::OpenCode, 59.5, Some(60))]
    #[case::qwen_heeds_a_minute(Host::Qwen, 7200.0, Some(60))]
    fn retry_after_is_what_the_agent_heeds(#[case] host: Host, #[case] truth: f64, #[case] expected: Option<u64>) {
        assert_eq!(told(host, Some(truth)).retry_after_s, expected);
    }

    #[test]
    fn a_long_wait_ends_the_turn_in_the_way_of_each_agent() {
        assert!(told(Host::Codex, Some(7200.0)).as_usage_limit);
        assert!(!told(Host::Codex, Some(60.0)).as_usage_limit);
        assert_eq!(told(Host::Pi, Some(7200.0)).words, Some("quota exceeded"));
        assert_eq!(told(Host::Pi, Some(5.0)).words, None);
        assert!(told(Host::Codex, None).as_request_error, "it shows no text of a 429");
        assert_eq!(told(Host::Claude, None).retry_after_s, None);
    }
}
