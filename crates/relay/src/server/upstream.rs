//! Where a relay may call: the vendors, and what its owner added. Whoever has a token cannot make it an open proxy.

use std::collections::HashSet;

use http::{HeaderMap, HeaderName, Method, Request, Uri};
use remuda_upstream::{Origin, OriginError};

use crate::code::Code;
use crate::message::{Pair, Problem, header_text, header_value};
use crate::request::Head;

/// Where the vendors' APIs and the logins of their agents are served (docs/protocols of each vendor, November 2026).
pub const VENDORS: &[&str] = &[
    "https://api.anthropic.com",
    "https://api.openai.com",
    "https://chatgpt.com",
    "https://dashscope.aliyuncs.com",
    "https://dashscope-intl.aliyuncs.com",
    "https://coding.dashscope.aliyuncs.com",
    "https://coding-intl.dashscope.aliyuncs.com",
];

/// Headers that belong to one hop or that the relay writes itself.
const NOT_PASSED: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The list.
#[derive(Clone, Debug)]
pub struct Upstreams(HashSet<Origin>);

impl Upstreams {
    /// The vendors and these origins.
    ///
    /// # Errors
    /// The first that is no origin.
    pub fn with(more: &[String]) -> Result<Self, (String, OriginError)> {
        let all = VENDORS.iter().map(|text| (*text).to_owned()).chain(more.iter().cloned());
        let origin = |text: String| text.parse().map_err(|error| (text, error));
        all.map(origin).collect::<Result<_, _>>().map(Self)
    }

    /// All of them, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        names.sort();
        names
    }

    /// The vendor's request, without its body.
    ///
    /// # Errors
    /// [`Code::UpstreamNotAllowed`], [`Code::Malformed`].
    pub fn request(&self, head: &Head) -> Result<(Origin, Request<()>), Problem> {
        let malformed = |what: &str| Problem::before(Code::Malformed, what.to_owned());
        let uri: Uri = head.url.parse().map_err(|_| malformed("an unreadable URL"))?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(|| malformed("a relative URL"))?;
        let origin = format!("{scheme}://{authority}").parse::<Origin>().map_err(|_| malformed("an unreadable URL"))?;
        if !self.0.contains(&origin) {
            let what = "the relay does not call this address; its owner can add it with --allow";
            return Err(Problem::before(Code::UpstreamNotAllowed, what));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::new(());
        *request.method_mut() =
            Method::from_bytes(head.method.as_bytes()).map_err(|_| malformed("an unreadable method"))?;
        *request.uri_mut() = path.parse().map_err(|_| malformed("an unreadable URL"))?;
        *request.headers_mut() = headers(head)?;
        Ok((origin, request))
    }
}

fn headers(head: &Head) -> Result<HeaderMap, Problem> {
    let malformed = || Problem::before(Code::Malformed, "an unreadable header");
    let mut headers = HeaderMap::with_capacity(head.headers.len());
    for (name, value) in &head.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
        let mut value = header_value(value).ok_or_else(malformed)?;
        if NOT_PASSED.contains(&name.as_str()) {
            continue;
        }
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// Headers of an answer as they are passed on.
#[must_use]
pub fn passed(headers: &HeaderMap) -> Vec<Pair> {
    let kept = headers.iter().filter(|(name, _)| {
        !matches!(name.as_str(), "connection" | "keep-alive" | "proxy-authenticate" | "transfer-encoding" | "upgrade")
    });
    kept.map(|(name, value)| (name.as_str().to_owned(), header_text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(url: &str) -> Head {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Head {
            id: String::new(),
            conversation: String::new(),
            epoch: String::new(),
            at_ms: 0,
            revision: 0,
            next: String::new(),
            base: None,
            key: String::new(),
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: vec![
                pair("Host", "evil.example"),
                pair("x-api-key", "sk-1"),
                pair("x-two", "a"),
                pair("x-two", "b"),
            ],
        }
    }

    fn code(list: &Upstreams, url: &str) -> Option<Code> {
        list.request(&head(url)).err().map(|problem| problem.code)
    }

    #[test]
    fn only_listed_origins_are_called_and_what_belongs_to_one_hop_stays() {
        let list = Upstreams::with(&["http://127.0.0.1:9".to_owned()]).unwrap();
        let (origin, request) = list.request(&head("https://api.anthropic.com/v1/messages?beta=true")).unwrap();
        assert_eq!(origin.to_string(), "https://api.anthropic.com");
        assert_eq!(request.uri(), "/v1/messages?beta=true");
        assert_eq!(request.headers().len(), 3);
        assert!(!format!("{request:?}").contains("sk-1"), "a credential does not print");
        assert_eq!(code(&list, "http://127.0.0.1:9/v1"), None);
        for url in [
            "http://api.anthropic.com/v1/messages",
            "https://api.anthropic.com:8443/",
            "https://api.anthropic.com.evil.example/",
            "https://127.0.0.1:9/",
            "http://169.254.169.254/latest",
        ] {
            assert_eq!(code(&list, url), Some(Code::UpstreamNotAllowed), "{url}");
        }
        for url in ["/v1/messages", "https://u:p@api.anthropic.com/", "ftp://api.anthropic.com/", "no url"] {
            assert_eq!(code(&list, url), Some(Code::Malformed), "{url}");
        }
    }
}
