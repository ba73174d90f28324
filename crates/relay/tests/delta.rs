//! What holds for the difference of any two bodies, and what it is worth on bodies like those of agents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use proptest::prelude::*;
use remuda_relay::delta::{Op, apply, make};

fn inserted(ops: &[Op<'_>]) -> usize {
    ops.iter().map(|op| op.insert.len()).sum()
}

/// A body and another one made of it as agents do: pieces dropped, doubled, moved, changed, put in between.
fn related(piece: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = (String, String)> {
    let step = prop_oneof![6 => Just(0u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    proptest::collection::vec((piece.clone(), piece, step), 0..24).prop_map(|pieces| {
        let old = pieces.iter().map(|(piece, _, _)| piece.as_str()).collect();
        let new = pieces.iter().flat_map(|(piece, other, step)| match step {
            0 => vec![piece.as_str()],
            1 => vec![],
            2 => vec![other.as_str()],
            _ => vec![piece.as_str(), other.as_str(), piece.as_str()],
        });
        (old, new.collect())
    })
}

proptest! {
    #[test]
    fn any_two_bodies_are_rebuilt(old in proptest::collection::vec(any::<u8>(), 0..400), new in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(apply(&old, &make(&old, &new)).unwrap(), new);
    }

    #[test]
    fn bodies_full_of_repetition_are_rebuilt(old in proptest::collection::vec(0u8..2, 0..900), new in proptest::collection::vec(0u8..2, 0..900)) {
        prop_assert_eq!(apply(&old, &make(&old, &new)).unwrap(), new);
    }

    #[test]
    fn texts_are_rebuilt_by_texts((old, new) in related("[a-f{}\",:é中🐎👨‍👩\\u{301}]{0,90}")) {
        let ops = make(old.as_bytes(), new.as_bytes());
        prop_assert_eq!(apply(old.as_bytes(), &ops).unwrap(), new.as_bytes());
        for op in &ops {
            prop_assert!(std::str::from_utf8(op.insert).is_ok());
            prop_assert!(old.is_char_boundary(op.start) && old.is_char_boundary(op.start + op.delete));
        }
        prop_assert!(ops.windows(2).all(|pair| pair[0].start + pair[0].delete < pair[1].start), "no two edits touch");
    }

    #[test]
    fn never_more_is_sent_than_the_new_body((old, new) in related(".{0,60}")) {
        prop_assert!(inserted(&make(old.as_bytes(), new.as_bytes())) <= new.len());
    }

    #[test]
    fn edits_from_anywhere_fit_or_are_refused(old in "[a-cé🐎]{0,20}", ops in proptest::collection::vec((0usize..50, 0usize..50), 0..5)) {
        let ops: Vec<Op> = ops.into_iter().map(|(start, delete)| Op { start, delete, insert: b"x" }).collect();
        if let Ok(new) = apply(old.as_bytes(), &ops) {
            prop_assert!(String::from_utf8(new).is_ok());
        }
    }
}

#[test]
fn offsets_that_overflow_are_refused() {
    let op = Op { start: 1, delete: usize::MAX, insert: b"" };
    assert!(apply(b"abc", &[op]).is_err());
}

/// A conversation of so many turns, its last message marked for the cache, each turn some 500 bytes that occur nowhere else.
fn conversation(model: &str, turns: std::ops::Range<usize>) -> String {
    let mut messages = String::new();
    for turn in turns.clone() {
        let words: String =
            (0..50).map(|word| format!("{:x} ", (turn * 50 + word).wrapping_mul(0x9E37_79B9))).collect();
        let mark = if turn + 1 == turns.end { r#","cache_control":{"type":"ephemeral"}"# } else { "" };
        messages.push_str(&format!(r#"{{"role":"user","content":[{{"type":"text","text":"{words}"{mark}}}]}},"#));
    }
    let messages = messages.trim_end_matches(',');
    format!(r#"{{"model":"{model}","messages":[{messages}],"max_tokens":32000,"stream":true}}"#)
}

#[track_caller]
fn costs(old: &str, new: &str, most: usize) {
    let ops = make(old.as_bytes(), new.as_bytes());
    assert_eq!(apply(old.as_bytes(), &ops).unwrap(), new.as_bytes());
    assert!(inserted(&ops) <= most, "{} bytes in {} edits, at most {most} expected", inserted(&ops), ops.len());
}

#[test]
fn an_appended_turn_with_its_cache_mark_costs_itself() {
    let (old, new) = (conversation("opus", 0..200), conversation("opus", 0..202));
    costs(&old, &new, new.len() - old.len() + 50);
}

#[test]
fn a_field_near_the_front_costs_itself_and_nothing_of_what_follows() {
    costs(&conversation("claude-opus-5", 0..200), &conversation("claude-haiku-4-5", 0..200), 16);
}

#[test]
fn changes_at_many_places_cost_themselves() {
    let old = conversation("m", 0..200);
    costs(&old, &old.replace("\"type\":\"text\"", "\"type\":\"output\""), 200 * 6);
}

#[test]
fn a_compacted_conversation_costs_its_summary() {
    let kept = conversation("m", 150..200);
    let (front, rest) = kept.split_at(kept.find('[').unwrap() + 1);
    let summary = "a summary of all that was said before ".repeat(10);
    let new = format!(r#"{front}{{"role":"user","content":"{summary}"}},{rest}"#);
    costs(&conversation("m", 0..200), &new, summary.len() + 60);
}

#[test]
fn text_that_comes_twice_does_not_hide_what_stayed_in_place() {
    let (a, b) = (conversation("a", 0..40), conversation("b", 40..90));
    costs(&format!("{a}{b}"), &format!("{b}{a}{b}"), b.len());
}
