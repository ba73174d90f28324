//! Shared plans ("Sign in with ChatGPT") at the API: fewer endpoints and parameters than a key has, and the plan's windows
//! without a word about them.

use serde_json::{Value, json};

use super::not_a_key;
use super::responses::prompt::{kind, text};
use crate::account::Kind;
use crate::answer::Answer;
use crate::codex;
use crate::consent::value;
use crate::grants::{AccountIndex, Rights};
use crate::incoming::Call;
use crate::log::Endpoint;
use crate::openai_auth::SHARING_SCOPE;
use crate::query;
use crate::quota::headers::Pairs;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::{Account, State};

/// Parameters that shared plans do not have.
const UNSUPPORTED: &[&str] = &[
    "background",
    "conversation",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "moderation",
    "multi_agent",
    "prompt",
    "prompt_cache_retention",
    "safety_identifier",
    "temperature",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Tools that the vendor would run itself.
const HOSTED: &[&str] =
    &["file_search", "code_interpreter", "computer_use", "computer_use_preview", "mcp", "image_generation"];

/// Is it a plan, and not a key?
pub(crate) fn is_shared(state: &State, index: AccountIndex) -> bool {
    state.accounts.get(index).is_some_and(|account| account.spec.kind == Kind::ChatGpt)
}

/// A ChatGPT token at the API: only one of a shared plan, and only at some endpoints.
pub(crate) fn admit(account: &Account, rights: &Rights, call: &Call) -> Result<(), Refused> {
    if !rights.may(SHARING_SCOPE) {
        return Err(not_a_key(call.endpoint));
    }
    if !matches!(call.endpoint, Endpoint::Responses | Endpoint::Socket | Endpoint::Models) {
        return Err(OpenAiRefusal::SharingNotAuthorized.into());
    }
    if account.lapsed || !account.spec.chatgpt.entitled {
        return Err(OpenAiRefusal::SharingNotEligible.into());
    }
    Ok(())
}

fn unsupported(param: &str) -> Refused {
    let message = format!("'{param}' is not supported for shared plans.");
    Refused::saying(OpenAiRefusal::SharingUnsupported, message).field("param", param)
}

/// Over HTTP every answer is a stream and nothing can be gone on from.
pub(crate) fn http(json: &Value) -> Result<(), Refused> {
    if json.get("stream") != Some(&Value::Bool(true)) {
        return Err(unsupported("stream"));
    }
    if json.get("previous_response_id").is_some_and(|id| !id.is_null()) {
        return Err(unsupported("previous_response_id"));
    }
    Ok(())
}

/// By either way in.
pub(crate) fn parameters(json: &Value) -> Result<(), Refused> {
    if let Some(name) = UNSUPPORTED.iter().find(|name| json.get(**name).is_some()) {
        return Err(unsupported(name));
    }
    if json.get("store") != Some(&Value::Bool(false)) {
        return Err(unsupported("store"));
    }
    let Some(input) = json.get("input").and_then(Value::as_array) else { return Err(unsupported("input")) };
    if input.iter().any(|item| kind(item) == "message" && text(item, "role") == "system") {
        return Err(unsupported("input"));
    }
    let tools = json.get("tools").and_then(Value::as_array).into_iter().flatten();
    if tools.into_iter().any(|tool| HOSTED.contains(&kind(tool))) {
        return Err(unsupported("tools"));
    }
    Ok(())
}

/// Takes a request from the plan's windows. Nothing is told of them but that one is spent.
pub(crate) fn charge(account: &mut Account, model: &str, now: i64) -> Result<Pairs, Refused> {
    account.windows.roll(now);
    if account.windows.spent_for(model) {
        let message = "Usage limit reached for this app. See https://chatgpt.com/settings/usage.";
        return Err(Refused::saying(OpenAiRefusal::SharingUsageLimit, message));
    }
    account.windows.charge(&account.spec.cost, model, now);
    Ok(Pairs::new())
}

/// `GET /v1/models`: as the Codex backend lists them; newer ones only for those who say which version they are.
pub(crate) fn models(raw_query: Option<&str>) -> Answer {
    let unversioned = value(&query::read(raw_query), "client_version").is_empty();
    let models = codex::models::names().filter(|(slug, _)| !unversioned || *slug != codex::models::NEWEST);
    let entry = |(slug, name): (&str, &str)| json!({"slug": slug, "display_name": name, "visibility": "list", "input_modalities": ["text", "image"]});
    Answer::json(200, &json!({"models": models.map(entry).collect::<Vec<_>>()}))
}
