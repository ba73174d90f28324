//! Login of ChatGPT accounts (`https://auth.openai.com`): browser, device code, refresh, revocation.

pub(crate) mod jwt;

use serde_json::Value;

use crate::answer::Answer;
use crate::grants::AccountIndex;
use crate::incoming::Call;
use crate::log::Endpoint;
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

/// What a path asks for.
pub(crate) fn endpoint(_method: &str, _path: &str) -> Endpoint {
    Endpoint::Other
}

pub(crate) fn json(_call: &Call) -> Result<Value, Refused> {
    Ok(Value::Null)
}

pub(crate) fn owner(_state: &State, _json: &Value) -> Option<AccountIndex> {
    None
}

pub(crate) fn serve(
    _shared: &Shared,
    _state: &mut State,
    _call: &Call,
    _json: Result<Value, Refused>,
) -> Result<Answer, Refused> {
    Err(OpenAiRefusal::NotFound.into())
}
