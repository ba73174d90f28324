//! One request from its head to its answer: which endpoint, whose credential, which fault.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use serde_json::Value;

use crate::answer::{Answer, Refused};
use crate::auth;
use crate::fault::{Chunking, Effect, Fault, Point};
use crate::grants::AccountIndex;
use crate::identity;
use crate::incoming::{self, Call};
use crate::log::{Endpoint, Progress, Seen};
use crate::messages::{self, Manner};
use crate::models;
use crate::oauth::{COPY_CODE_PATH, authorize, token};
use crate::perform::{Stage, perform};
use crate::play::{Cut, Play};
use crate::query;
use crate::quota::headers;
use crate::refusal::Refusal;
use crate::state::{State, meets};
use crate::vendor::Shared;
use crate::watch;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("scripted end of the connection")]
pub(crate) struct NoAnswer;

fn endpoint(method: &Method, path: &str) -> Endpoint {
    match (method.as_str(), path) {
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

fn takes_gzip(headers: &http::HeaderMap) -> bool {
    let accepted = incoming::text(headers, "accept-encoding").unwrap_or_default();
    accepted.split(',').any(|coding| coding.trim().split(';').next() == Some("gzip"))
}

pub(crate) async fn handle(
    shared: Arc<Shared>,
    cut: Arc<Cut>,
    request: Request<Incoming>,
) -> Result<Response<Play>, NoAnswer> {
    let (head, body) = request.into_parts();
    let progress = Arc::new(Progress::default());
    let request_id = shared.mint.id("req_");
    let endpoint = endpoint(&head.method, head.uri.path());
    let mut stage = Stage {
        progress: Arc::clone(&progress),
        cut,
        request_id: request_id.clone(),
        counts_as_content: endpoint == Endpoint::Messages,
        pace: shared.config.event_delay,
        now: shared.state.lock().clock.now(),
        takes_gzip: takes_gzip(&head.headers),
    };
    if head.uri.path().starts_with(crate::control::PREFIX) {
        let raw = incoming::read(body).await;
        stage.counts_as_content = false;
        return perform(Some(crate::control::answer(&shared, &head, raw)), None, stage).await;
    }
    let early = {
        let mut state = shared.state.lock();
        let account = auth::owner(&auth::standing(&state, &head.headers));
        state.take_fault(account, |fault| fault.early && fault.on == endpoint)
    };
    let (raw, body) = if early.is_some() {
        drop(body);
        (Bytes::new(), Ok(Bytes::new()))
    } else {
        match incoming::read(body).await {
            Ok(raw) => {
                let plain = incoming::decode(&raw, incoming::text(&head.headers, "content-encoding"));
                (raw, plain)
            }
            Err(refused) => (Bytes::new(), Err(refused)),
        }
    };
    let call = Call { endpoint, head, raw, body, request_id };
    let (answer, fault) = decide(&shared, &call, early, &progress);
    perform(answer, fault.as_ref(), stage).await
}

/// Everything between the last byte of the request and the first of the answer, in one go.
fn decide(
    shared: &Shared,
    call: &Call,
    early: Option<Fault>,
    progress: &Arc<Progress>,
) -> (Option<Answer>, Option<Fault>) {
    let json = match call.endpoint {
        Endpoint::Messages | Endpoint::CountTokens => call.json(),
        Endpoint::Token => token::body(call),
        _ => Ok(Value::Null),
    };
    let mut state = shared.state.lock();
    let state = &mut *state;
    let account = match call.endpoint {
        Endpoint::Token => json.as_ref().ok().and_then(|json| token::owner(state, json)),
        _ => auth::owner(&auth::standing(state, &call.head.headers)),
    };
    record(state, shared, call, json.as_ref().ok(), account, progress);
    let admitted = match call.endpoint {
        Endpoint::Authorize | Endpoint::Token | Endpoint::Hello | Endpoint::Other => Ok(0),
        _ => auth::admit(state, call).map(|(account, _)| account),
    };
    let index = match admitted {
        Ok(index) => index,
        Err(refused) if early.is_none() => return (Some(refused.answer(&call.request_id)), None),
        Err(_) => 0,
    };
    let model = json.as_ref().ok().and_then(|json| json.get("model")).and_then(Value::as_str);
    let fault = early.or_else(|| state.take_fault(account, |fault| meets(fault, call.endpoint, model)));
    let answer = match &fault {
        None => Some(serve(shared, state, index, call, json, Manner::default())),
        Some(fault) => faulty(shared, state, index, call, json, fault),
    };
    (answer, fault)
}

fn record(
    state: &mut State,
    shared: &Shared,
    call: &Call,
    json: Option<&Value>,
    account: Option<AccountIndex>,
    progress: &Arc<Progress>,
) {
    let own_authority = shared.base_url.trim_start_matches("http://");
    for violation in watch::inspect(state, call, json, own_authority) {
        state.violations.add(violation);
    }
    if let (Endpoint::Messages, Some(json)) = (call.endpoint, json)
        && let Some(violation) = state.replays.note(call, json, progress, shared.config.agent_retries)
    {
        state.violations.add(violation.to_owned());
    }
    let seen = Seen {
        number: 0,
        at_ms: state.clock.now_ms(),
        endpoint: call.endpoint,
        method: call.head.method.to_string(),
        path: call.head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: call.head.headers.clone(),
        body: call.raw.clone(),
        account: account.and_then(|index| state.accounts.get(index)).map(|account| account.spec.name.clone()),
        model: json.and_then(|json| json.get("model")?.as_str()).map(str::to_owned),
        request_id: call.request_id.clone(),
        status: None,
        content: false,
        ending: crate::log::Ending::Open,
    };
    state.log.add(seen, Arc::clone(progress));
}

/// The answer under a fault; `None` if the connection ends without one.
fn faulty(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: Result<Value, Refused>,
    fault: &Fault,
) -> Option<Answer> {
    let manner = Manner { novelties: fault.novelties, wide_text: fault.chunking == Some(Chunking::SplitUtf8) };
    let streaming = json.as_ref().is_ok_and(|json| json.get("stream").and_then(Value::as_bool) == Some(true));
    let refused = match &fault.effect {
        Effect::Refuse(refusal) => Some(refuse(state, index, *refusal).answer(&call.request_id)),
        Effect::ErrorEvent { refusal, at } if !streaming || *at == Point::BeforeHeaders => {
            Some(refuse(state, index, *refusal).answer(&call.request_id))
        }
        Effect::Answer { status, content_type, body } => {
            Some(Answer::text(*status, content_type.clone(), body.clone()))
        }
        Effect::Spent { window, resets_in_s } => {
            let now = state.clock.now();
            let account = state.accounts.get(index)?;
            let mut windows = account.windows.clone();
            windows.roll(now);
            windows.set(window, 101.0, now + resets_in_s); // 1.01 was seen
            let model = json.as_ref().ok().and_then(|json| json.get("model")?.as_str()).unwrap_or_default();
            let pairs = headers::unified(&windows, account.spec.quota_headers, model, true, now);
            let organization = ("anthropic-organization-id".to_owned(), account.organization_uuid.clone());
            let refused = Refused::from(Refusal::RateLimit).with(pairs).with(vec![organization]);
            Some(refused.answer(&call.request_id))
        }
        Effect::Truncate { at, .. } | Effect::Stall { at } | Effect::Reset { at }
            if *at == Point::BeforeHeaders && !fault.after_effect =>
        {
            return None;
        }
        Effect::Serve
        | Effect::ErrorEvent { .. }
        | Effect::Truncate { .. }
        | Effect::Stall { .. }
        | Effect::Reset { .. } => None,
    };
    if refused.is_some() && !fault.after_effect {
        return refused;
    }
    let served = serve(shared, state, index, call, json, manner);
    Some(refused.unwrap_or(served))
}

/// A scripted row, with the headers that such an answer of this account would carry.
fn refuse(state: &State, index: AccountIndex, refusal: Refusal) -> Refused {
    let refused = Refused::saying(refusal, refusal.message(state.clock.now()));
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
fn serve(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: Result<Value, Refused>,
    manner: Manner,
) -> Answer {
    let uri = &call.head.uri;
    let answer = match call.endpoint {
        Endpoint::Messages => json.and_then(|json| messages::create(shared, state, index, &json, manner)),
        Endpoint::CountTokens => json.and_then(|json| messages::count_tokens(shared, state, index, &json)),
        Endpoint::Models => match uri.path().strip_prefix("/v1/models/") {
            Some(id) => models::one(id),
            None => models::list(&query::read(uri.query())),
        },
        Endpoint::Authorize => Ok(authorize::page(shared, state, uri.query())),
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
        Endpoint::Other if uri.path() == COPY_CODE_PATH => Ok(authorize::copy_code(uri.query())),
        Endpoint::Other if KNOWN_PATHS.contains(&uri.path()) => Err(Refusal::MethodNotAllowed.into()),
        Endpoint::Other => Err(Refusal::NotFound.into()),
    };
    answer.unwrap_or_else(|refused| refused.answer(&call.request_id))
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
