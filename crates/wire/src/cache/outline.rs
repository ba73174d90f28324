//! The parts of a Messages body in which marks can stand, by byte ranges.

use std::ops::Range;

use crate::document::{Document, Member};

/// A Messages request, as far as marks are concerned.
#[derive(Debug)]
pub(super) struct Outline {
    /// The request itself.
    pub(super) top: Holder,
    pub(super) tools: Vec<Holder>,
    pub(super) system: Content,
    pub(super) messages: Vec<Message>,
}

/// One message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) is_user: bool,
    pub(super) content: Content,
}

/// What a message or the system prompt says.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing that can be read.
    None,
    /// A text in place of a list of blocks.
    Text { value: Range<usize>, blank: bool },
    /// A list of blocks.
    Blocks(Vec<Block>),
}

/// A content block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) holder: Holder,
    /// May a mark stand here?
    pub(super) cacheable: bool,
    /// Blocks inside it, which may have marks of their own (`tool_result`).
    pub(super) inner: Vec<Holder>,
}

/// An object that can hold a mark.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    /// The object.
    pub(super) object: Range<usize>,
    /// Has it no members?
    pub(super) empty: bool,
    /// Its mark.
    pub(super) mark: Option<Mark>,
}

/// A `cache_control` member whose value is an object.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// The member with the comma that goes when it goes.
    pub(super) member: Range<usize>,
    /// Its value.
    pub(super) value: Range<usize>,
    /// Is its type `ephemeral`, the only one there is?
    pub(super) ephemeral: bool,
    /// Its `ttl`, with the comma that goes when it goes, and whether it says one hour.
    pub(super) ttl: Option<Ttl>,
}

/// The `ttl` member of a mark.
#[derive(Clone, Debug)]
pub(super) struct Ttl {
    pub(super) member: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) hour: bool,
}

impl Outline {
    /// Reads a body. `None`: it is no JSON object, or `messages` is no list.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let document = Document::new(body);
        let root = document.root()?;
        let members = document.members(&root)?;
        let messages = match value(&members, "messages") {
            Some(list) => document.elements(list)?.iter().map(|m| message(document, m)).collect(),
            None => Vec::new(),
        };
        let tools = value(&members, "tools").and_then(|list| document.elements(list)).unwrap_or_default();
        Some(Self {
            tools: tools
                .into_iter()
                .filter_map(|tool| Some(holder(document, tool.clone(), &document.members(&tool)?)))
                .collect(),
            system: value(&members, "system").map_or(Content::None, |v| content(document, v)),
            messages,
            top: holder(document, root, &members),
        })
    }

    /// Every object that has a mark or can have one, in the order in which the vendor caches; the top comes first.
    pub(super) fn holders(&self) -> impl Iterator<Item = &Holder> {
        let contents = std::iter::once(&self.system).chain(self.messages.iter().map(|m| &m.content));
        let blocks = contents.flat_map(Content::blocks).flat_map(|b| std::iter::once(&b.holder).chain(&b.inner));
        std::iter::once(&self.top).chain(&self.tools).chain(blocks)
    }
}

impl Content {
    pub(super) fn blocks(&self) -> &[Block] {
        match self {
            Self::Blocks(blocks) => blocks,
            Self::None | Self::Text { .. } => &[],
        }
    }

    /// How many blocks it counts as.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Text { .. } => 1,
            Self::Blocks(blocks) => blocks.len(),
        }
    }
}

fn value<'a>(members: &'a [Member<'_>], key: &str) -> Option<&'a Range<usize>> {
    // Of a repeated key the last counts, as with most parsers.
    members.iter().rev().find(|m| m.key == key).map(|m| &m.value)
}

fn message(document: Document<'_>, object: &Range<usize>) -> Message {
    let members = document.members(object).unwrap_or_default();
    let role = value(&members, "role").and_then(|v| document.string(v));
    Message {
        is_user: role.as_deref() == Some("user"),
        content: value(&members, "content").map_or(Content::None, |v| content(document, v)),
    }
}

fn content(document: Document<'_>, at: &Range<usize>) -> Content {
    if let Some(text) = document.string(at) {
        return Content::Text { value: at.clone(), blank: text.trim().is_empty() };
    }
    let Some(elements) = document.elements(at) else { return Content::None };
    Content::Blocks(elements.into_iter().map(|element| block(document, element)).collect())
}

fn block(document: Document<'_>, object: Range<usize>) -> Block {
    let Some(members) = document.members(&object) else {
        let holder = Holder { object, empty: true, mark: None };
        return Block { holder, cacheable: false, inner: Vec::new() };
    };
    let kind = value(&members, "type").and_then(|v| document.string(v)).unwrap_or_default();
    let text = || value(&members, "text").and_then(|v| document.string(v)).unwrap_or_default();
    let cacheable = match &*kind {
        "text" => !text().trim().is_empty(),
        "image" | "document" => true,
        // Also those of the vendor's own and of remote tools: `server_tool_use`, `web_search_tool_result`, `mcp_tool_use`.
        other => other.ends_with("tool_use") || other.ends_with("tool_result"),
    };
    let inner = value(&members, "content").filter(|_| kind.ends_with("tool_result"));
    let inner = inner.and_then(|v| document.elements(v)).unwrap_or_default();
    let inner =
        inner.into_iter().filter_map(|at| Some(holder(document, at.clone(), &document.members(&at)?))).collect();
    Block { holder: holder(document, object, &members), cacheable, inner }
}

fn holder(document: Document<'_>, object: Range<usize>, members: &[Member<'_>]) -> Holder {
    let mark = members.iter().rposition(|m| m.key == "cache_control");
    let mark = mark.filter(|&at| document.first(&members[at].value) == b'{').and_then(|at| {
        let value = members[at].value.clone();
        let inside = document.members(&value)?;
        let kind = inside.iter().rev().find(|m| m.key == "type").and_then(|m| document.string(&m.value));
        let ttl = inside.iter().rposition(|m| m.key == "ttl").map(|at| Ttl {
            member: with_comma(&inside, at),
            value: inside[at].value.clone(),
            hour: document.string(&inside[at].value).as_deref() == Some("1h"),
        });
        Some(Mark { member: with_comma(members, at), value, ephemeral: kind.as_deref() == Some("ephemeral"), ttl })
    });
    Holder { object, empty: members.is_empty(), mark }
}

/// A member with the comma that separates it: the one before it, or for the first the one behind it.
fn with_comma(members: &[Member<'_>], at: usize) -> Range<usize> {
    let member = &members[at];
    match (at.checked_sub(1), members.get(at + 1)) {
        (Some(before), _) => members[before].value.end..member.value.end,
        (None, Some(behind)) => member.from..behind.from,
        (None, None) => member.from..member.value.end,
    }
}
