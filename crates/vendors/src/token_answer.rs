//! What a token endpoint hands out, read once for logins and refreshes.

use remuda_core::UnixSeconds;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::jwt;
use crate::time::{date, epoch, moment_in, number_in};

/// Life of an access token whose answer does not say: short, so that it is refreshed rather early than late.
const ASSUMED_LIFE_S: UnixSeconds = 3600;
/// A longer life is a mistake. Long-lived tokens last a year.
const LONGEST_LIFE_S: f64 = 10.0 * 366.0 * 86_400.0;

/// The tokens in an answer.
pub(crate) struct TokenAnswer {
    pub(crate) access: SecretString,
    /// `None`: the old one stays.
    pub(crate) refresh: Option<SecretString>,
    pub(crate) expires_at: UnixSeconds,
    pub(crate) earliest_refresh_at: Option<UnixSeconds>,
    /// Who it is, signed for the client. Only read, never trusted for more than display and identity.
    pub(crate) id_token: Option<SecretString>,
    /// What was granted, separated by blanks.
    pub(crate) scope: Option<String>,
    /// The vendor's `account` object, or null.
    pub(crate) account: Value,
    /// The vendor's `organization` object, or null.
    pub(crate) organization: Value,
}

/// As it comes. The secrets go straight into strings of their own; the rest may be of any type.
#[derive(Deserialize)]
struct Raw {
    access_token: Option<String>,
    refresh_token: Option<String>,
    id_token: Option<String>,
    #[serde(default)]
    scope: Value,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    expires_at: Value,
    #[serde(default)]
    earliest_refresh_at: Value,
    #[serde(default)]
    account: Value,
    #[serde(default)]
    organization: Value,
}

impl TokenAnswer {
    /// Reads a successful answer; `None` if it holds no access token. `now` is the time of the answer.
    pub(crate) fn read(body: &[u8], now: UnixSeconds) -> Option<Self> {
        let raw: Raw = serde_json::from_slice(body).ok()?;
        let access = raw.access_token.filter(|token| !token.is_empty()).map(SecretString::from)?;
        let expires_at = after(number_in(&raw.expires_in).map(|life| now as f64 + life), now)
            .or_else(|| after(moment_of(&raw.expires_at), now))
            .or_else(|| after(jwt_expiry(&access), now))
            .unwrap_or(now.saturating_add(ASSUMED_LIFE_S));
        Some(Self {
            access,
            refresh: raw.refresh_token.filter(|token| !token.is_empty()).map(SecretString::from),
            expires_at,
            earliest_refresh_at: moment_in(&raw.earliest_refresh_at, now).map(|wait| wait.until),
            id_token: raw.id_token.filter(|token| !token.is_empty()).map(SecretString::from),
            scope: raw.scope.as_str().map(str::to_owned),
            account: raw.account,
            organization: raw.organization,
        })
    }
}

/// A moment after now and within a life that tokens have. Rounded down: better early than late.
fn after(moment: Option<f64>, now: UnixSeconds) -> Option<UnixSeconds> {
    let life = moment? - now as f64;
    (1.0..=LONGEST_LIFE_S).contains(&life).then(|| now.saturating_add(life as UnixSeconds))
}

fn moment_of(value: &Value) -> Option<f64> {
    number_in(value).map(epoch).or_else(|| date::rfc3339(value.as_str()?))
}

/// `exp` of an access token that is a JWT (OpenAI's are). Only read, never trusted for more than timing.
fn jwt_expiry(token: &SecretString) -> Option<f64> {
    number_in(jwt::claims(token)?.get("exp")?)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const NOW: UnixSeconds = 1_795_168_800;

    fn jwt(exp: i64) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(json!({"exp": exp}).to_string()))
    }

    #[rstest]
    #[case(json!({"access_token": "a", "expires_in": 28800}), 28800)]
    #[case(json!({"access_token": "a", "expires_in": "28800"}), 28800)]
    #[case(json!({"access_token": "a", "expires_in": 28800, "expires_at": NOW + 5}), 28800)]
    #[case(json!({"access_token": "a", "expires_at": NOW + 7200}), 7200)]
    #[case(json!({"access_token": "a", "expires_at": (NOW + 7200) * 1000}), 7200)]
    #[case(json!({"access_token": "a", "expires_at": "2026-11-20T12:00:00Z"}), 7200)]
    #[case(json!({"access_token": "a", "expires_in": 31_536_000}), 31_536_000)]
    #[case(json!({"access_token": jwt(NOW + 864_000)}), 864_000)]
    #[case(json!({"access_token": "a", "expires_in": -5}), ASSUMED_LIFE_S)]
    #[case(json!({"access_token": "a", "expires_at": NOW - 1}), ASSUMED_LIFE_S)]
    #[case(json!({"access_token": "a"}), ASSUMED_LIFE_S)]
    fn the_end_is_counted_from_the_answer(#[case] body: Value, #[case] life: i64) {
        let answer = TokenAnswer::read(body.to_string().as_bytes(), NOW).unwrap();
        assert_eq!(answer.expires_at - NOW, life);
    }

    #[rstest]
    #[case(r#"{"access_token":""}"#)]
    #[case(r#"{"access_token":null}"#)]
    #[case(r#"{"access_token":5}"#)]
    #[case(r#"{"token_type":"Bearer"}"#)]
    #[case("[]")]
    #[case("<html>ok</html>")]
    fn without_an_access_token_there_is_no_answer(#[case] body: &str) {
        assert!(TokenAnswer::read(body.as_bytes(), NOW).is_none());
    }

    proptest! {
        #[test]
        fn whatever_it_says_the_token_ends_after_now(life in any::<f64>(), at in any::<f64>(), now in 0..4_000_000_000_i64) {
            let body = json!({"access_token": "a", "expires_in": life, "expires_at": at});
            let answer = TokenAnswer::read(body.to_string().as_bytes(), now).unwrap();
            prop_assert!(answer.expires_at > now);
        }
    }
}
