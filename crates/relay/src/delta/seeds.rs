//! Finds stretches of the new body that stand somewhere in the old one: blocks of the old body are indexed by a rolling
//! hash, and the new body is rolled over once.

use super::Run;

/// Blocks with the same hash that are looked at for one place; a body of repetitions has more.
const MOST_CANDIDATES: usize = 12;
/// Any odd number with well-mixed bits serves.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;
const NONE: u32 = u32::MAX;

/// Stretches of at least `block` bytes, in order of and without overlap in the new body. The offsets are those of the
/// slices.
pub(super) fn find(old: &[u8], new: &[u8], block: usize) -> Vec<Run> {
    if old.len() < block || new.len() < block {
        return Vec::new();
    }
    let index = Index::of(old, block);
    let mut roll = Roll::over(new, block);
    let mut runs: Vec<Run> = Vec::new();
    let (mut at, mut free) = (0, 0);
    while at + block <= new.len() {
        roll.go_to(at);
        // Where the old body would go on if nothing but the lengths had changed since the last stretch.
        let expected = runs.last().map_or(at, |run| run.old_end() + (at - run.new_end()));
        match index.best(new, at, free, expected, roll.hash) {
            Some(run) => {
                (at, free) = (run.new_end(), run.new_end());
                runs.push(run);
            }
            None => at += 1,
        }
    }
    runs
}

/// The blocks of the old body that begin at multiples of their length.
struct Index<'a> {
    old: &'a [u8],
    block: usize,
    shift: u32,
    heads: Vec<u32>,
    /// By block: its hash, and the next block in the same slot.
    blocks: Vec<(u64, u32)>,
}

impl<'a> Index<'a> {
    fn of(old: &'a [u8], block: usize) -> Self {
        let count = (old.len() / block).min(NONE as usize - 1);
        let bits = (count * 2).next_power_of_two().trailing_zeros().max(1);
        let mut index =
            Self { old, block, shift: 64 - bits, heads: vec![NONE; 1 << bits], blocks: Vec::with_capacity(count) };
        let hashes = old.chunks_exact(block).take(count).map(hash);
        index.blocks.extend(hashes.map(|hash| (hash, NONE)));
        // Backwards, so that a slot lists its blocks from the front of the body.
        for number in (0..count).rev() {
            let slot = index.slot(index.blocks[number].0);
            index.blocks[number].1 = index.heads[slot];
            index.heads[slot] = number as u32;
        }
        index
    }

    fn slot(&self, hash: u64) -> usize {
        (hash.wrapping_mul(BASE) >> self.shift) as usize
    }

    /// The longest stretch through `at`, not reaching back before `free`; of equally long ones that nearest to
    /// `expected`.
    fn best(&self, new: &[u8], at: usize, free: usize, expected: usize, hash: u64) -> Option<Run> {
        let mut best = self.through(new, at, free, expected);
        let mut number = self.heads[self.slot(hash)];
        for _ in 0..MOST_CANDIDATES {
            let Some((known, next)) = self.blocks.get(number as usize) else { break };
            let old = number as usize * self.block;
            if *known == hash && best.is_none_or(|run| run.old + at != old + run.new) {
                let run = self.through(new, at, free, old);
                best = match (best, run) {
                    (Some(best), Some(run))
                        if (run.len, away(best, at, expected)) > (best.len, away(run, at, expected)) =>
                    {
                        Some(run)
                    }
                    (None, run) => run,
                    (best, _) => best,
                };
            }
            number = *next;
        }
        best
    }

    /// The stretch that has `new[at]` on `old[from]`, if it is at least a block long.
    fn through(&self, new: &[u8], at: usize, free: usize, from: usize) -> Option<Run> {
        let (old_block, new_block) = (self.old.get(from..from + self.block)?, new.get(at..at + self.block)?);
        if old_block != new_block {
            return None;
        }
        let behind = common_prefix(&self.old[from + self.block..], &new[at + self.block..]);
        let before = common_suffix(&self.old[..from], &new[free..at]);
        Some(Run { old: from - before, new: at - before, len: before + self.block + behind })
    }
}

