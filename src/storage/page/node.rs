//! Reading a page: searching it and taking its entries apart. Nothing here allocates.

use super::layout::*;
use std::cmp::Ordering;

/// An entry of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot<'a> {
    /// The position of the entry's history.
    pub hdr: u64,
    /// The entry was deleted; it stays for those who still see older states. Its value is empty.
    pub ghost: bool,
    pub value: &'a [u8],
}

/// A page, for reading.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub(super) bytes: &'a [u8],
}

impl<'a> Node<'a> {
    pub fn new(page: &'a [u8]) -> Node<'a> {
        Node { bytes: page }
    }

    pub fn max_hdr(self) -> u64 {
        get_u64(self.bytes, MAX_HDR)
    }

    /// Whether the page was written by this code at all: a page that was only allocated is not.
    pub fn is_formatted(self) -> bool {
        self.bytes[FORMAT_AT] == FORMAT
    }

    /// 0 for a leaf.
    pub fn level(self) -> u8 {
        self.bytes[LEVEL]
    }

    pub fn is_leaf(self) -> bool {
        self.level() == 0
    }

    pub fn len(self) -> usize {
        usize::from(get_u16(self.bytes, SLOTS))
    }

    pub fn ghosts(self) -> usize {
        usize::from(get_u16(self.bytes, GHOSTS))
    }

    pub(super) fn prefix_len(self) -> usize {
        usize::from(get_u16(self.bytes, PREFIX))
    }

    pub(super) fn heap(self) -> usize {
        get_u32(self.bytes, HEAP) as usize
    }

    pub(super) fn garbage(self) -> usize {
        get_u32(self.bytes, GARBAGE) as usize
    }

    pub(super) fn fence_lens(self) -> (usize, usize) {
        (usize::from(get_u16(self.bytes, LOWER)), usize::from(get_u16(self.bytes, UPPER)))
    }

    /// Where the heap ends and the fences begin.
    pub(super) fn heap_end(self) -> usize {
        let (lower, upper) = self.fence_lens();
        self.bytes.len() - lower - upper
    }

    /// No key of the page is below it.
    pub fn lower(self) -> &'a [u8] {
        let (lower, upper) = self.fence_lens();
        &self.bytes[self.bytes.len() - lower - upper..self.bytes.len() - upper]
    }

