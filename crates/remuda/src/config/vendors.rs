//! `[vendors.…]`: other endpoints than the vendors' own, for trials against the vendor in miniature.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One table per vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Vendors {
    /// Anthropic.
    pub(crate) anthropic: Endpoints,
    /// OpenAI.
    pub(crate) openai: OpenAi,
    /// Alibaba.
    pub(crate) qwen: Qwen,
}

/// Where OpenAI listens; left out: where it really does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OpenAi {
    /// Logins and tokens, without a path.
    pub(crate) issuer: Option<String>,
    /// Base of the API, with its version.
    pub(crate) api: Option<String>,
    /// Backend of ChatGPT plans, up to `/backend-api`.
    pub(crate) backend: Option<String>,
}

/// Where Alibaba listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Qwen {
    /// Endpoints in place of all that are known, in the order in which a key is tried. Empty: those that are known.
    pub(crate) bases: Vec<QwenBase>,
}

/// One of Alibaba's endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QwenBase {
    /// For which keys.
    pub(crate) kind: QwenKey,
    /// Where, in words.
    #[serde(default)]
    pub(crate) region: String,
    /// Base of the OpenAI-compatible protocols, with its version.
    pub(crate) openai: String,
    /// Base of the Anthropic-compatible protocol.
    #[serde(default)]
    pub(crate) anthropic: Option<String>,
}

/// Kinds of Alibaba's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum QwenKey {
    /// Billed by the token.
    PayAsYouGo,
    /// Coding Plan.
    CodingPlan,
    /// Token Plan.
    TokenPlan,
}

/// Where a vendor listens; left out: where it really does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Endpoints {
    /// Base of the API.
    pub(crate) api: Option<String>,
    /// Page where a person allows a login.
    pub(crate) authorize: Option<String>,
    /// Exchange and refresh of tokens.
    pub(crate) token: Option<String>,
    /// Page that shows a code to paste.
    pub(crate) copy_code: Option<String>,
}
