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
    /// An edit reaches past the end of the frames.
    #[error("an edit reaches past the end of the body")]
    End,
}

/// By how many bytes the body grows (or shrinks) when `edits` are applied.
#[must_use]
pub fn growth(edits: &[Edit]) -> i64 {
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let removed: u64 = edits.iter().map(|edit| edit.range.end.saturating_sub(edit.range.start)).sum();
    i64::try_from(added).unwrap_or(i64::MAX).saturating_sub_unsigned(removed)
}

/// Applies `edits` to the bytes of `frames`. Bytes outside the edits are shared, not copied; no frame of the result
/// is empty.
///
/// # Errors
/// If the edits overlap, are not in order or reach past the end.
pub fn splice(frames: impl IntoIterator<Item = Bytes>, edits: &[Edit]) -> Result<Vec<Bytes>, SpliceError> {
    let bounds = edits.iter().flat_map(|edit| [edit.range.start, edit.range.end]);
    if !bounds.is_sorted() {
        return Err(SpliceError::Order);
    }
    let mut source = Source { frames: frames.into_iter(), frame: Bytes::new(), at: 0 };
    let mut spliced = Vec::new();
    for edit in edits {
        source.advance(edit.range.start, |kept| spliced.push(kept))?;
        source.advance(edit.range.end, drop)?;
        if !edit.with.is_empty() {
            spliced.push(edit.with.clone());
        }
    }
    spliced.extend(std::iter::once(source.frame).chain(source.frames).filter(|frame| !frame.is_empty()));
    Ok(spliced)
}

/// The frames that have not been passed.
struct Source<I> {
    frames: I,
    /// The rest of the present frame.
    frame: Bytes,
    /// Where that rest begins.
    at: u64,
}

impl<I: Iterator<Item = Bytes>> Source<I> {
    /// Passes everything before `to`, in pieces.
    fn advance(&mut self, to: u64, mut pass: impl FnMut(Bytes)) -> Result<(), SpliceError> {
        while self.at < to {
            if self.frame.is_empty() {
                self.frame = self.frames.next().ok_or(SpliceError::End)?;
                continue;
            }
            let here = usize::try_from(to - self.at).unwrap_or(usize::MAX).min(self.frame.len());
            pass(self.frame.split_to(here));
            self.at += here as u64;
        }
        Ok(())
    }
}
