//! "Sign in with ChatGPT": OpenAI shares a plan with one installation of one program. Source: OpenAI's pages on token
//! sharing for open-source and locally hosted apps (developers.openai.com/siwc, 2026-09-29).
//!
//! The vendor issues a client id with the first login; it comes back with the callback and belongs to the refresh token.

use secrecy::ExposeSecret;

use super::Endpoints;
use crate::call::Call;
use crate::login::{Code, Login, LoginError, Redirect};

/// The client id of a first login: the vendor then issues one of our own.
const FIRST_CLIENT_ID: &str = "dynamic_agent_client";
/// What the tokens are for.
pub(crate) const RESOURCE: &str = "https://api.openai.com/v1";
/// Without it a token calls no model.
const NEEDED_SCOPE: &str = "chatgpt.tokens.use.direct";
const SCOPES: &str = "openid profile email offline_access resource.invoke chatgpt.tokens.use.direct";

/// This installation of Remuda, as the vendor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// A UUID that stays the same for as long as this installation exists.
    pub id: String,
    /// A random value for this login, which comes back inside the id token.
    pub nonce: String,
    /// The client id that the vendor issued when this account logged in before.
    pub client_id: Option<String>,
}

/// Fields of the authorize page.
pub(crate) fn authorize(login: &Login, at: &Endpoints, installation: &Installation) -> Vec<(&'static str, String)> {
    let client_id = installation.client_id.clone().unwrap_or_else(|| FIRST_CLIENT_ID.to_owned());
    vec![
        ("client_id", client_id),
        ("agent_name_hint", "Remuda".to_owned()),
        ("ext_agent_host_id", format!("urn:uuid:{}", installation.id)),
        ("response_type", "code".to_owned()),
        ("redirect_uri", redirect_uri(login.redirect, at)),
        ("resource", RESOURCE.to_owned()),
        ("scope", SCOPES.to_owned()),
        ("state", login.state.clone()),
        ("nonce", installation.nonce.clone()),
        ("code_challenge", login.challenge()),
        ("code_challenge_method", "S256".to_owned()),
    ]
}

/// The exchange, under the client id that came back with the code.
pub(crate) fn exchange(login: &Login, at: &Endpoints, installation: &Installation, code: &Code) -> Call {
    let client_id = code.client_id.as_deref().or(installation.client_id.as_deref()).unwrap_or(FIRST_CLIENT_ID);
    Call::post_form(
        at.shared_token(),
        &[
            ("grant_type", "authorization_code"),
            ("code", code.code.expose_secret()),
            ("redirect_uri", &redirect_uri(login.redirect, at)),
            ("client_id", client_id),
            ("code_verifier", login.verifier.expose_secret()),
            ("resource", RESOURCE),
        ],
    )
}

/// The vendor's pages say: reject tokens that lack the scope. No scope stated: what was asked for was granted (RFC 6749).
pub(crate) fn check_scope(scope: Option<&str>) -> Result<(), LoginError> {
    match scope {
        Some(scope) if !scope.split(' ').any(|one| one == NEEDED_SCOPE) => {
            Err(LoginError::NotGranted("use the ChatGPT plan"))
        }
        _ => Ok(()),
    }
}

fn redirect_uri(redirect: Redirect, at: &Endpoints) -> String {
    let port = match redirect {
        Redirect::Loopback(port) => port,
        Redirect::CopyCode | Redirect::Device => at.ports.first().copied().unwrap_or_default(),
    };
    format!("http://127.0.0.1:{port}/auth/callback")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::Flow;

    fn login(client_id: Option<&str>) -> Login {
        let installation = Installation {
            id: "0190b4e0-0000-7000-8000-000000000000".to_owned(),
            nonce: "n0nce".to_owned(),
            client_id: client_id.map(str::to_owned),
        };
        Login {
            flow: Flow::SharedPlan(Endpoints::default(), installation),
            redirect: Redirect::Loopback(4000),
            verifier: "v".into(),
            state: "st4te".to_owned(),
        }
    }

    #[test]
    fn the_first_login_asks_for_a_client_id_and_the_next_brings_it() {
        let first = login(None).authorize_url();
        assert!(first.starts_with("https://auth.openai.com/api/accounts/authorize?client_id=dynamic_agent_client&"));
        assert!(first.contains("ext_agent_host_id=urn%3Auuid%3A0190b4e0-"), "{first}");
        assert!(first.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A4000%2Fauth%2Fcallback"), "{first}");
        assert!(login(Some("oaiapp_1")).authorize_url().contains("client_id=oaiapp_1&"));
    }

    #[test]
    fn the_code_is_redeemed_under_the_client_id_that_came_with_it() {
        let login = login(None);
        let code = login.read_code("/auth/callback?code=c&state=st4te&client_id=oaiapp_2").unwrap();
        let call = login.exchange(&code);
        let form = call.form.as_ref().unwrap().expose_secret().to_owned();
        assert!(form.contains("client_id=oaiapp_2") && form.ends_with("resource=https%3A%2F%2Fapi.openai.com%2Fv1"));
    }

    #[test]
    fn tokens_without_the_right_to_use_the_plan_are_refused() {
        let tokens = |scope: &str| {
            let body = format!(r#"{{"access_token":"a","refresh_token":"r","expires_in":3600,"scope":"{scope}"}}"#);
            login(None).read_tokens(200, body.as_bytes(), 1000)
        };
        assert!(matches!(tokens("openid email"), Err(LoginError::NotGranted(_))));
        assert!(tokens("openid chatgpt.tokens.use.direct").is_ok());
    }
}
