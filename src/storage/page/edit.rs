//! Changing a page. The heap grows down to the slots; what a change leaves behind is counted as garbage and swept
//! together only when the free bytes between slots and heap no longer suffice.

use super::layout::*;
use super::node::Node;
use std::ops::Range;

/// A page, for writing.
pub struct NodeMut<'a> {
    bytes: &'a mut [u8],
}

impl<'a> NodeMut<'a> {
    pub fn new(page: &'a mut [u8]) -> NodeMut<'a> {
        NodeMut { bytes: page }
    }

    /// Makes an empty node of the page, leaving the pager's head alone.
    pub fn init(page: &'a mut [u8], level: u8, lower: &[u8], upper: Option<&[u8]>) -> NodeMut<'a> {
        let upper = upper.unwrap_or_default();
        let mut node = NodeMut { bytes: page };
        node.bytes[PAGER_HEAD_BYTES..HEAD_BYTES].fill(0);
        node.bytes[FORMAT_AT] = FORMAT;
        node.bytes[LEVEL] = level;
        node.put_u16(LOWER, lower.len());
        node.put_u16(UPPER, upper.len());
        let end = node.bytes.len() - upper.len();
        put(node.bytes, end, upper);
        put(node.bytes, end - lower.len(), lower);
        node.put_u32(HEAP, end - lower.len());
        node.set_prefix(common(lower, upper));
        node
    }

    pub fn node(&self) -> Node<'_> {
        Node::new(self.bytes)
    }

    fn put_u16(&mut self, at: usize, value: usize) {
        put(self.bytes, at, &narrow(value).to_le_bytes());
    }

    fn put_u32(&mut self, at: usize, value: usize) {
        put(self.bytes, at, &u32::try_from(value).expect("an offset inside a page").to_le_bytes());
    }

    fn put_slot(&mut self, at: usize, slot: RawSlot) {
        put(self.bytes, HEAD_BYTES + at * SLOT_BYTES, &slot.encode());
    }

    fn set_prefix(&mut self, prefix: usize) {
        let shared = common(self.node().lower(), self.node().upper().unwrap_or_default());
        self.put_u16(PREFIX, prefix);
        self.bytes[LONG_PREFIX] = u8::from(prefix > shared);
    }

    /// Sets a leaf's entry: the one found at `Ok`, or a new one at `Err`, as [`Node::search`] answered for `key`. False
    /// when it does not fit; then nothing has changed.
    pub fn put(&mut self, at: Result<usize, usize>, key: &[u8], hdr: u64, ghost: bool, value: &[u8]) -> bool {
        debug_assert!(!ghost || value.is_empty(), "a ghost has no value");
        let fits = match at {
            Ok(at) => self.replace(at, key, hdr, ghost, value),
            Err(at) => self.insert(at, key, hdr, ghost, value),
        };
        if fits && hdr > self.node().max_hdr() {
            put(self.bytes, MAX_HDR, &hdr.to_le_bytes());
        }
        fits
    }

    fn insert(&mut self, at: usize, key: &[u8], hdr: u64, ghost: bool, value: &[u8]) -> bool {
        if self.node().needed_bytes(key, LEAF_ENTRY_BYTES + value.len()) > self.node().free_bytes() {
            return false;
        }
        let suffix = self.strip(key);
        let offset = self.open(at, suffix, LEAF_ENTRY_BYTES + suffix.len() + value.len(), ghost);
        self.write_leaf_entry(offset, hdr, suffix, value);
        self.note_insert(at);
        true
    }

    fn write_leaf_entry(&mut self, offset: usize, hdr: u64, suffix: &[u8], value: &[u8]) {
        put(self.bytes, offset, &hdr.to_le_bytes());
        self.put_u16(offset + 8, value.len());
        put(self.bytes, offset + LEAF_ENTRY_BYTES, suffix);
        put(self.bytes, offset + LEAF_ENTRY_BYTES + suffix.len(), value);
    }

    fn replace(&mut self, at: usize, key: &[u8], hdr: u64, ghost: bool, value: &[u8]) -> bool {
        let raw = self.node().raw(at);
        let len = self.node().slot(at).value.len();
        if value.len() > len {
            let grows = value.len() - len;
            if grows > self.node().free_bytes() {
                return false;
            }
            self.remove(at);
            let suffix = &key[self.node().prefix_len()..];
            let bytes = LEAF_ENTRY_BYTES + suffix.len() + value.len();
            let offset = self.open(at, suffix, bytes, ghost);
            self.write_leaf_entry(offset, hdr, suffix, value);
            return true;
        }
        put(self.bytes, raw.offset, &hdr.to_le_bytes());
        put(self.bytes, raw.offset + LEAF_ENTRY_BYTES + raw.suffix_len, value);
        if value.len() < len {
            self.put_u16(raw.offset + 8, value.len());
            self.put_u32(GARBAGE, self.node().garbage() + len - value.len());
        }
        if ghost != raw.ghost {
            self.put_slot(at, RawSlot { ghost, ..raw });
            let ghosts = self.node().ghosts();
            self.put_u16(GHOSTS, if ghost { ghosts + 1 } else { ghosts - 1 });
        }
        true
    }

    /// Adds a child whose keys begin with `key`; the first one's begin with the fence. False when it does not fit; then
    /// nothing has changed.
    pub fn put_child(&mut self, at: usize, key: &[u8], child: u32) -> bool {
        if at > 0 && !self.node().has_room_for_child(key) {
            return false;
        }
        let suffix = if at == 0 { &[] } else { self.strip(key) };
        let offset = self.open(at, suffix, INNER_ENTRY_BYTES + suffix.len(), false);
        put(self.bytes, offset, &child.to_le_bytes());
        put(self.bytes, offset + INNER_ENTRY_BYTES, suffix);
        self.note_insert(at);
        true
    }

    /// Refers an entry to another child.
    #[cfg(test)]
    pub fn set_child(&mut self, at: usize, child: u32) {
        let offset = self.node().raw(at).offset;
        put(self.bytes, offset, &child.to_le_bytes());
    }

    /// What is stored of a new key. The prefix is what the key allows it to be afterwards.
    fn strip<'k>(&mut self, key: &'k [u8]) -> &'k [u8] {
        let prefix = self.node().prefix_with(key);
        if self.node().keys() == 0 {
            self.set_prefix(prefix);
        } else if prefix < self.node().prefix_len() {
            self.rebuild(prefix);
        }
        &key[prefix..]
    }

    /// Makes room, which there is, for an entry of `bytes` and its slot at `at`; the answer is where the entry goes.
    fn open(&mut self, at: usize, suffix: &[u8], bytes: usize, ghost: bool) -> usize {
        if bytes + SLOT_BYTES > self.node().contiguous() {
            let prefix = self.node().prefix_len();
            self.rebuild(prefix);
        }
        let len = self.node().len();
        let slot = HEAD_BYTES + at * SLOT_BYTES;
        self.bytes.copy_within(slot..HEAD_BYTES + len * SLOT_BYTES, slot + SLOT_BYTES);
        let offset = self.node().heap() - bytes;
        self.put_u32(HEAP, offset);
        self.put_u16(SLOTS, len + 1);
        self.put_slot(at, RawSlot { offset, suffix_len: suffix.len(), ghost, head: head_of(suffix) });
        if ghost {
            self.put_u16(GHOSTS, self.node().ghosts() + 1);
        }
        offset
    }

    /// Counts inserts that go right behind each other: what a later split wants to know.
    fn note_insert(&mut self, at: usize) {
        let follows = at > 0 && usize::from(get_u16(self.bytes, LAST_INSERT)) + 1 == at;
        self.bytes[RUN] = if follows { self.bytes[RUN].saturating_add(1) } else { 0 };
        self.put_u16(LAST_INSERT, at);
    }

    pub fn remove(&mut self, at: usize) {
        let node = self.node();
        let (raw, len, heap) = (node.raw(at), node.len(), node.heap());
        let bytes = node.entry_bytes(raw);
        let slot = HEAD_BYTES + at * SLOT_BYTES;
        self.bytes.copy_within(slot + SLOT_BYTES..HEAD_BYTES + len * SLOT_BYTES, slot);
        self.put_u16(SLOTS, len - 1);
        if raw.ghost {
            self.put_u16(GHOSTS, self.node().ghosts() - 1);
        }
        if len == 1 {
            self.put_u32(HEAP, self.node().heap_end());
            self.put_u32(GARBAGE, 0);
            put(self.bytes, MAX_HDR, &0u64.to_le_bytes());
        } else if raw.offset == heap {
            self.put_u32(HEAP, heap + bytes);
        } else {
            self.put_u32(GARBAGE, self.node().garbage() + bytes);
        }
    }

    /// Writes the entries anew behind a prefix that is no longer than the one they have, so that all garbage becomes free
    /// bytes.
    fn rebuild(&mut self, prefix: usize) {
        let old = self.bytes.to_vec();
        let old = Node::new(&old);
        self.put_u16(SLOTS, 0);
        self.put_u16(GHOSTS, 0);
        self.set_prefix(prefix);
        self.put_u32(HEAP, old.heap_end());
        self.put_u32(GARBAGE, 0);
        self.append(old, 0..old.len());
    }

    /// Makes the page a node with these fences that holds the entries of `parts`, which lie in ascending order between
    /// them, and fit.
    pub fn fill(page: &'a mut [u8], lower: &[u8], upper: Option<&[u8]>, parts: &[(Node<'_>, Range<usize>)]) {
        let level = parts[0].0.level();
        let mut node = NodeMut::init(page, level, lower, upper);
        let entries: usize = parts.iter().map(|(_, entries)| entries.len()).sum();
        if entries > usize::from(level > 0)
            && let Some((from, entries)) = parts.iter().rev().find(|(_, entries)| !entries.is_empty())
        {
            node.set_prefix(from.common_with(entries.end - 1, lower));
        }
        for (from, entries) in parts {
            node.append(*from, entries.clone());
        }
    }

    /// Makes the page a node with these fences and entries, which lie in ascending order between them, and fit: of a leaf
    /// each with its `hdr` and value, of an inner page each with its child for a `hdr`.
    pub fn build<'e>(
        page: &'a mut [u8],
        level: u8,
        (lower, upper): (&[u8], Option<&[u8]>),
        entries: impl ExactSizeIterator<Item = (&'e [u8], u64, &'e [u8])>,
        last_key: &[u8],
    ) {
        let mut node = NodeMut::init(page, level, lower, upper);
        let (leaf, len) = (level == 0, entries.len());
        if len > usize::from(!leaf) {
            node.set_prefix(common(lower, last_key));
        }
        let prefix = node.node().prefix_len();
        let mut heap = node.node().heap();
        let mut max_hdr = 0;
        for (at, (key, hdr, value)) in entries.enumerate() {
            let suffix = if at == 0 && !leaf { &[][..] } else { &key[prefix..] };
            heap -= suffix.len() + if leaf { LEAF_ENTRY_BYTES + value.len() } else { INNER_ENTRY_BYTES };
            if leaf {
                node.write_leaf_entry(heap, hdr, suffix, value);
                max_hdr = hdr.max(max_hdr);
            } else {
                put(node.bytes, heap, &u32::try_from(hdr).expect("a page id").to_le_bytes());
                put(node.bytes, heap + INNER_ENTRY_BYTES, suffix);
            }
            let head = head_of(suffix);
            node.put_slot(at, RawSlot { offset: heap, suffix_len: suffix.len(), ghost: false, head });
        }
        assert!(heap >= HEAD_BYTES + len * SLOT_BYTES, "what was measured fits");
        put(node.bytes, MAX_HDR, &max_hdr.to_le_bytes());
        node.put_u32(HEAP, heap);
        node.put_u16(SLOTS, len);
        node.put_u16(LAST_INSERT, len.saturating_sub(1));
        node.bytes[RUN] = u8::try_from(len.saturating_sub(1)).unwrap_or(u8::MAX);
    }

    /// Adds entries of another page behind the page's own.
    fn append(&mut self, from: Node<'_>, entries: Range<usize>) {
        let leaf = from.is_leaf();
        let prefix = self.node().prefix_len();
        let mut max_hdr = self.node().max_hdr();
        let mut ghosts = self.node().ghosts();
        let mut heap = self.node().heap();
        let mut len = self.node().len();
        for at in entries {
            let raw = from.raw(at);
            let (a, b) = if len == 0 && !leaf { (&[][..], &[][..]) } else { behind(from.key_parts(at), prefix) };
            let suffix_len = a.len() + b.len();
            let entry_head = from.entry_head();
            let tail = &from.bytes[raw.offset + entry_head + raw.suffix_len..raw.offset + from.entry_bytes(raw)];
            heap -= entry_head + suffix_len + tail.len();
            let suffix = heap + entry_head;
            put(self.bytes, heap, &from.bytes[raw.offset..raw.offset + entry_head]);
            put(self.bytes, suffix, a);
            put(self.bytes, suffix + a.len(), b);
            put(self.bytes, suffix + suffix_len, tail);
            let head = head_of(&self.bytes[suffix..suffix + suffix_len]);
            self.put_slot(len, RawSlot { offset: heap, suffix_len, ghost: raw.ghost, head });
            len += 1;
            if leaf {
                max_hdr = max_hdr.max(get_u64(from.bytes, raw.offset));
                ghosts += usize::from(raw.ghost);
            }
        }
        assert!(heap >= HEAD_BYTES + len * SLOT_BYTES, "the entries of a rebuilt page fit");
        put(self.bytes, MAX_HDR, &max_hdr.to_le_bytes());
        self.put_u16(GHOSTS, ghosts);
        self.put_u32(HEAP, heap);
        self.put_u16(SLOTS, len);
    }

    /// Drops the entries from `len` on.
    pub fn truncate(&mut self, len: usize) {
        for at in (len..self.node().len()).rev() {
            self.remove(at);
        }
    }
}

/// What is left of a key in two parts without its first `skip` bytes.
fn behind<'k>((a, b): (&'k [u8], &'k [u8]), skip: usize) -> (&'k [u8], &'k [u8]) {
    match a.split_at_checked(skip) {
        Some((_, rest)) => (rest, b),
        None => (&[], &b[skip - a.len()..]),
    }
}
