//! The difference between two bodies, as ordered edits of the first that do not overlap.
//!
//! The bodies of coding agents repeat themselves from turn to turn: turns are appended, cache marks move, a field near
//! the front changes, a conversation is compacted. So what stays is found by content, wherever it has moved to in the
//! same order, in time linear in the two lengths. Offsets and lengths are bytes; an edit never cuts a character of
//! UTF-8 in two, because the other end may hold the body as text.

mod apply;
mod chain;
mod make;
mod seeds;

pub use apply::{ApplyError, apply};
pub use make::make;
pub use seeds::{common_prefix, common_suffix};

/// At `start` of the old body, `delete` bytes go and `insert` comes. Edits are in order: each starts at or behind the
/// end of the one before it, counted in the old body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op<'a> {
    /// Offset in the old body.
    pub start: usize,
    /// Bytes that go.
    pub delete: usize,
    /// Bytes that come.
    pub insert: &'a [u8],
}

/// A stretch that both bodies have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Offset in the old body.
    old: usize,
    /// Offset in the new body.
    new: usize,
    /// Bytes.
    len: usize,
}

impl Run {
    fn old_end(self) -> usize {
        self.old + self.len
    }

    fn new_end(self) -> usize {
        self.new + self.len
    }
}

/// Is this no place inside a character? Asked bytewise, so that it has an answer for bytes that are no text, too.
fn is_char_boundary(body: &[u8], at: usize) -> bool {
    at == 0 || body.get(at).is_none_or(|byte| byte & 0xC0 != 0x80)
}
