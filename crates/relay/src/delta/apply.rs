//! Rebuilds a body from the old one and its edits. Trusts nothing: edits come over a network.

use super::{Op, is_char_boundary};

/// Why edits do not fit a body. Nothing was rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// An edit starts before the end of the one before it.
    #[error("the edits are out of order or overlap")]
    OutOfOrder,
    /// An edit reaches past the end of the old body.
    #[error("an edit reaches past the end of the body")]
    OutOfRange,
    /// An edit begins or ends inside a character.
    #[error("an edit cuts a character in two")]
    NotCharBoundary,
}

/// The new body.
///
/// # Errors
/// The first edit that does not fit says why.
pub fn apply(old: &[u8], ops: &[Op<'_>]) -> Result<Vec<u8>, ApplyError> {
    let mut at = 0;
    for op in ops {
        if op.start < at {
            return Err(ApplyError::OutOfOrder);
        }
        let end = op.start.checked_add(op.delete).filter(|end| *end <= old.len()).ok_or(ApplyError::OutOfRange)?;
        if !is_char_boundary(old, op.start) || !is_char_boundary(old, end) {
            return Err(ApplyError::NotCharBoundary);
        }
        at = end;
    }
    let deleted: usize = ops.iter().map(|op| op.delete).sum();
    let inserted: usize = ops.iter().map(|op| op.insert.len()).sum();
    let mut new = Vec::with_capacity(old.len() - deleted + inserted);
    let mut at = 0;
    for op in ops {
        new.extend_from_slice(&old[at..op.start]);
        new.extend_from_slice(op.insert);
        at = op.start + op.delete;
    }
    new.extend_from_slice(&old[at..]);
    Ok(new)
}
