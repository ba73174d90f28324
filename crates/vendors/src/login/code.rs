//! Reads the code out of what a browser brought or a person pasted.

use secrecy::SecretString;

use super::{Code, LoginError, plain};

/// Refusals of which the vendor's word says less than a person needs.
const IN_OTHER_WORDS: &[(&str, &str)] = &[
    // openai/codex, login/src/server.rs
    ("missing_codex_entitlement", "this ChatGPT account or workspace has no access to Codex; ask its administrator"),
    ("access_denied", "it was not allowed on the vendor's page"),
];

/// See [`super::Login::read_code`].
pub(super) fn read(text: &str, state: &str) -> Result<Code, LoginError> {
    // terminals break long lines; neither codes nor addresses hold white space
    let text: String = text.split_whitespace().collect();
    let query = text.split_once('?').map(|(_, query)| query);
    if let Some(query) = query.or_else(|| text.contains('=').then_some(text.as_str())) {
        return read_query(query.split('#').next().unwrap_or_default(), state);
    }
    let (code, its_state) = text.split_once('#').map_or((text.as_str(), None), |(code, state)| (code, Some(state)));
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)) {
        return Err(LoginError::NoCode);
    }
    if its_state.is_some_and(|its| its != state) {
        return Err(LoginError::StateMismatch);
    }
    Ok(SecretString::from(code).into())
}

fn read_query(query: &str, state: &str) -> Result<Code, LoginError> {
    let value = |wanted: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    };
    if let Some(error) = value("error") {
        let why = value("error_description").unwrap_or(error);
        let known = IN_OTHER_WORDS.iter().find(|(word, _)| *word == why).map(|(_, words)| (*words).to_owned());
        return Err(LoginError::Refused(known.unwrap_or_else(|| plain(&why, 200))));
    }
    let code = value("code").ok_or(LoginError::NoCode)?;
    if value("state").is_none_or(|its| its != state) {
        return Err(LoginError::StateMismatch);
    }
    let client_id = value("client_id").filter(|id| id.len() <= 200 && id.bytes().all(|b| b.is_ascii_graphic()));
    Ok(Code { code: code.into(), verifier: None, client_id })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use secrecy::ExposeSecret;

    use super::*;

    fn code(text: &str) -> Result<String, LoginError> {
        read(text, "st4te").map(|code| code.code.expose_secret().to_owned())
    }

    #[rstest]
    #[case("c0de-A_b.~#st4te")]
    #[case("  c0de-A_b.~#st4te\n")]
    #[case("c0de-A\n_b.~#st4te")]
    #[case("c0de-A_b.~")]
    #[case("http://localhost:53692/callback?code=c0de-A_b.~&state=st4te")]
    #[case("http://localhost:1455/auth/callback?code=c0de-A_b.~&scope=openid+email&state=st4te")]
    #[case("https://platform.claude.com/oauth/code/callback?state=st4te&code=c0de-A_b.~#fragment")]
    #[case("/callback?code=c0de-A_b.%7E&state=st4te")]
    #[case("?code=c0de-A_b.~&state=st4te")]
    #[case("code=c0de-A_b.~&state=st4te")]
    fn a_code_is_read_in_every_form(#[case] text: &str) {
        assert_eq!(code(text).unwrap(), "c0de-A_b.~");
    }

    #[rstest]
    #[case("c0de#other", LoginError::StateMismatch)]
    #[case("c0de#", LoginError::StateMismatch)]
    #[case("http://localhost:1/callback?code=c0de&state=other", LoginError::StateMismatch)]
    #[case("code=c0de", LoginError::StateMismatch)]
    #[case("http://localhost:1/callback?state=st4te", LoginError::NoCode)]
    #[case("", LoginError::NoCode)]
    #[case("#st4te", LoginError::NoCode)]
    #[case("nö", LoginError::NoCode)]
    #[case("?error=access_denied&state=st4te", LoginError::Refused("it was not allowed on the vendor's page".to_owned()))]
    #[case("?error=other&error_description=because%07+so", LoginError::Refused("because so".to_owned()))]
    fn what_is_no_code_of_this_login_is_refused(#[case] text: &str, #[case] expected: LoginError) {
        assert_eq!(code(text), Err(expected));
    }

    #[test]
    fn a_plan_without_codex_is_told_in_words() {
        let text = "?error=access_denied&error_description=missing_codex_entitlement&state=st4te";
        assert!(matches!(code(text), Err(LoginError::Refused(why)) if why.contains("no access to Codex")));
    }

    #[test]
    fn the_issued_client_id_comes_with_the_code() {
        let read = read("http://127.0.0.1:1455/auth/callback?code=c&state=st4te&client_id=oaiapp_1", "st4te").unwrap();
        assert_eq!(read.client_id.as_deref(), Some("oaiapp_1"));
    }

    proptest! {
        #[test]
        fn any_paste_is_read_without_panic(text in "(code=|state=|[?#&%]|.){0,40}") {
            let _ = code(&text);
        }
    }
}
