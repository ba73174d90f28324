//! What the client gets when nobody serves: the vendor's own words where the request is at fault, and otherwise the
//! vendor's error shape with the true time and what a person can do.
//!
//! Two rules come from watching the agents. An account's 401 or 403 never reaches a host as such: hosts take it for
//! their own login and drop that. And a wait is told as each agent takes it: [`crate::patience`].

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use remuda_core::route::{Outcome, Route};
use remuda_core::{AccountId, Class, Host, Protocol, RequestFacts, RequestId, RequestKind, UnixSeconds};
use remuda_store::Halt;
use remuda_vendors::client_error::usage_limit;
use remuda_vendors::{ClientError, ErrorKind, client_error};
use serde_json::{Value, json};

use crate::attempt::Refusal;
use crate::body::ClientBody;
use crate::gateway::Gateway;
use crate::headers;
use crate::keys::Refused;
use crate::patience;
use crate::replay::BodyError;
use crate::when;

/// Who answers the client, and in whose words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// The vendor's bytes as they came.
    Vendors,
    /// The vendor's error shape, our explanation, 429.
    Limit,
    /// The same, and no retry will help.
    Owner,
}

fn manner(class: Class) -> Manner {
    match class {
        Class::RequestFault | Class::TermsRefused | Class::NetworkBlocked | Class::Overloaded | Class::Transient => {
            Manner::Vendors
        }
        Class::WindowExhausted | Class::ModelExhausted | Class::Burst => Manner::Limit,
        Class::Billing | Class::CredentialStale | Class::CredentialDead | Class::AccountDisabled => Manner::Owner,
    }
}

/// The answer for a request that ended without being served.
pub fn answer(
    gateway: &Gateway,
    (facts, words): (&RequestFacts, Protocol),
    route: &Route,
    outcome: &Outcome,
    refusal: Option<Refusal>,
    why: Option<&str>,
    id: RequestId,
) -> Response<ClientBody> {
    let Outcome::Error { from, class, retry_after_s } = outcome else {
        return own(words, ErrorKind::Internal, "the gateway lost its way; please report this", id);
    };
    let (Some(from), Some(class)) = (from, class) else {
        return no_route(gateway, facts, words, route, *retry_after_s, id);
    };
    match (manner(*class), refusal) {
        (Manner::Vendors, Some(refusal)) if facts.kind == RequestKind::Models && is_login_refusal(&refusal) => {
            empty_listing(words)
        }
        (Manner::Vendors, Some(refusal)) => vendors_own(words, *class, refusal),
        (Manner::Vendors, None) => {
            let message = format!("{}: {}", label(gateway, *from), why.unwrap_or("no answer"));
            own(words, ErrorKind::Unreachable, &message, id)
        }
        (manner, refusal) => {
            let said = refusal.as_ref().and_then(vendors_message).or_else(|| why.map(str::to_owned));
            let message = explained(gateway, route, *from, *class, said.as_deref(), *retry_after_s, id);
            limited(facts.host, words, &message, *retry_after_s, manner == Manner::Owner, (id, gateway.now()))
        }
    }
}

