//! One request from its head to its answer: which site and endpoint, whose credential, which fault.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::Value;

use crate::answer::{Answer, Content};
use crate::desk;
use crate::fault::{Chunking, Effect, Fault, Point};
use crate::grants::AccountIndex;
use crate::incoming::{self, Call};
use crate::line::Line;
use crate::log::{Ending, Progress, Seen};
use crate::manner::Manner;
use crate::openai::socket;
use crate::perform::{Stage, perform};
use crate::play::Play;
use crate::refused::Refused;
use crate::site::Site;
use crate::standing::standing;
use crate::state::{State, meets};
use crate::vendor::Shared;
use crate::watch;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("scripted end of the connection")]
pub(crate) struct NoAnswer;

fn takes_gzip(headers: &http::HeaderMap) -> bool {
    let accepted = incoming::text(headers, "accept-encoding").unwrap_or_default();
    accepted.split(',').any(|coding| coding.trim().split(';').next() == Some("gzip"))
}

/// The header that names a request, and a name for it.
pub(crate) fn request_id(shared: &Shared, site: Site) -> (&'static str, String) {
    match site {
        Site::Anthropic => ("request-id", shared.mint.id("req_")),
        Site::OpenAi | Site::OpenAiAuth => ("x-request-id", shared.mint.id("req_")),
        Site::ChatGpt => ("x-oai-request-id", shared.mint.id("req_")),
        Site::Qwen { .. } => ("x-request-id", shared.mint.uuid("request", &shared.mint.id("request"))),
    }
}

pub(crate) async fn handle(
    shared: Arc<Shared>,
    line: Arc<Line>,
    mut request: Request<Incoming>,
) -> Result<Response<Play>, NoAnswer> {
    let upgrade = request.headers().contains_key("upgrade").then(|| hyper::upgrade::on(&mut request));
    let (head, body) = request.into_parts();
    let progress = Arc::new(Progress::default());
    let (site, path) = Site::of(head.uri.path());
    let path = path.to_owned();
    let request_id = request_id(&shared, site);
    let endpoint = desk::endpoint(site, &head.method, &path);
    let mut stage = Stage {
        progress: Arc::clone(&progress),
        cut: Arc::clone(&line.cut),
        request_id: request_id.clone(),
        counts_as_content: endpoint.is_inference(),
        pace: shared.config.event_delay,
        takes_gzip: takes_gzip(&head.headers),
    };
    if head.uri.path().starts_with(crate::control::PREFIX) {
        let raw = incoming::read(body).await;
        stage.counts_as_content = false;
        return perform(Some(crate::control::answer(&shared, &head, raw)), None, stage).await;
    }
    let early = {
        let mut state = shared.state.lock();
        let account = standing(&state, site, &head.headers).owner();
        state.take_fault(account, |fault| fault.early && meets(fault, endpoint, None))
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
            Err(bad) => (Bytes::new(), Err(bad)),
        }
    };
    let call = Call { site, path, endpoint, head, raw, body, request_id: request_id.1 };
    let (answer, fault) = decide(&shared, &call, early, &progress);
    let response = perform(answer, fault.as_ref(), stage).await?;
    if let (StatusCode::SWITCHING_PROTOCOLS, Some(upgrade)) = (response.status(), upgrade) {
        progress.end(Ending::Complete);
        line.go_on(socket::converse(shared, call, Arc::clone(&line.cut), upgrade));
    }
    Ok(response)
}

/// Everything between the last byte of the request and the first of the answer, in one go.
fn decide(
    shared: &Shared,
    call: &Call,
    early: Option<Fault>,
    progress: &Arc<Progress>,
) -> (Option<Answer>, Option<Fault>) {
    let json = desk::json(call);
    let mut state = shared.state.lock();
    let state = &mut *state;
    let account = desk::owner(state, call, json.as_ref().ok());
    record(state, shared, call, json.as_ref().ok(), account, progress);
    let index = match desk::admit(state, call, json.as_ref().ok()) {
        Ok(index) => index,
        Err(refused) if early.is_none() => return (Some(refused.answer(&call.request_id)), None),
        Err(_) => 0,
    };
    let model = json.as_ref().ok().and_then(model_of);
    let fault = early.or_else(|| state.take_fault(account, |fault| meets(fault, call.endpoint, model)));
    let answer = match &fault {
        None => Some(serve(shared, state, index, call, json, Manner::default())),
        Some(fault) => faulty(shared, state, index, call, json, fault),
    };
    (answer, fault)
}

/// The model that a body names.
pub(crate) fn model_of(json: &Value) -> Option<&str> {
    json.get("model").and_then(Value::as_str)
}

/// Writes the request down, and what is to be held against whoever sent it.
pub(crate) fn record(
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
    if call.endpoint.is_inference()
        && let Some(json) = json
        && let Some(violation) = state.replays.note(call, json, progress, shared.config.agent_retries)
    {
        state.violations.add(violation.to_owned());
    }
    let seen = Seen {
        number: 0,
        at_ms: state.clock.now_ms(),
        site: call.site,
        endpoint: call.endpoint,
        method: call.method().to_owned(),
        path: call.head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: call.head.headers.clone(),
        body: call.raw.clone(),
        account: account.and_then(|index| state.accounts.get(index)).map(|account| account.spec.name.clone()),
        model: json.and_then(model_of).map(str::to_owned),
        request_id: call.request_id.clone(),
        status: None,
        content: false,
        ending: Ending::Open,
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
    let refused = match &fault.effect {
        Effect::Refuse(refusal) => Some(desk::refuse(state, index, call, *refusal)),
        Effect::Spent { window, resets_in_s } => {
            let model = json.as_ref().ok().and_then(model_of).unwrap_or_default();
            Some(desk::spent(state, index, call, model, window, *resets_in_s))
        }
        Effect::ErrorEvent { refusal, at: Point::BeforeHeaders } => Some(desk::refuse(state, index, call, *refusal)),
        _ => None,
    };
    let refused = match (&fault.effect, refused) {
        (_, Some(refused)) => Some(refused.answer(&call.request_id)),
        (Effect::Answer { status, content_type, body }, None) => {
            Some(Answer::text(*status, content_type.clone(), body.clone()))
        }
        _ => None,
    };
    let silent = matches!(
        fault.effect,
        Effect::Truncate { at: Point::BeforeHeaders, .. }
            | Effect::Stall { at: Point::BeforeHeaders }
            | Effect::Reset { at: Point::BeforeHeaders }
    );
    if silent && !fault.after_effect {
        return None;
    }
    if refused.is_some() && !fault.after_effect {
        return refused;
    }
    if let (Effect::ErrorEvent { refusal, .. }, false) = (&fault.effect, streaming(json.as_ref().ok())) {
        // No stream to fail in.
        return Some(desk::refuse(state, index, call, *refusal).answer(&call.request_id));
    }
    let mut served = serve(shared, state, index, call, json, manner);
    if let (Effect::ErrorEvent { refusal, .. }, Content::Stream(..)) = (&fault.effect, &served.content) {
        served.failure = Some(desk::fail(state, index, call, *refusal));
    }
    Some(refused.unwrap_or(served))
}

fn streaming(json: Option<&Value>) -> bool {
    json.is_some_and(|json| json.get("stream").and_then(Value::as_bool) == Some(true))
}

/// The answer without any fault.
fn serve(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: Result<Value, Refused>,
    manner: Manner,
) -> Answer {
    let answer = desk::serve(shared, state, index, call, json, manner);
    answer.unwrap_or_else(|refused| refused.answer(&call.request_id))
}
