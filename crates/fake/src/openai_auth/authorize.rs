//! `GET /oauth/authorize`: checks the request, asks nobody, and sends the browser back with a code.

use super::CLIENT_ID;
use crate::account::Kind;
use crate::answer::Answer;
use crate::consent::{Choice, Query, back, chooser, html, is_challenge, value, who};
use crate::grants::CodeBinding;
use crate::query;
use crate::state::State;
use crate::vendor::Shared;

/// Everything a login may be granted.
const SCOPES: &[&str] =
    &["openid", "profile", "email", "offline_access", "api.connectors.read", "api.connectors.invoke"];

/// The authorize page.
pub(crate) fn page(shared: &Shared, state: &mut State, raw_query: Option<&str>) -> Answer {
    let query = query::read(raw_query);
    let target = value(&query, "redirect_uri");
    // A wrong client or redirect address never gets a redirect (RFC 6749, 4.1.2.1).
    if value(&query, "client_id") != CLIENT_ID {
        return html(400, "Authorization failed: unknown client_id");
    }
    if !is_registered(shared, target) {
        return html(400, "Authorization failed: redirect_uri is not registered for this client");
    }
    let given = value(&query, "state");
    let refuse = |error: &str, description: &str| {
        back(target, &[("error", error), ("error_description", description), ("state", given)])
    };
    if let Err((error, description)) = check(&query) {
        return refuse(error, description);
    }
    let index = match who(state, Kind::ChatGpt, value(&query, "login_hint")) {
        Choice::Account(index) => index,
        Choice::Ask => return chooser(state, Kind::ChatGpt, raw_query.unwrap_or_default()),
        Choice::Nobody => return refuse("access_denied", "The user denied the request"),
    };
    let Some(account) = state.accounts.get(index) else { return html(500, "Authorization failed") };
    if !account.spec.chatgpt.entitled {
        return refuse("access_denied", "missing_codex_entitlement");
    }
    let allowed = value(&query, "allowed_workspace_id");
    if !allowed.is_empty() && !allowed.split(',').any(|one| one.trim() == account.organization_uuid) {
        return refuse("access_denied", "The workspace is not allowed for this login");
    }
    let binding = CodeBinding {
        account: index,
        client_id: CLIENT_ID.to_owned(),
        redirect_uri: target.to_owned(),
        state: String::new(), // not part of this vendor's exchange
        challenge: value(&query, "code_challenge").to_owned(),
        scope: value(&query, "scope").to_owned(),
    };
    let now = state.clock.now();
    let code = state.grants.add_code(binding, "ac_", &shared.mint, now);
    back(target, &[("code", &code), ("scope", value(&query, "scope")), ("state", given)])
}

fn is_registered(shared: &Shared, redirect_uri: &str) -> bool {
    let ports = &shared.config.chatgpt_redirect_ports;
    ports.iter().any(|port| redirect_uri == format!("http://localhost:{port}/auth/callback"))
}

fn check(query: &Query) -> Result<(), (&'static str, &'static str)> {
    let wrong = |description| Err(("invalid_request", description));
    if value(query, "response_type") != "code" {
        return Err(("unsupported_response_type", "response_type must be code"));
    }
    if value(query, "state").is_empty() {
        return wrong("state is required");
    }
    if value(query, "code_challenge_method") != "S256" {
        return wrong("code_challenge_method must be S256");
    }
    if !is_challenge(value(query, "code_challenge")) {
        return wrong("code_challenge must be 43 characters of base64url");
    }
    if value(query, "id_token_add_organizations") != "true" {
        return wrong("id_token_add_organizations must be true");
    }
    if value(query, "codex_cli_simplified_flow") != "true" {
        return wrong("codex_cli_simplified_flow must be true");
    }
    if value(query, "originator").is_empty() {
        return wrong("originator is required");
    }
    let mut scopes = value(query, "scope").split(' ');
    if !scopes.clone().any(|one| one == "openid") || !scopes.all(|one| SCOPES.contains(&one)) {
        return Err(("invalid_scope", "unknown scope, or openid is missing"));
    }
    Ok(())
}
