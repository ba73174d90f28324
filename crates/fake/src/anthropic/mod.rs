//! Anthropic: paths, who may come in, what is answered and refused.

pub(crate) mod auth;
mod identity;
pub(crate) mod messages;
mod models;
pub(crate) mod oauth;

use serde_json::Value;

use crate::answer::Answer;
use crate::grants::AccountIndex;
use crate::incoming::{BadBody, Call};
use crate::log::Endpoint;
use crate::manner::Manner;
use crate::query;
use crate::quota::Window;
use crate::quota::headers;
use crate::refusal::Refusal;
use crate::refused::Refused;
use crate::state::State;
use crate::vendor::Shared;
use oauth::{COPY_CODE_PATH, authorize, token};

/// What a path asks for.
pub(crate) fn endpoint(method: &str, path: &str) -> Endpoint {
    match (method, path) {
        ("POST", "/v1/messages") => Endpoint::Messages,
        ("POST", "/v1/messages/count_tokens") => Endpoint::CountTokens,
        ("GET", "/v1/models") => Endpoint::Models,
        ("GET", path) if path.starts_with("/v1/models/") => Endpoint::Models,
        ("GET", "/oauth/authorize" | "/cai/oauth/authorize") => Endpoint::Authorize,
        ("POST", "/v1/oauth/token") => Endpoint::Token,
        ("GET", "/api/oauth/usage") => Endpoint::Usage,
        ("GET", "/api/oauth/profile") => Endpoint::Profile,
        ("GET", "/api/oauth/claude_cli/roles") => Endpoint::Roles,
        ("HEAD" | "GET", "/api/hello") => Endpoint::Hello,
        _ => Endpoint::Other,
    }
}

/// In this vendor's words.
pub(crate) fn bad_body(bad: BadBody) -> Refused {
    match bad {
        BadBody::TooLarge => Refusal::TooLarge.into(),
        BadBody::Encoding(what) => Refused::invalid(what),
        BadBody::Json(error) => Refused::invalid(format!("The request body is not valid JSON: {error}")),
    }
}

/// The body as JSON, where the endpoint wants one.
pub(crate) fn json(call: &Call) -> Result<Value, Refused> {
    match call.endpoint {
        Endpoint::Messages | Endpoint::CountTokens => call.json().map_err(bad_body),
        Endpoint::Token => token::body(call),
        _ => Ok(Value::Null),
    }
}

/// Whose request it is; for endpoints that need no login any account will do.
pub(crate) fn admit(state: &State, call: &Call) -> Result<AccountIndex, Refused> {
    match call.endpoint {
        Endpoint::Authorize | Endpoint::Token | Endpoint::Hello | Endpoint::Other => Ok(0),
        _ => auth::admit(state, call).map(|(account, _)| account),
    }
}

/// The 429 of a spent window, without touching the account's own windows.
pub(crate) fn spent(state: &State, index: AccountIndex, model: &str, window: &Window, resets_in_s: i64) -> Refused {
    let now = state.clock.now();
    let Some(account) = state.accounts.get(index) else { return Refusal::RateLimit.into() };
    let mut windows = account.windows.clone();
    windows.roll(now);
    windows.set(window, 101.0, now + resets_in_s); // 1.01 was seen
    let pairs = headers::unified(&windows, account.spec.quota_headers, model, true, now);
    let organization = ("anthropic-organization-id".to_owned(), account.organization_uuid.clone());
    Refused::from(Refusal::RateLimit).with(pairs).with(vec![organization])
}

/// A scripted row, with the headers that such an answer of this account would carry.
pub(crate) fn refuse(state: &State, index: AccountIndex, refusal: Refusal, message: String) -> Refused {
    let refused = Refused::saying(refusal, message);
    let Some(account) = state.accounts.get(index) else { return refused };
    let bucket = match refusal {
        Refusal::RequestsPerMinute => "requests",
        Refusal::InputTokensPerMinute => "input-tokens",
        Refusal::OutputTokensPerMinute => "output-tokens",
        Refusal::RateLimit if !account.is_metered() => {
            let now = state.clock.now();
            let mut windows = account.windows.clone();
            windows.roll(now);
            return refused.with(headers::unified(&windows, account.spec.quota_headers, "", false, now));
        }
        _ => return refused,
    };
    let reset = headers::rfc3339(state.clock.now() + SCRIPTED_MINUTE_WAIT_S);
    refused.with(vec![
        (format!("anthropic-ratelimit-{bucket}-remaining"), "0".to_owned()),
        (format!("anthropic-ratelimit-{bucket}-reset"), reset),
        ("retry-after".to_owned(), SCRIPTED_MINUTE_WAIT_S.to_string()),
    ])
}

/// `retry-after` of a scripted per-minute refusal, unless the script gives its own.
const SCRIPTED_MINUTE_WAIT_S: i64 = 12;

/// The answer without any fault.
pub(crate) fn serve(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: Result<Value, Refused>,
    manner: Manner,
) -> Result<Answer, Refused> {
    match call.endpoint {
        Endpoint::Messages => json.and_then(|json| messages::create(shared, state, index, &json, manner)),
        Endpoint::CountTokens => json.and_then(|json| messages::count_tokens(shared, state, index, &json)),
        Endpoint::Models => match call.path.strip_prefix("/v1/models/") {
            Some(id) => models::one(id),
            None => models::list(&query::read(call.query())),
        },
        Endpoint::Authorize => Ok(authorize::page(shared, state, call.query())),
        Endpoint::Token => json.and_then(|json| token::exchange(shared, state, &json)),
        Endpoint::Usage | Endpoint::Profile | Endpoint::Roles => {
            let now = state.clock.now();
            match (state.accounts.get_mut(index), call.endpoint) {
                (Some(account), Endpoint::Usage) => Ok(identity::usage(account, now)),
                (Some(account), Endpoint::Profile) => Ok(identity::profile(account)),
                (Some(account), _) => Ok(identity::roles(account)),
                (None, _) => Err(Refusal::ApiError.into()),
            }
        }
        Endpoint::Hello => Ok(Answer::text(200, "", "")),
        _ if call.path == COPY_CODE_PATH => Ok(authorize::copy_code(call.query())),
        _ if KNOWN_PATHS.contains(&call.path.as_str()) => Err(Refusal::MethodNotAllowed.into()),
        _ => Err(Refusal::NotFound.into()),
    }
}

/// Paths that exist, for another method.
const KNOWN_PATHS: &[&str] = &[
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/models",
    "/oauth/authorize",
    "/v1/oauth/token",
    "/api/oauth/usage",
    "/api/oauth/profile",
    "/api/oauth/claude_cli/roles",
];
