//! Anthropic: endpoints, login, profile, keys, prices.

pub mod endpoints;
pub mod key;
pub mod login;
pub mod price;
pub mod profile;
pub(crate) mod quota;
pub(crate) mod refusals;

pub use endpoints::Endpoints;
pub use key::KeyKind;
pub use login::{Login, LoginError, Pasted, Redirect, Tokens};
pub use price::cost_usd;
pub use profile::Profile;
