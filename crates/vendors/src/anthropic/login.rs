//! Login with a browser or a pasted code (OAuth, PKCE S256), as data: the caller opens, listens, sends and stores.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use remuda_core::UnixSeconds;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::endpoints::Endpoints;
use super::profile::Profile;
use super::token_endpoint::CLIENT_ID;
use crate::call::Call;
use crate::refresh::code;
use crate::token_answer::TokenAnswer;

/// What the login asks for. Not `org:create_api_key`: Remuda never makes keys in a person's name.
const SCOPES: &str = "user:profile user:inference user:sessions:claude_code user:mcp_servers user:file_upload";

/// Where the browser ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// `http://localhost:<port>/callback`, any free port.
    Loopback(u16),
    /// The vendor's page that shows a code to copy.
    CopyCode,
}

/// One login under way. The two random values are the caller's: verifier and state must be independent.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where the vendor listens.
    pub endpoints: Endpoints,
    /// Where the browser ends up.
    pub redirect: Redirect,
    /// PKCE verifier: 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (32 random bytes as base64url).
    pub verifier: SecretString,
    /// Random value that comes back with the code.
    pub state: String,
}

/// Why a login cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Nothing that looks like a code.
    #[error(
        "there is no code in this text; paste what the page shows (code#state), or the whole address of the last page"
    )]
    NoCode,
    /// The state is missing or of another login.
    #[error("this code belongs to another login attempt; start the login again and paste the newest code")]
    StateMismatch,
    /// The vendor or the person refused.
    #[error("the login was refused: {0}")]
    Refused(String),
    /// The token endpoint did not take the code.
    #[error(
        "the vendor did not accept the code (status {status}, {code}); a code works once and only for minutes: start \
         the login again"
    )]
    Exchange {
        /// HTTP status.
        status: u16,
        /// The vendor's code.
        code: String,
    },
    /// The token endpoint answered something else.
    #[error("the vendor's answer (status {0}) holds no token; try again in a minute")]
    NoToken(u16),
}

/// What a successful login brings.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Access token.
    pub access: SecretString,
    /// Single-use refresh token.
    pub refresh: Option<SecretString>,
    /// When the access token ends, counted from the answer.
    pub expires_at: UnixSeconds,
    /// Who it is, as far as the answer says.
    pub profile: Profile,
}

#[derive(Serialize)]
struct ExchangeBody<'a> {
    grant_type: &'static str,
    code: &'a str,
    state: &'a str,
    client_id: &'static str,
    redirect_uri: &'a str,
    code_verifier: &'a str,
}

