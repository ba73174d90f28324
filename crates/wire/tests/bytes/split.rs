//! Cuts bytes into pieces, as networks do.

use proptest::prelude::*;
use proptest::sample::Index;

/// Places to cut at.
pub(crate) fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..12)
}

/// The pieces between `cuts`; some may be empty.
pub(crate) fn split<'a>(raw: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(raw.len() + 1)).collect();
    cuts.extend([0, raw.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &raw[pair[0]..pair[1]]).collect()
}
