//! Who may come in: version, credential, beta flags. Strict, in the vendor's words.

use crate::grants::{AccountIndex, Rights, Standing};
use crate::incoming::{Call, Presented, presented};
use crate::log::Endpoint;
use crate::refusal::Refusal;
use crate::refused::Refused;
use crate::standing::standing;
use crate::state::State;

/// Bearer tokens are only looked at together with this flag.
const OAUTH_BETA: &str = "oauth-2025-04-20";
/// `count_tokens` with a bearer token wants this one as well.
const COUNT_BETA: &str = "token-counting-2024-11-01";

/// Lets an API request in, or says why not.
pub(crate) fn admit(state: &State, call: &Call) -> Result<(AccountIndex, Rights), Refused> {
    let headers = &call.head.headers;
    if headers.contains_key("origin") {
        return Err(Refusal::Cors.into());
    }
    let presented = presented(headers);
    match &presented {
        Presented::Nothing => {
            return Err(Refused::saying(Refusal::InvalidApiKey, "x-api-key header is required"));
        }
        Presented::Several => return Err(Refused::invalid("Only one of x-api-key and authorization may be given")),
        Presented::Bearer(_) if !call.has_beta(OAUTH_BETA) => return Err(Refusal::OauthNotSupported.into()),
        Presented::Bearer(_) | Presented::Key(_) => {}
    }
    let bearer = matches!(presented, Presented::Bearer(_));
    let (account, rights) = match standing(state, call.site, headers) {
        Standing::Good(account, rights) => (account, rights),
        Standing::Expired(_) => return Err(Refusal::TokenExpired.into()),
        Standing::Revoked(_) if bearer => return Err(Refusal::TokenRevoked.into()),
        Standing::Foreign if bearer => return Err(Refusal::InvalidBearer.into()),
        Standing::Revoked(_) | Standing::Foreign => return Err(Refusal::InvalidApiKey.into()),
    };
    if state.accounts.get(account).is_none_or(|account| account.disabled) {
        return Err(Refusal::OrganizationDisabled.into());
    }
    let inference = matches!(call.endpoint, Endpoint::Messages | Endpoint::CountTokens | Endpoint::Models);
    if inference {
        match call.header("anthropic-version") {
            Some("2023-06-01" | "2023-01-01") => {}
            Some(other) => {
                return Err(Refused::invalid(format!("anthropic-version: \"{other}\" is not a valid version")));
            }
            None => return Err(Refused::invalid("anthropic-version: header is required")),
        }
        if bearer && !rights.may("user:inference") {
            return Err(Refused::saying(
                Refusal::ScopeMissing,
                "OAuth token does not meet scope requirement user:inference",
            ));
        }
        if bearer && call.endpoint == Endpoint::CountTokens && !call.has_beta(COUNT_BETA) {
            return Err(Refused::invalid(format!("count_tokens requires anthropic-beta: {COUNT_BETA}")));
        }
    } else if !bearer {
        return Err(Refused::saying(Refusal::InvalidBearer, "This endpoint requires OAuth authentication"));
    } else if !rights.may("user:profile") {
        return Err(Refusal::ScopeMissing.into());
    }
    Ok((account, rights))
}
