//! Which conversation a request belongs to, by what its host says of it. Tables, the surest sign first.
//!
//! Observed in November 2026: Claude Code 2.1.329, Codex 0.169.0, Pi 1.5.2, OpenCode 1.18.33, Qwen Code 0.24.4.

use http::HeaderMap;
use remuda_core::{Host, SessionKey};
use remuda_wire::peek::Facts;
use sha2::{Digest, Sha256};

/// Longest id that is taken over from a host.
const MOST_ID: usize = 200;

/// Claude Code's own. A request that has it is the genuine program's; its User-Agent others have too.
pub const CLAUDE_SESSION: &str = "x-claude-code-session-id";

/// Headers by which hosts name their conversation.
const SESSIONS: &[&str] = &[
    CLAUDE_SESSION,
    // OpenCode; Pi with `sendSessionAffinityHeaders`; people who configure a header for Qwen Code
    "x-session-affinity",
    "x-session-id",
    // Codex and Pi on OpenAI's protocols; the others are older Codex
    "session-id",
    "session_id",
    "conversation_id",
];

/// An agent's name within its parent's session.
const AGENT: &str = "x-claude-code-agent-id";
/// The session of the parent of a session of its own.
const PARENT: &str = "x-parent-session-id";
/// Codex names each thread; the first thread of a session has the session's id.
const THREAD: &str = "thread-id";
/// Codex says what kind of helper asks (`review`, `compact`, …). A helper without a thread of its own stays where its
/// session is.
const HELPER: &str = "x-openai-subagent";

/// Requests that a host makes beside its conversation. They are small, which is how they are told apart without reading the
/// large ones.
struct Aside {
    host: Host,
    /// No larger than this, in bytes.
    most: u64,
    is: fn(&Facts) -> bool,
}

const ASIDES: &[Aside] = &[
    // the quota probe of the interactive start: one token for the message "quota"
    Aside { host: Host::Claude, most: 1024, is: |facts| facts.max_tokens == Some(1) },
    // titles come without the tools that every turn has
    Aside { host: Host::OpenCode, most: 16 * 1024, is: |facts| !facts.tools },
    Aside { host: Host::Qwen, most: 16 * 1024, is: |facts| !facts.tools },
];

/// The conversation that the headers name.
#[must_use]
pub fn named(headers: &HeaderMap) -> Option<&str> {
    SESSIONS.iter().find_map(|name| id_in(headers, name))
}

/// The conversation that the body names, for hosts that do not say it in headers.
#[must_use]
pub fn by_cache_key(facts: &Facts) -> Option<&str> {
    facts.cache_key.as_deref().map(str::trim).filter(|key| is_id(key))
}

/// A conversation known by nothing but its first words. They are hashed together with the client key's id, so that two
/// agents that were greeted alike stay apart.
#[must_use]
pub fn by_first_words(words: &str, key: &str) -> String {
    let hash = Sha256::new().chain_update(key).chain_update([0]).chain_update(words).finalize();
    let short = hash.iter().take(10).map(|byte| format!("{byte:02x}"));
    format!("opening-{}", short.collect::<String>())
}

/// Is this a turn of a subagent?
#[must_use]
pub fn is_subagent(headers: &HeaderMap) -> bool {
    [AGENT, PARENT, HELPER].iter().any(|name| headers.contains_key(*name)) || own_thread(headers).is_some()
}

/// The request's own conversation and the one that started it. Claude Code and Codex name the agent within the parent's
/// session, OpenCode gives a child a session of its own and names the parent's.
#[must_use]
pub fn family(
    headers: &HeaderMap,
    host: Host,
    session: Option<SessionKey>,
) -> (Option<SessionKey>, Option<SessionKey>) {
    let agent = id_in(headers, AGENT).or_else(|| own_thread(headers));
    match (session, agent, id_in(headers, PARENT)) {
        (Some(session), Some(agent), _) => (Some(session.of_subagent(agent)), Some(session)),
        (Some(session), None, Some(parent)) => (Some(session), Some(key(host, parent))),
        (session, ..) => (session, None),
    }
}

