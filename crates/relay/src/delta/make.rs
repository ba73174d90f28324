//! Finds the edits that turn one body into another.

use super::chain::heaviest;
use super::seeds::{common_prefix, common_suffix, find};
use super::{Op, Run, is_char_boundary};

/// Lengths of the blocks by which common stretches are found, and the longest stretch of changed text that they are
/// tried on: small blocks in long texts find little but coincidences.
const LEVELS: [(usize, usize); 3] = [(64, usize::MAX), (16, 256 * 1024), (6, 32 * 1024)];
/// What an edit costs beside its text: a stretch that is not longer is cheaper to send than to keep.
const EDIT_COSTS: usize = 3;

/// The edits. Equal bodies have none.
#[must_use]
pub fn make<'a>(old: &[u8], new: &'a [u8]) -> Vec<Op<'a>> {
    let mut runs = Vec::new();
    compare(old, new, Run { old: 0, new: 0, len: 0 }, 0, &mut runs);
    edits(old, new, &whole_characters(old, runs))
}

/// Finds what is common to two stretches, which begin at `at`: their ends, then blocks, then smaller blocks between
/// those.
fn compare(old: &[u8], new: &[u8], at: Run, level: usize, runs: &mut Vec<Run>) {
    let prefix = common_prefix(old, new);
    push(runs, Run { len: prefix, ..at });
    let (old, new) = (&old[prefix..], &new[prefix..]);
    let at = Run { old: at.old + prefix, new: at.new + prefix, len: 0 };
    let suffix = common_suffix(old, new);
    let (old, new) = (&old[..old.len() - suffix], &new[..new.len() - suffix]);
    if !old.is_empty()
        && !new.is_empty()
        && let Some((block, longest)) = LEVELS.get(level)
    {
        let found = if old.len().max(new.len()) <= *longest { heaviest(&find(old, new, *block)) } else { Vec::new() };
        let mut from = Run { old: 0, new: 0, len: 0 };
        for run in found {
            let (old, new) = (&old[from.old..run.old], &new[from.new..run.new]);
            compare(old, new, Run { old: at.old + from.old, new: at.new + from.new, len: 0 }, level + 1, runs);
            push(runs, Run { old: at.old + run.old, new: at.new + run.new, len: run.len });
            from = Run { old: run.old_end(), new: run.new_end(), len: 0 };
        }
        let rest = Run { old: at.old + from.old, new: at.new + from.new, len: 0 };
        compare(&old[from.old..], &new[from.new..], rest, level + 1, runs);
    }
    push(runs, Run { old: at.old + old.len(), new: at.new + new.len(), len: suffix });
}

/// Adds a run, as part of the last one if it goes on where that ends.
fn push(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        _ if run.len == 0 => {}
        Some(last) if last.old_end() == run.old && last.new_end() == run.new => last.len += run.len,
        _ => runs.push(run),
    }
}

/// Shortens runs until they begin and end between characters of the old body. Where both bodies are text the same then
/// holds in the new one.
fn whole_characters(old: &[u8], mut runs: Vec<Run>) -> Vec<Run> {
    for run in &mut runs {
        while run.len > 0 && !is_char_boundary(old, run.old) {
            *run = Run { old: run.old + 1, new: run.new + 1, len: run.len - 1 };
        }
        while run.len > 0 && !is_char_boundary(old, run.old_end()) {
            run.len -= 1;
        }
    }
    runs.retain(|run| run.len > 0);
    runs
}

/// What lies between the runs. A run between two edits that is not worth keeping is sent instead.
fn edits<'a>(old: &[u8], new: &'a [u8], runs: &[Run]) -> Vec<Op<'a>> {
    let mut ops = Vec::new();
    let mut from = Run { old: 0, new: 0, len: 0 };
    for run in runs {
        let at_an_end = run.old == 0 && run.new == 0 || run.old_end() == old.len() && run.new_end() == new.len();
        if run.len < EDIT_COSTS && !at_an_end {
            continue;
        }
        edit(&mut ops, new, from, *run);
        from = Run { old: run.old_end(), new: run.new_end(), len: 0 };
    }
    edit(&mut ops, new, from, Run { old: old.len(), new: new.len(), len: 0 });
    ops
}

fn edit<'a>(ops: &mut Vec<Op<'a>>, new: &'a [u8], from: Run, to: Run) {
    if from.old < to.old || from.new < to.new {
        ops.push(Op { start: from.old, delete: to.old - from.old, insert: &new[from.new..to.new] });
    }
}
