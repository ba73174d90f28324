//! What a request says about itself, found with as little reading as possible.

use bytes::Bytes;
use http::header;
use http::request::Parts;
use http_body::Body;
use remuda_core::{Conversation, Host, Protocol, Protocols, RequestFacts, RequestKind, SessionKey};
use remuda_wire::decode;
use remuda_wire::identity::UserId;
use remuda_wire::opening::first_words;
use remuda_wire::peek::{Facts, Peek, Status, Text, Wanted};
use remuda_wire::state;

use crate::endpoint::Forward;
use crate::keys::Known;
use crate::replay::{BodyError, ReplayBody};
use crate::session;

/// A request, ready to be routed.
pub struct Intake<B> {
    /// For routing.
    pub facts: RequestFacts,
    /// The protocol in whose words the client is refused.
    pub words: Protocol,
    /// Its body.
    pub body: ReplayBody<B>,
    /// The body in plain text, if it came compressed and can be read.
    pub unpacked: Option<Bytes>,
    /// Where the model's name stands in the body (unpacked, if it came compressed).
    pub model: Option<Text>,
    /// What it refers to that only its owner can serve: an earlier response, a compacted past.
    pub refers_to: Vec<String>,
    /// Is it a body of Claude Code that can be read, so that its identity field can be made to agree with the account
    /// that serves?
    pub states_identity: bool,
}

/// Reads what routing needs.
///
/// A body of Messages is read only until its model is known (it stands near the front) and goes on streaming to the vendor
/// from there. Those of OpenAI's protocols are read whole, because what they refer to may stand at the end; so are compressed
/// ones, and those of hosts that name their conversation nowhere else.
///
/// # Errors
/// The client broke off, or the body is too large.
pub async fn take<B>(head: &Parts, forward: Forward, who: &Known, body: B) -> Result<Intake<B>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (host, headers) = (who.key.host, &head.headers);
    let body = ReplayBody::new(body)?;
    let named = session::named(headers);
    let claude = headers.contains_key(session::CLAUDE_SESSION) || host == Host::Claude;
    let aside = forward.kind == RequestKind::Main && may_be_aside(host, body.exact());
    let wanted = wanted(forward.protocol, claude, named.is_some(), aside);
    let mut read = Read::default();
    if forward.kind != RequestKind::Models {
        let encoding = headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
        read = read_body(&body, encoding, wanted).await?;
    }
    let found = read.facts;
    let user_id = found.user_id.as_ref().and_then(UserId::read);
    let named =
        named.or_else(|| user_id.as_ref().and_then(UserId::session_id)).or_else(|| session::by_cache_key(&found));
    let session = match named {
        Some(id) => Some(session::key(host, id)),
        None if forward.kind.draws_on_quota() => by_first_words(&body, read.unpacked.as_ref(), who).await?,
        None => None,
    };
    let (session, parent) = session::family(headers, host, session);
    let kind = match forward.kind {
        RequestKind::Main if session::is_subagent(headers) => RequestKind::Subagent,
        RequestKind::Main if aside && session::is_aside(host, &found) => RequestKind::Side,
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
        conversation: Conversation { parent, ..Conversation::default() },
    };
    let readable = !read.coded || read.unpacked.is_some();
    let mut refers_to: Vec<String> = found.previous.into_iter().collect();
    if !forward.protocol.contains(Protocol::Messages) && readable && !is_listing(forward) {
        let text = read.unpacked.clone().unwrap_or_else(|| body.whole());
        refers_to.extend(state::compacted(&text));
    }
    Ok(Intake {
        facts,
        words: forward.words,
        body,
        unpacked: read.unpacked,
        model: found.model,
        refers_to,
        states_identity: claude && readable && forward.protocol.contains(Protocol::Messages) && !is_listing(forward),
    })
}

impl<B> Intake<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Does it ask for a stream? To be asked when the body has arrived.
    pub fn streams(&self) -> bool {
        let frames = self.unpacked.clone().map_or_else(|| self.body.arrived(), |text| vec![text]);
        let mut peek = Peek::new(Wanted::STREAM);
        let _found = frames.iter().any(|frame| peek.feed(frame) != Status::More);
        peek.status() != Status::Malformed && peek.into_facts().stream == Some(true)
    }
}

fn is_listing(forward: Forward) -> bool {
    forward.kind == RequestKind::Models
}

fn wanted(protocol: Protocols, claude: bool, named: bool, aside: bool) -> Wanted {
    let mut wanted = Wanted::MODEL;
    if claude && !named {
        wanted = wanted | Wanted::USER_ID;
    }
    if !protocol.contains(Protocol::Messages) {
        wanted = wanted | Wanted::CACHE_KEY | Wanted::PREVIOUS;
    }
    if aside {
        wanted = wanted | Wanted::MAX_TOKENS | Wanted::TOOLS;
    }
    wanted
}

fn may_be_aside(host: Host, length: Option<u64>) -> bool {
    session::aside_most(host).zip(length).is_some_and(|(most, length)| length <= most)
}

/// What was read of a body.
#[derive(Default)]
struct Read {
    facts: Facts,
    coded: bool,
    unpacked: Option<Bytes>,
}

async fn read_body<B: Body<Data = Bytes> + Unpin>(
    body: &ReplayBody<B>,
    encoding: &str,
    wanted: Wanted,
) -> Result<Read, BodyError> {
    let mut peek = Peek::new(wanted);
    let mut read = Read { coded: decode::is_coded(encoding), ..Read::default() };
    if read.coded {
        while body.arrive().await?.is_some() {}
        match decode::decode(encoding, &body.arrived(), decode::Limits::default()) {
            Ok(text) => {
                peek.feed(&text);
                read.unpacked = Some(text);
            }
            Err(error) => {
                tracing::debug!(%error, "a compressed request could not be read; it is passed on as it is");
            }
        }
    } else {
        while let Some(frame) = body.arrive().await? {
            if peek.feed(&frame) != Status::More {
                break;
            }
        }
    }
    if peek.status() != Status::Malformed {
        read.facts = peek.into_facts();
    }
    Ok(read)
}

/// A host that gives its conversation no name at all is known by how the conversation began.
async fn by_first_words<B: Body<Data = Bytes> + Unpin>(
    body: &ReplayBody<B>,
    unpacked: Option<&Bytes>,
    who: &Known,
) -> Result<Option<SessionKey>, BodyError> {
    while body.arrive().await?.is_some() {}
    let words = match unpacked {
        Some(text) => first_words(text),
        None => first_words(&body.whole()),
    };
    Ok(words.map(|words| session::key(who.key.host, &session::by_first_words(&words, &who.key.id.to_string()))))
}
