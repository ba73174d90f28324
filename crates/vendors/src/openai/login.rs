//! What OpenAI's login page and token endpoint want from Codex's client id. Source: openai/codex (`login/src/server.rs`).
//!
//! The name of the program is our own: the page tells the person who asks.

use secrecy::ExposeSecret;

use super::Endpoints;
use super::token_endpoint::CLIENT_ID;
use crate::call::Call;
use crate::login::{Code, Login, Redirect};

/// What the login asks for: who it is, and a refresh token.
const SCOPES: &str = "openid profile email offline_access";

/// Fields of the authorize page.
pub(crate) fn authorize(login: &Login, at: &Endpoints) -> Vec<(&'static str, String)> {
    vec![
        ("response_type", "code".to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
        ("redirect_uri", redirect_uri(login.redirect, at)),
        ("scope", SCOPES.to_owned()),
        ("code_challenge", login.challenge()),
        ("code_challenge_method", "S256".to_owned()),
        ("id_token_add_organizations", "true".to_owned()),
        ("codex_cli_simplified_flow", "true".to_owned()),
        ("state", login.state.clone()),
        ("originator", "remuda".to_owned()),
    ]
}

/// The exchange.
pub(crate) fn exchange(login: &Login, at: &Endpoints, code: &Code) -> Call {
    let verifier = code.verifier.as_ref().unwrap_or(&login.verifier);
    Call::post_form(
        at.token(),
        &[
            ("grant_type", "authorization_code"),
            ("code", code.code.expose_secret()),
            ("redirect_uri", &redirect_uri(login.redirect, at)),
            ("client_id", CLIENT_ID),
            ("code_verifier", verifier.expose_secret()),
        ],
    )
}

fn redirect_uri(redirect: Redirect, at: &Endpoints) -> String {
    let here = |port: u16| format!("http://localhost:{port}/auth/callback");
    match redirect {
        Redirect::Loopback(port) => here(port),
        Redirect::Device => at.device_redirect(),
        // There is no page that shows a code: the person copies the address of the page that the browser cannot open.
        Redirect::CopyCode => here(at.ports.first().copied().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::Flow;

    fn login(redirect: Redirect) -> Login {
        Login {
            flow: Flow::Codex(Endpoints::default()),
            redirect,
            // RFC 7636, appendix B
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
            state: "st4te".to_owned(),
        }
    }

    #[test]
    fn the_address_names_the_registered_port_and_ourselves() {
        assert_eq!(
            login(Redirect::Loopback(1457)).authorize_url(),
            "https://auth.openai.com/oauth/authorize?response_type=code&client_id=app_EMoamEEZ73f0CkXaXp7hrann\
             &redirect_uri=http%3A%2F%2Flocalhost%3A1457%2Fauth%2Fcallback\
             &scope=openid+profile+email+offline_access\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
             &id_token_add_organizations=true&codex_cli_simplified_flow=true&state=st4te&originator=remuda"
        );
    }

    #[test]
    fn the_exchange_is_a_form_and_a_device_code_brings_its_own_verifier() {
        let login = login(Redirect::Device);
        let code = Code { code: "c0de".into(), verifier: Some("theirs".into()), client_id: None };
        let call = login.exchange(&code);
        assert_eq!(call.url, "https://auth.openai.com/oauth/token");
        assert_eq!(
            call.form.as_ref().unwrap().expose_secret(),
            "grant_type=authorization_code&code=c0de\
             &redirect_uri=https%3A%2F%2Fauth.openai.com%2Fdeviceauth%2Fcallback\
             &client_id=app_EMoamEEZ73f0CkXaXp7hrann&code_verifier=theirs"
        );
        let printed = format!("{call:?} {code:?}");
        assert!(!printed.contains("c0de") && !printed.contains("theirs"));
    }
}
