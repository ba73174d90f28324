//! Logging in: a small conversation, because a browser or a person answers in the middle of it.
//!
//! `POST /logins` begins. With a key or token it ends at once; otherwise the answer has the address to open, and
//! `GET /logins/{login}` waits for the browser while `POST /logins/{login}/code` takes a code that a person pasted.

use std::collections::BTreeMap;

use remuda_core::{CostClass, CredentialKind, Host, Protocol, UnixSeconds, Vendor};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::AccountView;

/// A secret on its way through the API. It can be sent, but not printed.
///
/// It crosses only a socket that belongs to its owner: this is the one place where a secret is written as JSON.
#[derive(Clone)]
pub struct SentSecret(pub SecretString);

impl std::fmt::Debug for SentSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SentSecret(..)")
    }
}

impl Serialize for SentSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for SentSecret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SentSecret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "password"})
    }
}

impl<'de> Deserialize<'de> for SentSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

/// How to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoginMethod {
    /// The vendor's page in a browser on this machine, which hands the code to a loopback address.
    #[default]
    Browser,
    /// The vendor's page in any browser; the person brings the code back.
    Paste,
    /// The vendor's page in any browser; the person types a short code there, and nothing comes back through a browser.
    Device,
    /// A key, in `secret`.
    Key,
    /// A long-lived token (`claude setup-token`), in `secret`.
    Token,
}

/// Begin a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginStart {
    /// Whose account it is.
    pub vendor: Vendor,
    /// How.
    #[serde(default)]
    pub method: LoginMethod,
    /// What to call it. Left out: named after the e-mail address or organisation that the vendor reports. The label of
    /// an existing account renews that account's login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The key or token, for those methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SentSecret>,
    /// An endpoint that speaks the vendor's protocol, in place of the vendor's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The account is at a compatible endpoint (`base_url`), whose abilities are found out. `vendor` is then of no account:
    /// it follows from the protocols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compatible: Option<CompatibleStart>,
    /// "Sign in with ChatGPT": OpenAI shares the plan with this installation. Such an account takes no part in chains and
    /// pools.
    #[serde(default)]
    pub shared_plan: bool,
    /// What using it costs. Left out: keys are metered, subscriptions included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostClass>,
    /// Agents of other makers that may use this subscription. Needs `accept_terms`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_hosts: Vec<Host>,
    /// The owner has read the wording that `GET /terms` gives.
    #[serde(default)]
    pub accept_terms: bool,
}

/// What a person says about a compatible endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct CompatibleStart {
    /// The protocols it speaks. Empty: that is found out.
    pub speaks: Vec<Protocol>,
    /// Its names for models, by the names that agents use; `*` stands for all others.
    pub models: BTreeMap<String, String>,
    /// How the key travels; left out: that is found out.
    pub key_header: Option<KeyHeader>,
}

/// How a key travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KeyHeader {
    /// `authorization: Bearer …`
    Bearer,
    /// `x-api-key: …`
    XApiKey,
}

/// Names a login that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginRef {
    /// Its id.
    pub login: String,
}

/// What a person pasted: `code#state`, the whole address of the last page, a query string or a bare code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginCode {
    /// The login's id.
    pub login: String,
    /// The text.
    pub code: SentSecret,
}

/// Where a login stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum LoginStage {
    /// The vendor's page has not answered yet.
    Waiting {
        /// The page to open.
        url: String,
        /// What to type there (`device`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_code: Option<String>,
        /// The login is dropped then.
        ends_at: UnixSeconds,
    },
    /// The credential is stored and was read back.
    Done {
        /// The account.
        account: Box<AccountView>,
        /// Did the account exist before?
        renewed: bool,
        /// What a careful owner wants to know: who can serve now, what stays to be done.
        notes: Vec<String>,
    },
}

/// A login.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginView {
    /// Its id.
    pub login: String,
    /// Where it stands.
    #[serde(flatten)]
    pub stage: LoginStage,
}

/// Which terms?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TermsAsked {
    /// Whose.
    pub vendor: Vendor,
    /// For which kind of credential. Left out: a subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
}

/// What a vendor says about using its subscriptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Terms {
    /// Whose.
    pub vendor: Vendor,
    /// What to know before logging in to a subscription; `None`: nothing.
    pub before_login: Option<String>,
    /// What to know before an agent of another maker uses a subscription; `None`: nothing.
    pub before_grant: Option<String>,
    /// Where the wording comes from, with its date: names this wording in records.
    pub edition: String,
    /// When the owner said they had read this wording.
    pub accepted_at: Option<UnixSeconds>,
}
