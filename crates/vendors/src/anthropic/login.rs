//! What Anthropic's login page and token endpoint want.

use secrecy::ExposeSecret;
use serde::Serialize;

use super::endpoints::Endpoints;
use super::token_endpoint::CLIENT_ID;
use crate::call::Call;
use crate::login::{Code, Login, Redirect};

/// What the login asks for. Not `org:create_api_key`: Remuda never makes keys in a person's name.
const SCOPES: &str = "user:profile user:inference user:sessions:claude_code user:mcp_servers user:file_upload";

#[derive(Serialize)]
struct ExchangeBody<'a> {
    grant_type: &'static str,
    code: &'a str,
    state: &'a str,
    client_id: &'static str,
    redirect_uri: &'a str,
    code_verifier: &'a str,
}

/// Fields of the authorize page.
pub(crate) fn authorize(login: &Login) -> Vec<(&'static str, String)> {
    let Some(at) = endpoints(login) else { return Vec::new() };
    vec![
        ("code", "true".to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
        ("response_type", "code".to_owned()),
        ("redirect_uri", redirect_uri(login, at)),
        ("scope", SCOPES.to_owned()),
        ("code_challenge", login.challenge()),
        ("code_challenge_method", "S256".to_owned()),
        ("state", login.state.clone()),
    ]
}

/// The exchange. Unusually, the state goes with it.
pub(crate) fn exchange(login: &Login, at: &Endpoints, code: &Code) -> Call {
    let body = ExchangeBody {
        grant_type: "authorization_code",
        code: code.code.expose_secret(),
        state: &login.state,
        client_id: CLIENT_ID,
        redirect_uri: &redirect_uri(login, at),
        code_verifier: login.verifier.expose_secret(),
    };
    Call::post_json(&at.token, serde_json::to_string(&body).unwrap_or_default())
}

fn endpoints(login: &Login) -> Option<&Endpoints> {
    match &login.flow {
        crate::login::Flow::Claude(at) => Some(at),
        _ => None,
    }
}

fn redirect_uri(login: &Login, at: &Endpoints) -> String {
    match login.redirect {
        Redirect::Loopback(port) => format!("http://localhost:{port}/callback"),
        Redirect::CopyCode | Redirect::Device => at.copy_code_redirect.clone(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::login::{Flow, LoginError};

    fn login(redirect: Redirect) -> Login {
        Login {
            flow: Flow::Claude(Endpoints::default()),
            redirect,
            // RFC 7636, appendix B
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
            state: "st4te".to_owned(),
        }
    }

    #[test]
    fn the_address_carries_the_challenge_and_never_the_verifier() {
        let url = login(Redirect::Loopback(53692)).authorize_url();
        assert_eq!(
            url,
            "https://claude.ai/oauth/authorize?code=true&client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e\
             &response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A53692%2Fcallback\
             &scope=user%3Aprofile+user%3Ainference+user%3Asessions%3Aclaude_code+user%3Amcp_servers+user%3Afile_upload\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&state=st4te"
        );
    }

    #[test]
    fn the_exchange_sends_code_state_and_verifier_and_prints_none() {
        let login = login(Redirect::CopyCode);
        let call = login.exchange(&login.read_code("c0de#st4te").unwrap());
        let body: serde_json::Value = serde_json::from_str(call.json.as_ref().unwrap().expose_secret()).unwrap();
        assert_eq!(body["grant_type"], "authorization_code");
        assert_eq!(body["code"], "c0de");
        assert_eq!(body["state"], "st4te");
        assert_eq!(body["redirect_uri"], "https://platform.claude.com/oauth/code/callback");
        assert_eq!(body["code_verifier"], login.verifier.expose_secret());
        let printed = format!("{call:?} {login:?}");
        assert!(!printed.contains("c0de") && !printed.contains(login.verifier.expose_secret()));
    }

    #[test]
    fn tokens_come_with_the_persons_identity() {
        let body = br#"{"access_token":"sk-ant-oat01-a","refresh_token":"sk-ant-ort01-r","expires_in":28800,
            "organization":{"uuid":"o-1","name":"Acme"},"account":{"uuid":"p-1","email_address":"me@example.test"}}"#;
        let tokens = login(Redirect::CopyCode).read_tokens(200, body, 1000).unwrap();
        assert_eq!(tokens.expires_at, 29_800);
        assert_eq!(tokens.refresh.unwrap().expose_secret(), "sk-ant-ort01-r");
        assert_eq!(tokens.profile.email.as_deref(), Some("me@example.test"));
        assert!(tokens.profile.identity(remuda_core::Vendor::Anthropic).is_some());
    }

    #[rstest]
    #[case(400, r#"{"error":"invalid_grant"}"#, LoginError::Exchange { status: 400, code: "invalid_grant".to_owned() })]
    #[case(403, "Forbidden", LoginError::NoToken(403))]
    #[case(200, "{}", LoginError::NoToken(200))]
    fn a_refused_exchange_says_why(#[case] status: u16, #[case] body: &str, #[case] expected: LoginError) {
        assert_eq!(login(Redirect::CopyCode).read_tokens(status, body.as_bytes(), 0).err(), Some(expected));
    }
}
