//! "Sign in with ChatGPT": a plan is shared with one installation of one program. The vendor issues a client id with the
//! first login, and a refresh before its time burns the token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::token::{FORM, refuse};
use super::{API_AUDIENCE, jwt, malformed, owner, required};
use crate::account::Kind;
use crate::answer::Answer;
use crate::consent::{Choice, Query, back, chooser, html, is_challenge, value, who};
use crate::grants::{CodeBinding, Pair};
use crate::press;
use crate::query;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::State;
use crate::vendor::Shared;

/// The client id of a first login.
const FIRST_CLIENT_ID: &str = "dynamic_agent_client";
/// What issued ones begin with.
const ISSUED: &str = "oaiapp_";
/// Without it a token calls no model; with it, it is one of a shared plan.
pub(crate) const SHARING_SCOPE: &str = "chatgpt.tokens.use.direct";
/// Everything a login may be granted.
pub(crate) const SCOPES: &[&str] = &["openid", "profile", "email", "offline_access", "resource.invoke", SHARING_SCOPE];
/// Life of an access token in seconds.
pub(crate) const LIFE_S: i64 = 3600;
/// It may be refreshed so long before its end, and no earlier.
const REFRESH_AHEAD_S: i64 = 360;

/// `GET /api/accounts/authorize`
pub(crate) fn page(shared: &Shared, state: &mut State, raw_query: Option<&str>) -> Answer {
    let query = query::read(raw_query);
    let (client, target) = (value(&query, "client_id"), value(&query, "redirect_uri"));
    if client != FIRST_CLIENT_ID && !client.starts_with(ISSUED) {
        return html(400, "Authorization failed: unknown client_id");
    }
    let port = target.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/auth/callback"));
    if port.is_none_or(|port| port.parse::<u16>().is_err()) {
        return html(400, "Authorization failed: redirect_uri must be http://127.0.0.1:PORT/auth/callback");
    }
    let given = value(&query, "state");
    let refuse = |error: &str, description: &str| {
        back(target, &[("error", error), ("error_description", description), ("state", given)])
    };
    if let Err((error, description)) = check(&query, client) {
        return refuse(error, description);
    }
    let account = match who(state, Kind::ChatGpt, value(&query, "login_hint")) {
        Choice::Account(account) => account,
        Choice::Ask => return chooser(state, Kind::ChatGpt, raw_query.unwrap_or_default()),
        Choice::Nobody => return refuse("access_denied", "The user denied the request"),
    };
    // The same installation gets the same id again.
    let host = value(&query, "ext_agent_host_id");
    let issued = if client == FIRST_CLIENT_ID {
        format!("{ISSUED}{}", shared.mint.uuid("agent", host).replace('-', ""))
    } else {
        client.to_owned()
    };
    let binding = CodeBinding {
        account,
        client_id: issued.clone(),
        redirect_uri: target.to_owned(),
        state: String::new(),
        challenge: value(&query, "code_challenge").to_owned(),
        scope: value(&query, "scope").to_owned(),
    };
    let now = state.clock.now();
    let code = state.grants.add_code(binding, "ac_", &shared.mint, now);
    back(target, &[("code", &code), ("state", given), ("client_id", &issued)])
}

fn check(query: &Query, client: &str) -> Result<(), (&'static str, &'static str)> {
    let wrong = |description| Err(("invalid_request", description));
    if value(query, "response_type") != "code" {
        return Err(("unsupported_response_type", "response_type must be code"));
    }
    if value(query, "state").is_empty() || value(query, "nonce").is_empty() {
        return wrong("state and nonce are required");
    }
    if value(query, "code_challenge_method") != "S256" || !is_challenge(value(query, "code_challenge")) {
        return wrong("code_challenge must be 43 characters of base64url, made by S256");
    }
    if value(query, "resource") != API_AUDIENCE {
        return wrong("resource must be https://api.openai.com/v1");
    }
    if client == FIRST_CLIENT_ID {
        if value(query, "agent_name_hint").is_empty() {
            return wrong("agent_name_hint is required");
        }
        if !value(query, "ext_agent_host_id").starts_with("urn:uuid:") {
            return wrong("ext_agent_host_id must be urn:uuid:…");
        }
    }
    let mut scopes = value(query, "scope").split(' ');
    if !scopes.clone().any(|one| one == "openid") || !scopes.all(|one| SCOPES.contains(&one)) {
        return Err(("invalid_scope", "unknown scope, or openid is missing"));
    }
    Ok(())
}

