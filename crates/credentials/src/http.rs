//! The real [`Exchange`]: HTTPS with a fresh connection per call, no redirects, deadlines, and our own name.

use std::error::Error as _;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use remuda_vendors::Call;
use remuda_vendors::call::Method;
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;

use crate::exchange::{Answer, Exchange, MAX_BODY, SendError};

/// Longest time to a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Longest time for the whole call. Vendors' own clients use 15 to 30 seconds.
const WHOLE: Duration = Duration::from_secs(30);

/// Sends calls over HTTPS. Obeys the system's proxy settings, but for plain HTTP to this machine: a proxy would look for
/// the endpoint on its own.
///
/// A client is made with the first call: reading the system's certificates takes longer than everything else at the
/// start of a command, and most commands call nobody.
#[derive(Clone, Debug, Default)]
pub struct Https {
    anywhere: Arc<OnceCell<reqwest::Client>>,
    this_machine: Arc<OnceCell<reqwest::Client>>,
}

impl Https {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    async fn client(&self, url: &str) -> Result<&reqwest::Client, SendError> {
        let (cell, build): (_, fn() -> _) =
            if is_plain_loopback(url) { (&self.this_machine, to_this_machine) } else { (&self.anywhere, to_anywhere) };
        let made = || async move {
            let made = tokio::task::spawn_blocking(build).await.map_err(|e| SendError::NotSent(e.to_string()))?;
            made.map_err(|e| SendError::NotSent(format!("no HTTPS client: {}", in_words(&e))))
        };
        cell.get_or_try_init(made).await
    }
}

fn is_plain_loopback(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    url.scheme() == "http" && loopback
}

/// Fails when the system's certificates or proxy settings are unusable.
fn to_anywhere() -> Result<reqwest::Client, reqwest::Error> {
    calls().build()
}

/// Needs neither certificates nor proxies.
fn to_this_machine() -> Result<reqwest::Client, reqwest::Error> {
    calls().no_proxy().tls_certs_only([]).build()
}

fn calls() -> reqwest::ClientBuilder {
    // One provider per process; who came first has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("remuda/", env!("CARGO_PKG_VERSION")))
        // A redirect would carry a refresh token to a place that nobody named.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        // On a kept connection that has died meanwhile nobody can tell whether the request arrived.
        .pool_max_idle_per_host(0)
}

#[async_trait]
impl Exchange for Https {
    async fn send(&self, call: &Call) -> Result<Answer, SendError> {
        let client = self.client(&call.url).await?;
        let mut request = match call.method {
            Method::Get => client.get(&call.url),
            Method::Post => client.post(&call.url),
        };
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &call.own_headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &call.bearer {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(key) = &call.api_key {
            let mut value = http::HeaderValue::from_str(key.expose_secret())
                .map_err(|_| SendError::NotSent("the key contains characters that no header can carry".to_owned()))?;
            value.set_sensitive(true);
            request = request.header("x-api-key", value);
        }
        if let Some(json) = &call.json {
            request = request.header("content-type", "application/json").body(json.expose_secret().to_owned());
        }
        if let Some(form) = &call.form {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(form.expose_secret().to_owned());
        }
        let mut response = request.send().await.map_err(|e| classify(&e))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| SendError::MaybeSent(in_words(&e)))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY {
                body.truncate(MAX_BODY);
                break;
            }
        }
        Ok(Answer { status, headers, body })
    }
}

/// Building the request and connecting (name, TCP, proxy, TLS) come before the first byte of the request.
fn classify(error: &reqwest::Error) -> SendError {
    if error.is_builder() || error.is_connect() {
        SendError::NotSent(in_words(error))
    } else {
        SendError::MaybeSent(in_words(error))
    }
}

/// The whole chain of causes; reqwest's own text says little. URLs of calls hold no secrets.
fn in_words(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://127.0.0.1:8080/v1/oauth/token", true)]
    #[case("http://127.9.9.9/", true)]
    #[case("http://LOCALHOST/", true)]
    #[case("http://[::1]:8080/", true)]
    #[case("https://127.0.0.1/", false)]
    #[case("http://127.0.0.1.example.com/", false)]
    #[case("http://localhost.example.com/", false)]
    #[case("http://192.168.0.1/", false)]
    #[case("not a URL", false)]
    fn only_plain_http_to_this_machine_goes_round_the_proxy(#[case] url: &str, #[case] round: bool) {
        assert_eq!(is_plain_loopback(url), round);
    }
}
