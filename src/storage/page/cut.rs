//! Where a page that is too full is split, and when two are one.
//!
//! A split parts the entries a page has; the insert that caused it is tried again afterwards. Entries before the cut stay,
//! the others move to a new right neighbour, and the separator becomes the fence between the two. Three wishes, in order:
//!
//! 1. Both halves fit. The separator is a third fence and may be longer than the fence it replaces on either side, so a
//!    cut anywhere might not fit; one that does exists, because a page holds two longest fences and a longest entry:
//!    take the last cut whose left half fits; what remains is at most one entry and one fence more than what was there.
//! 2. Keys that arrive in ascending order leave full pages behind: the cut is where the new key belongs. They are
//!    recognised by a run of inserts that each went right behind the one before, anywhere in the tree, and by an insert
//!    near the end of the last page.
//! 3. Otherwise the halves have about the same number of bytes, and of the cuts near the middle the one with the
//!    shortest separator is taken: separators are what inner pages are made of.

use super::layout::*;
use super::node::Node;

/// Inserts in a row that make an ascending run.
const RUN_MIN: u8 = 6;

/// How to split a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The first entry that moves to the right page.
    pub at: usize,
    /// Above all keys that stay, not above any key that moves.
    pub separator: Vec<u8>,
}

/// The shortest key that is above `below` and not above `key`.
pub fn separator<'k>(below: &[u8], key: &'k [u8]) -> &'k [u8] {
    debug_assert!(below < key);
    &key[..=common(below, key)]
}

/// What entries would take in a page whose fences are not known yet.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    leaf: bool,
    entries: usize,
    /// Without the key that an inner page's first entry does not have.
    key_bytes: usize,
    value_bytes: usize,
}

impl Extent {
    pub fn new(level: u8) -> Extent {
        Extent { leaf: level == 0, entries: 0, key_bytes: 0, value_bytes: 0 }
    }

    /// With one more entry behind the others.
    pub fn with(self, key_len: usize, value_len: usize) -> Extent {
        let key_len = if self.leaf || self.entries > 0 { key_len } else { 0 };
        Extent {
            entries: self.entries + 1,
            key_bytes: self.key_bytes + key_len,
            value_bytes: self.value_bytes + value_len,
            ..self
        }
    }

    /// Bytes in use of a page with these fences whose last key is `last`.
    pub fn page_bytes(self, lower: &[u8], upper_len: usize, last: &[u8]) -> usize {
        let (head, keys) = match self.leaf {
            true => (LEAF_ENTRY_BYTES, self.entries),
            false => (INNER_ENTRY_BYTES, self.entries.saturating_sub(1)),
        };
        let entries = self.entries * (SLOT_BYTES + head) + self.key_bytes - keys * common(lower, last);
        HEAD_BYTES + lower.len() + upper_len + entries + self.value_bytes
    }
}

impl Node<'_> {
    /// Where to split the page so that `key` gets room, which was found or is missing at `at`.
    pub fn cut(self, at: Result<usize, usize>, key: &[u8]) -> Cut {
        if let Err(at) = at
            && (self.keys() == 1 || self.ascends(at) || !key.starts_with(self.prefix()))
            && let Some(cut) = self.cut_beside(at, key)
        {
            return cut;
        }
        self.cut_in_the_middle()
    }

    fn ascends(self, at: usize) -> bool {
        let len = self.len();
        let run = self.bytes[RUN] >= RUN_MIN && usize::from(get_u16(self.bytes, LAST_INSERT)) + 1 == at;
        run || self.upper().is_none() && at > 0 && at >= len - len / 8
    }

    /// A cut where `key` belongs: in front of it when what stays is the larger part (or up to two entries earlier, as the
    /// new fence may take more than is free), else behind it, so that the run goes on filling the left page.
    fn cut_beside(self, at: usize, key: &[u8]) -> Option<Cut> {
        if at == 0 || at * 2 < self.len() {
            let separator = if self.is_leaf() { separator(key, &self.key(at)).to_vec() } else { self.key(at.max(1)) };
            return self.fitting(if self.is_leaf() { at } else { at.max(1) }, separator);
        }
        let last = if self.is_leaf() { at } else { at.min(self.len() - 1) };
        (last.saturating_sub(2).max(1)..=last).rev().find_map(|cut| {
            let separator = match self.is_leaf() {
                true if cut == at => separator(&self.key(cut - 1), key).to_vec(),
                true => self.key(cut)[..self.separator_len(cut)].to_vec(),
                false => self.key(cut),
            };
            self.fitting(cut, separator)
        })
    }

    fn fitting(self, at: usize, separator: Vec<u8>) -> Option<Cut> {
        let left = (0..at).map(|i| SLOT_BYTES + self.entry_bytes(self.raw(i))).sum();
        self.fits(left, separator.len()).then_some(Cut { at, separator })
    }

    fn entries_bytes(self) -> usize {
        self.heap_end() - self.heap() - self.garbage() + self.len() * SLOT_BYTES
    }

    /// Whether both halves fit when `left` bytes of entries and slots stay, whatever their prefixes: those are at least
    /// as long as the page's, so the entries take no more than they do here.
    fn fits(self, left: usize, separator_len: usize) -> bool {
        let (lower, upper) = self.fence_lens();
        let room = self.bytes.len() - HEAD_BYTES - separator_len;
        lower + left <= room && upper + self.entries_bytes() - left <= room
    }

    fn cut_in_the_middle(self) -> Cut {
        let total = self.entries_bytes();
        let mut left = 0;
        let mut best = None;
        for at in 1..self.len() {
            left += SLOT_BYTES + self.entry_bytes(self.raw(at - 1));
            let separator_len = self.separator_len(at);
            if !self.fits(left, separator_len) {
                continue;
            }
            let off = left.abs_diff(total - left);
            let cost = if off <= total / 8 { (0, separator_len, off) } else { (off, 0, 0) };
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, at));
            }
        }
        let (_, at) = best.expect("a page that is too full can be split");
        let key = self.key(at);
        let separator = if self.is_leaf() { key[..self.separator_len(at)].to_vec() } else { key };
        Cut { at, separator }
    }

    /// Length of the separator in front of entry `at`, which is not the first. Between inner entries it is the whole
    /// key, because that is the fence of the child.
    fn separator_len(self, at: usize) -> usize {
        let suffix = self.suffix(at);
        let len = if self.is_leaf() { common(self.suffix(at - 1), suffix) + 1 } else { suffix.len() };
        self.prefix_len() + len
    }

    /// At most this many bytes are used by a page that holds the entries of this one and of its right neighbour.
    pub fn merged_bytes(self, right: Node<'_>) -> usize {
        let last = [right, self].into_iter().find(|node| node.len() > 0);
        let prefix = last.map_or(0, |node| node.common_with(node.len() - 1, self.lower()));
        let (lower, _) = self.fence_lens();
        let (between, upper) = right.fence_lens();
        let grown = |node: Node<'_>| node.entries_bytes() + node.len() * node.prefix_len().saturating_sub(prefix);
        // The right page's first child gets its key back.
        let first = if right.is_leaf() { 0 } else { between - right.prefix_len() };
        HEAD_BYTES + lower + upper + grown(self) + grown(right) + first
    }
}
