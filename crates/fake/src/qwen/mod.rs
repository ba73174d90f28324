//! Alibaba's Model Studio: pay-as-you-go, Coding Plan and Token Plan, each with hosts and keys of its own, by the
//! protocols of OpenAI and Anthropic. It tells nothing of quota but in refusals.

mod models;
mod parameters;
mod quota;

use serde_json::Value;

use crate::account::Kind;
use crate::answer::{Answer, Content};
use crate::anthropic::messages;
use crate::grammar::Grammar;
use crate::grants::{AccountIndex, Standing};
use crate::incoming::{BadBody, Call, Presented, presented};
use crate::log::Endpoint;
use crate::manner::Manner;
use crate::openai::chat;
use crate::openai::responses::{Kitchen, prepare};
use crate::quota::Window;
use crate::refusal::{QwenRefusal, Shape};
use crate::refused::Refused;
use crate::site::{QwenPlan, Region, Site};
use crate::speech::wants_thought;
use crate::standing::standing;
use crate::state::State;
use crate::vendor::Shared;

/// What a path asks for at the hosts of this offer. No tokens are counted and no WebSockets spoken anywhere.
pub(crate) fn endpoint(plan: QwenPlan, method: &str, path: &str) -> Endpoint {
    let (openai, anthropic) = Site::qwen_bases(plan);
    let (base, rest) = match path.strip_prefix(anthropic) {
        Some(rest) => (anthropic, rest),
        None => (openai, path.strip_prefix(openai).unwrap_or_default()),
    };
    match (method, base == anthropic, rest) {
        ("POST", true, "/v1/messages") => Endpoint::Messages,
        ("POST", false, "/chat/completions") => Endpoint::ChatCompletions,
        ("POST", false, "/responses") if plan != QwenPlan::Coding => Endpoint::Responses,
        ("GET", false, "/models") => Endpoint::Models,
        _ => Endpoint::Other,
    }
}

/// A row, in the shape of the path it is asked on.
fn row(call: &Call, refusal: QwenRefusal) -> Refused {
    if call.path.starts_with("/apps/anthropic") { Refused::from_row(refusal.native()) } else { refusal.into() }
}

/// The body as JSON, where the endpoint wants one.
pub(crate) fn json(call: &Call) -> Result<Value, Refused> {
    if !call.endpoint.is_inference() {
        return Ok(Value::Null);
    }
    let invalid = |what: String| row(call, QwenRefusal::InvalidParameter).words(what);
    let json = call.json().map_err(|bad| match bad {
        BadBody::TooLarge => row(call, QwenRefusal::TooLarge),
        BadBody::Encoding(what) => invalid(what),
        BadBody::Json(_) => invalid("Required body invalid, please check the request body format.".to_owned()),
    })?;
    if json.is_object() { Ok(json) } else { Err(invalid("Required body invalid".to_owned())) }
}

/// Lets a request in, or says why not. The vendor says the same for a bad key, another offer's key and a lapsed plan.
pub(crate) fn admit(state: &State, call: &Call, plan: QwenPlan, region: Region) -> Result<AccountIndex, Refused> {
    if call.endpoint == Endpoint::Other {
        return Ok(0);
    }
    let by_header = match presented(&call.head.headers) {
        Presented::Nothing => true,
        // Token Plans do not look there, and no OpenAI-compatible path does.
        Presented::Key(_) => plan == QwenPlan::Token || call.endpoint != Endpoint::Messages,
        Presented::Bearer(_) | Presented::Several => false,
    };
    if by_header {
        return Err(row(call, QwenRefusal::NoApiKey));
    }
    let elsewhere = match plan {
        QwenPlan::PayAsYouGo => QwenRefusal::InvalidApiKey,
        QwenPlan::Coding | QwenPlan::Token => QwenRefusal::PlanTokenExpired,
    };
    let Standing::Good(index, _) = standing(state, call.site, &call.head.headers) else {
        return Err(row(call, elsewhere));
    };
    let Some(account) = state.accounts.get(index) else { return Err(row(call, QwenRefusal::InternalError)) };
    let refusal = match account.spec.kind {
        Kind::Qwen(own) if own != plan && plan == QwenPlan::PayAsYouGo => QwenRefusal::PlanKeyElsewhere,
        Kind::Qwen(own) if own != plan || account.spec.region != region => elsewhere,
        _ if account.lapsed => elsewhere,
        _ if account.disabled => QwenRefusal::Arrearage,
        _ => return Ok(index),
    };
    Err(row(call, refusal))
}

/// A scripted row.
pub(crate) fn refuse(call: &Call, refusal: QwenRefusal, message: String) -> Refused {
    row(call, refusal).words(message)
}

