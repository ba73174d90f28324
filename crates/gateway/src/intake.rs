//! What a request says about itself, found with as little reading as possible.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use http_body::Body;
use remuda_core::{Conversation, Host, RequestFacts, RequestKind, SessionKey};
use remuda_wire::decode;
use remuda_wire::identity::UserId;
use remuda_wire::peek::{Facts, Peek, Status, Text, Wanted};

use crate::endpoint::Forward;
use crate::replay::{BodyError, ReplayBody};

/// Longest session id that is taken over from a host.
const MOST_SESSION_ID: usize = 200;

/// Headers by which hosts name their conversation, the surest first (observed in November 2026: Claude Code 2.1.329,
/// OpenCode 1.18.33 and Pi 1.5.2, Codex 0.169.0).
const SESSION_HEADERS: [&str; 4] = ["x-claude-code-session-id", "x-session-affinity", "x-session-id", "session-id"];
/// Headers that only a request of a subagent has: the agent's own name, and the parent's session.
const SUBAGENT_HEADERS: [&str; 2] = ["x-claude-code-agent-id", "x-parent-session-id"];

/// A request, ready to be routed.
pub struct Intake<B> {
    /// For routing.
    pub facts: RequestFacts,
    /// Its body.
    pub body: ReplayBody<B>,
    /// Where the model's name stands in the body, when the body is not compressed.
    pub model: Option<Text>,
    /// Is it a body of Claude Code that can be read, so that its identity field can be made to agree with the account
    /// that serves?
    pub states_identity: bool,
}

/// Reads what routing needs.
///
/// A body is read only until its model is known (it stands near the front) and goes on streaming to the vendor from
/// there. Compressed ones are read whole, and so are those of a Claude Code that names its session only in its identity
/// field, which stands at the end.
///
/// # Errors
/// The client broke off, or the body is too large.
pub async fn take<B>(head: &Parts, forward: Forward, host: Host, body: B) -> Result<Intake<B>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let body = ReplayBody::new(body)?;
    let named = session_in_headers(&head.headers);
    let claude = head.headers.contains_key(SESSION_HEADERS[0]) || host == Host::Claude;
    let mut wanted = Wanted::MODEL;
    if claude && named.is_none() {
        wanted = wanted | Wanted::USER_ID;
    }
    let encoding = head.headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    let coded = decode::is_coded(encoding);
    let found = if forward.kind == RequestKind::Models {
        Facts::default()
    } else if coded {
        while body.arrive().await?.is_some() {}
        peek_coded(encoding, &body, wanted)
    } else {
        peek(&body, wanted).await?
    };
    let user_id = found.user_id.as_ref().and_then(UserId::read);
    let session = named.or_else(|| user_id.as_ref().and_then(UserId::session_id).map(str::to_owned));
    let session = session.map(|id| SessionKey(format!("{}:{id}", host.as_str())));
    let subagent = SUBAGENT_HEADERS.iter().any(|name| head.headers.contains_key(*name));
    let (session, parent) = family(&head.headers, host, session);
    let conversation = Conversation { parent, ..Conversation::default() };
    let kind = match forward.kind {
        RequestKind::Main if subagent => RequestKind::Subagent,
        kind => kind,
    };
    let facts = RequestFacts {
        session,
        model: found.model.as_ref().map(|m| m.value.clone()).unwrap_or_default(),
        kind,
        host,
        vendor: forward.vendor,
        pin: None,
        bound: None,
        protocol: forward.protocol,
        owner: None,
        replayable: true,
        conversation,
    };
    let model = found.model.filter(|_| !coded);
    let states_identity = claude && !coded && forward.kind != RequestKind::Models;
    Ok(Intake { facts, body, model, states_identity })
}

async fn peek<B: Body<Data = Bytes> + Unpin>(body: &ReplayBody<B>, wanted: Wanted) -> Result<Facts, BodyError> {
    let mut peek = Peek::new(wanted);
    while let Some(frame) = body.arrive().await? {
        if peek.feed(&frame) != Status::More {
            break;
        }
    }
    Ok(if peek.status() == Status::Malformed { Facts::default() } else { peek.into_facts() })
}

fn peek_coded<B: Body<Data = Bytes> + Unpin>(encoding: &str, body: &ReplayBody<B>, wanted: Wanted) -> Facts {
    match decode::decode(encoding, &body.arrived(), decode::Limits::default()) {
        Ok(text) => {
            let mut peek = Peek::new(wanted);
            if peek.feed(&text) == Status::Malformed { Facts::default() } else { peek.into_facts() }
        }
        Err(error) => {
            tracing::debug!(%error, "a compressed request could not be read; it is passed on as it is");
            Facts::default()
        }
    }
}

fn session_in_headers(headers: &HeaderMap) -> Option<String> {
    SESSION_HEADERS.iter().find_map(|name| id_in(headers, name)).map(str::to_owned)
}

/// The request's own conversation and the one that started it. Claude Code names the agent within the parent's session,
/// OpenCode gives a child a session of its own and names the parent's.
fn family(headers: &HeaderMap, host: Host, session: Option<SessionKey>) -> (Option<SessionKey>, Option<SessionKey>) {
    let [agent, parent] = SUBAGENT_HEADERS.map(|name| id_in(headers, name));
    match (session, agent, parent) {
        (Some(session), Some(agent), _) => (Some(session.of_subagent(agent)), Some(session)),
        (Some(session), None, Some(parent)) => (Some(session), Some(SessionKey(format!("{}:{parent}", host.as_str())))),
        (session, ..) => (session, None),
    }
}

fn id_in<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let id = headers.get(name)?.to_str().ok()?.trim();
    (!id.is_empty() && id.len() <= MOST_SESSION_ID).then_some(id)
}
