//! Where OpenAI listens.

/// OpenAI's addresses, without trailing slashes. [`Default`] is the real vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Logins: pages, device codes and tokens.
    pub issuer: String,
    /// The API for keys and shared plans, with its `/v1`.
    pub api_base: String,
    /// The backend of ChatGPT plans: `…/codex/responses`, `…/wham/usage`.
    pub backend: String,
    /// Ports at which a browser may end up, registered with Codex's client id; the second is for when the first is taken.
    pub ports: Vec<u16>,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            issuer: "https://auth.openai.com".to_owned(),
            api_base: "https://api.openai.com/v1".to_owned(),
            backend: "https://chatgpt.com/backend-api".to_owned(),
            ports: vec![1455, 1457],
        }
    }
}

impl Endpoints {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer.trim_end_matches('/'))
    }

    /// Page where a person allows the login.
    #[must_use]
    pub fn authorize(&self) -> String {
        self.at("/oauth/authorize")
    }

    /// Exchange and refresh of tokens.
    #[must_use]
    pub fn token(&self) -> String {
        self.at("/oauth/token")
    }

    /// Page where a person allows the sharing of a plan.
    #[must_use]
    pub fn shared_authorize(&self) -> String {
        self.at("/api/accounts/authorize")
    }

    /// Exchange and refresh of tokens of shared plans.
    #[must_use]
    pub fn shared_token(&self) -> String {
        self.at("/api/accounts/oauth/token")
    }

    /// Asks for a device code.
    #[must_use]
    pub fn device_code(&self) -> String {
        self.at("/api/accounts/deviceauth/usercode")
    }

    /// Asks whether the device code was entered.
    #[must_use]
    pub fn device_poll(&self) -> String {
        self.at("/api/accounts/deviceauth/token")
    }

    /// Page where a person enters the device code.
    #[must_use]
    pub fn device_page(&self) -> String {
        self.at("/codex/device")
    }

    /// The redirect with which a device login's code is redeemed. Nobody goes there.
    #[must_use]
    pub fn device_redirect(&self) -> String {
        self.at("/deviceauth/callback")
    }
}
