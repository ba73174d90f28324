//! The Codex backend (`https://chatgpt.com/backend-api`): Responses for ChatGPT accounts, and what ChatGPT tells of them.

mod accounts;
mod compact;
pub(crate) mod models;
mod parameters;
mod quota;
pub(crate) mod turn;

use serde_json::Value;

use crate::account::Kind;
use crate::answer::{Answer, Event, Part};
use crate::grants::{AccountIndex, Standing};
use crate::incoming::{BadBody, Call};
use crate::log::Endpoint;
use crate::manner::Manner;
use crate::openai::responses::{Done, Kitchen, prepare};
use crate::openai::socket;
use crate::openai_auth::SHARING_SCOPE;
use crate::quota::Window;
use crate::quota::headers::Pairs;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::standing::standing;
use crate::state::{Account, State};
use crate::vendor::Shared;

/// Which workspace a request is for; must be the token's.
pub(crate) const ACCOUNT_HEADER: &str = "chatgpt-account-id";

/// Path, method, what it asks for.
const PATHS: &[(&str, &str, Endpoint)] = &[
    ("/backend-api/codex/responses", "POST", Endpoint::Responses),
    ("/backend-api/codex/responses", "GET", Endpoint::Socket),
    ("/backend-api/codex/responses/compact", "POST", Endpoint::Compact),
    ("/backend-api/codex/models", "GET", Endpoint::Models),
    ("/backend-api/wham/usage", "GET", Endpoint::Usage),
    ("/backend-api/wham/accounts/check", "GET", Endpoint::Accounts),
    ("/backend-api/wham/profiles/me", "GET", Endpoint::Profile),
    ("/backend-api/wham/rate-limit-reset-credits/consume", "POST", Endpoint::ConsumeReset),
];

/// What a path asks for.
pub(crate) fn endpoint(method: &str, path: &str) -> Endpoint {
    let found = PATHS.iter().find(|(known, by, _)| *known == path && *by == method);
    found.map_or(Endpoint::Other, |(_, _, endpoint)| *endpoint)
}

/// In this vendor's words.
fn bad_body(bad: BadBody) -> Refused {
    match bad {
        BadBody::TooLarge => OpenAiRefusal::TooLarge.into(),
        BadBody::Encoding(what) => detail(what),
        BadBody::Json(_) => detail("Invalid JSON body"),
    }
}

/// 400 as `{"detail":…}`.
pub(crate) fn detail(message: impl Into<String>) -> Refused {
    Refused::saying(OpenAiRefusal::UnsupportedParameterDetail, message)
}

/// The body as JSON, where the endpoint wants one.
pub(crate) fn json(call: &Call) -> Result<Value, Refused> {
    match call.endpoint {
        Endpoint::Responses | Endpoint::Compact => {
            let kind = call.header("content-type").unwrap_or_default();
            if kind.split(';').next().map(str::trim) != Some("application/json") {
                return Err(detail("Unsupported content type"));
            }
            let json = call.json().map_err(bad_body)?;
            if json.is_object() { Ok(json) } else { Err(bad_body(BadBody::Json(String::new()))) }
        }
        _ => Ok(Value::Null),
    }
}

/// Lets a request in, or says why not.
pub(crate) fn admit(state: &mut State, call: &Call) -> Result<AccountIndex, Refused> {
    if call.endpoint == Endpoint::Other {
        return Ok(0);
    }
    let index = match standing(state, call.site, &call.head.headers) {
        Standing::Good(_, rights) if rights.may(SHARING_SCOPE) => return Err(OpenAiRefusal::Unauthorized.into()),
        Standing::Good(index, _) => index,
        Standing::Expired(_) => return Err(OpenAiRefusal::TokenExpired.into()),
        Standing::Revoked(_) => return Err(OpenAiRefusal::TokenRevoked.into()),
        Standing::Foreign => return Err(OpenAiRefusal::Unauthorized.into()),
    };
    let Some(account) = state.accounts.get(index) else { return Err(OpenAiRefusal::ServerError.into()) };
    let name = &account.spec.name;
    let violation = match call.header(ACCOUNT_HEADER) {
        _ if account.spec.kind != Kind::ChatGpt => return Err(OpenAiRefusal::Unauthorized.into()),
        Some(claimed) if claimed == account.organization_uuid => None,
        Some(claimed) => Some((
            format!("{ACCOUNT_HEADER} names another account than the token of {name:?}: {claimed}"),
            Refused::from(OpenAiRefusal::Unauthorized),
        )),
        None => Some((
            format!("{ACCOUNT_HEADER} is missing beside the token of {name:?}"),
            detail(format!("Missing required header: {ACCOUNT_HEADER}")),
        )),
    };
    if account.disabled {
        return Err(OpenAiRefusal::AccountDeactivated.into());
    }
    match violation {
        Some((violation, refused)) => {
            state.violations.add(violation);
            Err(refused)
        }
        None => Ok(index),
    }
}

