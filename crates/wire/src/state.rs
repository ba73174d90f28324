//! State in a conversation that only the account which gave it out can read again: thinking with its signature (Messages),
//! encrypted reasoning (Responses and the Codex backend). Finds it in answers, and takes foreign pieces out of requests.
//!
//! What is not taken out stays byte for byte where it was.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem;
use remuda_core::Protocol;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::splice::Edit;

/// What has to go from a request for another account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// In order.
    pub edits: Vec<Edit>,
    /// Blocks of thinking, or items of reasoning, that go.
    pub dropped: usize,
    /// Thinking is switched off for this request, because the vendor wants the block that had to go.
    pub thinking_off: bool,
}

/// Names that stand before such state. Text of the model has its quotes escaped.
struct Names {
    signature: memmem::Finder<'static>,
    redacted: memmem::Finder<'static>,
    encrypted: memmem::Finder<'static>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    signature: memmem::Finder::new("\"signature\""),
    redacted: memmem::Finder::new("\"redacted_thinking\""),
    encrypted: memmem::Finder::new("\"encrypted_content\""),
});

/// May there be such state at all? A quick look, without parsing.
#[must_use]
pub fn may_carry(body: &[u8], protocol: Protocol) -> bool {
    let has = |name: &memmem::Finder<'_>| name.find(body).is_some();
    match protocol {
        Protocol::Messages => has(&NAMES.signature) || has(&NAMES.redacted),
        Protocol::Responses | Protocol::Codex => has(&NAMES.encrypted),
        Protocol::Chat => false,
    }
}

/// Finds what `is_foreign` says is another account's. Nothing where the body cannot be read.
#[must_use]
pub fn foreign(body: &[u8], protocol: Protocol, is_foreign: impl Fn(&str) -> bool) -> Foreign {
    match protocol {
        Protocol::Messages => in_messages(body, is_foreign),
        Protocol::Responses | Protocol::Codex => in_input(body, is_foreign),
        Protocol::Chat => None,
    }
    .unwrap_or_default()
}

#[derive(Deserialize)]
struct Messages<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

/// A block of Messages or an item of Responses.
#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    #[serde(borrow, default)]
    encrypted_content: Option<Cow<'a, str>>,
}

/// `data` is a text in `redacted_thinking`; elsewhere it may be anything.
#[derive(Deserialize)]
#[serde(untagged)]
enum Data<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Other(serde::de::IgnoredAny),
}

impl Piece<'_> {
    fn of(raw: &RawValue) -> Option<Piece<'_>> {
        serde_json::from_str(raw.get()).ok()
    }

    fn is_thinking(&self) -> bool {
        matches!(self.kind.as_deref(), Some("thinking" | "redacted_thinking"))
    }

    /// What only its origin can read.
    fn sealed(&self) -> Option<&str> {
        let text = match (self.kind.as_deref()?, &self.data) {
            ("thinking", _) => self.signature.as_deref(),
            ("redacted_thinking", Some(Data::Text(data))) => Some(data.as_ref()),
            ("redacted_thinking", _) => None,
            _ => self.encrypted_content.as_deref(),
        };
        text.filter(|text| !text.is_empty())
    }
}

