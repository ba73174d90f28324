//! Who a ChatGPT login is: the claims in its tokens. Sources: openai/codex (`login/src/token_data.rs`), published clients.

use remuda_core::UnixSeconds;
use secrecy::SecretString;
use serde_json::Value;

use crate::jwt;
use crate::profile::{Profile, in_words, text};

const AUTH: &str = "https://api.openai.com/auth";
const PROFILE: &str = "https://api.openai.com/profile";

/// Who it is: from the id token, and where that is missing or silent from the access token.
#[must_use]
pub fn profile(id_token: Option<&SecretString>, access: &SecretString) -> Profile {
    let read = |token: &SecretString| jwt::claims(token).map(|claims| of(&claims)).unwrap_or_default();
    id_token.map(read).unwrap_or_default().or(read(access))
}

/// When a token ends, if it is a JWT that says so.
#[must_use]
pub fn expires_at(token: &SecretString) -> Option<UnixSeconds> {
    jwt::claims(token)?.get("exp")?.as_i64()
}

fn of(claims: &Value) -> Profile {
    let auth = &claims[AUTH];
    // Seats of one business workspace share its id, and one person has several workspaces: both parts count.
    let person = text(auth, "chatgpt_user_id").or_else(|| text(auth, "user_id")).or_else(|| text(claims, "sub"));
    Profile {
        organisation: text(auth, "chatgpt_account_id"),
        person,
        email: text(claims, "email").or_else(|| text(&claims[PROFILE], "email")),
        name: text(claims, "name"),
        organisation_name: None,
        plan: text(auth, "chatgpt_plan_type").map(|plan| plan_in_words(&plan)),
    }
}

/// `plus` makes `Plus`. Unknown plans keep the vendor's word.
#[must_use]
pub fn plan_in_words(plan: &str) -> String {
    match plan {
        "prolite" => "Pro Lite".to_owned(),
        "self_serve_business_usage_based" => "Business".to_owned(),
        "enterprise_cbp_usage_based" => "Enterprise".to_owned(),
        other => in_words(other),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use remuda_core::Vendor;
    use serde_json::json;

    use super::*;

    fn jwt(claims: &Value) -> SecretString {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string())).into()
    }

    fn claims(account: &str, user: &str) -> Value {
        json!({"email": "me@example.test", "exp": 2000,
               AUTH: {"chatgpt_account_id": account, "chatgpt_user_id": user, "chatgpt_plan_type": "plus"}})
    }

    #[test]
    fn the_id_token_names_workspace_person_plan_and_address() {
        let who = profile(Some(&jwt(&claims("w-1", "u-1"))), &"opaque".into());
        assert_eq!(who.organisation.as_deref(), Some("w-1"));
        assert_eq!(who.person.as_deref(), Some("u-1"));
        assert_eq!(who.plan.as_deref(), Some("Plus"));
        assert_eq!(who.email.as_deref(), Some("me@example.test"));
    }

    #[test]
    fn what_the_id_token_leaves_out_the_access_token_says() {
        let id = jwt(&json!({"email": "id@example.test"}));
        let access =
            jwt(&json!({"sub": "u-1", AUTH: {"chatgpt_account_id": "w-1"}, PROFILE: {"email": "x@example.test"}}));
        let who = profile(Some(&id), &access);
        assert_eq!((who.email.as_deref(), who.organisation.as_deref()), (Some("id@example.test"), Some("w-1")));
        assert!(who.identity(Vendor::OpenAi).is_some());
        assert_eq!(profile(None, &access).email.as_deref(), Some("x@example.test"));
    }

    #[test]
    fn two_seats_of_one_workspace_and_two_workspaces_of_one_person_are_four_accounts() {
        let of =
            |account: &str, user: &str| profile(None, &jwt(&claims(account, user))).identity(Vendor::OpenAi).unwrap();
        let all = [of("w-1", "u-1"), of("w-1", "u-2"), of("w-2", "u-1"), of("w-2", "u-2")];
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)));
        assert_eq!(of("w-1", "u-1"), all[0]);
    }

    #[test]
    fn a_token_that_is_no_jwt_says_nothing() {
        for token in ["", "a.b", "a.b.c", "e30.e30.x", "....", "e30.bnVsbA.x"] {
            assert_eq!(profile(None, &token.into()), Profile::default(), "{token}");
            assert_eq!(expires_at(&token.into()), None);
        }
    }
}
