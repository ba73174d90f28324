//! Sees the events of a server-sent event stream as its chunks pass, without touching them.

use std::ops::Range;

use memchr::memchr2;

/// Events larger than this are passed over: reported without data.
pub const MAX_EVENT: usize = 1 << 20;

/// Buffers that grew beyond this for one large event are given back behind it.
const KEEP_CAPACITY: usize = 4096;

/// One event, ended by its empty line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The value of the last `event` field; empty if there is none.
    pub name: &'a [u8],
    /// The `data` lines joined by line feeds; `None` if there is no such line, or `oversize`.
    pub data: Option<&'a [u8]>,
    /// No event in truth: only comments (`: keep-alive`), ids or retry times.
    pub comment: bool,
    /// It exceeded [`MAX_EVENT`] and was not inspected.
    pub oversize: bool,
    /// Where it ends, behind its empty line, counted from the first byte of the stream. Where that line ends with
    /// carriage return and line feed, the line feed may still follow.
    pub end: u64,
}

/// A line scanner over the chunks of one stream. Events that lie within one chunk are not copied, unless their data
/// has several lines.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The bytes of an event that began in an earlier chunk.
    carry: Vec<u8>,
    fields: Fields,
    /// Where the next byte stands in the stream.
    at: u64,
    /// Where the present event begins in the stream.
    start: u64,
    /// The last chunk ended with a carriage return: a line feed at the start of the next one belongs to it.
    after_return: bool,
    /// The present event is oversize: only its end is looked for.
    skipping: bool,
    /// While skipping: has the present line any byte?
    mid_line: bool,
    joined: Vec<u8>,
}

/// What the lines of the present event said. Ranges count from the event's first byte.
#[derive(Debug, Default)]
struct Fields {
    /// Where the line begins that has not ended.
    line: usize,
    any: bool,
    name: Range<usize>,
    data: Option<Range<usize>>,
    /// Further data lines.
    more: Vec<Range<usize>>,
}

impl Scanner {
    /// Takes the next chunk, split anywhere, and reports every event that it completes.
    pub fn feed(&mut self, mut chunk: &[u8], mut on_event: impl FnMut(Event<'_>)) {
        if chunk.is_empty() {
            return;
        }
        if std::mem::take(&mut self.after_return) && chunk[0] == b'\n' {
            chunk = &chunk[1..];
            self.at += 1;
            if !self.mid_event() {
                self.start = self.at;
            }
        }
        // `begin`: where the present event begins, if in this chunk; `at`: where the present line does.
        let (mut begin, mut at) = (0, 0);
        while let Some(stop) = line_end(&chunk[at..]).map(|stop| at + stop) {
            let next = match (chunk[stop], chunk.get(stop + 1)) {
                (b'\r', Some(b'\n')) => stop + 2,
                (b'\r', None) => {
                    self.after_return = true;
                    stop + 1
                }
                _ => stop + 1,
            };
            let first_line = self.start == 0;
            let blank = if self.skipping {
                stop == at && !std::mem::take(&mut self.mid_line)
            } else if self.carry.is_empty() {
                self.fields.take_line(&chunk[begin..], at - begin..stop - begin, first_line)
            } else {
                self.carry.extend_from_slice(&chunk[at..stop]);
                let line = self.fields.line..self.carry.len();
                let blank = self.fields.take_line(&self.carry, line, first_line);
                // Any byte will do for the line's end: it keeps the carry from being empty.
                self.carry.push(b'\n');
                self.fields.line = self.carry.len();
                blank
            };
            if blank {
                let size = self.at + stop as u64 - self.start;
                let event = if self.carry.is_empty() { &chunk[begin..stop] } else { &self.carry };
                let end = self.at + next as u64;
                if let Some(event) = self.fields.event(event, size, end, &mut self.joined) {
                    on_event(event);
                }
                self.reset(end);
                begin = next;
            }
            at = next;
        }
        if self.skipping {
            self.mid_line |= at < chunk.len();
        } else if self.carry.is_empty() {
            self.carry.extend_from_slice(&chunk[begin..]);
            self.fields.line = at - begin;
        } else {
            self.carry.extend_from_slice(&chunk[at..]);
        }
        self.at += chunk.len() as u64;
        if !self.skipping && self.at - self.start > MAX_EVENT as u64 {
            self.skip();
        }
    }

    /// Is there an event that has begun and not ended? At the end of a stream: it was cut.
    #[must_use]
    pub fn mid_event(&self) -> bool {
        self.skipping || !self.carry.is_empty()
    }

    #[inline]
    fn reset(&mut self, start: u64) {
        self.start = start;
        self.skipping = false;
        self.fields.line = 0;
        self.fields.any = false;
        self.fields.name = 0..0;
        self.fields.data = None;
        self.fields.more.clear();
        for buffer in [&mut self.carry, &mut self.joined] {
            buffer.clear();
            if buffer.capacity() > KEEP_CAPACITY {
                *buffer = Vec::new();
            }
        }
    }

    /// Gives up on the present event, but for its name.
    fn skip(&mut self) {
        self.skipping = true;
        self.mid_line = self.carry.len() > self.fields.line;
        let name = self.carry.get(self.fields.name.clone()).unwrap_or_default().to_vec();
        self.fields.name = 0..name.len();
        self.fields.any = true;
        self.carry = name;
    }
}

impl Fields {
    /// Takes note of a line; true if it is the empty one.
    #[inline]
    fn take_line(&mut self, event: &[u8], mut line: Range<usize>, first: bool) -> bool {
        if first && line.start == 0 && event[line.clone()].starts_with(b"\xef\xbb\xbf") {
            line.start = 3;
        }
        if line.is_empty() {
            return true;
        }
        self.any = true;
        let text = &event[line.clone()];
        if let Some(skipped) = value(text, b"data") {
            let value = line.start + skipped..line.end;
            match self.data {
                None => self.data = Some(value),
                Some(_) => self.more.push(value),
            }
        } else if let Some(skipped) = value(text, b"event") {
            self.name = line.start + skipped..line.end;
        }
        false
    }

    /// The event whose bytes are `event`; `None` if there was no line.
    #[inline]
    fn event<'a>(&self, event: &'a [u8], size: u64, end: u64, joined: &'a mut Vec<u8>) -> Option<Event<'a>> {
        if !self.any {
            return None;
        }
        let oversize = size > MAX_EVENT as u64;
        let name = &event[self.name.clone()];
        let data = match &self.data {
            Some(first) if !oversize && self.more.is_empty() => Some(&event[first.clone()]),
            Some(first) if !oversize => {
                joined.extend_from_slice(&event[first.clone()]);
                for line in &self.more {
                    joined.push(b'\n');
                    joined.extend_from_slice(&event[line.clone()]);
                }
                Some(joined.as_slice())
            }
            _ => None,
        };
        let comment = name.is_empty() && self.data.is_none() && !oversize;
        Some(Event { name, data, comment, oversize, end })
    }
}

/// Where the first line ends. Every event ends with an empty line, which needs no search.
#[inline]
fn line_end(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'\n' | b'\r' => Some(0),
        _ => memchr2(b'\n', b'\r', text),
    }
}

/// Where the value begins in a line of this field: behind the colon and one space.
#[inline]
fn value(line: &[u8], field: &[u8]) -> Option<usize> {
    match line.strip_prefix(field)? {
        [] => Some(field.len()),
        [b':', b' ', ..] => Some(field.len() + 2),
        [b':', ..] => Some(field.len() + 1),
        _ => None,
    }
}
