//! `GET /oauth/authorize`: checks the request, asks nobody, and sends the browser back with a code.

use super::{CLIENT_ID, COPY_CODE_PATH, COPY_CODE_REDIRECT};
use crate::account::Kind;
use crate::answer::Answer;
use crate::consent::{Choice, Query, back, chooser, escape, html, is_challenge, value, who};
use crate::grants::{CodeBinding, SCOPES};
use crate::query;
use crate::state::State;
use crate::vendor::Shared;

/// The authorize page.
pub(crate) fn page(shared: &Shared, state: &mut State, raw_query: Option<&str>) -> Answer {
    let query = query::read(raw_query);
    let redirect_uri = value(&query, "redirect_uri");
    // A wrong client or redirect address never gets a redirect (RFC 6749, 4.1.2.1).
    if value(&query, "client_id") != CLIENT_ID {
        return html(400, "Authorization failed: unknown client_id");
    }
    let Some(target) = target(shared, redirect_uri) else {
        return html(400, "Authorization failed: redirect_uri is not allowed for this client");
    };
    if let Err((error, description)) = check(&query) {
        return back(
            &target,
            &[("error", error), ("error_description", description), ("state", value(&query, "state"))],
        );
    }
    let account = match who(state, Kind::Subscription, value(&query, "login_hint")) {
        Choice::Account(account) => account,
        Choice::Ask => return chooser(state, Kind::Subscription, raw_query.unwrap_or_default()),
        Choice::Nobody => {
            let refusal = ("access_denied", "The user denied the request");
            let state = value(&query, "state");
            return back(&target, &[("error", refusal.0), ("error_description", refusal.1), ("state", state)]);
        }
    };
    let binding = CodeBinding {
        account,
        client_id: CLIENT_ID.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        state: value(&query, "state").to_owned(),
        challenge: value(&query, "code_challenge").to_owned(),
        scope: value(&query, "scope").to_owned(),
    };
    let now = state.clock.now();
    let code = state.grants.add_code(binding, "", &shared.mint, now);
    back(&target, &[("code", &code), ("state", value(&query, "state"))])
}

/// The page that shows `code#state`.
pub(crate) fn copy_code(raw_query: Option<&str>) -> Answer {
    let query = query::read(raw_query);
    let (code, state) = (value(&query, "code"), value(&query, "state"));
    if code.is_empty() {
        return html(400, &format!("Authorization failed: {}", value(&query, "error_description")));
    }
    let shown = escape(&format!("{code}#{state}"));
    let body = format!(
        "<!DOCTYPE html><title>Authentication Code</title><p>Paste this into your terminal:</p><code id=\"code\">{shown}</code>"
    );
    Answer::text(200, "text/html; charset=utf-8", body)
}

/// Where the browser is sent: the loopback address as it is, the copy-code page of the real vendor to our own.
fn target(shared: &Shared, redirect_uri: &str) -> Option<String> {
    let own = format!("{}{COPY_CODE_PATH}", shared.base_url);
    if redirect_uri == COPY_CODE_REDIRECT || redirect_uri == own {
        return Some(own);
    }
    let port = redirect_uri.strip_prefix("http://localhost:")?.strip_suffix("/callback")?;
    port.parse::<u16>().ok().map(|_| redirect_uri.to_owned())
}

fn check(query: &Query) -> Result<(), (&'static str, &'static str)> {
    let challenge = value(query, "code_challenge");
    let wrong = |description| Err(("invalid_request", description));
    if value(query, "response_type") != "code" {
        return Err(("unsupported_response_type", "response_type must be code"));
    }
    if value(query, "code") != "true" {
        return wrong("code must be true");
    }
    if value(query, "state").is_empty() {
        return wrong("state is required");
    }
    if value(query, "code_challenge_method") != "S256" {
        return wrong("code_challenge_method must be S256");
    }
    if !is_challenge(challenge) {
        return wrong("code_challenge must be 43 characters of base64url");
    }
    let scope = value(query, "scope");
    if scope.is_empty() || !scope.split(' ').all(|one| SCOPES.contains(&one)) {
        return Err(("invalid_scope", "unknown scope"));
    }
    Ok(())
}