/// How far a stretch lies from where it was expected.
fn away(run: Run, at: usize, expected: usize) -> usize {
    (run.old + at).abs_diff(expected + run.new)
}

/// The hash of `block` bytes, from each place of a body in turn.
struct Roll<'a> {
    body: &'a [u8],
    block: usize,
    /// What the byte that leaves was multiplied by.
    weight: u64,
    at: usize,
    hash: u64,
}

impl<'a> Roll<'a> {
    fn over(body: &'a [u8], block: usize) -> Self {
        let weight = (1..block).fold(1u64, |weight, _| weight.wrapping_mul(BASE));
        Self { body, block, weight, at: 0, hash: hash(&body[..block]) }
    }

    fn go_to(&mut self, at: usize) {
        if at >= self.at + self.block {
            (self.at, self.hash) = (at, hash(&self.body[at..at + self.block]));
        }
        while self.at < at {
            let (leaves, enters) = (self.body[self.at], self.body[self.at + self.block]);
            let rest = self.hash.wrapping_sub(u64::from(leaves).wrapping_add(1).wrapping_mul(self.weight));
            self.hash = rest.wrapping_mul(BASE).wrapping_add(u64::from(enters) + 1);
            self.at += 1;
        }
    }
}

fn hash(block: &[u8]) -> u64 {
    block.iter().fold(0, |hash: u64, byte| hash.wrapping_mul(BASE).wrapping_add(u64::from(*byte) + 1))
}

/// Bytes that both begin with.
#[must_use]
pub fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    const WIDE: usize = 32;
    let wide = a.chunks_exact(WIDE).zip(b.chunks_exact(WIDE)).take_while(|(a, b)| a == b).count() * WIDE;
    wide + a[wide..].iter().zip(&b[wide..]).take_while(|(a, b)| a == b).count()
}

/// Bytes that both end with.
#[must_use]
pub fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    const WIDE: usize = 32;
    let wide = a.rchunks_exact(WIDE).zip(b.rchunks_exact(WIDE)).take_while(|(a, b)| a == b).count() * WIDE;
    let (a, b) = (&a[..a.len() - wide], &b[..b.len() - wide]);
    wide + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rolling_and_counting_afresh_agree(body in proptest::collection::vec(any::<u8>(), 8..80), steps in proptest::collection::vec(0usize..12, 0..20)) {
            let mut roll = Roll::over(&body, 8);
            let mut at = 0;
            for step in steps {
                at = (at + step).min(body.len() - 8);
                roll.go_to(at);
                prop_assert_eq!(roll.hash, hash(&body[at..at + 8]));
            }
        }

        #[test]
        fn common_ends_are_as_long_as_they_are(
            a in proptest::collection::vec(0u8..2, 0..150), b in proptest::collection::vec(0u8..2, 0..150), same in proptest::collection::vec(any::<u8>(), 0..150),
        ) {
            let prefix = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
            prop_assert_eq!(common_prefix(&[&same[..], &a].concat(), &[&same[..], &b].concat()), same.len() + prefix);
            let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
            prop_assert_eq!(common_suffix(&[&a[..], &same].concat(), &[&b[..], &same].concat()), same.len() + suffix);
        }

        #[test]
        fn what_is_found_is_there(
            old in proptest::collection::vec(0u8..3, 0..200), new in proptest::collection::vec(0u8..3, 0..200), block in 4usize..20,
        ) {
            let runs = find(&old, &new, block);
            for run in &runs {
                prop_assert_eq!(&old[run.old..run.old_end()], &new[run.new..run.new_end()]);
                prop_assert!(run.len >= block);
            }
            prop_assert!(runs.windows(2).all(|pair| pair[0].new_end() <= pair[1].new));
        }
    }
}
