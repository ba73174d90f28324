//! What a pasted OpenAI secret is, by its prefix, and how to ask whether it works.

use secrecy::SecretString;

use crate::call::Call;

/// Asks for the list of models, which costs nothing.
#[must_use]
pub fn check_call(api_base: &str, key: &SecretString) -> Call {
    Call { bearer: Some(key.clone()), ..Call::get(format!("{}/models", api_base.trim_end_matches('/'))) }
}

/// Secrets that are no API keys, by their beginnings, and what to do with them.
const NOT_KEYS: &[(&str, &str)] = &[
    ("sk-ant-", "this is an Anthropic secret (sk-ant-…): log in with `remuda login anthropic`"),
    ("sk-sp-", "this is a key of Alibaba's Coding Plan (sk-sp-…): log in with `remuda login qwen`"),
    (
        "sk-admin-",
        "this is an admin key (sk-admin-…). It administers the organisation and cannot call models; create a \
      project key on platform.openai.com",
    ),
    ("rt_", "this is a refresh token (rt_…). It is single-use and belongs to the program that logged in; log in anew"),
    (
        "eyJ",
        "this is an access token, not an API key: it ends within days. Log in with `remuda login openai`, or bring \
      the login of an agent with `remuda import`",
    ),
];

/// Is it a key? Only the beginning is looked at.
///
/// # Errors
/// Why it is none, in words for a person.
pub fn check(secret: &str) -> Result<(), &'static str> {
    if let Some((_, why)) = NOT_KEYS.iter().find(|(prefix, _)| secret.starts_with(prefix)) {
        return Err(why);
    }
    if secret.starts_with("sk-") {
        return Ok(());
    }
    Err("this does not look like an OpenAI secret: API keys begin with sk-")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sk-proj-x", None)]
    #[case("sk-svcacct-x", None)]
    #[case("sk-ant-api03-x", Some("Anthropic"))]
    #[case("sk-admin-x", Some("admin key"))]
    #[case("eyJhbGciOi", Some("access token"))]
    #[case("rt_x", Some("refresh token"))]
    #[case("x", Some("does not look like"))]
    fn a_secret_is_known_by_its_beginning(#[case] secret: &str, #[case] why: Option<&str>) {
        match (check(secret), why) {
            (Ok(()), None) => {}
            (Err(said), Some(why)) => assert!(said.contains(why), "{said}"),
            (got, _) => panic!("{got:?}"),
        }
    }
}
