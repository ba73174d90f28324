//! `POST /v1/oauth/token`: codes and refresh tokens become token pairs, each once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::CLIENT_ID;
use crate::answer::Answer;
use crate::grants::{AccountIndex, CodeBinding, Denied, Pair};
use crate::incoming::Call;
use crate::press;
use crate::refusal::Refusal;
use crate::refused::Refused;
use crate::state::State;
use crate::vendor::Shared;

#[derive(Serialize)]
struct Granted<'a> {
    token_type: &'static str,
    access_token: String,
    expires_in: i64,
    refresh_token: String,
    scope: String,
    organization: Organization<'a>,
    account: Person<'a>,
}

#[derive(Serialize)]
struct Organization<'a> {
    uuid: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Person<'a> {
    uuid: &'a str,
    email_address: &'a str,
}

/// The body as JSON, which is all that is taken here.
pub(crate) fn body(call: &Call) -> Result<Value, Refused> {
    let kind = call.header("content-type").unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Refused::saying(Refusal::InvalidTokenRequest, "Content-Type must be application/json"));
    }
    let json = call.json().map_err(|_| Refused::from(Refusal::InvalidTokenRequest))?;
    if json.is_object() { Ok(json) } else { Err(Refusal::InvalidTokenRequest.into()) }
}

/// Whose code or refresh token is in the body, for scripts and the log.
pub(crate) fn owner(state: &State, json: &Value) -> Option<AccountIndex> {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    text("refresh_token")
        .and_then(|token| state.grants.owner_of_refresh(token))
        .or_else(|| text("code").and_then(|code| state.grants.owner_of_code(code)))
}

/// Exchanges.
pub(crate) fn exchange(shared: &Shared, state: &mut State, json: &Value) -> Result<Answer, Refused> {
    let required = |name: &str| match json.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(Refused::saying(Refusal::InvalidTokenRequest, format!("{name}: Field required"))),
    };
    let grant_type = required("grant_type")?;
    let client_id = required("client_id")?;
    let now = state.clock.now();
    let State { grants, accounts, .. } = state;
    let press = |index, scope: &str| press::print(accounts, &shared.config, &shared.mint, now, index, scope);
    let granted = match grant_type {
        "authorization_code" => {
            let offered = CodeBinding {
                account: 0,
                client_id: client_id.to_owned(),
                redirect_uri: required("redirect_uri")?.to_owned(),
                state: required("state")?.to_owned(),
                challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(required("code_verifier")?)),
                scope: String::new(),
            };
            grants.exchange(required("code")?, &offered, &press, now)
        }
        "refresh_token" => {
            let token = required("refresh_token")?;
            if client_id != CLIENT_ID {
                return Err(Refusal::InvalidClient.into());
            }
            grants.refresh(token, json.get("scope").and_then(Value::as_str), &press, now)
        }
        _ => return Err(Refusal::UnsupportedGrantType.into()),
    };
    match granted {
        Ok(pair) => answer(state, pair),
        Err(denied) => Err(refuse(state, denied, grant_type, owner(state, json))),
    }
}

fn refuse(state: &mut State, denied: Denied, grant_type: &str, owner: Option<AccountIndex>) -> Refused {
    match denied {
        Denied::Reused => {
            let name = owner.and_then(|index| state.accounts.get(index)).map_or("?", |account| &account.spec.name);
            let what = if grant_type == "refresh_token" { "refresh token" } else { "authorization code" };
            state.violations.add(format!("a {what} of {name:?} was used again; its login is revoked"));
            Refusal::GrantInvalid.into()
        }
        Denied::Invalid | Denied::Revoked if grant_type == "refresh_token" => Refusal::GrantInvalid.into(),
        Denied::Invalid | Denied::Revoked => Refused::saying(Refusal::GrantInvalid, "Invalid 'code' in request."),
        Denied::Mismatch("client_id") => Refusal::InvalidClient.into(),
        Denied::Mismatch(field) => Refused::saying(Refusal::GrantInvalid, format!("Invalid '{field}' in request.")),
        Denied::Scope => Refusal::InvalidScope.into(),
    }
}

fn answer(state: &State, pair: Pair) -> Result<Answer, Refused> {
    let Some(account) = state.accounts.get(pair.account) else { return Err(Refusal::ApiError.into()) };
    let granted = Granted {
        token_type: "Bearer",
        access_token: pair.access,
        expires_in: pair.life_s,
        refresh_token: pair.refresh,
        scope: pair.scope,
        organization: Organization { uuid: &account.organization_uuid, name: &account.spec.organization },
        account: Person { uuid: &account.account_uuid, email_address: &account.spec.email },
    };
    Ok(Answer::json(200, &granted).header("cache-control", "no-store"))
}
