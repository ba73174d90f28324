//! What a site makes of the credential that a request shows, good or bad.

use http::HeaderMap;

use crate::account::Kind;
use crate::grants::Standing;
use crate::incoming::{Presented, presented};
use crate::site::{Site, Vendor};
use crate::state::State;

/// A credential of another vendor was never issued as far as this site knows. Whether an account of the site's vendor may
/// come in *here* is for the site to say.
pub(crate) fn standing(state: &State, site: Site, headers: &HeaderMap) -> Standing {
    let now = state.clock.now();
    let found = match (presented(headers), site.vendor()) {
        (Presented::Key(key), Vendor::Anthropic | Vendor::Qwen) => state.grants.key(&key),
        (Presented::Bearer(token), Vendor::Anthropic) => state.grants.bearer(&token, now),
        (Presented::Bearer(token), Vendor::OpenAi) => match state.grants.key(&token) {
            Standing::Foreign => state.grants.bearer(&token, now),
            key => key,
        },
        (Presented::Bearer(key), Vendor::Qwen) => state.grants.key(&key),
        (Presented::Key(_), Vendor::OpenAi) | (Presented::Nothing | Presented::Several, _) => Standing::Foreign,
    };
    let ours = |kind: Kind| kind.vendor() == site.vendor();
    match found.owner().and_then(|index| state.accounts.get(index)) {
        Some(account) if ours(account.spec.kind) => found,
        _ => Standing::Foreign,
    }
}
