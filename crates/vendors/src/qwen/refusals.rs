//! What Alibaba's Qwen endpoints say when they refuse, on pay-as-you-go keys and on plan keys. Sources: help.aliyun.com and
//! alibabacloud.com/help (Model Studio error codes, coding-plan and token-plan FAQ), qwen-code 0.24.4, public reports.
//!
//! No quota headers, three body shapes, and one code (`Throttling.AllocationQuota`, on the OpenAI-compatible path
//! `insufficient_quota`) for the per-minute throttle and for a spent plan alike: only the words tell them apart.

use remuda_core::Class::{Billing, ModelExhausted, RequestFault, WindowExhausted};

use crate::table::At::{NotServerFault, Status};
use crate::table::Ends::NextMondayInChina;
use crate::table::Means::{Credential, Is, SomeLimit};
use crate::table::{CodeStatus, Row, Table, code, phrase, stands_for};

pub(crate) const TABLE: Table = Table {
    terms: &[],
    codes: CODES,
    phrases: PHRASES,
    statuses: STATUSES,
    overloaded_status: None,
    window_from_wait_s: None,
};

const CODES: &[Row] = &[
    // throttles. Of 121 accounts with a "spent" plan 25 healed within 367 s (sub2api, production figures)
    code("Throttling*", SomeLimit),
    code("limit_burst_rate", SomeLimit),
    code("insufficient_quota", SomeLimit),
    // money: Arrearage is documented as 400 and seen as 403
    code("Arrearage", Is(Billing)),
    code("AllocationQuota.FreeTierOnly", Is(Billing)),
    // entitlement to a model
    code("AccessDenied", Is(ModelExhausted)),
    code("AccessDenied.Unpurchased", Is(ModelExhausted)),
    code("Model.AccessDenied", Is(ModelExhausted)),
    code("ModelNotFound", Is(ModelExhausted)),
    code("model_not_found", Is(ModelExhausted)),
    // keys: 401, and 403 for a plan key on the general base
    code("InvalidApiKey", Credential),
    code("invalid_api_key", Credential),
    // the request, unless it is only the model that is unknown
    code("InvalidParameter*", Is(ModelExhausted)).saying(&["model not exist"]),
    code("InvalidParameter*", Is(RequestFault)),
    code("invalid_parameter_error", Is(RequestFault)),
    code("DataInspectionFailed", Is(RequestFault)),
    code("data_inspection_failed", Is(RequestFault)),
    code("content_filter", Is(RequestFault)),
    code("context_length_exceeded", Is(RequestFault)),
];

const PHRASES: &[Row] = &[
    // free quota does not come back
    phrase(&["free allocated quota exceeded"], NotServerFault, Is(Billing)),
    phrase(&["free tier", "has been exhausted"], NotServerFault, Is(Billing)),
    // coding plan: five hours rolling, released minute by minute; Mondays 00:00 UTC+8; the day of the subscription
    phrase(&["hour allocated quota exceeded"], NotServerFault, Is(WindowExhausted)),
    phrase(&["week allocated quota exceeded"], NotServerFault, Is(WindowExhausted)).ends(NextMondayInChina),
    phrase(&["month allocated quota exceeded"], NotServerFault, Is(WindowExhausted)),
    // token plan: "Your token-plan 1-week quota has been exhausted. The quota will reset at 08-12 14:52:00 UTC."
    phrase(&["token-plan", "quota has been exhausted"], NotServerFault, Is(WindowExhausted)),
    // "model 'qwen9' is not supported": what is quoted is not here any more
    phrase(&["model is not supported"], Status(&[400, 403, 404]), Is(ModelExhausted)),
    phrase(&["invalid api-key"], Status(&[401, 403]), Credential),
];

const STATUSES: &[CodeStatus] =
    &[stands_for("invalid_request_error", 400), stands_for("InternalError*", 500), stands_for("internal_error", 500)];
