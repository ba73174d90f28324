//! The identity field of Claude Code: `metadata.user_id`, a JSON string that itself holds JSON text
//! `{"device_id":"…","account_uuid":"…","session_id":"…"}` (seen in 2.1.329, November 2026).
//!
//! Where the client states an account, the statement must agree with the credential that serves; where it states
//! none, none is invented.

use crate::peek::Text;
use crate::splice::Edit;

/// A `metadata.user_id` of that form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserId {}

impl UserId {
    /// Reads the member found by a peek. `None` if it is not a JSON object in a string.
    #[must_use]
    pub fn read(text: &Text) -> Option<Self> {
        let _ = text;
        todo!("lands within the hour")
    }

    /// The conversation, if stated.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        todo!("lands within the hour")
    }

    /// The account the client believes in; `None` if absent or empty.
    #[must_use]
    pub fn account_uuid(&self) -> Option<&str> {
        todo!("lands within the hour")
    }

    /// The edits that make the stated account `uuid` (empty: the credential has none). Empty if the client states no
    /// account, or this one already, or if `uuid` is not made of letters, digits and hyphens.
    #[must_use]
    pub fn restate(&self, uuid: &str) -> Vec<Edit> {
        let _ = uuid;
        todo!("lands within the hour")
    }

    /// Like [`UserId::restate`], but the body keeps its length: what the new value is shorter is filled with spaces
    /// after the closing quote of `user_id`, where JSON allows them. `None` if the new value is longer than the old.
    #[must_use]
    pub fn restate_same_length(&self, uuid: &str) -> Option<Vec<Edit>> {
        let _ = uuid;
        todo!("lands within the hour")
    }
}