impl Login {
    /// The address to open in a browser.
    #[must_use]
    pub fn authorize_url(&self) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret()));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", "true")
            .append_pair("client_id", CLIENT_ID)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("scope", SCOPES)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", &self.state)
            .finish();
        let joint = if self.endpoints.authorize.contains('?') { '&' } else { '?' };
        format!("{}{joint}{query}", self.endpoints.authorize)
    }

    /// Reads the code out of what the callback brought (its request target) or the person pasted: a full address or query
    /// string (`code=…&state=…`), `code#state`, or the bare code. All but the bare code must bring this login's state.
    ///
    /// # Errors
    /// [`LoginError::NoCode`], [`LoginError::StateMismatch`], [`LoginError::Refused`].
    pub fn read_code(&self, text: &str) -> Result<SecretString, LoginError> {
        // terminals break long lines; neither codes nor addresses hold white space
        let text: String = text.split_whitespace().collect();
        let query = text.split_once('?').map(|(_, query)| query);
        if let Some(query) = query.or_else(|| text.contains('=').then_some(text.as_str())) {
            return self.read_query(query.split('#').next().unwrap_or_default());
        }
        let (code, state) = text.split_once('#').map_or((text.as_str(), None), |(code, state)| (code, Some(state)));
        if code.is_empty() || !code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)) {
            return Err(LoginError::NoCode);
        }
        if state.is_some_and(|state| state != self.state) {
            return Err(LoginError::StateMismatch);
        }
        Ok(code.into())
    }

    fn read_query(&self, query: &str) -> Result<SecretString, LoginError> {
        let value = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, value)| name == wanted && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        };
        if let Some(error) = value("error") {
            let why = value("error_description").unwrap_or(error);
            return Err(LoginError::Refused(why.chars().filter(|c| !c.is_control()).take(200).collect()));
        }
        let code = value("code").ok_or(LoginError::NoCode)?;
        if value("state").is_none_or(|state| state != self.state) {
            return Err(LoginError::StateMismatch);
        }
        Ok(code.into())
    }

    /// The request that turns the code into tokens. Unusually, the state goes with it.
    #[must_use]
    pub fn exchange(&self, code: &SecretString) -> Call {
        let body = ExchangeBody {
            grant_type: "authorization_code",
            code: code.expose_secret(),
            state: &self.state,
            client_id: CLIENT_ID,
            redirect_uri: &self.redirect_uri(),
            code_verifier: self.verifier.expose_secret(),
        };
        Call::post_json(&self.endpoints.token, serde_json::to_string(&body).unwrap_or_default())
    }

    /// Reads the answer to [`Login::exchange`]. `now` is the time of the answer.
    ///
    /// # Errors
    /// [`LoginError::Exchange`], [`LoginError::NoToken`].
    pub fn read_tokens(status: u16, body: &[u8], now: UnixSeconds) -> Result<Tokens, LoginError> {
        if (200..300).contains(&status) {
            let answer = TokenAnswer::read(body, now).ok_or(LoginError::NoToken(status))?;
            return Ok(Tokens {
                profile: Profile::from_parts(&answer.account, &answer.organization),
                access: answer.access,
                refresh: answer.refresh,
                expires_at: answer.expires_at,
            });
        }
        let json: serde_json::Value = serde_json::from_slice(body).map_err(|_| LoginError::NoToken(status))?;
        let code = code(&json).or_else(|| json.pointer("/error/type")?.as_str()).ok_or(LoginError::NoToken(status))?;
        Err(LoginError::Exchange { status, code: code.chars().filter(|c| !c.is_control()).take(64).collect() })
    }

    fn redirect_uri(&self) -> String {
        match self.redirect {
            Redirect::Loopback(port) => format!("http://localhost:{port}/callback"),
            Redirect::CopyCode => self.endpoints.copy_code_redirect.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn login(redirect: Redirect) -> Login {
        Login {
            endpoints: Endpoints::default(),
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

    #[rstest]
    #[case("c0de-A_b.~#st4te")]
    #[case("  c0de-A_b.~#st4te\n")]
    #[case("c0de-A\n_b.~#st4te")]
    #[case("c0de-A_b.~")]
    #[case("http://localhost:53692/callback?code=c0de-A_b.~&state=st4te")]
    #[case("https://platform.claude.com/oauth/code/callback?state=st4te&code=c0de-A_b.~#fragment")]
    #[case("/callback?code=c0de-A_b.%7E&state=st4te")]
    #[case("?code=c0de-A_b.~&state=st4te")]
    #[case("code=c0de-A_b.~&state=st4te")]
    fn a_code_is_read_in_every_form(#[case] text: &str) {
        assert_eq!(login(Redirect::CopyCode).read_code(text).unwrap().expose_secret(), "c0de-A_b.~");
    }

    #[rstest]
    #[case("c0de#other", LoginError::StateMismatch)]
    #[case("c0de#", LoginError::StateMismatch)]
    #[case("http://localhost:1/callback?code=c0de&state=other", LoginError::StateMismatch)]
    #[case("http://localhost:1/callback?code=c0de", LoginError::StateMismatch)]
    #[case("http://localhost:1/callback?state=st4te", LoginError::NoCode)]
    #[case("/callback", LoginError::NoCode)]
    #[case("", LoginError::NoCode)]
    #[case("#st4te", LoginError::NoCode)]
    #[case("http://localhost/callback", LoginError::NoCode)]
    #[case("/callback?error=access_denied", LoginError::Refused("access_denied".to_owned()))]
    #[case("/callback?error=access_denied&error_description=not+today", LoginError::Refused("not today".to_owned()))]
    fn anything_else_is_an_error_that_helps(#[case] text: &str, #[case] expected: LoginError) {
        assert_eq!(login(Redirect::CopyCode).read_code(text).err(), Some(expected));
    }

    #[test]
    fn the_exchange_sends_code_state_and_verifier_and_prints_none() {
        let login = login(Redirect::CopyCode);
        let call = login.exchange(&"c0de".into());
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
        let tokens = Login::read_tokens(200, body, 1000).unwrap();
        assert_eq!(tokens.expires_at, 29_800);
        assert_eq!(tokens.refresh.unwrap().expose_secret(), "sk-ant-ort01-r");
        assert_eq!(tokens.profile.email.as_deref(), Some("me@example.test"));
        assert!(tokens.profile.identity().is_some());
    }

    #[rstest]
    #[case(400, r#"{"error":"invalid_grant"}"#, LoginError::Exchange { status: 400, code: "invalid_grant".to_owned() })]
    #[case(403, "Forbidden", LoginError::NoToken(403))]
    #[case(200, "{}", LoginError::NoToken(200))]
    fn a_refused_exchange_says_why(#[case] status: u16, #[case] body: &str, #[case] expected: LoginError) {
        assert_eq!(Login::read_tokens(status, body.as_bytes(), 0).err(), Some(expected));
    }

    proptest! {
        #[test]
        fn any_paste_is_read_without_panic(text in "(code=|state=|[?#&%]|.){0,40}") {
            let _ = login(Redirect::CopyCode).read_code(&text);
        }
    }
}
