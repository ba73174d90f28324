//! The edits that set, lengthen, shorten and remove marks.

use std::ops::Range;

use bytes::Bytes;

use super::Marks;
use super::outline::{Holder, Mark, Outline};
use super::place::Anchor;
use crate::splice::Edit;

const HOUR: &str = r#"{"type":"ephemeral","ttl":"1h"}"#;
const FIVE_MINUTES: &str = r#"{"type":"ephemeral"}"#;

/// Collects the edits of one body.
pub(super) struct Editor<'a> {
    body: &'a [u8],
    outline: &'a Outline,
    edits: Vec<Edit>,
    breakpoints: usize,
}

impl<'a> Editor<'a> {
    pub(super) fn new(body: &'a [u8], outline: &'a Outline) -> Self {
        let breakpoints = outline.holders().filter(|h| h.mark.is_some()).count();
        Self { body, outline, edits: Vec::new(), breakpoints }
    }

    /// Every mark holds for an hour.
    pub(super) fn lengthen(&mut self) {
        for mark in self.outline.holders().filter_map(|h| h.mark.as_ref()).filter(|m| m.ephemeral) {
            self.set_ttl(mark, true);
        }
    }

    /// No mark holds for an hour.
    pub(super) fn shorten(&mut self) {
        for mark in self.outline.holders().filter_map(|h| h.mark.as_ref()) {
            if let Some(ttl) = mark.ttl.as_ref().filter(|ttl| ttl.hour) {
                self.replace(ttl.member.clone(), String::new());
            }
        }
    }

    /// The request itself has the only mark.
    pub(super) fn only_at_top(&mut self, hour: bool) {
        self.only_at(&[Anchor::Object(self.outline.top.object.start)], hour);
    }

    /// Marks stand here and nowhere else.
    pub(super) fn only_at(&mut self, anchors: &[Anchor], hour: bool) {
        for holder in self.outline.holders() {
            match (&holder.mark, anchors.contains(&Anchor::Object(holder.object.start))) {
                (Some(mark), true) if mark.ephemeral => self.set_ttl(mark, hour),
                (Some(mark), true) => self.replace(mark.value.clone(), control(hour).to_owned()),
                (Some(mark), false) => self.replace(mark.member.clone(), String::new()),
                (None, true) => self.add(holder, hour),
                (None, false) => {}
            }
        }
        for anchor in anchors {
            if let Anchor::Text(text) = anchor {
                self.replace(text.start..text.start, r#"[{"type":"text","text":"#.to_owned());
                self.replace(text.end..text.end, format!(r#","cache_control":{}}}]"#, control(hour)));
            }
        }
        self.breakpoints = anchors.len();
    }

    pub(super) fn finish(mut self) -> Marks {
        self.edits.sort_by_key(|edit| edit.range.start);
        Marks { edits: self.edits, breakpoints: self.breakpoints }
    }

    fn set_ttl(&mut self, mark: &Mark, hour: bool) {
        match (&mark.ttl, hour) {
            (Some(ttl), true) if ttl.hour => {}
            (Some(ttl), true) => self.replace(ttl.value.clone(), r#""1h""#.to_owned()),
            (Some(ttl), false) => self.replace(ttl.member.clone(), String::new()),
            (None, true) => self.replace(self.inside_end(&mark.value), r#","ttl":"1h""#.to_owned()),
            (None, false) => {}
        }
    }

    fn add(&mut self, holder: &Holder, hour: bool) {
        let comma = if holder.empty { "" } else { "," };
        let at = self.inside_end(&holder.object);
        self.replace(at, format!(r#"{comma}"cache_control":{}"#, control(hour)));
    }

    /// Behind the last member of an object, before the space in front of its bracket.
    fn inside_end(&self, object: &Range<usize>) -> Range<usize> {
        let inside = self.body.get(object.start + 1..object.end - 1).unwrap_or_default();
        let space = inside.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
        let at = object.end - 1 - space;
        at..at
    }

    fn replace(&mut self, range: Range<usize>, with: String) {
        self.edits.push(Edit { range: range.start as u64..range.end as u64, with: Bytes::from(with) });
    }
}

fn control(hour: bool) -> &'static str {
    if hour { HOUR } else { FIVE_MINUTES }
}
