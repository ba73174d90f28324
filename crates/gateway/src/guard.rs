//! The gate in front of every route: which Host and Origin may speak to us at all, and which paths are well-formed.
//!
//! A web page that a person visits can make their browser send requests to loopback. It cannot forge `Host` and
//! `Origin`, so an allow-list of both stops cross-site requests and DNS rebinding before any routing happens.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};

/// Which names and origins a listener answers to.
#[derive(Clone, Debug)]
pub struct Guard {
    names: Vec<String>,
    port: Option<u16>,
}

/// Why a request was turned away at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// The Host header is missing, repeated or names another machine.
    #[error("this Host is not served here: use 127.0.0.1 or localhost, or add the name to `hosts` in config.toml")]
    Host,
    /// The Origin header names a web page that is not ours.
    #[error("requests from web pages of other origins are refused")]
    Origin,
    /// The path has dot segments, an encoded slash or the like.
    #[error("the path is malformed")]
    Path,
}

impl Guard {
    /// Loopback names plus the owner's own; `port` is the port that an own Origin must name.
    #[must_use]
    pub fn tcp(port: u16, own_names: &[String]) -> Self {
        let mut names: Vec<String> = ["127.0.0.1", "localhost", "[::1]"].map(String::from).to_vec();
        names.extend(own_names.iter().map(|n| n.to_ascii_lowercase()));
        Self { names, port: Some(port) }
    }

    /// A Unix socket cannot be reached from a browser: any Host, but never an Origin.
    #[must_use]
    pub fn unix() -> Self {
        Self { names: Vec::new(), port: None }
    }

    /// Lets a request through or says why not.
    ///
    /// # Errors
    /// [`Turned`] names the first check that failed.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Turned> {
        if let Some(port) = self.port {
            let mut hosts = headers.get_all(HOST).iter();
            let host = hosts.next().and_then(|h| h.to_str().ok()).ok_or(Turned::Host)?;
            if hosts.next().is_some() || !self.knows(name_of(host)) {
                return Err(Turned::Host);
            }
            for origin in headers.get_all(ORIGIN) {
                let own = origin.to_str().ok().is_some_and(|o| self.own_origin(o, port));
                if !own {
                    return Err(Turned::Origin);
                }
            }
        } else if headers.contains_key(ORIGIN) {
            return Err(Turned::Origin);
        }
        if well_formed(uri.path()) { Ok(()) } else { Err(Turned::Path) }
    }

    fn knows(&self, name: &str) -> bool {
        self.names.iter().any(|n| n.eq_ignore_ascii_case(name))
    }

    fn own_origin(&self, origin: &str, port: u16) -> bool {
        let Some(authority) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else {
            return false;
        };
        let name = name_of(authority);
        self.knows(name) && authority[name.len()..].strip_prefix(':') == Some(&*port.to_string())
    }
}

/// The host part of `host[:port]`, brackets of IPv6 kept.
fn name_of(authority: &str) -> &str {
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']').map_or(authority.len(), |i| i + 2),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (name, rest) = authority.split_at(end);
    let port_ok = rest.is_empty() || rest.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok());
    if port_ok { name } else { "" }
}

/// No dot segments, also not encoded ones, no backslash, no encoded slash: what we forward is what we routed.
fn well_formed(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    path.starts_with('/')
        && !lower.contains("%2f")
        && !lower.contains("%5c")
        && !path.contains('\\')
        && !lower.replace("%2e", ".").split('/').any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (http::HeaderName::from_static(n), v.parse().unwrap())).collect()
    }

    #[rstest]
    #[case::loopback("127.0.0.1:4747", Ok(()))]
    #[case::no_port("localhost", Ok(()))]
    #[case::capital("LOCALHOST:4747", Ok(()))]
    #[case::ipv6("[::1]:4747", Ok(()))]
    #[case::own_name("herd.lan:1", Ok(()))]
    #[case::rebinding("evil.example:4747", Err(Turned::Host))]
    #[case::prefix("127.0.0.1.evil.example", Err(Turned::Host))]
    #[case::suffix("localhost.evil.example:4747", Err(Turned::Host))]
    #[case::garbage_port("localhost:4747@evil", Err(Turned::Host))]
    #[case::empty("", Err(Turned::Host))]
    fn only_own_names_are_served(#[case] host: &str, #[case] expected: Result<(), Turned>) {
        let guard = Guard::tcp(4747, &["herd.lan".to_owned()]);
        assert_eq!(guard.check(&Uri::from_static("/x"), &headers(&[("host", host)])), expected);
    }

    #[rstest]
    #[case::own("http://127.0.0.1:4747", true)]
    #[case::own_named("http://localhost:4747", true)]
    #[case::other_port("http://localhost:3000", false)]
    #[case::no_port("http://localhost", false)]
    #[case::prefix("http://localhost:4747.evil.example", false)]
    #[case::user("http://localhost:4747@evil.example", false)]
    #[case::null("null", false)]
    #[case::site("https://evil.example", false)]
    fn only_our_own_pages_may_call(#[case] origin: &str, #[case] allowed: bool) {
        let guard = Guard::tcp(4747, &[]);
        let all = headers(&[("host", "localhost:4747"), ("origin", origin)]);
        assert_eq!(guard.check(&Uri::from_static("/x"), &all).is_ok(), allowed);
    }

    #[test]
    fn a_missing_or_repeated_host_is_refused() {
        let guard = Guard::tcp(4747, &[]);
        assert_eq!(guard.check(&Uri::from_static("/x"), &HeaderMap::new()), Err(Turned::Host));
        let mut two = headers(&[("host", "localhost")]);
        two.append("host", "localhost".parse().unwrap());
        assert_eq!(guard.check(&Uri::from_static("/x"), &two), Err(Turned::Host));
    }

    #[test]
    fn a_unix_socket_takes_any_host_but_no_page() {
        assert!(Guard::unix().check(&Uri::from_static("/x"), &headers(&[("host", "whatever")])).is_ok());
        let page = headers(&[("origin", "http://localhost:4747")]);
        assert_eq!(Guard::unix().check(&Uri::from_static("/x"), &page), Err(Turned::Origin));
    }

    #[rstest]
    #[case("/anthropic/v1/messages", true)]
    #[case("/anthropic/../api/v1/keys", false)]
    #[case("/anthropic/%2e%2e/api", false)]
    #[case("/anthropic/%2E./api", false)]
    #[case("/anthropic/./v1", false)]
    #[case("/anthropic%2f..%2fapi", false)]
    #[case("/anthropic\\v1", false)]
    #[case("/anthropic/v1/models/claude.3", true)]
    fn dot_segments_never_reach_a_route(#[case] path: &str, #[case] ok: bool) {
        assert_eq!(well_formed(path), ok, "{path}");
    }
}
