//! Where a request goes: scheme, host and port, taken apart once and shared.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use http::{HeaderValue, Uri};

/// Scheme, host and port. Cheap to clone; prints as `https://host` or `https://host:port`.
#[derive(Clone)]
pub struct Origin(Arc<Inner>);

struct Inner {
    https: bool,
    /// Lower case; an IPv6 address without its brackets.
    host: String,
    port: u16,
    /// `host` or `host:port`, as the `host` header wants it.
    header: HeaderValue,
}

/// Why a text is no base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// No URL at all.
    #[error("not a URL: write https://host or http://host:port")]
    NotAUrl,
    /// Another scheme.
    #[error("the URL must begin with https:// or http://")]
    Scheme,
    /// `user:password@`.
    #[error("the URL must not hold a user name or password: keys go in with `remuda login`")]
    Credentials,
    /// `?…` or `#…`.
    #[error("the URL must not hold a query or a fragment")]
    Query,
    /// `.` or `..` in the path.
    #[error("the URL's path must not hold `.` or `..` segments")]
    DotSegment,
    /// A path where only an origin is meant.
    #[error("an origin has no path")]
    Path,
}

impl Origin {
    /// Takes a base URL apart: `https://Example.com:8443/anthropic/` is the origin `https://example.com:8443` and the
    /// path prefix `/anthropic` (empty, or beginning with a slash and not ending with one).
    ///
    /// # Errors
    /// If it is no plain http or https URL; see [`OriginError`].
    pub fn from_base(url: &str) -> Result<(Self, String), OriginError> {
        if url.contains('#') {
            return Err(OriginError::Query);
        }
        let uri = Uri::try_from(url).map_err(|_| OriginError::NotAUrl)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) => return Err(OriginError::Scheme),
            None => return Err(OriginError::NotAUrl),
        };
        let authority = uri.authority().ok_or(OriginError::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(OriginError::Credentials);
        }
        if uri.query().is_some() {
            return Err(OriginError::Query);
        }
        let path = uri.path().trim_end_matches('/');
        if path.split('/').any(is_dot_segment) {
            return Err(OriginError::DotSegment);
        }
        let default = if https { 443 } else { 80 };
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("" | ":") => default,
            Some(_) => authority.port_u16().ok_or(OriginError::NotAUrl)?,
            None => return Err(OriginError::NotAUrl),
        };
        let host = authority.host().to_ascii_lowercase();
        let text = if port == default { host.clone() } else { format!("{host}:{port}") };
        let header = HeaderValue::try_from(text).map_err(|_| OriginError::NotAUrl)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(OriginError::NotAUrl);
        }
        Ok((Self(Arc::new(Inner { https, host, port, header })), path.to_owned()))
    }

    /// Is it spoken to over TLS?
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.https
    }

    /// The host in lower case; an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port, also where it is the scheme's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The `host` header of its requests.
    #[must_use]
    pub fn header(&self) -> &HeaderValue {
        &self.0.header
    }
}

/// `.` and `..`, also percent-encoded: vendors' edges decode them.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        match Self::from_base(text)? {
            (origin, path) if path.is_empty() => Ok(origin),
            _ => Err(OriginError::Path),
        }
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.port == other.0.port && self.0.https == other.0.https && self.0.host == other.0.host)
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.host.hash(state);
        self.0.port.hash(state);
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.0.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.0.header.to_str().unwrap_or(&self.0.host))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
