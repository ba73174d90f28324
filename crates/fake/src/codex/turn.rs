//! `x-codex-turn-state`: an opaque value that ties the requests of one turn together. It belongs to the account that got
//! it; another account's is held against whoever sends it.

use crate::grants::AccountIndex;
use crate::mint::Mint;
use crate::state::State;
use crate::vendor::Shared;

/// Comes with an answer, goes back with the next request of the same turn.
pub(crate) const HEADER: &str = "x-codex-turn-state";

/// The header of the answer: a new value where the request brought none of this account.
pub(crate) fn state(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    shown: Option<&str>,
) -> Option<(String, String)> {
    let account = state.accounts.get(index)?;
    let bound = [account.organization_uuid.as_str(), "turn"];
    if let Some(shown) = shown {
        if shared.mint.verify(shown, &bound) {
            return None;
        }
        if Mint::looks_signed(shown) {
            let violation = format!("{HEADER} of another account came with the token of {:?}", account.spec.name);
            state.violations.add(violation);
            return None;
        }
    }
    Some((HEADER.to_owned(), shared.mint.sign(&bound)))
}
