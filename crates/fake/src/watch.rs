//! What the vendor holds against a gateway: leaks, mixed-up identities, changed bytes, replays.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::grants::Standing;
use crate::incoming::{Call, Presented, presented, text};
use crate::log::{Ending, Endpoint, Progress};
use crate::openai::socket::METHOD as SOCKET_METHOD;
use crate::site::Site;
use crate::standing::standing;
use crate::state::State;

/// Headers of one connection only (RFC 9110, 7.6.1), besides those which the connection to us may need for itself:
/// `connection`, `transfer-encoding` and `te: trailers`.
const HOP_BY_HOP: &[&str] = &[
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "upgrade",
    "http2-settings",
];

/// A client key of the gateway: this and at least [`KEY_TAIL`] more letters, digits, `_` or `-`.
const KEY_PREFIX: &str = "rmd_";
const KEY_TAIL: usize = 16;

/// Headers that tell of a ChatGPT account.
const CODEX_ONLY: &[&str] = &[crate::codex::ACCOUNT_HEADER, crate::codex::turn::HEADER];

/// Sessions, subagents and tries, by the names that agents have for them.
const TURN_HEADERS: &[&str] = &[
    "x-claude-code-session-id",
    "x-claude-code-agent-id",
    "session-id",
    "thread-id",
    "x-session-id",
    "x-stainless-retry-count",
];

/// More requests than this are not remembered for the search for replays.
const REPLAY_MEMORY: usize = 10_000;

/// Everything that a look at one request alone shows.
pub(crate) fn inspect(state: &State, call: &Call, json: Option<&Value>, own_authority: &str) -> Vec<String> {
    let mut found = Vec::new();
    let headers = &call.head.headers;
    let opens_socket = call.endpoint == Endpoint::Socket || call.method() == SOCKET_METHOD;
    for name in HOP_BY_HOP {
        if headers.contains_key(*name) && !(opens_socket && *name == "upgrade") {
            found.push(format!("a hop-by-hop header was forwarded: {name}"));
        }
    }
    let own_te = text(headers, "te") == Some("trailers");
    if headers.contains_key("te") && !own_te {
        found.push("a hop-by-hop header was forwarded: te".to_owned());
    }
    let connection = headers.get_all("connection").iter().filter_map(|value| value.to_str().ok());
    for option in connection.flat_map(|value| value.split(',')).map(str::trim) {
        let option = option.to_ascii_lowercase();
        let own = matches!(option.as_str(), "keep-alive" | "close");
        if !(own || own_te && option == "te" || opens_socket && option == "upgrade") {
            found.push(format!("a connection option was forwarded: {option}"));
        }
    }
    for (name, value) in headers {
        if name.as_str().starts_with("x-remuda-") {
            found.push(format!("a header of the gateway reached the vendor: {name}"));
        }
        if holds_client_key(value.as_bytes()) {
            found.push(format!("a client key of the gateway reached the vendor in the header {name}"));
        }
    }
    if holds_client_key(call.body.as_deref().unwrap_or(&call.raw))
        || call.head.uri.query().is_some_and(|query| holds_client_key(query.as_bytes()))
    {
        found.push("a client key of the gateway reached the vendor in the body or address".to_owned());
    }
    let host = text(headers, "host").unwrap_or_default();
    let port = own_authority.rsplit(':').next().unwrap_or_default();
    if host != own_authority && host != format!("localhost:{port}") {
        found.push(format!("the host header names somebody else: {host:?}"));
    }
    if call.site != Site::ChatGpt {
        for name in CODEX_ONLY.iter().filter(|name| headers.contains_key(**name)) {
            found.push(format!("{name} belongs to the Codex backend and reached another site"));
        }
    }
    if call.endpoint.is_inference() || matches!(call.endpoint, Endpoint::CountTokens | Endpoint::Models) {
        found.extend(inspect_inference(state, call, json));
    }
    found
}

fn inspect_inference(state: &State, call: &Call, json: Option<&Value>) -> Vec<String> {
    let mut found = Vec::new();
    let headers = &call.head.headers;
    if headers.contains_key("cookie") {
        found.push("a cookie reached the vendor".to_owned());
    }
    if headers.contains_key("origin") {
        found.push("an Origin header reached the vendor".to_owned());
    }
    let agent = text(headers, "user-agent").unwrap_or_default();
    if call.endpoint != Endpoint::Models && agent.to_ascii_lowercase().starts_with("remuda") {
        found.push(format!("the gateway's user agent stands in place of the agent's: {agent}"));
    }
    if presented(headers) == Presented::Several {
        found.push("more than one credential was sent".to_owned());
    }
    let standing = standing(state, call.site, headers);
    if standing == Standing::Foreign && matches!(presented(headers), Presented::Key(_) | Presented::Bearer(_)) {
        found.push("a credential that this vendor never issued was sent".to_owned());
    }
    if call.endpoint.is_inference()
        && !state.expected_bodies.is_empty()
        && !state.expected_bodies.contains(<[u8; 32]>::from(Sha256::digest(&call.raw)).as_slice())
    {
        found.push("the body is none of those the agent sent: its bytes were changed".to_owned());
    }
    let owner = standing.owner().and_then(|index| state.accounts.get(index));
    if let (Some(account), Some(claimed)) = (owner, json.and_then(claimed_account))
        && claimed != account.account_uuid
    {
        found.push(format!(
            "metadata.user_id names another account than the credential of {:?}: {claimed}",
            account.spec.name
        ));
    }
    found
}