/// A scripted row, with what such an answer of this account would carry.
pub(crate) fn refuse(state: &State, index: AccountIndex, refusal: OpenAiRefusal, message: String) -> Refused {
    let refused = Refused::saying(refusal, message);
    let Some(account) = state.accounts.get(index) else { return refused };
    let now = state.clock.now();
    match refusal {
        OpenAiRefusal::UsageLimitReached => {
            let resets_at = now + crate::refusal::SCRIPTED_RESET_S;
            quota::limit_reached(account, resets_at, now).with(quota::headers(
                account,
                &account.windows,
                "",
                false,
                now,
            ))
        }
        OpenAiRefusal::UsageNotIncluded => refused.field("plan_type", account.spec.chatgpt.plan.clone()),
        _ => refused,
    }
}

/// The 429 of a spent window, without touching the account's own windows.
pub(crate) fn spent(state: &State, index: AccountIndex, model: &str, window: &Window, resets_in_s: i64) -> Refused {
    let now = state.clock.now();
    let Some(account) = state.accounts.get(index) else { return OpenAiRefusal::UsageLimitReached.into() };
    let mut windows = account.windows.clone();
    windows.roll(now);
    windows.set(window, 100.0, now + resets_in_s);
    let pairs = quota::headers(account, &windows, model, true, now);
    quota::limit_reached(account, now + resets_in_s, now).with(pairs)
}

/// The answer without any fault.
pub(crate) fn serve(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: Result<Value, Refused>,
    manner: Manner,
) -> Result<Answer, Refused> {
    let now = state.clock.now();
    match call.endpoint {
        Endpoint::Responses => {
            let json = json?;
            parameters::http(&json)?;
            let turn = turn::state(shared, state, index, call.header(turn::HEADER));
            let (mut done, headers) = respond(shared, state, index, &json, &[], manner)?;
            let model = done.model.clone();
            if let Some(account) = state.accounts.get(index).filter(|account| account.spec.chatgpt.rate_limit_events) {
                done.events.insert(0, limits_event(account, now));
            }
            let served = [
                ("openai-model".to_owned(), model),
                ("x-reasoning-included".to_owned(), "true".to_owned()),
                ("x-models-etag".to_owned(), models::ETAG.to_owned()),
                ("cf-ray".to_owned(), format!("{}-FRA", shared.mint.id("").to_lowercase())),
            ];
            Ok(done.answer().with(headers).with(served.into()).with(turn.into_iter().collect()))
        }
        Endpoint::Socket => {
            let turn = turn::state(shared, state, index, call.header(turn::HEADER));
            Ok(socket::handshake(shared, call)?.with(turn.into_iter().collect()))
        }
        Endpoint::Compact => compact::answer(shared, state, index, &json?),
        Endpoint::Models => Ok(models::list()),
        Endpoint::ConsumeReset => {
            state.violations.add("a reset that belongs to the person was redeemed".to_owned());
            Ok(Answer::json(200, &serde_json::json!({"code": "no_credit"})))
        }
        Endpoint::Usage | Endpoint::Accounts | Endpoint::Profile => {
            let Some(account) = state.accounts.get_mut(index) else { return Err(OpenAiRefusal::ServerError.into()) };
            account.windows.roll(now);
            Ok(match call.endpoint {
                Endpoint::Usage => quota::usage(account, now),
                Endpoint::Accounts => accounts::check(account),
                _ => accounts::profile(account),
            })
        }
        _ if PATHS.iter().any(|(path, _, _)| *path == call.path) => {
            Err(Refused::saying(OpenAiRefusal::MethodNotAllowed, "Method Not Allowed"))
        }
        _ => Err(Refused::saying(OpenAiRefusal::NotFound, "Not Found")),
    }
}

/// What goes before a response's own events.
pub(crate) fn limits_event(account: &Account, now: i64) -> Event {
    Event::named(Part::Handshake, "codex.rate_limits", &quota::event(account, now))
}

/// One response of a ChatGPT account, over HTTP or a WebSocket, with the headers of its quota.
pub(crate) fn respond(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    json: &Value,
    earlier: &[Value],
    manner: Manner,
) -> Result<(Done, Pairs), Refused> {
    parameters::any(json, !earlier.is_empty())?;
    let (now, now_ms) = (state.clock.now(), state.clock.now_ms());
    let State { accounts, replies, .. } = state;
    let Some(account) = accounts.get_mut(index) else { return Err(OpenAiRefusal::ServerError.into()) };
    let organization = account.organization_uuid.clone();
    let kitchen = Kitchen { mint: &shared.mint, replies, organization: &organization, reasons: true, manner };
    let prepared = prepare(json, earlier, &kitchen)?;
    let headers = quota::admit(account, prepared.prompt.model, now)?;
    Ok((prepared.finish(&mut account.prefixes, shared.config.cache_min_tokens, now_ms), headers))
}
