//! What operations ask: figures, alive, ready.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use crate::api::Api;
use crate::metrics::Text;
use crate::types::{AccountView, State as AccountState};

/// The store answers within this time, or the daemon is not ready.
const STORE: Duration = Duration::from_secs(2);

/// `GET /metrics`.
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let mut response = Response::new(Body::from(api.figures()));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// `GET /livez`: this process answers.
pub(crate) async fn alive() -> Response {
    plain(StatusCode::OK, "alive\n".to_owned())
}

/// `GET /readyz`: it takes requests, and its store can be read.
pub(crate) async fn ready(State(api): State<Arc<Api>>) -> Response {
    match api.not_ready().await {
        None => plain(StatusCode::OK, "ready\n".to_owned()),
        Some(why) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}

fn plain(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Api {
    /// Why no requests should be sent here; `None`: they may. In words that say nothing of accounts: nobody has to present
    /// a key to ask.
    async fn not_ready(&self) -> Option<&'static str> {
        if self.stopping().is_some_and(tokio_util::sync::CancellationToken::is_cancelled) {
            return Some("it is stopping");
        }
        match tokio::time::timeout(STORE, self.herd().store().client_keys()).await {
            Ok(Ok(_)) => None,
            Ok(Err(_)) => Some("its store cannot be read"),
            Err(_) => Some("its store does not answer"),
        }
    }

    fn figures(&self) -> String {
        let mut text = Text::default();
        if let Some(facts) = self.facts() {
            text.head("remuda_build_info", "gauge", "The version that runs.");
            text.sample("remuda_build_info", &[("version", &facts.version)], 1.0);
            text.head("remuda_start_time_seconds", "gauge", "Since when the daemon runs, in unix seconds.");
            text.sample("remuda_start_time_seconds", &[], facts.started_at as f64);
        }
        text.head("remuda_live_requests", "gauge", "Requests under way.");
        text.sample("remuda_live_requests", &[], self.herd().events().live().len() as f64);
        text.head("remuda_alerts", "gauge", "Alerts that hold.");
        text.sample("remuda_alerts", &[], self.holding_alerts().len() as f64);
        self.herd_figures(&mut text);
        let labels = |id| self.herd().look(|herd, _| herd.accounts.get(&id).map(|account| account.label.to_string()));
        self.counted().write(&mut text, labels);
        text.done()
    }

    fn herd_figures(&self, text: &mut Text) {
        let accounts = self.views();
        text.head("remuda_account_state", "gauge", "1 for the state in which an account is.");
        for account in &accounts {
            text.sample("remuda_account_state", &[("account", &account.label), ("state", state(account))], 1.0);
        }
        text.head("remuda_window_used_percent", "gauge", "Share of a quota window that is used.");
        let windows =
            || accounts.iter().flat_map(|account| account.windows.iter().map(move |window| (account, window)));
        let name = |window: &crate::types::WindowView| {
            serde_json::to_value(&window.window)
                .ok()
                .and_then(|name| name.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        for (account, window) in windows() {
            let labels = [("account", account.label.as_str()), ("window", &name(window))];
            text.sample("remuda_window_used_percent", &labels, window.used_percent);
        }
        text.head("remuda_window_resets_at_seconds", "gauge", "When a quota window starts anew, in unix seconds.");
        for (account, window) in windows() {
            if let Some(at) = window.resets_at {
                let labels = [("account", account.label.as_str()), ("window", &name(window))];
                text.sample("remuda_window_resets_at_seconds", &labels, at as f64);
            }
        }
    }
}

fn state(account: &AccountView) -> &'static str {
    match account.state {
        AccountState::Ready => "ready",
        AccountState::Resting => "resting",
        AccountState::NeedsLogin => "needs_login",
        AccountState::Disabled => "disabled",
        AccountState::Paused => "paused",
    }
}
