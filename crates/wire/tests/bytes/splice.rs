//! Splicing, against the same done on one flat body.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use remuda_wire::splice::{Edit, SpliceError, growth, splice};
use rstest::rstest;

use crate::split::{cuts, split};

fn edits() -> impl Strategy<Value = Vec<(Index, Index, Vec<u8>)>> {
    prop::collection::vec((any::<Index>(), any::<Index>(), prop::collection::vec(b'A'..=b'Z', 0..9)), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn edits_change_their_ranges_and_every_other_byte_is_the_same_memory(
        body in prop::collection::vec(b'a'..=b'z', 0..300),
        cuts in cuts(),
        edits in edits(),
    ) {
        let mut bounds: Vec<_> = edits.iter().flat_map(|(from, to, _)| [from, to]).map(|at| at.index(body.len() + 1)).collect();
        bounds.sort_unstable();
        let edits: Vec<_> = edits
            .into_iter()
            .zip(bounds.chunks(2))
            .map(|((_, _, with), range)| Edit { range: range[0] as u64..range[1] as u64, with: with.into() })
            .collect();
        let mut want = body.clone();
        for (edit, range) in edits.iter().zip(bounds.chunks(2)).rev() {
            want.splice(range[0]..range[1], edit.with.iter().copied());
        }
        let frames: Vec<Bytes> = split(&body, &cuts).into_iter().map(Bytes::copy_from_slice).collect();

        let spliced = splice(frames.clone(), &edits).unwrap();
        prop_assert_eq!(spliced.concat(), want.clone());
        prop_assert_eq!(growth(&edits), want.len() as i64 - body.len() as i64);
        prop_assert!(spliced.iter().all(|frame| !frame.is_empty()));
        for frame in spliced.iter().filter(|frame| frame[0].is_ascii_lowercase()) {
            let shared = frames.iter().any(|source| source.as_ptr_range().contains(&frame.as_ptr()));
            prop_assert!(shared, "{frame:?} was copied");
        }
    }
}

fn edit(range: std::ops::Range<u64>) -> Edit {
    Edit { range, with: Bytes::from_static(b"x") }
}

#[rstest]
#[case::overlapping(vec![edit(0..3), edit(2..4)], SpliceError::Order)]
#[case::out_of_order(vec![edit(3..4), edit(0..1)], SpliceError::Order)]
#[case::backwards(vec![Edit { range: std::ops::Range { start: 3, end: 2 }, with: Bytes::new() }], SpliceError::Order)]
#[case::past_the_end(vec![edit(4..7)], SpliceError::End)]
#[case::behind_the_end(vec![edit(7..7)], SpliceError::End)]
fn edits_that_do_not_fit_are_refused(#[case] edits: Vec<Edit>, #[case] why: SpliceError) {
    let frames = ["abc", "def"].map(Bytes::from);
    assert_eq!(splice(frames, &edits), Err(why));
}

#[test]
fn inserting_at_both_ends_and_between_frames_works() {
    let frames = ["abc", "def"].map(Bytes::from);
    let spliced = splice(frames, &[edit(0..0), edit(3..3), edit(6..6)]).unwrap();
    assert_eq!(spliced, ["x", "abc", "x", "def", "x"]);
}