/// `metadata.user_id` of Claude Code is a JSON text with `account_uuid`, which is empty without a login.
fn claimed_account(json: &Value) -> Option<String> {
    let inner: Value = serde_json::from_str(json.pointer("/metadata/user_id")?.as_str()?).ok()?;
    let uuid = inner.get("account_uuid")?.as_str()?;
    (!uuid.is_empty()).then(|| uuid.to_owned())
}

fn holds_client_key(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, KEY_PREFIX).any(|at| {
        let tail = bytes.get(at + KEY_PREFIX.len()..).unwrap_or_default();
        let key = tail.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        key.take(KEY_TAIL).count() == KEY_TAIL
    })
}

/// Remembers what was answered, to notice a request that is sent again although its content had been delivered.
#[derive(Default)]
pub(crate) struct Replays {
    seen: HashMap<[u8; 32], Vec<Arc<Progress>>>,
    order: VecDeque<[u8; 32]>,
}

impl Replays {
    /// Notes a request and tells whether it is a replay: the same turn of the same session by the same try of the agent
    /// (`x-stainless-retry-count`), after an answer whose content had been delivered and
    ///
    /// * which was then broken off (nobody but the agent may ask again; `agent_retries`: it does), or
    /// * whose newest message brings tool results (the agent would run the tools that follow twice).
    pub(crate) fn note(
        &mut self,
        call: &Call,
        json: &Value,
        progress: &Arc<Progress>,
        agent_retries: bool,
    ) -> Option<&'static str> {
        let key = turn(call, json);
        let earlier = self.seen.entry(key).or_default();
        let tools = brings_tool_results(json);
        let verdict =
            earlier.iter().filter(|progress| progress.has_content()).find_map(|progress| match progress.ending() {
                Ending::Broken if !agent_retries => {
                    Some("a request was sent again after content of its answer had been delivered")
                }
                Ending::Complete if tools => Some("tool results were sent again after their answer: tools run twice"),
                _ => None,
            });
        earlier.push(Arc::clone(progress));
        self.order.push_back(key);
        if self.order.len() > REPLAY_MEMORY
            && let Some(oldest) = self.order.pop_front()
            && let Some(tries) = self.seen.get_mut(&oldest)
        {
            tries.remove(0);
            if tries.is_empty() {
                self.seen.remove(&oldest);
            }
        }
        verdict
    }
}

/// What makes two requests the same turn, whatever a gateway may have spliced: session, try, streaming or not, what they go
/// on from, and the messages without thinking blocks or reasoning.
fn turn(call: &Call, json: &Value) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for name in TURN_HEADERS {
        hasher.update(call.header(name).unwrap_or_default());
        hasher.update([0]);
    }
    hasher.update([u8::from(json.get("stream").and_then(Value::as_bool).unwrap_or_default())]);
    hasher.update(json.get("previous_response_id").and_then(Value::as_str).unwrap_or_default());
    let list = |name: &str| json.get(name).and_then(Value::as_array).into_iter().flatten();
    for item in list("input").filter(|item| item.get("type").and_then(Value::as_str) != Some("reasoning")) {
        hasher.update(item.to_string());
        hasher.update([1]);
    }
    for message in list("messages") {
        match message.get("content") {
            Some(Value::Array(blocks)) => {
                let thinking = |block: &&Value| {
                    matches!(block.get("type").and_then(Value::as_str), Some("thinking" | "redacted_thinking"))
                };
                blocks.iter().filter(|block| !thinking(block)).for_each(|block| hasher.update(block.to_string()));
            }
            Some(other) => hasher.update(other.to_string()),
            None => {}
        }
        hasher.update([1]);
    }
    hasher.finalize().into()
}

fn brings_tool_results(json: &Value) -> bool {
    let last = |name: &str| json.get(name).and_then(Value::as_array).and_then(|list| list.last());
    let kind = last("input").and_then(|item| item.get("type")).and_then(Value::as_str);
    if matches!(kind, Some("function_call_output" | "custom_tool_call_output")) {
        return true;
    }
    let last = last("messages");
    if last.and_then(|message| message.get("role")).and_then(Value::as_str) == Some("tool") {
        return true;
    }
    let blocks = last.and_then(|message| message.get("content")).and_then(Value::as_array);
    blocks.is_some_and(|blocks| blocks.iter().any(|b| b.get("type").and_then(Value::as_str) == Some("tool_result")))
}
