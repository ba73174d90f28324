//! What happened to requests, and why.

use remuda_core::UnixSeconds;
use remuda_core::record::Record;
use serde::{Deserialize, Serialize};

/// Which requests to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogAsked {
    /// Most entries; left out: 20. At most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only requests older than this one: the `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// A page of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// When this was true.
    pub now: UnixSeconds,
    /// Decision records, newest first.
    pub requests: Vec<Record>,
    /// There are older ones: ask again with `before` set to this.
    pub next: Option<String>,
}

/// Names a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRef {
    /// `last`, its id, or a beginning of the id that only it has.
    pub request: String,
}

/// Why a request went where it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The decision record.
    pub request: Record,
    /// The same in plain words.
    pub text: String,
}
