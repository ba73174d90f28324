//! Login of ChatGPT accounts (`https://auth.openai.com`): browser, device code, refresh, revocation.

mod authorize;
mod device;
pub(crate) mod jwt;
mod revoke;
mod sharing;
mod token;

pub(crate) use device::Devices;
pub(crate) use sharing::{LIFE_S as SHARING_LIFE_S, SCOPES as SHARING_SCOPES, SHARING_SCOPE};

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::grants::AccountIndex;
use crate::incoming::Call;
use crate::log::Endpoint;
use crate::query;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::State;
use crate::vendor::Shared;

/// The public client id of Codex; the only client here.
pub(crate) const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";
/// Whom access tokens are for.
pub(crate) const API_AUDIENCE: &str = "https://api.openai.com/v1";
/// What a login without a browser brings.
pub(crate) const CHATGPT_SCOPE: &str = "openid profile email offline_access";

/// Path, method, what it asks for.
const PATHS: &[(&str, &str, Endpoint)] = &[
    ("/oauth/authorize", "GET", Endpoint::Authorize),
    ("/oauth/token", "POST", Endpoint::Token),
    ("/api/accounts/authorize", "GET", Endpoint::Authorize),
    ("/api/accounts/oauth/token", "POST", Endpoint::Token),
    ("/oauth/revoke", "POST", Endpoint::Revoke),
    ("/api/accounts/deviceauth/usercode", "POST", Endpoint::DeviceCode),
    ("/api/accounts/deviceauth/token", "POST", Endpoint::DeviceToken),
    ("/codex/device", "GET", Endpoint::DevicePage),
];

/// What a path asks for.
pub(crate) fn endpoint(method: &str, path: &str) -> Endpoint {
    let found = PATHS.iter().find(|(known, by, _)| *known == path && *by == method);
    found.map_or(Endpoint::Other, |(_, _, endpoint)| *endpoint)
}

/// How a body came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Json,
    Form,
}

fn coding(call: &Call) -> Option<Coding> {
    let kind = call.header("content-type").unwrap_or_default();
    match kind.split(';').next().map(str::trim) {
        Some("application/json") => Some(Coding::Json),
        Some("application/x-www-form-urlencoded") => Some(Coding::Form),
        _ => None,
    }
}

fn malformed(message: impl Into<String>) -> Refused {
    Refused::saying(OpenAiRefusal::InvalidTokenRequest, message)
}

/// The body as JSON, where the endpoint wants one. A form becomes an object of texts, marked as what it was.
pub(crate) fn json(call: &Call) -> Result<Value, Refused> {
    match (call.endpoint, coding(call)) {
        (Endpoint::Authorize | Endpoint::DevicePage | Endpoint::Other, _) => Ok(Value::Null),
        (Endpoint::Token | Endpoint::Revoke, Some(Coding::Form)) => {
            let body = call.body.clone().map_err(|_| malformed("The body cannot be read"))?;
            let text = std::str::from_utf8(&body).map_err(|_| malformed("The body is no text"))?;
            let fields = query::read(Some(text)).into_iter().map(|(name, value)| (name, Value::from(value)));
            Ok(Value::Object(fields.chain([(token::FORM.to_owned(), json!(true))]).collect()))
        }
        (_, Some(Coding::Json)) => {
            let json = call.json().map_err(|_| malformed("The body is not valid JSON"))?;
            if json.is_object() { Ok(json) } else { Err(malformed("The body is not an object")) }
        }
        (_, Some(Coding::Form) | None) => Err(malformed("Unsupported content type")),
    }
}

/// Whose code, token or device it is, for scripts and the log.
pub(crate) fn owner(state: &State, json: &Value) -> Option<AccountIndex> {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let token = text("refresh_token").or_else(|| text("token"));
    token
        .and_then(|token| state.grants.owner_of_refresh(token).or_else(|| state.grants.owner_of_access(token)))
        .or_else(|| text("code").and_then(|code| state.grants.owner_of_code(code)))
        .or_else(|| text("device_auth_id").and_then(|id| state.devices.owner(id)))
}

/// A text that must be there.
fn required<'a>(json: &'a Value, name: &str) -> Result<&'a str, Refused> {
    match json.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(malformed(format!("Missing required parameter: '{name}'.")).param(name)),
    }
}

/// The answer without any fault.
pub(crate) fn serve(
    shared: &Shared,
    state: &mut State,
    call: &Call,
    json: Result<Value, Refused>,
) -> Result<Answer, Refused> {
    let sharing = call.path.starts_with("/api/accounts/");
    match call.endpoint {
        Endpoint::Authorize if sharing => Ok(sharing::page(shared, state, call.query())),
        Endpoint::Authorize => Ok(authorize::page(shared, state, call.query())),
        Endpoint::Token if sharing => sharing::exchange(shared, state, &json?),
        Endpoint::Token => token::exchange(shared, state, &json?),
        Endpoint::Revoke => revoke::answer(state, &json?),
        Endpoint::DeviceCode => device::code(shared, state, &json?),
        Endpoint::DeviceToken => device::poll(shared, state, &json?),
        Endpoint::DevicePage => Ok(device::page(state, call.query())),
        _ if PATHS.iter().any(|(path, _, _)| *path == call.path) => Err(OpenAiRefusal::MethodNotAllowed.into()),
        _ => Err(Refused::saying(OpenAiRefusal::NotFound, "Not Found")),
    }
}
