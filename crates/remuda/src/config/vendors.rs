//! `[vendors.…]`: other endpoints than the vendors' own, for trials against the vendor in miniature.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One table per vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Vendors {
    /// Anthropic.
    pub(crate) anthropic: Endpoints,
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
