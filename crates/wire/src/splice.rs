//! Replaces ranges of a body that is a sequence of frames, sharing all bytes that stay.

use std::ops::Range;

use bytes::Bytes;

/// One replacement. An empty range inserts, an empty `with` deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What goes, counted from the start of the first frame.
    pub range: Range<u64>,
    /// What comes instead.
    pub with: Bytes,
}

/// Why edits cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// Edits must be in order and must not overlap.
    #[error("edits overlap or are out of order")]
    Order,
    /// An edit reaches past the end of the frames, or ends before it begins.
    #[error("an edit lies outside the body")]
    Range,
}

/// By how much the body grows (or shrinks) when `edits` are applied.
#[must_use]
pub fn growth(edits: &[Edit]) -> i64 {
    let _ = edits;
    todo!("lands within the hour")
}

/// Applies `edits` to the bytes of `frames`. Bytes outside the edits are shared, not copied; no frame of the result
/// is empty.
///
/// # Errors
/// If the edits overlap, are not in order or reach past the end.
pub fn splice(frames: impl IntoIterator<Item = Bytes>, edits: &[Edit]) -> Result<Vec<Bytes>, SpliceError> {
    let _ = (frames.into_iter(), edits);
    todo!("lands within the hour")
}
