//! Who an Anthropic login is, and its usage endpoint: requests and parsers.

use secrecy::SecretString;
use serde_json::Value;

use super::endpoints::Endpoints;
use crate::call::Call;
use crate::profile::{Profile, in_words, text};

/// Reads the profile endpoint's answer. What is missing stays `None`.
#[must_use]
pub fn from_json(json: &Value) -> Profile {
    from_parts(&json["account"], &json["organization"])
}

/// Reads the two objects that the profile and the token endpoint share.
pub(crate) fn from_parts(account: &Value, organization: &Value) -> Profile {
    Profile {
        person: text(account, "uuid"),
        organisation: text(organization, "uuid"),
        email: text(account, "email").or_else(|| text(account, "email_address")),
        name: text(account, "display_name").or_else(|| text(account, "full_name")),
        organisation_name: text(organization, "name"),
        plan: plan(account, organization),
    }
}

/// `claude_max` and `default_claude_max_20x` make `Max 20x`. Unknown plans keep the vendor's word.
fn plan(account: &Value, organization: &Value) -> Option<String> {
    let flag = |key: &str| account.get(key).and_then(Value::as_bool) == Some(true);
    let kind = text(organization, "organization_type")
        .or_else(|| flag("has_claude_max").then(|| "claude_max".to_owned()))
        .or_else(|| flag("has_claude_pro").then(|| "claude_pro".to_owned()))?;
    let mut words: Vec<String> = vec![in_words(kind.strip_prefix("claude_").unwrap_or(&kind))];
    let tier = text(organization, "rate_limit_tier").unwrap_or_default();
    let factor = tier
        .rsplit('_')
        .next()
        .filter(|last| last.strip_suffix('x').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())));
    words.extend(factor.map(str::to_owned));
    Some(words.join(" "))
}

/// Asks who a subscription login is. Needs scope `user:profile`, which long-lived tokens lack (403: no failure of the account).
#[must_use]
pub fn profile_call(endpoints: &Endpoints, access: &SecretString) -> Call {
    oauth_get(endpoints, "/api/oauth/profile", access)
}

fn oauth_get(endpoints: &Endpoints, path: &str, access: &SecretString) -> Call {
    Call {
        bearer: Some(access.clone()),
        headers: &[("anthropic-beta", super::OAUTH_BETA), ("accept", "application/json")],
        ..Call::get(format!("{}{path}", endpoints.api_base.trim_end_matches('/')))
    }
}

#[cfg(test)]
mod tests {
    use remuda_core::Vendor;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_profile_names_person_organisation_and_plan() {
        let profile = from_json(&json!({
            "account": {"uuid": "p-1", "email": "me@example.test", "display_name": "Me\u{7}"},
            "organization": {"uuid": "o-1", "name": "Acme", "organization_type": "claude_max",
                             "rate_limit_tier": "default_claude_max_20x"},
        }));
        assert_eq!(profile.name.as_deref(), Some("Me"));
        assert_eq!(profile.plan.as_deref(), Some("Max 20x"));
        assert_eq!(profile.organisation_name.as_deref(), Some("Acme"));
    }

    #[test]
    fn one_person_in_two_organisations_is_two_identities() {
        let of = |organisation: &str| {
            let json = json!({"account": {"uuid": "p-1"}, "organization": {"uuid": organisation}});
            from_json(&json).identity(Vendor::Anthropic).unwrap()
        };
        assert_eq!(of("o-1"), of("O-1"));
        assert_ne!(of("o-1"), of("o-2"));
        assert_eq!(from_json(&json!({"account": {"uuid": "p-1"}})).identity(Vendor::Anthropic), None);
    }

    #[rstest]
    #[case(json!({"organization": {"organization_type": "claude_pro"}}), Some("Pro"))]
    #[case(json!({"organization": {"organization_type": "claude_team", "rate_limit_tier": "default_raven"}}), Some("Team"))]
    #[case(json!({"organization": {"organization_type": "novel"}}), Some("Novel"))]
    #[case(json!({"account": {"has_claude_max": true}}), Some("Max"))]
    #[case(json!({"account": {"has_claude_max": false}}), None)]
    #[case(json!([]), None)]
    fn plans_are_put_in_words(#[case] json: Value, #[case] expected: Option<&str>) {
        assert_eq!(from_json(&json).plan.as_deref(), expected);
    }
}