/// The key of a host's conversation.
#[must_use]
pub fn key(host: Host, id: &str) -> SessionKey {
    SessionKey(format!("{}:{id}", host.as_str()))
}

/// How large a request of this host may be and still be something on the side. `None`: it has no such requests.
#[must_use]
pub fn aside_most(host: Host) -> Option<u64> {
    ASIDES.iter().find(|aside| aside.host == host).map(|aside| aside.most)
}

/// Is a small request of this host something on the side?
#[must_use]
pub fn is_aside(host: Host, facts: &Facts) -> bool {
    ASIDES.iter().any(|aside| aside.host == host && (aside.is)(facts))
}

/// The thread of a Codex subagent.
fn own_thread(headers: &HeaderMap) -> Option<&str> {
    let thread = id_in(headers, THREAD)?;
    id_in(headers, "session-id").filter(|session| *session != thread).map(|_| thread)
}

fn id_in<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    Some(headers.get(name)?.to_str().ok()?.trim()).filter(|id| is_id(id))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MOST_ID
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (http::HeaderName::from_static(n), v.parse().unwrap())).collect()
    }

    #[rstest]
    #[case::claude(&[(CLAUDE_SESSION, "c1"), ("session-id", "other")], Some("c1"))]
    #[case::opencode(&[("x-session-affinity", "ses_1"), ("x-session-id", "ses_1")], Some("ses_1"))]
    #[case::codex(&[("session-id", "s"), ("thread-id", "s"), ("x-client-request-id", "r")], Some("s"))]
    #[case::older_codex(&[("session_id", "s")], Some("s"))]
    #[case::blank(&[("session-id", " ")], None)]
    #[case::nameless(&[("x-client-request-id", "r")], None)]
    fn hosts_name_their_conversation_in_headers(
        #[case] pairs: &[(&'static str, &str)],
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(named(&headers(pairs)), expected);
    }

    #[rstest]
    #[case::claude(&[(CLAUDE_SESSION, "s"), (AGENT, "a")], "claude:s>a", Some("claude:s"))]
    #[case::codex_thread(&[("session-id", "s"), (THREAD, "t")], "claude:s>t", Some("claude:s"))]
    #[case::codex_first_thread(&[("session-id", "s"), (THREAD, "s")], "claude:s", None)]
    #[case::opencode(&[("x-session-id", "s"), (PARENT, "p")], "claude:s", Some("claude:p"))]
    #[case::codex_helper(&[("session-id", "s"), (THREAD, "s"), (HELPER, "compact")], "claude:s", None)]
    fn subagents_have_a_conversation_of_their_own_beside_their_parents(
        #[case] pairs: &[(&'static str, &str)],
        #[case] own: &str,
        #[case] parents: Option<&str>,
    ) {
        let headers = headers(pairs);
        let session = named(&headers).map(|id| key(Host::Claude, id));
        let (session, parent) = family(&headers, Host::Claude, session);
        assert_eq!(session.map(|s| s.0).as_deref(), Some(own));
        assert_eq!(parent.map(|p| p.0).as_deref(), parents);
        assert_eq!(
            is_subagent(&headers),
            own.contains('>') || headers.contains_key(PARENT) || headers.contains_key(HELPER)
        );
    }

    #[test]
    fn the_same_first_words_are_one_conversation_only_within_one_client_key() {
        assert_eq!(by_first_words("hi", "k1"), by_first_words("hi", "k1"));
        assert_ne!(by_first_words("hi", "k1"), by_first_words("hi", "k2"));
        assert_ne!(by_first_words("hi", "k1"), by_first_words("ho", "k1"));
    }

    #[test]
    fn what_is_asked_on_the_side_is_known_by_host_and_form() {
        let probe = Facts { max_tokens: Some(1), ..Facts::default() };
        let turn = Facts { tools: true, max_tokens: Some(32_000), ..Facts::default() };
        assert!(is_aside(Host::Claude, &probe) && !is_aside(Host::Claude, &turn));
        assert!(is_aside(Host::OpenCode, &Facts::default()) && !is_aside(Host::OpenCode, &turn));
        assert!(!is_aside(Host::Pi, &Facts::default()) && aside_most(Host::Pi).is_none());
    }
}
