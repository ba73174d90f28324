//! To come.

use serde_json::Value;

use crate::answer::Answer;
use crate::grants::AccountIndex;
use crate::incoming::Call;
use crate::log::Endpoint;
use crate::manner::Manner;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::State;
use crate::vendor::Shared;

/// What a path asks for.
pub(crate) fn endpoint(_method: &str, _path: &str) -> Endpoint {
    Endpoint::Other
}

pub(crate) fn json(_call: &Call) -> Result<Value, Refused> {
    Ok(Value::Null)
}

pub(crate) fn admit(_state: &mut State, _call: &Call) -> Result<AccountIndex, Refused> {
    Ok(0)
}

pub(crate) fn serve(
    _shared: &Shared,
    _state: &mut State,
    _index: AccountIndex,
    _call: &Call,
    _json: Result<Value, Refused>,
    _manner: Manner,
) -> Result<Answer, Refused> {
    Err(OpenAiRefusal::NotFound.into())
}

/// A scripted row.
pub(crate) fn refuse(refusal: OpenAiRefusal, message: String) -> Refused {
    Refused::saying(refusal, message)
}

/// API keys have no windows; what comes nearest.
pub(crate) fn spent() -> Refused {
    OpenAiRefusal::InsufficientQuota.into()
}
