//! To come.

use serde_json::Value;

use crate::answer::Answer;
use crate::grants::AccountIndex;
use crate::incoming::Call;
use crate::log::Endpoint;
use crate::manner::Manner;
use crate::quota::Window;
use crate::refusal::QwenRefusal;
use crate::refused::Refused;
use crate::site::{QwenPlan, Region};
use crate::state::State;
use crate::vendor::Shared;

pub(crate) fn endpoint(_plan: QwenPlan, _method: &str, _path: &str) -> Endpoint {
    Endpoint::Other
}

pub(crate) fn json(_call: &Call) -> Result<Value, Refused> {
    Ok(Value::Null)
}

pub(crate) fn admit(
    _state: &mut State,
    _call: &Call,
    _plan: QwenPlan,
    _region: Region,
) -> Result<AccountIndex, Refused> {
    Ok(0)
}

pub(crate) fn refuse(_call: &Call, refusal: QwenRefusal, message: String) -> Refused {
    Refused::saying(refusal, message)
}

pub(crate) fn spent(_state: &State, _call: &Call, _plan: QwenPlan, _window: &Window, _resets_in_s: i64) -> Refused {
    QwenRefusal::HourQuota.into()
}

pub(crate) fn serve(
    _shared: &Shared,
    _state: &mut State,
    _index: AccountIndex,
    _call: &Call,
    _json: Result<Value, Refused>,
    _manner: Manner,
    _plan: QwenPlan,
) -> Result<Answer, Refused> {
    Err(QwenRefusal::NotFound.into())
}
