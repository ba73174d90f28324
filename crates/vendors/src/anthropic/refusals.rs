//! What Anthropic says when it refuses. Sources: platform.claude.com/docs/en/api/errors and …/rate-limits ("docs"), public
//! issue reports of clients by number, and published client code where named.

use remuda_core::Class::{AccountDisabled, Billing, ModelExhausted, RequestFault, TermsRefused};

use crate::table::At::{Any, NotServerFault, Status};
use crate::table::Ends::NextMonth;
use crate::table::Means::{Credential, Is};
use crate::table::{CodeStatus, Row, Table, code, decides, phrase, stands_for};

pub(crate) const TABLE: Table = Table {
    terms: TERMS,
    codes: CODES,
    phrases: PHRASES,
    statuses: STATUSES,
    overloaded_status: Some(529),
    // the unified headers are optional, so a long wait alone must be enough
    window_from_wait_s: Some(300.0),
};

const TERMS: &[Row] = &[
    // since 2026-01-09, on subscription tokens outside the vendor's own programs; the same on every account
    phrase(&["only authorized for use with claude code"], Any, Is(TermsRefused)),
    // since 2026-04-04; billing words, but it is the kind of client that is refused
    phrase(&["third-party apps now draw from your extra usage"], Any, Is(TermsRefused)),
];

const CODES: &[Row] = &[
    // docs: the organisation's monthly spend limit, no retry-after
    code("enforced_spend_limit_reached", Is(Billing)).ends(NextMonth),
    // message threads: thread_not_found, thread_already_continued, thread_continue_in_flight, …
    code("thread_*", Is(RequestFault)),
];

const PHRASES: &[Row] = &[
    // docs: the request carried an Origin header; the credential is fine
    phrase(&["cors requests are not allowed"], Status(&[401]), Is(RequestFault)),
    // anthropics/claude-code#29497
    phrase(&["oauth token has been revoked"], Status(&[401, 403]), Credential),
    // anthropics/claude-code#63886, #83901: also seen on healthy accounts
    phrase(
        &["oauth authentication is currently not allowed for this organization"],
        NotServerFault,
        Is(AccountDisabled),
    ),
    phrase(&["organization has been disabled"], NotServerFault, Is(AccountDisabled)),
    phrase(&["account has been disabled"], NotServerFault, Is(AccountDisabled)),
    // docs: limits that the owner set; these come as 400
    phrase(&["specified api usage limits"], NotServerFault, Is(Billing)),
    phrase(&["workspace api usage limits"], NotServerFault, Is(Billing)),
    phrase(&["credit balance is too low"], NotServerFault, Is(Billing)),
    // a 429 about an option of the request: another account would say the same
    phrase(&["credits are required", "fast mode"], Status(&[429]), Is(RequestFault)),
    phrase(&["credits are required", "long context"], Status(&[429]), Is(RequestFault)),
    phrase(&["extra usage", "required", "fast mode"], Status(&[429]), Is(RequestFault)),
    phrase(&["extra usage", "required", "long context"], Status(&[429]), Is(RequestFault)),
    // the same words without an option: the plan itself needs credits
    phrase(&["credits are required"], Status(&[429]), Is(Billing)),
    phrase(&["extra usage", "required"], Status(&[429]), Is(Billing)),
    // "model: claude-…" is how an unknown model is reported
    phrase(&["model:"], Status(&[404]), Is(ModelExhausted)),
];

// docs: every error type has one status
const STATUSES: &[CodeStatus] = &[
    decides("overloaded_error", 529),
    decides("rate_limit_error", 429),
    decides("authentication_error", 401),
    decides("billing_error", 402),
    decides("request_too_large", 413),
    stands_for("invalid_request_error", 400),
    stands_for("permission_error", 403),
    stands_for("not_found_error", 404),
    stands_for("conflict_error", 409),
    stands_for("api_error", 500),
    stands_for("timeout_error", 504),
];
