//! Qwen on Alibaba's endpoints: the kinds of key and where each works, and what its refusals mean. It states no quota.

mod endpoints;
pub mod key;
pub(crate) mod refusals;
pub(crate) mod token_endpoint;

pub use endpoints::{Base, Endpoints, KeyKind};
