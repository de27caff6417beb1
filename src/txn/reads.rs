//! What a SERIALIZABLE transaction has read, as ranges of keys, for the check at commit that nobody has changed it.

use crate::base::TreeId;
use crate::storage::KeyRange;
use std::collections::HashMap;
use std::ops::Bound;

#[derive(Default)]
pub(super) struct Reads {
    ranges: Vec<(TreeId, KeyRange)>,
}

/// Names the range that a scan keeps extending.
#[derive(Clone, Copy)]
pub(super) struct ReadSlot(usize);

impl Reads {
    pub(super) fn point(&mut self, tree: TreeId, key: &[u8]) {
        let range = KeyRange { lower: Bound::Included(key.to_vec()), upper: Bound::Included(key.to_vec()) };
        self.ranges.push((tree, range));
    }

    /// Opens a range that a scan has not begun to read.
    pub(super) fn open(&mut self, tree: TreeId) -> ReadSlot {
        let nothing = KeyRange { lower: Bound::Excluded(Vec::new()), upper: Bound::Excluded(Vec::new()) };
        self.ranges.push((tree, nothing));
        ReadSlot(self.ranges.len() - 1)
    }

    pub(super) fn set(&mut self, slot: ReadSlot, range: KeyRange) {
        self.ranges[slot.0].1 = range;
    }

    /// Answers whether a key was read.
    pub(super) fn index(self) -> ReadIndex {
        let mut trees: HashMap<TreeId, Vec<KeyRange>> = HashMap::new();
        for (tree, range) in self.ranges {
            if !range.is_empty() {
                trees.entry(tree).or_default().push(range);
            }
        }
        for ranges in trees.values_mut() {
            ranges.sort_by(|a, b| low(a).cmp(&low(b)));
            ranges.dedup_by(|next, kept| join(kept, next));
        }
        ReadIndex { trees }
    }
}

/// Orders lower bounds: the key, then whether it is left out.
fn low(range: &KeyRange) -> (Option<&[u8]>, bool) {
    match &range.lower {
        Bound::Unbounded => (None, false),
        Bound::Included(key) => (Some(key), false),
        Bound::Excluded(key) => (Some(key), true),
    }
}

/// Orders upper bounds: no bound last.
fn high(range: &KeyRange) -> (bool, Option<&[u8]>, bool) {
    match &range.upper {
        Bound::Unbounded => (true, None, false),
        Bound::Included(key) => (false, Some(key), true),
        Bound::Excluded(key) => (false, Some(key), false),
    }
}

/// Joins `next`, which begins no earlier, to `kept` when they overlap.
fn join(kept: &mut KeyRange, next: &KeyRange) -> bool {
    let overlap = match (&kept.upper, &next.lower) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(end) | Bound::Excluded(end), Bound::Included(start) | Bound::Excluded(start)) => start < end,
    };
    let same_point =
        matches!((&kept.upper, &next.lower), (Bound::Included(end), Bound::Included(start)) if start == end);
    if !overlap && !same_point {
        return false;
    }
    if high(next) > high(kept) {
        kept.upper = next.upper.clone();
    }
    true
}

/// Ranges without overlap, ascending, by tree.
pub(super) struct ReadIndex {
    trees: HashMap<TreeId, Vec<KeyRange>>,
}

impl ReadIndex {
    /// Anything of the tree was looked for.
    pub(super) fn touches(&self, tree: TreeId) -> bool {
        self.trees.contains_key(&tree)
    }

    pub(super) fn contains(&self, tree: TreeId, key: &[u8]) -> bool {
        let Some(ranges) = self.trees.get(&tree) else { return false };
        let after = ranges.partition_point(|r| low(r).0.is_none_or(|start| start <= key));
        // The range that begins last before the key, and its neighbour: (k, ..) may follow [.., k].
        ranges[after.saturating_sub(2)..after].iter().any(|r| r.contains(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
        (0..3, prop::collection::vec(0u8..4, 0..3)).prop_map(|(kind, key)| match kind {
            0 => Bound::Included(key),
            1 => Bound::Excluded(key),
            _ => Bound::Unbounded,
        })
    }

    proptest! {
        #[test]
        fn the_index_knows_exactly_what_was_read(
            ranges in prop::collection::vec((0u32..2, bound(), bound()), 0..8),
            probes in prop::collection::vec((0u32..2, prop::collection::vec(0u8..4, 0..4)), 0..30),
        ) {
            let mut reads = Reads::default();
            let mut list = Vec::new();
            for (tree, lower, upper) in ranges {
                let range = KeyRange { lower, upper };
                let slot = reads.open(TreeId(tree));
                reads.set(slot, range.clone());
                list.push((tree, range));
            }
            let index = reads.index();
            for (tree, key) in probes {
                let expected = list.iter().any(|(t, r)| *t == tree && r.contains(&key));
                prop_assert_eq!(index.contains(TreeId(tree), &key), expected);
            }
        }
    }
}
