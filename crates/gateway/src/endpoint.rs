//! The paths of the data plane. One table; what stands below a vendor's prefix and not in it is not served.

use http::Method;
use remuda_core::{Protocol, Protocols, RequestKind, Vendor};

/// What a data-plane path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Goes to an account.
    Forward(Forward),
    /// A WebSocket over which requests of this kind come.
    Socket(Forward),
    /// Claude Code asks at start whether anybody is there (`HEAD /api/hello`, seen in 2.1.329, November 2026).
    Hello,
    /// Below a vendor's prefix, but nothing we serve. Refused in this protocol's words.
    Unserved(Protocol),
}

/// A call that an account serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Whose models.
    pub vendor: Vendor,
    /// Which protocols would do.
    pub protocol: Protocols,
    /// The protocol in whose words the client is refused.
    pub words: Protocol,
    /// What for, as far as the path tells.
    pub kind: RequestKind,
    /// Where the part of the path begins that is appended to a base URL. Agents may put a sub-path of theirs before it.
    pub path_from: usize,
}

/// What stands below one prefix.
struct Mount {
    prefix: &'static str,
    vendor: Vendor,
    /// The protocol in whose words unknown paths are refused.
    words: Protocol,
    rows: &'static [Row],
}

/// Suffix of the path, methods, protocols, kind. What is appended to a base URL is the suffix, so that `/v1` stands in it
/// only where bases end before it.
struct Row(&'static str, Method, &'static [Protocol], RequestKind);

use Protocol::{Chat, Codex, Messages, Responses};

/// The longer prefix stands before the shorter.
const MOUNTS: &[Mount] = &[
    Mount { prefix: "/anthropic", vendor: Vendor::Anthropic, words: Messages, rows: MESSAGES },
    Mount { prefix: "/openai", vendor: Vendor::OpenAi, words: Responses, rows: OPENAI },
    Mount { prefix: "/codex", vendor: Vendor::OpenAi, words: Codex, rows: CODEX },
    Mount { prefix: "/qwen/anthropic", vendor: Vendor::Qwen, words: Messages, rows: MESSAGES },
    Mount { prefix: "/qwen", vendor: Vendor::Qwen, words: Chat, rows: OPENAI },
];

const MESSAGES: &[Row] = &[
    Row("/v1/messages", Method::POST, &[Messages], RequestKind::Main),
    Row("/v1/messages/count_tokens", Method::POST, &[Messages], RequestKind::CountTokens),
    Row("/v1/models", Method::GET, &[Messages], RequestKind::Models),
];

const OPENAI: &[Row] = &[
    Row("/chat/completions", Method::POST, &[Chat], RequestKind::Main),
    Row("/responses", Method::POST, &[Responses], RequestKind::Main),
    Row("/responses/compact", Method::POST, &[Responses], RequestKind::Main),
    Row("/responses/input_tokens", Method::POST, &[Responses], RequestKind::CountTokens),
    Row("/models", Method::GET, &[Responses, Chat], RequestKind::Models),
];

const CODEX: &[Row] = &[
    Row("/responses", Method::POST, &[Codex], RequestKind::Main),
    Row("/responses/compact", Method::POST, &[Codex], RequestKind::Main),
    Row("/models", Method::GET, &[Codex], RequestKind::Models),
];

/// Where a WebSocket may be opened: a `GET` on the path of this suffix.
const SOCKET: &str = "/responses";

impl Endpoint {
    /// Finds the endpoint; `None`: no path of the data plane. `upgrade`: the client wants to speak WebSocket.
    #[must_use]
    pub fn of(method: &Method, path: &str, upgrade: bool) -> Option<Self> {
        let (mount, rest) = MOUNTS.iter().find_map(|mount| {
            let rest = path.strip_prefix(mount.prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest))
        })?;
        if mount.words == Messages && rest.ends_with("/api/hello") {
            return Some(Self::Hello);
        }
        let forward = |row: &Row, from: usize| Forward {
            vendor: mount.vendor,
            protocol: Protocols::of(row.2),
            words: row.2[0],
            kind: row.3,
            path_from: mount.prefix.len() + from,
        };
        for row in mount.rows {
            let Some(from) = row.found_in(rest) else { continue };
            if row.takes(method) {
                return Some(Self::Forward(forward(row, from)));
            }
            if upgrade && row.0 == SOCKET && *method == Method::GET {
                return Some(Self::Socket(forward(row, from)));
            }
        }
        Some(Self::Unserved(mount.words))
    }
}

impl Row {
    fn takes(&self, method: &Method) -> bool {
        *method == self.1 || (self.1 == Method::GET && *method == Method::HEAD)
    }

