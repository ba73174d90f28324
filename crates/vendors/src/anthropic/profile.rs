//! Who an Anthropic login is, and its usage endpoint: requests and parsers.

use remuda_core::{Identity, Vendor};
use secrecy::SecretString;
use serde_json::Value;

use super::endpoints::Endpoints;
use crate::call::Call;
use crate::identity::fingerprint;

/// Longer texts of a profile are cut.
const MAX_TEXT: usize = 200;

/// Who the vendor says it is. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Vendor's id of the person.
    pub person: Option<String>,
    /// Vendor's id of the organisation.
    pub organisation: Option<String>,
    /// For display.
    pub email: Option<String>,
    /// For display.
    pub name: Option<String>,
    /// For display.
    pub organisation_name: Option<String>,
    /// For display: `Max 20x`, `Pro`, `Team`.
    pub plan: Option<String>,
}

impl Profile {
    /// Fingerprint of person and organisation (one person can be in several); `None` unless the vendor named both.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        Some(fingerprint(Vendor::Anthropic, self.person.as_deref()?, self.organisation.as_deref()?))
    }

    /// Reads the profile endpoint's answer. What is missing stays `None`.
    #[must_use]
    pub fn from_json(json: &Value) -> Self {
        Self::from_parts(&json["account"], &json["organization"])
    }

    /// Reads the two objects that the profile and the token endpoint share.
    pub(crate) fn from_parts(account: &Value, organization: &Value) -> Self {
        Self {
            person: text(account, "uuid"),
            organisation: text(organization, "uuid"),
            email: text(account, "email").or_else(|| text(account, "email_address")),
            name: text(account, "display_name").or_else(|| text(account, "full_name")),
            organisation_name: text(organization, "name"),
            plan: plan(account, organization),
        }
    }
}

/// A text for a person's eyes: no control characters, not endless, not empty.
fn text(object: &Value, key: &str) -> Option<String> {
    let text: String = object.get(key)?.as_str()?.trim().chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
    (!text.is_empty()).then_some(text)
}

/// `claude_max` and `default_claude_max_20x` make `Max 20x`. Unknown plans keep the vendor's word.
fn plan(account: &Value, organization: &Value) -> Option<String> {
    let flag = |key: &str| account.get(key).and_then(Value::as_bool) == Some(true);
    let kind = text(organization, "organization_type")
        .or_else(|| flag("has_claude_max").then(|| "claude_max".to_owned()))
        .or_else(|| flag("has_claude_pro").then(|| "claude_pro".to_owned()))?;
    let mut words: Vec<String> = vec![capitalised(kind.strip_prefix("claude_").unwrap_or(&kind))];
    let tier = text(organization, "rate_limit_tier").unwrap_or_default();
    let factor = tier
        .rsplit('_')
        .next()
        .filter(|last| last.strip_suffix('x').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())));
    words.extend(factor.map(str::to_owned));
    Some(words.join(" "))
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

/// Asks who a subscription login is. Needs scope `user:profile`, which long-lived tokens lack (403: no failure of the account).
#[must_use]
pub fn profile_call(endpoints: &Endpoints, access: &SecretString) -> Call {
    oauth_get(endpoints, "/api/oauth/profile", access)
}

/// Asks for the plan windows of a subscription login; read the answer with [`crate::windows_from_usage`]. Costs no quota. Needs
/// scope `user:profile`.
#[must_use]
pub fn usage_call(endpoints: &Endpoints, access: &SecretString) -> Call {
    oauth_get(endpoints, "/api/oauth/usage", access)
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
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_profile_names_person_organisation_and_plan() {
        let profile = Profile::from_json(&json!({
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
            Profile::from_json(&json).identity().unwrap()
        };
        assert_eq!(of("o-1"), of("O-1"));
        assert_ne!(of("o-1"), of("o-2"));
        assert_eq!(Profile::from_json(&json!({"account": {"uuid": "p-1"}})).identity(), None);
    }

    #[rstest]
    #[case(json!({"organization": {"organization_type": "claude_pro"}}), Some("Pro"))]
    #[case(json!({"organization": {"organization_type": "claude_team", "rate_limit_tier": "default_raven"}}), Some("Team"))]
    #[case(json!({"organization": {"organization_type": "novel"}}), Some("Novel"))]
    #[case(json!({"account": {"has_claude_max": true}}), Some("Max"))]
    #[case(json!({"account": {"has_claude_max": false}}), None)]
    #[case(json!([]), None)]
    fn plans_are_put_in_words(#[case] json: Value, #[case] expected: Option<&str>) {
        assert_eq!(Profile::from_json(&json).plan.as_deref(), expected);
    }
}
