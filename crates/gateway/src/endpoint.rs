//! The paths of the data plane. One table; everything below `/anthropic` that is not in it is not served.

use http::Method;
use remuda_core::{Protocol, Protocols, RequestKind, Vendor};

/// What a data-plane path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Goes to an account.
    Forward(Forward),
    /// Claude Code asks at start whether anybody is there (`HEAD /api/hello`, seen in 2.1.329, November 2026).
    Hello,
    /// Below a vendor's prefix, but nothing we serve.
    Unserved(Vendor),
}

/// A call that an account serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Whose models.
    pub vendor: Vendor,
    /// Which protocol.
    pub protocol: Protocols,
    /// What for, as far as the path tells.
    pub kind: RequestKind,
    /// Where the vendor's own part of the path begins: `/v1/…`. Agents may put a sub-path of theirs before it.
    pub path_from: usize,
}

const POST: &[Method] = &[Method::POST];
const GET: &[Method] = &[Method::GET, Method::HEAD];

/// Suffix of the path, methods, kind.
const ANTHROPIC: &[(&str, &[Method], RequestKind)] = &[
    ("/v1/messages", POST, RequestKind::Main),
    ("/v1/messages/count_tokens", POST, RequestKind::CountTokens),
    ("/v1/models", GET, RequestKind::Models),
];

impl Endpoint {
    /// Finds the endpoint; `None`: no path of the data plane.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/anthropic")?;
        if !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        let (vendor, protocol) = (Vendor::Anthropic, Protocol::Messages.into());
        if rest.ends_with("/api/hello") {
            return Some(Self::Hello);
        }
        for (suffix, methods, kind) in ANTHROPIC {
            let from = if *kind == RequestKind::Models {
                // `/v1/models` and `/v1/models/{id}`.
                rest.rfind(suffix).filter(|at| {
                    let behind = &rest[at + suffix.len()..];
                    behind.is_empty() || behind.strip_prefix('/').is_some_and(|id| !id.contains('/'))
                })
            } else {
                rest.strip_suffix(suffix).map(str::len)
            };
            if let Some(from) = from.filter(|_| methods.contains(method)) {
                return Some(Self::Forward(Forward {
                    vendor,
                    protocol,
                    kind: *kind,
                    path_from: from + "/anthropic".len(),
                }));
            }
        }
        Some(Self::Unserved(vendor))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("POST", "/anthropic/v1/messages", Some(RequestKind::Main), "/v1/messages")]
    #[case("POST", "/anthropic/team/a/v1/messages", Some(RequestKind::Main), "/v1/messages")]
    #[case("POST", "/anthropic/v1/messages/count_tokens", Some(RequestKind::CountTokens), "/v1/messages/count_tokens")]
    #[case("GET", "/anthropic/v1/models", Some(RequestKind::Models), "/v1/models")]
    #[case("GET", "/anthropic/v1/models/claude-opus-5", Some(RequestKind::Models), "/v1/models/claude-opus-5")]
    #[case("GET", "/anthropic/v1/messages", None, "")]
    #[case("POST", "/anthropic/v1/messages/batches", None, "")]
    #[case("GET", "/anthropic/v1/models/a/b", None, "")]
    #[case("POST", "/anthropic/api/oauth/usage", None, "")]
    fn only_the_tables_paths_are_forwarded(
        #[case] method: &str,
        #[case] path: &str,
        #[case] kind: Option<RequestKind>,
        #[case] vendors: &str,
    ) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        match (Endpoint::of(&method, path), kind) {
            (Some(Endpoint::Forward(f)), Some(kind)) => {
                assert_eq!(f.kind, kind);
                assert_eq!(&path[f.path_from..], vendors);
            }
            (Some(Endpoint::Unserved(_)), None) => {}
            (other, _) => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn other_prefixes_are_not_ours() {
        assert_eq!(Endpoint::of(&Method::POST, "/api/v1/status"), None);
        assert_eq!(Endpoint::of(&Method::POST, "/anthropicx/v1/messages"), None);
        assert_eq!(Endpoint::of(&Method::HEAD, "/anthropic/api/hello"), Some(Endpoint::Hello));
    }
}
