//! Who a vendor says that a login is. One shape for all vendors; each reads its own answers into it.

use remuda_core::{Identity, Vendor};
use serde_json::Value;

use crate::identity::fingerprint;

/// Longer texts of a profile are cut.
const MAX_TEXT: usize = 200;

/// Who the vendor says it is. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Vendor's id of the person.
    pub person: Option<String>,
    /// Vendor's id of the organisation, which bears the plan. At OpenAI: the ChatGPT account, that is the workspace.
    pub organisation: Option<String>,
    /// For display.
    pub email: Option<String>,
    /// For display.
    pub name: Option<String>,
    /// For display.
    pub organisation_name: Option<String>,
    /// For display: `Max 20x`, `Plus`, `Team`.
    pub plan: Option<String>,
}

impl Profile {
    /// Fingerprint of person and organisation (one person can be in several, one organisation has many); `None` unless
    /// the vendor named both.
    #[must_use]
    pub fn identity(&self, vendor: Vendor) -> Option<Identity> {
        Some(fingerprint(vendor, self.person.as_deref()?, self.organisation.as_deref()?))
    }

    /// Fills what is missing with what another answer said.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            person: self.person.or(other.person),
            organisation: self.organisation.or(other.organisation),
            email: self.email.or(other.email),
            name: self.name.or(other.name),
            organisation_name: self.organisation_name.or(other.organisation_name),
            plan: self.plan.or(other.plan),
        }
    }
}

/// A text for a person's eyes: no control characters, not endless, not empty.
pub(crate) fn text(object: &Value, key: &str) -> Option<String> {
    let text: String = object.get(key)?.as_str()?.trim().chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
    (!text.is_empty()).then_some(text)
}

/// `plus` makes `Plus`, `self_serve_business` makes `Self serve business`.
pub(crate) fn in_words(word: &str) -> String {
    let word = word.replace('_', " ");
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
