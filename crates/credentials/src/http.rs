//! The real [`Exchange`]: HTTPS with a fresh connection per call, no redirects, deadlines, and our own name.

use std::error::Error as _;
use std::fmt::Write as _;
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

/// Sends calls over HTTPS (or plain HTTP, for endpoints on this machine). Obeys the system's proxy settings.
///
/// The client is made with the first call: reading the system's certificates takes longer than everything else at the
/// start of a command, and most commands call nobody.
#[derive(Clone, Debug, Default)]
pub struct Https {
    client: Arc<OnceCell<reqwest::Client>>,
}

impl Https {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    async fn client(&self) -> Result<&reqwest::Client, SendError> {
        let made = || async {
            let made = tokio::task::spawn_blocking(build).await.map_err(|e| SendError::NotSent(e.to_string()))?;
            made.map_err(|e| SendError::NotSent(format!("no HTTPS client: {}", in_words(&e))))
        };
        self.client.get_or_try_init(made).await
    }
}

/// Fails when the system's certificates or proxy settings are unusable.
fn build() -> Result<reqwest::Client, reqwest::Error> {
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
        .build()
}

#[async_trait]
impl Exchange for Https {
    async fn send(&self, call: &Call) -> Result<Answer, SendError> {
        let client = self.client().await?;
        let mut request = match call.method {
            Method::Get => client.get(&call.url),
            Method::Post => client.post(&call.url),
        };
        for (name, value) in call.headers {
            request = request.header(*name, *value);
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
