//! Homes of conversations: which account a session is bound to.

use remuda_core::request::Home;
use remuda_core::{SessionKey, UnixSeconds};

/// A conversation and its home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBinding {
    /// Which conversation.
    pub session: SessionKey,
    /// Its home: the account, and the pool that placed it there.
    pub home: Home,
    /// When it was last seen.
    pub touched_at: UnixSeconds,
}
