//! Homes of conversations: which account a session is bound to.

use remuda_core::{AccountId, SessionKey, UnixSeconds};

/// A conversation and its home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBinding {
    /// Which conversation.
    pub session: SessionKey,
    /// Its home.
    pub account: AccountId,
    /// When it was last seen.
    pub touched_at: UnixSeconds,
}
