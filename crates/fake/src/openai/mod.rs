//! OpenAI for API keys (`https://api.openai.com/v1`): who may come in, and what the endpoints answer.

pub(crate) mod cache;
pub(crate) mod chat;
mod limits;
mod models;
mod parameters;
pub(crate) mod responses;
mod sharing;
pub(crate) mod socket;

use serde_json::{Value, json};

use crate::account::Kind;
use crate::answer::Answer;
use crate::grants::{AccountIndex, Standing};
use crate::incoming::{BadBody, Call, Presented, presented};
use crate::log::Endpoint;
use crate::manner::Manner;
use crate::openai_auth::jwt::organization_id;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::standing::standing;
use crate::state::State;
use crate::vendor::Shared;
use responses::{Done, Kitchen, prepare};

/// What a path asks for.
pub(crate) fn endpoint(method: &str, path: &str) -> Endpoint {
    match (method, path) {
        ("POST", "/v1/responses") => Endpoint::Responses,
        ("GET", "/v1/responses") => Endpoint::Socket,
        ("POST", "/v1/responses/input_tokens") => Endpoint::InputTokens,
        ("POST", "/v1/chat/completions") => Endpoint::ChatCompletions,
        ("GET", "/v1/models") => Endpoint::Models,
        ("GET", path) if path.starts_with("/v1/models/") => Endpoint::Models,
        _ => Endpoint::Other,
    }
}

/// Paths that exist, for another method.
const KNOWN_PATHS: &[&str] = &["/v1/responses", "/v1/responses/input_tokens", "/v1/chat/completions", "/v1/models"];

/// In this vendor's words.
pub(crate) fn bad_body(bad: BadBody) -> Refused {
    match bad {
        BadBody::TooLarge => OpenAiRefusal::TooLarge.into(),
        BadBody::Encoding(what) => Refused::saying(OpenAiRefusal::InvalidRequest, what),
        BadBody::Json(_) => Refused::saying(
            OpenAiRefusal::InvalidRequest,
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library \
             correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        ),
    }
}

/// The body as JSON, where the endpoint wants one.
pub(crate) fn json(call: &Call) -> Result<Value, Refused> {
    match call.endpoint {
        Endpoint::Responses | Endpoint::ChatCompletions | Endpoint::InputTokens => object(call),
        _ => Ok(Value::Null),
    }
}

/// The body as a JSON object, announced as such.
pub(crate) fn object(call: &Call) -> Result<Value, Refused> {
    let kind = call.header("content-type").unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        let message =
            format!("Unsupported content type: '{kind}'. This API method only accepts 'application/json' requests.");
        return Err(Refused::saying(OpenAiRefusal::InvalidRequest, message).code("unsupported_content_type"));
    }
    let json = call.json().map_err(bad_body)?;
    if json.is_object() { Ok(json) } else { Err(bad_body(BadBody::Json(String::new()))) }
}

/// Lets a request in, or says why not.
pub(crate) fn admit(state: &State, call: &Call) -> Result<AccountIndex, Refused> {
    if call.endpoint == Endpoint::Other {
        return Ok(0);
    }
    let shown = match presented(&call.head.headers) {
        Presented::Bearer(shown) if !shown.is_empty() => shown,
        _ => {
            return Err(Refused::saying(
                OpenAiRefusal::InvalidApiKey,
                "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth \
                 (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing \
                 the API from your browser and are prompted for a username and password.",
            ));
        }
    };
    let standing = standing(state, call.site, &call.head.headers);
    let of_a_plan =
        |index: &AccountIndex| state.accounts.get(*index).is_some_and(|account| account.spec.kind == Kind::ChatGpt);
    let (index, rights) = match standing {
        Standing::Good(index, rights) => (index, rights),
        Standing::Expired(index) | Standing::Revoked(index) if of_a_plan(&index) => {
            return Err(OpenAiRefusal::InvalidTokenDetail.into());
        }
        _ => {
            let tail = shown.get(shown.len().saturating_sub(4)..).unwrap_or_default();
            return Err(Refused::saying(
                OpenAiRefusal::InvalidApiKey,
                format!(
                    "Incorrect API key provided: {}****{tail}. You can find your API key at \
                     https://platform.openai.com/account/api-keys.",
                    shown.get(..8).unwrap_or_default()
                ),
            ));
        }
    };
    match state.accounts.get(index) {
        Some(account) if account.disabled => Err(OpenAiRefusal::AccountDeactivated.into()),
        Some(account) if account.spec.kind == Kind::ChatGpt => sharing::admit(account, &rights, call).map(|()| index),
        Some(account) => match call.header("openai-organization") {
            Some(named) if named != organization_id(account) => Err(OpenAiRefusal::MismatchedOrganization.into()),
            _ => Ok(index),
        },
        None => Err(OpenAiRefusal::ServerError.into()),
    }
}