    /// Every key of the page is below it; none: the page is the last one of its level.
    pub fn upper(self) -> Option<&'a [u8]> {
        let (_, upper) = self.fence_lens();
        (upper > 0).then(|| &self.bytes[self.bytes.len() - upper..])
    }

    /// Whether the key lies between the fences.
    pub fn covers(self, key: &[u8]) -> bool {
        self.lower() <= key && self.upper().is_none_or(|upper| key < upper)
    }

    pub fn prefix(self) -> &'a [u8] {
        &self.lower()[..self.prefix_len()]
    }

    pub(super) fn entry_head(self) -> usize {
        if self.is_leaf() { LEAF_ENTRY_BYTES } else { INNER_ENTRY_BYTES }
    }

    pub(super) fn slots(self) -> &'a [[u8; SLOT_BYTES]] {
        self.bytes[HEAD_BYTES..HEAD_BYTES + self.len() * SLOT_BYTES].as_chunks().0
    }

    pub(super) fn raw(self, at: usize) -> RawSlot {
        RawSlot::decode(&self.slots()[at])
    }

    fn suffix_of(self, raw: RawSlot) -> &'a [u8] {
        let start = raw.offset + self.entry_head();
        &self.bytes[start..start + raw.suffix_len]
    }

    /// The key of entry `at` behind the page's prefix.
    pub fn suffix(self, at: usize) -> &'a [u8] {
        self.suffix_of(self.raw(at))
    }

    /// The key of entry `at` in two parts that follow each other. An inner page's first entry starts at its fence.
    pub(super) fn key_parts(self, at: usize) -> (&'a [u8], &'a [u8]) {
        if at == 0 && !self.is_leaf() { (self.lower(), &[]) } else { (self.prefix(), self.suffix(at)) }
    }

    /// How many bytes the key of entry `at` shares with another's beginning.
    pub(super) fn common_with(self, at: usize, other: &[u8]) -> usize {
        let (a, b) = self.key_parts(at);
        match common(a, other) {
            all if all == a.len() => all + common(b, &other[all..]),
            some => some,
        }
    }

    pub fn key(self, at: usize) -> Vec<u8> {
        let (a, b) = self.key_parts(at);
        [a, b].concat()
    }

    /// A leaf's entry.
    pub fn slot(self, at: usize) -> Slot<'a> {
        debug_assert!(self.is_leaf());
        let raw = self.raw(at);
        let start = raw.offset + LEAF_ENTRY_BYTES + raw.suffix_len;
        let len = usize::from(get_u16(self.bytes, raw.offset + 8));
        Slot { hdr: get_u64(self.bytes, raw.offset), ghost: raw.ghost, value: &self.bytes[start..start + len] }
    }

    /// An inner page's child.
    pub fn child(self, at: usize) -> u32 {
        debug_assert!(!self.is_leaf());
        get_u32(self.bytes, self.raw(at).offset)
    }

    /// Bytes of an entry in the heap.
    pub(super) fn entry_bytes(self, raw: RawSlot) -> usize {
        if self.is_leaf() {
            LEAF_ENTRY_BYTES + raw.suffix_len + usize::from(get_u16(self.bytes, raw.offset + 8))
        } else {
            INNER_ENTRY_BYTES + raw.suffix_len
        }
    }

    pub(super) fn contiguous(self) -> usize {
        self.heap() - HEAD_BYTES - self.len() * SLOT_BYTES
    }

    /// Bytes that an entry with its slot may take.
    pub fn free_bytes(self) -> usize {
        self.contiguous() + self.garbage()
    }

    /// Bytes in use, the head and the fences among them.
    pub fn used_bytes(self) -> usize {
        self.bytes.len() - self.free_bytes()
    }

    /// How many entries have a key: an inner page's first one has none.
    pub(super) fn keys(self) -> usize {
        if self.is_leaf() { self.len() } else { self.len().saturating_sub(1) }
    }

    /// The prefix that is left when `key` is among the page's keys.
    pub(super) fn prefix_with(self, key: &[u8]) -> usize {
        match self.keys() {
            0 => common(self.lower(), key),
            _ if self.bytes[LONG_PREFIX] == 0 => self.prefix_len(),
            _ => common(self.prefix(), key),
        }
    }

    /// What a new entry takes with its slot, `fixed` bytes beside its key: also what the other keys grow by when it
    /// shortens the prefix.
    pub(super) fn needed_bytes(self, key: &[u8], fixed: usize) -> usize {
        let prefix = self.prefix_with(key);
        SLOT_BYTES + fixed + key.len() - prefix + self.keys() * self.prefix_len().saturating_sub(prefix)
    }

    pub fn has_room_for_child(self, key: &[u8]) -> bool {
        self.needed_bytes(key, INNER_ENTRY_BYTES) <= self.free_bytes()
    }

    /// Less than a quarter of what fits between the fences is used: the page might be merged with a neighbour.
    pub fn is_sparse(self) -> bool {
        let room = self.heap_end() - HEAD_BYTES;
        self.len() == 0 || (room - self.free_bytes()) * 4 < room
    }

    /// The key behind the page's prefix. None: it does not start with it; that can only be when the prefix is longer
    /// than what the fences share, so all else need not look at the prefix.
    fn strip(self, key: &[u8]) -> Option<&[u8]> {
        if self.bytes[LONG_PREFIX] != 0 {
            return key.strip_prefix(self.prefix());
        }
        debug_assert!(key.starts_with(self.prefix()), "the key lies between the fences");
        Some(&key[self.prefix_len()..])
    }

    /// Where `key`, which lies between the fences, is; else where it belongs. As it is not below the lower fence, it is
    /// above all keys if it does not start as they do.
    pub fn search(self, key: &[u8]) -> Result<usize, usize> {
        let slots = self.slots();
        let Some(suffix) = self.strip(key) else { return Err(slots.len()) };
        let head = head_of(suffix);
        let from = first_at_or_above(slots, head);
        let Some([first, behind @ ..]) = slots.get(from..) else { return Err(from) };
        if slot_head(first) != head {
            return Err(from);
        }
        let to = match (behind.first(), head.checked_add(1)) {
            (Some(next), _) if slot_head(next) != head => from + 1,
            (Some(_), Some(above)) => from + first_at_or_above(&slots[from..], above),
            _ => slots.len(),
        };
        slots[from..to].binary_search_by(|slot| self.compare(slot, suffix)).map(|at| from + at).map_err(|at| from + at)
    }

    /// Orders the key of a slot and a suffix with the same head. When one of them is no longer than the head, it is the
    /// beginning of the other, and the entry need not be looked at.
    fn compare(self, slot: &[u8; SLOT_BYTES], suffix: &[u8]) -> Ordering {
        let raw = RawSlot::decode(slot);
        if raw.suffix_len <= 4 || suffix.len() <= 4 {
            return raw.suffix_len.cmp(&suffix.len());
        }
        self.suffix_of(raw)[4..].cmp(&suffix[4..])
    }

    /// Position of the child whose keys include `key`, which lies between the fences.
    pub fn child_of(self, key: &[u8]) -> usize {
        match self.search(key) {
            Ok(at) => at,
            Err(at) => at.checked_sub(1).expect("an inner page starts with an empty key"),
        }
    }

    /// Position of the child that holds the last keys below `key`, which is above the lower fence.
    pub fn child_below(self, key: &[u8]) -> usize {
        let (Ok(at) | Err(at)) = self.search(key);
        at.checked_sub(1).expect("the key is above the lower fence")
    }
}

/// Index of the first slot whose head is not below `head`, without branches that depend on the keys.
fn first_at_or_above(slots: &[[u8; SLOT_BYTES]], head: u32) -> usize {
    let mut base = 0;
    let mut size = slots.len();
    while size > 1 {
        let half = size / 2;
        base += usize::from(slot_head(&slots[base + half - 1]) < head) * half;
        size -= half;
    }
    base + usize::from(size == 1 && slot_head(&slots[base]) < head)
}
