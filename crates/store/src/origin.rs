//! Origins of foreign state: which account gave out something that only it can read again (a thinking signature,
//! encrypted reasoning, the id of a stored response). Only a hash of the thing is kept.

use remuda_core::{AccountId, UnixSeconds};

/// The beginning of a hash of such a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark(pub [u8; 16]);

/// Who gave out the thing with this mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Of what.
    pub mark: Mark,
    /// By whom.
    pub account: AccountId,
    /// When.
    pub at: UnixSeconds,
}
