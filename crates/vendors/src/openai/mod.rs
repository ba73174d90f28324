//! OpenAI: where it listens, logins of ChatGPT plans, keys, and what its refusals and quota reports mean, on API keys and
//! behind the Codex backend.

pub mod claims;
pub mod device;
mod endpoints;
pub mod key;
pub(crate) mod login;
pub(crate) mod quota;
pub(crate) mod refusals;
pub(crate) mod shared_plan;
pub(crate) mod token_endpoint;

pub use endpoints::Endpoints;
pub use shared_plan::Installation;
