//! Where the marks of the hybrid mode go.

use std::ops::Range;

use super::outline::{Content, Outline};

/// The vendor looks back this many blocks from a mark for one that it has kept; beyond it a conversation that has grown
/// by one turn is written anew (prompt-caching page, "20-block lookback").
const LOOKBACK: usize = 20;

/// A place for a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// An object: its first byte tells which.
    Object(usize),
    /// A text that must become a list of one block first.
    Text(Range<usize>),
}

/// At most four places.
pub(super) fn anchors(outline: &Outline) -> Vec<Anchor> {
    let messages = &outline.messages;
    let mut anchors = Vec::with_capacity(4);
    let later_users = || messages.iter().enumerate().skip(2).rev().filter(|(_, m)| m.is_user);
    let latest = later_users().next();
    let stable = bridge(outline, latest.map(|(at, _)| at), later_users().nth(1).map(|(at, _)| at))
        .or_else(|| last(&outline.system))
        .or_else(|| outline.tools.last().map(|tool| Anchor::Object(tool.object.start)));
    anchors.extend(stable);
    let mut opening = messages.first().map(|m| cacheable(&m.content)).unwrap_or_default();
    if opening.len() > 1 {
        opening.truncate(2);
        anchors.extend(opening);
    } else {
        anchors.extend(opening);
        anchors.extend(messages.get(1).and_then(|m| last(&m.content)));
    }
    anchors.extend(latest.and_then(|(_, m)| last(&m.content)));
    anchors
}

/// The end of the user turn before the latest one, if it is so far back that the vendor would not find it.
fn bridge(outline: &Outline, latest: Option<usize>, previous: Option<usize>) -> Option<Anchor> {
    let (latest, previous) = (latest?, previous?);
    let content = |at: usize| outline.messages.get(at).map(|m| &m.content);
    let behind = content(previous)?.len() - (last_index(content(previous)?)? + 1);
    let between: usize = (previous + 1..latest).filter_map(content).map(Content::len).sum();
    let distance = behind + between + last_index(content(latest)?)? + 1;
    if distance > LOOKBACK { last(content(previous)?) } else { None }
}

fn cacheable(content: &Content) -> Vec<Anchor> {
    match content {
        Content::Text { value, blank: false } => vec![Anchor::Text(value.clone())],
        Content::Text { .. } | Content::None => Vec::new(),
        Content::Blocks(blocks) => {
            blocks.iter().filter(|b| b.cacheable).map(|b| Anchor::Object(b.holder.object.start)).collect()
        }
    }
}

fn last(content: &Content) -> Option<Anchor> {
    cacheable(content).pop()
}

/// The number of the last block that may have a mark.
fn last_index(content: &Content) -> Option<usize> {
    match content {
        Content::Text { blank: false, .. } => Some(0),
        Content::Text { .. } | Content::None => None,
        Content::Blocks(blocks) => blocks.iter().rposition(|b| b.cacheable),
    }
}
