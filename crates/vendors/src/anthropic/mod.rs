//! Anthropic: endpoints, login, profile, keys, prices, and what its answers mean.

pub mod endpoints;
pub mod key;
pub(crate) mod login;
pub mod price;
pub mod profile;
pub(crate) mod quota;
pub(crate) mod refusals;
pub(crate) mod token_endpoint;

pub use endpoints::Endpoints;
pub use key::KeyKind;
pub use price::{PRICES_OF, cache_saved_usd, cost_usd};

/// The beta flag without which Anthropic refuses a subscription's bearer token. Added where the host has not sent it.
pub const OAUTH_BETA: &str = "oauth-2025-04-20";