    /// Where this row's suffix begins in the path.
    fn found_in(&self, path: &str) -> Option<usize> {
        if self.3 != RequestKind::Models {
            return path.strip_suffix(self.0).map(str::len);
        }
        // `/models` and `/models/{id}`.
        path.rfind(self.0).filter(|at| {
            let behind = &path[at + self.0.len()..];
            behind.is_empty() || behind.strip_prefix('/').is_some_and(|id| !id.contains('/'))
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("POST", "/anthropic/v1/messages", Vendor::Anthropic, Messages, RequestKind::Main, "/v1/messages")]
    #[case("POST", "/anthropic/team/a/v1/messages", Vendor::Anthropic, Messages, RequestKind::Main, "/v1/messages")]
    #[case(
        "POST",
        "/anthropic/v1/messages/count_tokens",
        Vendor::Anthropic,
        Messages,
        RequestKind::CountTokens,
        "/v1/messages/count_tokens"
    )]
    #[case("GET", "/anthropic/v1/models", Vendor::Anthropic, Messages, RequestKind::Models, "/v1/models")]
    #[case(
        "HEAD",
        "/anthropic/v1/models/claude-opus-5",
        Vendor::Anthropic,
        Messages,
        RequestKind::Models,
        "/v1/models/claude-opus-5"
    )]
    #[case("POST", "/openai/v1/responses", Vendor::OpenAi, Responses, RequestKind::Main, "/responses")]
    #[case(
        "POST",
        "/openai/v1/responses/input_tokens",
        Vendor::OpenAi,
        Responses,
        RequestKind::CountTokens,
        "/responses/input_tokens"
    )]
    #[case("POST", "/openai/v1/chat/completions", Vendor::OpenAi, Chat, RequestKind::Main, "/chat/completions")]
    #[case("GET", "/openai/v1/models/gpt-5.5", Vendor::OpenAi, Chat, RequestKind::Models, "/models/gpt-5.5")]
    #[case("POST", "/codex/responses", Vendor::OpenAi, Codex, RequestKind::Main, "/responses")]
    #[case("POST", "/codex/backend-api/codex/responses", Vendor::OpenAi, Codex, RequestKind::Main, "/responses")]
    #[case("POST", "/codex/responses/compact", Vendor::OpenAi, Codex, RequestKind::Main, "/responses/compact")]
    #[case("GET", "/codex/models", Vendor::OpenAi, Codex, RequestKind::Models, "/models")]
    #[case("POST", "/qwen/v1/chat/completions", Vendor::Qwen, Chat, RequestKind::Main, "/chat/completions")]
    #[case("POST", "/qwen/anthropic/v1/messages", Vendor::Qwen, Messages, RequestKind::Main, "/v1/messages")]
    fn the_tables_paths_are_forwarded(
        #[case] method: &str,
        #[case] path: &str,
        #[case] vendor: Vendor,
        #[case] protocol: Protocol,
        #[case] kind: RequestKind,
        #[case] appended: &str,
    ) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let Some(Endpoint::Forward(found)) = Endpoint::of(&method, path, false) else { panic!("{path} is not served") };
        assert_eq!((found.vendor, found.kind), (vendor, kind));
        assert!(found.protocol.contains(protocol), "{:?}", found.protocol);
        assert_eq!(&path[found.path_from..], appended);
    }

    #[rstest]
    #[case("GET", "/anthropic/v1/messages", Messages)]
    #[case("POST", "/anthropic/v1/messages/batches", Messages)]
    #[case("GET", "/anthropic/v1/models/a/b", Messages)]
    #[case("POST", "/anthropic/api/oauth/usage", Messages)]
    #[case("GET", "/openai/v1/responses", Responses)]
    #[case("DELETE", "/openai/v1/responses/resp_1", Responses)]
    #[case("POST", "/openai/v1/embeddings", Responses)]
    #[case("POST", "/codex/chat/completions", Codex)]
    #[case("POST", "/qwen/v1/files", Chat)]
    #[case("POST", "/qwen/anthropic/v1/files", Messages)]
    fn nothing_else_is(#[case] method: &str, #[case] path: &str, #[case] words: Protocol) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(Endpoint::of(&method, path, false), Some(Endpoint::Unserved(words)));
    }

    #[test]
    fn a_websocket_is_opened_where_responses_are_served() {
        let socket = |path| matches!(Endpoint::of(&Method::GET, path, true), Some(Endpoint::Socket(_)));
        assert!(socket("/codex/responses") && socket("/openai/v1/responses"));
        assert!(!socket("/anthropic/v1/messages") && !socket("/codex/models") && !socket("/codex/responses/compact"));
    }

    #[test]
    fn other_prefixes_are_not_ours() {
        assert_eq!(Endpoint::of(&Method::POST, "/api/v1/status", false), None);
        assert_eq!(Endpoint::of(&Method::POST, "/anthropicx/v1/messages", false), None);
        assert_eq!(Endpoint::of(&Method::HEAD, "/anthropic/api/hello", false), Some(Endpoint::Hello));
    }
}