/// `POST /api/accounts/oauth/token`, a form in either case.
pub(crate) fn exchange(shared: &Shared, state: &mut State, json: &Value) -> Result<Answer, Refused> {
    let now = state.clock.now();
    if json.get(FORM).is_none() {
        return Err(malformed("The body must be application/x-www-form-urlencoded"));
    }
    let (grant_type, client_id) = (required(json, "grant_type")?, required(json, "client_id")?);
    if required(json, "resource")? != API_AUDIENCE {
        return Err(malformed("resource must be https://api.openai.com/v1").param("resource"));
    }
    if !client_id.starts_with(ISSUED) {
        return Err(OpenAiRefusal::InvalidClient.into());
    }
    if grant_type == "refresh_token" {
        may_refresh(state, json, client_id, now)?;
    }
    let State { grants, accounts, .. } = state;
    let press = |index, scope: &str| press::print(accounts, &shared.config, &shared.mint, now, index, scope);
    let granted = match grant_type {
        "authorization_code" => {
            let offered = CodeBinding {
                account: 0,
                client_id: client_id.to_owned(),
                redirect_uri: required(json, "redirect_uri")?.to_owned(),
                state: String::new(),
                challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(required(json, "code_verifier")?)),
                scope: String::new(),
            };
            grants.exchange(required(json, "code")?, &offered, &press, now)
        }
        "refresh_token" => grants.refresh(required(json, "refresh_token")?, None, &press, now),
        _ => return Err(OpenAiRefusal::UnsupportedGrantType.into()),
    };
    match granted {
        Ok(pair) => answer(shared, state, pair, now),
        Err(denied) => Err(refuse(state, denied, grant_type, json)),
    }
}

/// The client must be the one that the login was for, and the time must have come: a refresh before it burns the token
/// (measured by a third party in 2026; the vendor's pages only name the field).
fn may_refresh(state: &mut State, json: &Value, client_id: &str, now: i64) -> Result<(), Refused> {
    let token = required(json, "refresh_token")?;
    let Some(login) = state.grants.login_of(token) else { return Ok(()) };
    if login.client_id != client_id {
        return Err(OpenAiRefusal::InvalidClient.into());
    }
    if !login.used && now < login.issued_at + LIFE_S - REFRESH_AHEAD_S {
        let name = owner(state, json).and_then(|index| state.accounts.get(index)).map(|account| &account.spec.name);
        let name = name.cloned().unwrap_or_default();
        state
            .violations
            .add(format!("a shared plan of {name:?} was refreshed before earliest_refresh_at; it is burned"));
        state.grants.revoke_token(token);
        return Err(OpenAiRefusal::InvalidGrant.into());
    }
    Ok(())
}

fn answer(shared: &Shared, state: &State, pair: Pair, now: i64) -> Result<Answer, Refused> {
    let Some(account) = state.accounts.get(pair.account) else { return Err(OpenAiRefusal::ServerError.into()) };
    let offline = pair.scope.split(' ').any(|scope| scope == "offline_access");
    let body = json!({
        "access_token": pair.access,
        "refresh_token": offline.then_some(pair.refresh),
        "id_token": jwt::id_token(account, &shared.mint, now),
        "token_type": "Bearer",
        "expires_in": pair.life_s,
        "earliest_refresh_at": now + pair.life_s - REFRESH_AHEAD_S,
        "scope": pair.scope,
    });
    Ok(Answer::json(200, &body).header("cache-control", "no-store"))
}