/// The refusal for a spent window, without touching the account's own windows.
pub(crate) fn spent(state: &State, call: &Call, plan: QwenPlan, window: &Window, resets_in_s: i64) -> Refused {
    said(call, quota::words(plan, window, state.clock.now() + resets_in_s))
}

/// A row, perhaps in other words.
fn said(call: &Call, (refusal, words): (QwenRefusal, Option<String>)) -> Refused {
    let refused = row(call, refusal);
    match words {
        Some(words) => refused.words(words),
        None => refused,
    }
}

/// The answer without any fault.
pub(crate) fn serve(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: Result<Value, Refused>,
    manner: Manner,
    plan: QwenPlan,
) -> Result<Answer, Refused> {
    let answer = match call.endpoint {
        Endpoint::ChatCompletions => completion(shared, state, index, call, &json?, manner, plan)?,
        Endpoint::Responses => response(shared, state, index, call, &json?, manner, plan)?,
        Endpoint::Messages => message(shared, state, index, call, &json?, manner, plan)?,
        Endpoint::Models => models::list(plan),
        _ => return Err(QwenRefusal::NotFound.into()),
    };
    Ok(in_its_own_words(answer, call).header("x-dashscope-call-gateway", "true"))
}

/// Whatever the protocol, failures in a stream are written by Alibaba's gateway.
fn in_its_own_words(mut answer: Answer, call: &Call) -> Answer {
    if let Content::Stream(_, grammar) = &mut answer.content {
        *grammar = Grammar::Qwen { request_id: call.request_id.clone() };
    }
    answer
}

/// What another vendor's rules refuse, as this vendor says it.
fn translated(call: &Call, refused: Refused) -> Refused {
    match refused.row.shape {
        Shape::QwenCompatible | Shape::QwenNative | Shape::Raw(_) => refused,
        _ => row(call, QwenRefusal::InvalidParameter).words(refused.message().to_owned()),
    }
}

fn completion(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: &Value,
    manner: Manner,
    plan: QwenPlan,
) -> Result<Answer, Refused> {
    let (now, now_ms) = (state.clock.now(), state.clock.now_ms());
    let State { accounts, replies, .. } = state;
    let Some(account) = accounts.get_mut(index) else { return Err(row(call, QwenRefusal::InternalError)) };
    let thinks = parameters::completion(call, json, plan)?;
    let prompt = chat::Prompt::read(json, parameters::ROLES).map_err(|refused| translated(call, refused))?;
    let thinks = thinks && wants_thought(prompt.newest_text());
    let output = chat::compose(&prompt, replies, &shared.mint, thinks, manner);
    quota::admit(account, plan, prompt.model, prompt.tokens() + output.tokens, (now, now_ms))
        .map_err(|spent| said(call, spent))?;
    let (least, id) = (shared.config.cache_min_tokens, format!("chatcmpl-{}", call.request_id));
    let done = chat::finish(&prompt, output, &mut account.prefixes, least, id, now_ms, manner);
    Ok(done.answer(Grammar::Chat))
}

fn response(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: &Value,
    manner: Manner,
    plan: QwenPlan,
) -> Result<Answer, Refused> {
    let (now, now_ms) = (state.clock.now(), state.clock.now_ms());
    let State { accounts, replies, .. } = state;
    let Some(account) = accounts.get_mut(index) else { return Err(row(call, QwenRefusal::InternalError)) };
    let model = models::find(call, json, plan)?;
    let organization = account.organization_uuid.clone();
    let kitchen = Kitchen { mint: &shared.mint, replies, organization: &organization, reasons: model.thinks, manner };
    let prepared = prepare(json, &[], &kitchen).map_err(|refused| translated(call, refused))?;
    quota::admit(account, plan, model.id, prepared.tokens(), (now, now_ms)).map_err(|spent| said(call, spent))?;
    Ok(prepared.finish(&mut account.prefixes, shared.config.cache_min_tokens, now_ms).answer())
}

fn message(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    json: &Value,
    manner: Manner,
    plan: QwenPlan,
) -> Result<Answer, Refused> {
    let (now, now_ms) = (state.clock.now(), state.clock.now_ms());
    let State { accounts, replies, .. } = state;
    let Some(account) = accounts.get_mut(index) else { return Err(row(call, QwenRefusal::InternalError)) };
    let model = models::find(call, json, plan)?;
    let prepared =
        messages::prepare(json, replies, &shared.mint, account, manner).map_err(|refused| translated(call, refused))?;
    quota::admit(account, plan, model.id, prepared.tokens(), (now, now_ms)).map_err(|spent| said(call, spent))?;
    Ok(prepared.finish(account, &shared.mint, shared.config.cache_min_tokens, now_ms))
}