/// The vendor's bytes. Only the status changes, where it would be taken for the host's own login, or where the failure
/// came inside a stream and there is none yet.
fn vendors_own(words: Protocol, class: Class, refusal: Refusal) -> Response<ClientBody> {
    let status = match (refusal.in_stream, class, refusal.status) {
        (_, Class::NetworkBlocked, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => StatusCode::BAD_GATEWAY,
        (_, _, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => StatusCode::BAD_REQUEST,
        (false, _, status) => status,
        (true, Class::Overloaded, _) => StatusCode::from_u16(client_error(words, ErrorKind::Overloaded, "", "").status)
            .unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        (true, Class::Transient, _) => StatusCode::INTERNAL_SERVER_ERROR,
        (true, Class::NetworkBlocked, _) => StatusCode::BAD_GATEWAY,
        (true, _, _) => StatusCode::BAD_REQUEST,
    };
    let mut headers = headers::for_client(&refusal.headers);
    let body = if refusal.in_stream {
        headers.remove(CONTENT_LENGTH);
        headers.remove(CONTENT_ENCODING);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        as_json_error(words, &refusal.plain)
    } else {
        refusal.body
    };
    if matches!(class, Class::Overloaded | Class::Transient) {
        without_plan_windows(&mut headers);
    }
    let mut response = Response::new(ClientBody::of(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn is_login_refusal(refusal: &Refusal) -> bool {
    matches!(refusal.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
}

/// Whether a subscription may list models is not documented; a host that asks gets an empty list, not a login error.
fn empty_listing(words: Protocol) -> Response<ClientBody> {
    let body = match words {
        Protocol::Messages => r#"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#,
        Protocol::Responses | Protocol::Chat => r#"{"object":"list","data":[]}"#,
        // Accepted by 0.169.0, November 2026.
        Protocol::Codex => r#"{"models":[]}"#,
    };
    respond(ClientError { status: 200, body: body.to_owned() })
}

fn explained(
    gateway: &Gateway,
    route: &Route,
    from: AccountId,
    class: Class,
    said: Option<&str>,
    retry_after_s: Option<f64>,
    id: RequestId,
) -> String {
    let name = label(gateway, from);
    let now = gateway.now();
    let state = match class {
        Class::WindowExhausted => format!("{name} has used up its plan window"),
        Class::ModelExhausted => format!("{name} cannot serve this model now"),
        Class::Burst => format!("{name} is asked too fast"),
        Class::Billing => format!("{name} has a billing limit"),
        Class::AccountDisabled => format!("{name} was closed or suspended by its vendor"),
        _ => format!("{name} needs a login: run `remuda login`"),
    };
    let others = match (route.tried().iter().any(|a| *a != from), route.skipped().is_empty()) {
        (false, true) => "it has no account to fall back on",
        _ => "nobody on its chain could stand in",
    };
    let back = match retry_after_s {
        Some(s) => format!("; next try {}", when::in_words(now, when::later(now, s))),
        None => String::new(),
    };
    let said = said.map(|s| format!("{} ", sentence(s))).unwrap_or_default();
    format!("{said}Remuda: {state}, and {others}{back}. `remuda explain {}` tells more.", short(id))
}

fn no_route(
    gateway: &Gateway,
    facts: &RequestFacts,
    words: Protocol,
    route: &Route,
    retry_after_s: Option<f64>,
    id: RequestId,
) -> Response<ClientBody> {
    let vendor = facts.vendor;
    let now = gateway.now();
    let why = match (route.skipped(), route.source()) {
        ([], None) => {
            format!("no account is chosen for {vendor}: run `remuda login {vendor}`, then `remuda use LABEL`")
        }
        ([], Some(_)) => "the chosen account cannot be asked".to_owned(),
        (passed, _) => {
            let each: Vec<String> = passed
                .iter()
                .take(6)
                .map(|p| {
                    let until = p.until.map(|t| format!(" {}", when::until_words(now, t))).unwrap_or_default();
                    format!("{} {}{until}", label(gateway, p.account), p.reason.words())
                })
                .collect();
            format!("no account can serve this request: {}", each.join("; "))
        }
    };
    let back =
        retry_after_s.map(|s| format!("; next try {}", when::in_words(now, when::later(now, s)))).unwrap_or_default();
    let message = format!("Remuda: {why}{back}. `remuda explain {}` tells more.", short(id));
    limited(facts.host, words, &message, retry_after_s, retry_after_s.is_none(), (id, gateway.now()))
}

fn limited(
    host: Host,
    words: Protocol,
    message: &str,
    retry_after_s: Option<f64>,
    hopeless: bool,
    (id, now): (RequestId, UnixSeconds),
) -> Response<ClientBody> {
    let told = patience::told(host, retry_after_s.filter(|_| !hopeless));
    let message = match told.words {
        Some(more) => format!("{message} ({more})"),
        None => message.to_owned(),
    };
    let kind = if told.as_request_error { ErrorKind::InvalidRequest } else { ErrorKind::RateLimit };
    let mut response = match retry_after_s.filter(|_| told.as_usage_limit && words != Protocol::Messages) {
        Some(seconds) => {
            let resets_at = when::later(now, seconds);
            respond(usage_limit(&message, resets_at, resets_at - now))
        }
        None => own(words, kind, &message, id),
    };
    let headers = response.headers_mut();
    if let Some(seconds) = told.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if hopeless {
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
    }
    response
}

/// The client key opens nothing.
pub fn not_let_in(words: Protocol, why: Refused, id: RequestId) -> Response<ClientBody> {
    own(words, ErrorKind::Authentication, &format!("Remuda: {why}"), id)
}

/// The request's body cannot be read.
pub fn bad_body(words: Protocol, error: BodyError, id: RequestId) -> Response<ClientBody> {
    let kind = match error {
        BodyError::TooLarge => ErrorKind::TooLarge,
        BodyError::Client => ErrorKind::InvalidRequest,
    };
    own(words, kind, &format!("Remuda: {error}"), id)
}

/// The owner has stopped this request while it was under way.
pub fn stopped(words: Protocol, id: RequestId) -> Response<ClientBody> {
    own(words, ErrorKind::InvalidRequest, "Remuda: this request was stopped by its owner", id)
}

/// The daemon is about to end while this request is held. The agent comes back to the next one, where it is held again.
pub fn leaving(words: Protocol, id: RequestId) -> Response<ClientBody> {
    let mut response = own(words, ErrorKind::Overloaded, "Remuda: the daemon is being restarted; please try again", id);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    // Codex waits exactly that long, and the others about as long by themselves.
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// The owner has stopped the whole conversation. 400, so that no agent tries again.
pub fn halted(words: Protocol, halt: &Halt, id: RequestId) -> Response<ClientBody> {
    let message =
        format!("Remuda: this session was stopped by its owner ({}); `remuda sessions resume` lets it go on", halt.why);
    own(words, ErrorKind::InvalidRequest, &message, id)
}

/// WebSocket is not to be had here: Codex and Pi go on over HTTP at once.
pub fn no_socket(words: Protocol) -> Response<ClientBody> {
    let id = RequestId(uuid::Uuid::now_v7());
    let mut response = own(words, ErrorKind::InvalidRequest, "Remuda: no WebSocket here, use HTTP", id);
    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
    response
}

/// A path below a vendor's prefix that is not in the table.
pub fn unserved(words: Protocol, method: &Method, path: &str) -> Response<ClientBody> {
    let message = format!("Remuda does not serve {method} {}", path.chars().take(200).collect::<String>());
    own(words, ErrorKind::NotFound, &message, RequestId(uuid::Uuid::now_v7()))
}

/// Turned away at the gate.
pub fn plain_refusal(words: Protocol, status: StatusCode, why: &str) -> Response<ClientBody> {
    let mut response = own(words, ErrorKind::Permission, &format!("Remuda: {why}"), RequestId(uuid::Uuid::now_v7()));
    *response.status_mut() = status;
    response
}

fn own(words: Protocol, kind: ErrorKind, message: &str, id: RequestId) -> Response<ClientBody> {
    respond(client_error(words, kind, message, &format!("remuda_{}", id.0.simple())))
}

fn respond(ClientError { status, body }: ClientError) -> Response<ClientBody> {
    let mut response = Response::new(ClientBody::of(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A failing event as the JSON that an answer with an error status has. What stands in it stays as it is.
fn as_json_error(words: Protocol, event: &Bytes) -> Bytes {
    let data = event_data(event);
    let Ok(json) = serde_json::from_slice::<Value>(&data) else { return data };
    let bare = match (json.pointer("/response/error"), json.get("error"), words) {
        (Some(error), ..) => error.clone(),
        (None, Some(_), _) => return data,
        // Alibaba's, and OpenAI's `error` event: the members stand on top.
        (None, None, Protocol::Responses | Protocol::Chat | Protocol::Codex) => json,
        (None, None, Protocol::Messages) => return data,
    };
    Bytes::from(json!({ "error": bare }).to_string())
}

/// An agent that is to try again must not take the reported windows for its own end: with an OAuth login Claude Code 2.1.329
/// then says that the limit is hit, whatever `retry-after` says (November 2026).
fn without_plan_windows(headers: &mut HeaderMap) {
    let windows: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("anthropic-ratelimit-unified-")).cloned().collect();
    for name in windows {
        headers.remove(name);
    }
}

/// The message of the vendor's error object; bounded, for a person.
fn vendors_message(refusal: &Refusal) -> Option<String> {
    let data = if refusal.in_stream { event_data(&refusal.plain) } else { refusal.plain.clone() };
    let json: Value = serde_json::from_slice(&data).ok()?;
    let places = ["/error/message", "/response/error/message", "/message", "/detail"];
    let message = places.iter().find_map(|place| json.pointer(place)?.as_str())?;
    Some(message.chars().take(500).collect())
}

/// The data lines of one event, joined.
fn event_data(event: &Bytes) -> Bytes {
    let lines: Vec<&[u8]> = event
        .split(|b| *b == b'\n')
        .filter_map(|line| line.strip_prefix(b"data:"))
        .map(|line| line.strip_prefix(b" ").unwrap_or(line))
        .collect();
    Bytes::from(lines.join(&b'\n'))
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn label(gateway: &Gateway, account: AccountId) -> String {
    gateway.herd.mount(account).map_or_else(|| "an account that was removed".to_owned(), |m| m.label)
}

/// The end of an id is what differs between two requests of the same moment.
fn short(id: RequestId) -> String {
    let text = id.0.simple().to_string();
    text[text.len() - 8..].to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn refusal(status: u16, in_stream: bool, body: &'static str) -> Refusal {
        let (body, headers) = (Bytes::from_static(body.as_bytes()), HeaderMap::new());
        Refusal { status: StatusCode::from_u16(status).unwrap(), headers, plain: body.clone(), body, in_stream }
    }

    #[rstest]
    #[case(Class::RequestFault, 401, false, 400)]
    #[case(Class::TermsRefused, 403, false, 400)]
    #[case(Class::NetworkBlocked, 403, false, 502)]
    #[case(Class::RequestFault, 413, false, 413)]
    #[case(Class::Overloaded, 529, false, 529)]
    #[case(Class::Transient, 200, true, 500)]
    #[case(Class::RequestFault, 200, true, 400)]
    fn a_401_or_403_never_reaches_the_host(
        #[case] class: Class,
        #[case] status: u16,
        #[case] in_stream: bool,
        #[case] told: u16,
    ) {
        let response = vendors_own(Protocol::Messages, class, refusal(status, in_stream, "{}"));
        assert_eq!(response.status().as_u16(), told);
    }

    #[test]
    fn a_failure_inside_a_stream_becomes_the_json_it_carried() {
        let event = "event: error\ndata: {\"type\":\"error\",\ndata: \"error\":{\"message\":\"m\"}}\n\n";
        let failed = refusal(200, true, event);
        assert_eq!(vendors_message(&failed).as_deref(), Some("m"));
        assert_eq!(event_data(&failed.plain), "{\"type\":\"error\",\n\"error\":{\"message\":\"m\"}}");
    }

    #[rstest]
    #[case::responses(
        r#"{"type":"response.failed","response":{"id":"r","error":{"code":"server_error","message":"m"}}}"#,
        json!({"error": {"code": "server_error", "message": "m"}})
    )]
    #[case::chat(r#"{"error":{"message":"m"}}"#, json!({"error": {"message": "m"}}))]
    #[case::alibaba(r#"{"code":"Throttling","message":"m"}"#, json!({"error": {"code": "Throttling", "message": "m"}}))]
    fn a_failure_of_openais_protocols_becomes_their_error_object(#[case] data: &str, #[case] expected: Value) {
        let event = Bytes::from(format!("data: {data}\n\n"));
        let told: Value = serde_json::from_slice(&as_json_error(Protocol::Codex, &event)).unwrap();
        assert_eq!(told, expected);
    }
}
