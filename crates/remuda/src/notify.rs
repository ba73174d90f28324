//! Alerts on their way out of the daemon: to the desktop, to a web hook. A way that fails is logged and costs nothing else.

use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use remuda_control::types::AlertView;
use remuda_control::{Notify, Versioned};
use serde::Serialize;
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::Alerts;

/// Longest time that a way out may take.
const WITHIN: Duration = Duration::from_secs(10);

/// See the module's description.
pub(crate) struct Outgoing {
    ways: Mutex<Alerts>,
    /// Made when it is first needed: reading the certificates of the system takes a while.
    http: OnceLock<reqwest::Client>,
}

/// What a web hook gets.
#[derive(Serialize)]
struct Told<'a> {
    alert: &'a AlertView,
}

impl Outgoing {
    /// These ways.
    pub(crate) fn new(ways: Alerts) -> Arc<Self> {
        Arc::new(Self { ways: Mutex::new(ways), http: OnceLock::new() })
    }

    /// Other ways from now on.
    pub(crate) fn want(&self, ways: &Alerts) {
        self.ways.lock().clone_from(ways);
    }

    async fn to_web_hook(&self, url: String, alert: &AlertView) -> Result<(), String> {
        let http = match self.http.get() {
            Some(http) => http,
            None => {
                // One provider per process; who came first has installed the same one.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let http = reqwest::Client::builder().timeout(WITHIN).redirect(reqwest::redirect::Policy::none());
                let http = http.build().map_err(|error| error.to_string())?;
                self.http.get_or_init(|| http)
            }
        };
        // The address may hold a secret: it is in no message.
        match http.post(url).json(&Versioned::new(Told { alert })).send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status())),
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}

impl Notify for Outgoing {
    fn tell<'a>(&'a self, alert: &'a AlertView) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let Alerts { desktop, webhook, .. } = self.ways.lock().clone();
            let raised = alert.over_at.is_none();
            if raised {
                tracing::warn!(alert = %alert.id, "{}", alert.message);
            }
            if desktop
                && raised
                && let Err(error) = on_the_desktop(alert).await
            {
                tracing::warn!(%error, "an alert could not be shown on the desktop");
            }
            if let Some(url) = webhook
                && let Err(why) = self.to_web_hook(url, alert).await
            {
                tracing::warn!(why, "the web hook for alerts could not be reached");
            }
        })
    }
}

async fn on_the_desktop(alert: &AlertView) -> Result<(), String> {
    let remedy = alert.remedy.as_deref().unwrap_or_default();
    let mut command = if cfg!(target_os = "macos") {
        let script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";
        let mut command = Command::new("osascript");
        command.args(["-e", script, &alert.message, remedy]);
        command
    } else {
        let mut command = Command::new("notify-send");
        command.args(["--app-name=Remuda", "--", &alert.message, remedy]);
        command
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match timeout(WITHIN, command.status()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(status.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it takes too long".to_owned()),
    }
}
