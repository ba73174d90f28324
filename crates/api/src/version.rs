//! The version that every answer carries.

use serde::{Deserialize, Serialize};

/// Version of all JSON of this API. Fields are only added within a version.
pub const VERSION: u32 = 1;

/// An answer as it goes over the wire and as `--json` prints it: its fields and `"version": 1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Versioned<T> {
    /// [`VERSION`].
    pub version: u32,
    /// The answer.
    #[serde(flatten)]
    pub answer: T,
}

impl<T> Versioned<T> {
    /// An answer of this version.
    pub fn new(answer: T) -> Self {
        Self { version: VERSION, answer }
    }
}
