//! `POST /oauth/token`: codes and refresh tokens become tokens, each once. Codes come in forms only, refresh tokens also in
//! JSON, as the official client sends them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{CLIENT_ID, device, jwt, malformed, owner, required};
use crate::answer::Answer;
use crate::grants::{CodeBinding, Denied, Pair};
use crate::press;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::State;
use crate::vendor::Shared;

/// Marks an object that was a form. No parameter is called so.
pub(super) const FORM: &str = "(form)";

#[derive(Serialize)]
struct Granted {
    id_token: String,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
}

/// Exchanges.
pub(crate) fn exchange(shared: &Shared, state: &mut State, json: &Value) -> Result<Answer, Refused> {
    let now = state.clock.now();
    let grant_type = required(json, "grant_type")?;
    let client_id = required(json, "client_id")?;
    if client_id != CLIENT_ID {
        return Err(OpenAiRefusal::InvalidClient.into());
    }
    if owner(state, json).and_then(|index| state.accounts.get(index)).is_some_and(|account| account.disabled) {
        return Err(OpenAiRefusal::AccountDeactivated.into());
    }
    let State { grants, accounts, .. } = state;
    let press = |index, scope: &str| press::print(accounts, &shared.config, &shared.mint, now, index, scope);
    let granted = match grant_type {
        "authorization_code" => {
            if json.get(FORM).is_none() {
                return Err(malformed("Codes are exchanged in application/x-www-form-urlencoded"));
            }
            let offered = CodeBinding {
                account: 0,
                client_id: client_id.to_owned(),
                redirect_uri: device::callback(shared, required(json, "redirect_uri")?),
                state: String::new(),
                challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(required(json, "code_verifier")?)),
                scope: String::new(),
            };
            grants.exchange(required(json, "code")?, &offered, &press, now)
        }
        "refresh_token" => {
            let scope = json.get("scope").and_then(Value::as_str);
            grants.refresh(required(json, "refresh_token")?, scope, &press, now)
        }
        _ => return Err(OpenAiRefusal::UnsupportedGrantType.into()),
    };
    match granted {
        Ok(pair) => answer(shared, state, pair, now),
        Err(denied) => Err(refuse(state, denied, grant_type, json)),
    }
}

fn answer(shared: &Shared, state: &State, pair: Pair, now: i64) -> Result<Answer, Refused> {
    let Some(account) = state.accounts.get(pair.account) else { return Err(OpenAiRefusal::ServerError.into()) };
    let offline = pair.scope.split(' ').any(|scope| scope == "offline_access");
    let granted = Granted {
        id_token: jwt::id_token(account, &shared.mint, now),
        access_token: pair.access,
        refresh_token: offline.then_some(pair.refresh),
        token_type: "Bearer",
        expires_in: pair.life_s,
        scope: pair.scope,
    };
    Ok(Answer::json(200, &granted).header("cache-control", "no-store"))
}

pub(super) fn refuse(state: &mut State, denied: Denied, grant_type: &str, json: &Value) -> Refused {
    let refreshing = grant_type == "refresh_token";
    match denied {
        Denied::Reused => {
            let owner = owner(state, json).and_then(|index| state.accounts.get(index));
            let name = owner.map_or("?", |account| &account.spec.name);
            let what = if refreshing { "refresh token" } else { "authorization code" };
            state.violations.add(format!("a {what} of {name:?} was used again; its login is revoked"));
            if refreshing { OpenAiRefusal::RefreshTokenReused.into() } else { OpenAiRefusal::InvalidGrant.into() }
        }
        Denied::Revoked => OpenAiRefusal::RefreshTokenInvalidated.into(),
        Denied::Invalid => OpenAiRefusal::InvalidGrant.into(),
        Denied::Mismatch("client_id") => OpenAiRefusal::InvalidClient.into(),
        Denied::Mismatch(field) => {
            Refused::saying(OpenAiRefusal::InvalidGrant, format!("Invalid '{field}' in request.")).param(field)
        }
        Denied::Scope => OpenAiRefusal::InvalidScope.into(),
    }
}
