//! Qwen on Alibaba's endpoints: what its refusals mean. It states no quota.

pub(crate) mod refusals;
pub(crate) mod token_endpoint;
