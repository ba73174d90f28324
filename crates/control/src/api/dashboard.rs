//! The way of a browser into the dashboard.

use secrecy::{ExposeSecret, SecretString};

use super::Api;
use crate::browser::Cookies;
use crate::client::not_running;
use crate::types::{Code, DashboardLink, Empty, Failure, OPEN_PATH, SentSecret};

impl Api {
    /// Makes a link that opens the dashboard once.
    ///
    /// # Errors
    /// [`Code::NotRunning`] when this is no daemon, or the machine has no randomness.
    pub async fn dashboard(&self, _: Empty) -> Result<DashboardLink, Failure> {
        let running = self.daemon.as_ref().ok_or_else(not_running)?;
        let (code, ends_at) = self.browsers.link(self.now()).map_err(|error| {
            Failure::new(Code::Internal, "no link can be made: the machine has no randomness").why(error.to_string())
        })?;
        let url = SecretString::from(format!("{}{OPEN_PATH}{}", running.facts.url, code.expose_secret()));
        Ok(DashboardLink { url: SentSecret(url), ends_at })
    }

    /// Exchanges the code of a link for cookies, once.
    pub(crate) fn open_dashboard(&self, code: &str) -> Option<Cookies> {
        self.browsers.open(code, self.now())
    }
}