/// What a ChatGPT token gets here (measured by third parties in 2026).
pub(crate) fn not_a_key(endpoint: Endpoint) -> Refused {
    let scope = match endpoint {
        Endpoint::ChatCompletions => return OpenAiRefusal::InsufficientQuota.into(),
        Endpoint::Models => "api.model.read",
        _ => "api.responses.write",
    };
    Refused::saying(
        OpenAiRefusal::MissingScopes,
        format!(
            "You have insufficient permissions for this operation. Missing scopes: {scope}. Check that you have the correct \
             role in your organization (Reader, Writer, Owner) and project (Member, Owner), and if you're using a restricted \
             API key, that it has the necessary scopes."
        ),
    )
}

/// A scripted row.
pub(crate) fn refuse(refusal: OpenAiRefusal, message: String) -> Refused {
    Refused::saying(refusal, message)
}

/// API keys have no windows; what comes nearest.
pub(crate) fn spent() -> Refused {
    OpenAiRefusal::InsufficientQuota.into()
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
    match call.endpoint {
        Endpoint::Responses if sharing::is_shared(state, index) => {
            let json = json?;
            sharing::http(&json)?;
            let (done, _) = respond(shared, state, index, &json, &[], manner)?;
            Ok(done.answer())
        }
        Endpoint::Models if sharing::is_shared(state, index) => Ok(sharing::models(call.query())),
        Endpoint::Responses => {
            let json = json?;
            let earlier = match json.get("previous_response_id").and_then(Value::as_str) {
                Some(id) => state.kept.find(index, id).ok_or_else(|| unknown_response(id))?,
                None => [].into(),
            };
            let (done, headers) = respond(shared, state, index, &json, &earlier, manner)?;
            if done.store {
                state.kept.keep(index, &done.id, done.items.clone());
            }
            Ok(done.answer().with(headers))
        }
        Endpoint::ChatCompletions => chat_completion(shared, state, index, &json?, manner),
        Endpoint::InputTokens => {
            let json = json?;
            let Some(account) = state.accounts.get(index) else { return Err(OpenAiRefusal::ServerError.into()) };
            let model = models::find(json.get("model").and_then(Value::as_str).unwrap_or_default())?;
            let kitchen = Kitchen {
                mint: &shared.mint,
                replies: &[],
                organization: &account.organization_uuid,
                reasons: model.reasons,
                manner,
            };
            let prepared = prepare(&json, &[], &kitchen)?;
            Ok(Answer::json(200, &json!({"object": "response.input_tokens", "input_tokens": prepared.input_tokens()})))
        }
        Endpoint::Socket => socket::handshake(shared, call),
        Endpoint::Models => match call.path.strip_prefix("/v1/models/") {
            Some(id) => models::one(id),
            None => Ok(models::list()),
        },
        _ if KNOWN_PATHS.contains(&call.path.as_str()) => Err(Refused::saying(
            OpenAiRefusal::MethodNotAllowed,
            format!("Not allowed to {} on {}.", call.method(), call.path),
        )),
        _ => Err(Refused::saying(OpenAiRefusal::NotFound, format!("Invalid URL ({} {})", call.method(), call.path))),
    }
}

pub(crate) fn unknown_response(id: &str) -> Refused {
    Refused::saying(OpenAiRefusal::PreviousResponseNotFound, format!("Previous response with id '{id}' not found."))
        .param("previous_response_id")
}

/// One response of an API key or a shared plan, with the headers of its limits.
pub(crate) fn respond(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    json: &Value,
    earlier: &[Value],
    manner: Manner,
) -> Result<(Done, crate::quota::headers::Pairs), Refused> {
    let now_ms = state.clock.now_ms();
    let State { accounts, replies, .. } = state;
    let Some(account) = accounts.get_mut(index) else { return Err(OpenAiRefusal::ServerError.into()) };
    let organization = account.organization_uuid.clone();
    let shared_plan = account.spec.kind == Kind::ChatGpt;
    if shared_plan {
        sharing::parameters(json)?;
    }
    let reasons = parameters::responses(json)?;
    let kitchen = Kitchen { mint: &shared.mint, replies, organization: &organization, reasons, manner };
    let prepared = prepare(json, earlier, &kitchen)?;
    let headers = if shared_plan {
        sharing::charge(account, prepared.prompt.model, now_ms / 1000)?
    } else {
        limits::admit(account, prepared.prompt.model, prepared.tokens(), now_ms)?
    };
    Ok((prepared.finish(&mut account.prefixes, shared.config.cache_min_tokens, now_ms), headers))
}

fn chat_completion(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    json: &Value,
    manner: Manner,
) -> Result<Answer, Refused> {
    let now_ms = state.clock.now_ms();
    let State { accounts, replies, .. } = state;
    let Some(account) = accounts.get_mut(index) else { return Err(OpenAiRefusal::ServerError.into()) };
    parameters::chat(json)?;
    let prompt = chat::Prompt::read(json, chat::ROLES)?;
    let output = chat::compose(&prompt, replies, &shared.mint, false, manner);
    let headers = limits::admit(account, prompt.model, prompt.tokens() + output.tokens, now_ms)?;
    let (least, id) = (shared.config.cache_min_tokens, shared.mint.id("chatcmpl-"));
    let done = chat::finish(&prompt, output, &mut account.prefixes, least, id, now_ms, manner);
    Ok(done.answer(crate::grammar::Grammar::Chat).with(headers))
}
