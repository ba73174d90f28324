//! Which vendor's rules hold for a request: one place where sites become modules.

use http::Method;
use serde_json::Value;

use crate::answer::Answer;
use crate::grants::AccountIndex;
use crate::incoming::Call;
use crate::log::Endpoint;
use crate::manner::Manner;
use crate::quota::Window;
use crate::refusal::VendorRefusal;
use crate::refused::Refused;
use crate::site::Site;
use crate::standing::standing;
use crate::state::State;
use crate::vendor::Shared;
use crate::{anthropic, codex, openai, openai_auth, qwen};

/// What a path of this site asks for.
pub(crate) fn endpoint(site: Site, method: &Method, path: &str) -> Endpoint {
    let method = method.as_str();
    match site {
        Site::Anthropic => anthropic::endpoint(method, path),
        Site::OpenAi => openai::endpoint(method, path),
        Site::ChatGpt => codex::endpoint(method, path),
        Site::OpenAiAuth => openai_auth::endpoint(method, path),
        Site::Qwen { plan, .. } => qwen::endpoint(plan, method, path),
    }
}

/// The body as JSON, where the endpoint wants one; else null.
pub(crate) fn json(call: &Call) -> Result<Value, Refused> {
    match call.site {
        Site::Anthropic => anthropic::json(call),
        Site::OpenAi => openai::json(call),
        Site::ChatGpt => codex::json(call),
        Site::OpenAiAuth => openai_auth::json(call),
        Site::Qwen { .. } => qwen::json(call),
    }
}

/// Whose credential (or code, or refresh token) the request brings, good or bad.
pub(crate) fn owner(state: &State, call: &Call, json: Option<&Value>) -> Option<AccountIndex> {
    match (call.site, call.endpoint) {
        (Site::Anthropic, Endpoint::Token) => anthropic::oauth::token::owner(state, json?),
        (Site::OpenAiAuth, _) => openai_auth::owner(state, json?),
        _ => standing(state, call.site, &call.head.headers).owner(),
    }
}

/// Whose request it is, or why it may not come in.
pub(crate) fn admit(state: &mut State, call: &Call, json: Option<&Value>) -> Result<AccountIndex, Refused> {
    match call.site {
        Site::Anthropic => anthropic::admit(state, call),
        Site::OpenAi => openai::admit(state, call),
        Site::ChatGpt => codex::admit(state, call),
        Site::OpenAiAuth => Ok(json.and_then(|json| openai_auth::owner(state, json)).unwrap_or_default()),
        Site::Qwen { plan, region } => qwen::admit(state, call, plan, region),
    }
}

/// A scripted row, with what such an answer of this account would carry.
pub(crate) fn refuse(state: &mut State, index: AccountIndex, call: &Call, refusal: VendorRefusal) -> Refused {
    let message = refusal.message(state.clock.now());
    match refusal {
        VendorRefusal::Anthropic(row) => anthropic::refuse(state, index, row, message),
        VendorRefusal::OpenAi(row) if call.site == Site::ChatGpt => codex::refuse(state, index, row, message),
        VendorRefusal::OpenAi(row) => openai::refuse(row, message),
        VendorRefusal::Qwen(row) => qwen::refuse(call, row, message),
    }
}

/// The same as it stands inside a stream.
pub(crate) fn fail(state: &mut State, index: AccountIndex, call: &Call, refusal: VendorRefusal) -> Refused {
    match refusal {
        VendorRefusal::Qwen(row) => Refused::from_row(row.native()).words(refusal.message(state.clock.now())),
        other => refuse(state, index, call, other),
    }
}

/// The refusal for a spent window, without touching the account's own windows.
pub(crate) fn spent(
    state: &mut State,
    index: AccountIndex,
    call: &Call,
    model: &str,
    window: &Window,
    resets_in_s: i64,
) -> Refused {
    match call.site {
        Site::Anthropic => anthropic::spent(state, index, model, window, resets_in_s),
        Site::OpenAi | Site::OpenAiAuth => openai::spent(),
        Site::ChatGpt => codex::spent(state, index, model, window, resets_in_s),
        Site::Qwen { plan, .. } => qwen::spent(state, call, plan, window, resets_in_s),
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
) -> Result<Answer, Refused> {
    match call.site {
        Site::Anthropic => anthropic::serve(shared, state, index, call, json, manner),
        Site::OpenAi => openai::serve(shared, state, index, call, json, manner),
        Site::ChatGpt => codex::serve(shared, state, index, call, json, manner),
        Site::OpenAiAuth => openai_auth::serve(shared, state, call, json),
        Site::Qwen { plan, .. } => qwen::serve(shared, state, index, call, json, manner, plan),
    }
}
