//! In place of `keyring` where this build has none (Linux without the feature `keyring`).

use crate::master_key::MasterKey;

const NONE: &str = "this build of remuda cannot use keyrings";

/// Never.
pub(crate) fn read() -> Result<Option<MasterKey>, String> {
    Err(NONE.to_owned())
}

/// Never.
pub(crate) fn read_or_create() -> Result<MasterKey, String> {
    Err(NONE.to_owned())
}
