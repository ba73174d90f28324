//! Of stretches that two bodies have in common, the heaviest selection that stands in the same order in both.

use super::Run;

/// Chooses. `runs` are in order of, and do not overlap in, the new body; what is returned does not overlap in the old
/// body either. O(n log n).
pub(super) fn heaviest(runs: &[Run]) -> Vec<Run> {
    let mut ends: Vec<usize> = runs.iter().map(|run| run.old_end()).collect();
    ends.sort_unstable();
    ends.dedup();
    let mut best = Best { tree: vec![None; ends.len() + 1] };
    let mut before: Vec<Option<usize>> = Vec::with_capacity(runs.len());
    let mut last: Option<(usize, usize)> = None;
    for (index, run) in runs.iter().enumerate() {
        let ending_before = ends.partition_point(|end| *end <= run.old);
        let previous = best.up_to(ending_before);
        let weight = run.len + previous.map_or(0, |(weight, _)| weight);
        before.push(previous.map(|(_, index)| index));
        best.put(ends.partition_point(|end| *end < run.old_end()), (weight, index));
        if last.is_none_or(|(heaviest, _)| weight > heaviest) {
            last = Some((weight, index));
        }
    }
    let mut chosen = Vec::new();
    let mut at = last.map(|(_, index)| index);
    while let Some(index) = at {
        chosen.push(runs[index]);
        at = before[index];
    }
    chosen.reverse();
    chosen
}

/// A Fenwick tree of maxima: the heaviest selection that ends at or before a place, with its last run.
struct Best {
    tree: Vec<Option<(usize, usize)>>,
}

impl Best {
    fn up_to(&self, count: usize) -> Option<(usize, usize)> {
        let mut at = count;
        let mut best = None;
        while at > 0 {
            best = heavier(best, self.tree[at]);
            at &= at - 1;
        }
        best
    }

    fn put(&mut self, place: usize, value: (usize, usize)) {
        let mut at = place + 1;
        while at < self.tree.len() {
            self.tree[at] = heavier(self.tree[at], Some(value));
            at += at & at.wrapping_neg();
        }
    }
}

fn heavier(a: Option<(usize, usize)>, b: Option<(usize, usize)>) -> Option<(usize, usize)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 > a.0 { b } else { a }),
        (a, None) => a,
        (None, b) => b,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs one behind the other in the new body, anywhere in the old.
    fn runs() -> impl Strategy<Value = Vec<Run>> {
        proptest::collection::vec((0usize..60, 1usize..20), 0..9).prop_map(|pairs| {
            let mut new = 0;
            let place = |(old, len)| {
                let run = Run { old, new, len };
                new += len;
                run
            };
            pairs.into_iter().map(place).collect()
        })
    }

    fn in_order(runs: &[Run]) -> bool {
        runs.windows(2).all(|pair| pair[0].old_end() <= pair[1].old && pair[0].new_end() <= pair[1].new)
    }

    fn weight(runs: &[Run]) -> usize {
        runs.iter().map(|run| run.len).sum()
    }

    proptest! {
        #[test]
        fn no_selection_in_order_is_heavier(runs in runs()) {
            let chosen = heaviest(&runs);
            prop_assert!(in_order(&chosen));
            let selections = (0..1usize << runs.len()).map(|bits| {
                let picked = runs.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, run)| *run);
                picked.collect::<Vec<_>>()
            });
            let most = selections.filter(|s| in_order(s)).map(|s| weight(&s)).max();
            prop_assert_eq!(Some(weight(&chosen)), most);
        }
    }
}