fn in_messages(body: &[u8], is_foreign: impl Fn(&str) -> bool) -> Option<Foreign> {
    let parsed: Messages<'_> = serde_json::from_slice(body).ok()?;
    let mut found = Foreign::default();
    let mut emptied = vec![false; parsed.messages.len()];
    let mut last_lost_its_thinking = false;
    for (at, raw) in parsed.messages.iter().enumerate() {
        let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get()) else { continue };
        if message.role.as_deref() != Some("assistant") {
            continue;
        }
        last_lost_its_thinking = false;
        let Some(content) = message.content.filter(|content| content.get().starts_with('[')) else { continue };
        let Ok(blocks) = serde_json::from_str::<Vec<&RawValue>>(content.get()) else { continue };
        let pieces: Vec<Option<Piece<'_>>> = blocks.iter().map(|raw| Piece::of(raw)).collect();
        let goes: Vec<bool> = pieces
            .iter()
            .map(|piece| piece.as_ref().is_some_and(|p| p.is_thinking() && p.sealed().is_some_and(&is_foreign)))
            .collect();
        let dropped = goes.iter().filter(|goes| **goes).count();
        if dropped == 0 {
            continue;
        }
        found.dropped += dropped;
        let first_left = goes.iter().position(|goes| !goes);
        match first_left {
            None => emptied[at] = true,
            Some(first) => {
                let begins_with_thinking = pieces[first].as_ref().is_some_and(Piece::is_thinking);
                last_lost_its_thinking = !begins_with_thinking;
                found.edits.extend(cuts(body, &blocks, &goes));
            }
        }
    }
    found.edits.extend(cuts(body, &parsed.messages, &emptied));
    if last_lost_its_thinking
        && ends_in_tool_results(&parsed.messages)
        && let Some(thinking) = parsed.thinking.filter(|thinking| is_enabled(thinking))
    {
        found.thinking_off = true;
        found.edits.push(Edit { range: range(body, thinking), with: Bytes::from_static(br#"{"type":"disabled"}"#) });
    }
    found.edits.sort_by_key(|edit| edit.range.start);
    Some(found)
}

/// With a thinking budget the vendor wants an assistant message whose tools are being answered to begin with its thinking
/// (platform.claude.com, build-with-claude/extended-thinking). Adaptive thinking does not.
fn is_enabled(thinking: &RawValue) -> bool {
    Piece::of(thinking).is_some_and(|piece| piece.kind.as_deref() == Some("enabled"))
}

fn ends_in_tool_results(messages: &[&RawValue]) -> bool {
    let last = messages.last().and_then(|raw| serde_json::from_str::<Message<'_>>(raw.get()).ok());
    let content = last.and_then(|message| message.content);
    let blocks = content.and_then(|content| serde_json::from_str::<Vec<&RawValue>>(content.get()).ok());
    let mut blocks = blocks.into_iter().flatten().filter_map(Piece::of);
    blocks.any(|piece| piece.kind.as_deref() == Some("tool_result"))
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    input: Vec<&'a RawValue>,
}

fn in_input(body: &[u8], is_foreign: impl Fn(&str) -> bool) -> Option<Foreign> {
    let Input { input } = serde_json::from_slice(body).ok()?;
    let mut found = Foreign::default();
    let goes: Vec<bool> = input
        .iter()
        .map(|raw| {
            let Some(piece) = Piece::of(raw) else { return false };
            // Other sealed items cannot go: they are the compacted past of the conversation.
            piece.kind.as_deref() == Some("reasoning") && piece.sealed().is_some_and(&is_foreign)
        })
        .collect();
    found.dropped = goes.iter().filter(|goes| **goes).count();
    found.edits = cuts(body, &input, &goes);
    Some(found)
}

/// The sealed items of a body of Responses that are its compacted past: without them the conversation is lost.
#[must_use]
pub fn compacted(body: &[u8]) -> Vec<String> {
    if NAMES.encrypted.find(body).is_none() {
        return Vec::new();
    }
    let Ok(Input { input }) = serde_json::from_slice(body) else { return Vec::new() };
    let pieces = input.into_iter().filter_map(Piece::of);
    let past = pieces.filter(|piece| piece.kind.as_deref().is_some_and(|kind| kind != "reasoning"));
    past.filter_map(|piece| piece.sealed().map(str::to_owned)).collect()
}

/// The edits that take some elements out of an array, each with one comma.
fn cuts(body: &[u8], elements: &[&RawValue], goes: &[bool]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut kept = false;
    for (at, goes) in goes.iter().enumerate() {
        if !goes {
            kept = true;
            continue;
        }
        let own = range(body, elements[at]);
        let cut = match (kept, at.checked_sub(1), elements.get(at + 1)) {
            // With the comma in front.
            (true, Some(before), _) => range(body, elements[before]).end..own.end,
            // With the one behind.
            (_, _, Some(next)) => own.start..range(body, next).start,
            _ => own,
        };
        edits.push(Edit { range: cut, with: Bytes::new() });
    }
    edits
}

/// Where a value that was borrowed from `body` stands in it.
fn range(body: &[u8], raw: &RawValue) -> Range<u64> {
    let start = raw.get().as_ptr().addr().wrapping_sub(body.as_ptr().addr()) as u64;
    start..start + raw.get().len() as u64
}

/// What an event or an answer gives out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct GivenOut {
    /// Sealed state and ids of responses, whole.
    pub whole: Vec<String>,
    /// A part of a signature: parts of one block follow each other.
    pub part: Option<String>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    /// Messages.
    #[serde(borrow, default)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    /// Responses.
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    output: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Delta<'a> {
    Signature {
        #[serde(borrow)]
        signature: Cow<'a, str>,
    },
    Other(serde::de::IgnoredAny),
}

/// May this answer, which is one JSON object, give out such state? A quick look.
#[must_use]
pub fn may_give_out(protocol: Protocol, json: &[u8]) -> bool {
    // Any answer of Responses has an id.
    matches!(protocol, Protocol::Responses | Protocol::Codex) || may_carry(json, protocol)
}

/// May this event give out such state? A quick look: it is made at every event of every stream.
#[must_use]
pub fn event_may_give_out(protocol: Protocol, name: Option<&str>, data: &[u8]) -> bool {
    match (protocol, name) {
        (Protocol::Messages, Some("content_block_delta")) => NAMES.signature.find(data).is_some(),
        (Protocol::Messages, Some("content_block_start")) => NAMES.redacted.find(data).is_some(),
        (Protocol::Responses | Protocol::Codex, Some("response.completed" | "response.incomplete")) => true,
        (Protocol::Responses | Protocol::Codex, Some("response.output_item.done")) => {
            NAMES.encrypted.find(data).is_some()
        }
        _ => false,
    }
}

/// What this data of an event, or this JSON answer, gives out.
#[must_use]
pub fn given_out(protocol: Protocol, data: &[u8]) -> GivenOut {
    let mut given = GivenOut::default();
    if let Ok(answer) = serde_json::from_slice::<Answer<'_>>(data) {
        collect(protocol, answer, &mut given);
    }
    given
}

fn collect(protocol: Protocol, answer: Answer<'_>, given: &mut GivenOut) {
    let pieces = answer.content.into_iter().flatten().chain(answer.content_block);
    let pieces = pieces.chain(answer.output.into_iter().flatten()).chain(answer.item);
    for raw in pieces {
        if let Some(sealed) = Piece::of(raw).and_then(|piece| piece.sealed().map(str::to_owned)) {
            given.whole.push(sealed);
        }
    }
    if let Some(Delta::Signature { signature }) = answer.delta {
        given.part = Some(signature.into_owned());
    }
    if matches!(protocol, Protocol::Responses | Protocol::Codex) {
        given.whole.extend(answer.id.map(Cow::into_owned));
        if let Some(response) = answer.response.and_then(|raw| serde_json::from_str::<Answer<'_>>(raw.get()).ok()) {
            collect(protocol, response, given);
        }
    }
}
