//! The changes in the order they were made, in memory that grows in chunks, so that a set of gigabytes is never copied.
//! Beyond a budget chunks are scratch room of the disk.
//!
//! A change's bytes follow each other in a chunk: its head, its key, its value. The head, with numbers as varints:
//!
//! | bytes | meaning |
//! |---|---|
//! | varint | tree |
//! | varint | four times the length of the key, plus the [`Role`] |
//! | varint | 0: deleted; else one more than the length of the value |
//! | 4, in role `Again` | the previous change of the same key |

use super::Room;
use crate::base::{Result, TreeId};
use crate::io::Scratch;

/// The size of a chunk of bytes. The first grows up to it; what is larger has a chunk of its own.
const CHUNK_BYTES: usize = 1 << 20;

/// The size of a chunk of the disk's.
const SCRATCH_BYTES: usize = 64 << 20;

/// How many items a chunk of a list has: a power of two.
const CHUNK_ITEMS: usize = 1 << 16;

/// What a head takes at most.
pub const HEAD_BYTES_MAX: usize = 5 + 5 + 5 + 4;

/// What a change costs beyond its bytes.
pub const CHANGE_BYTES: usize = size_of::<Place>();

/// A list of small things that grows in chunks. The first grows up to its size.
pub struct List<T> {
    full: Vec<Vec<T>>,
    last: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List { full: Vec::new(), last: Vec::new() }
    }
}

impl<T: Copy> List<T> {
    pub fn len(&self) -> usize {
        self.full.len() * CHUNK_ITEMS + self.last.len()
    }

    pub fn is_empty(&self) -> bool {
        self.last.is_empty() && self.full.is_empty()
    }

    pub fn push(&mut self, item: T) {
        if self.last.len() == CHUNK_ITEMS {
            self.full.push(std::mem::replace(&mut self.last, Vec::with_capacity(CHUNK_ITEMS)));
        }
        self.last.push(item);
    }

    pub fn pop(&mut self) -> Option<T> {
        if self.last.is_empty() {
            self.last = self.full.pop()?;
        }
        self.last.pop()
    }

    pub fn get(&self, at: usize) -> T {
        match self.full.get(at / CHUNK_ITEMS) {
            Some(chunk) => chunk[at % CHUNK_ITEMS],
            None => self.last[at % CHUNK_ITEMS],
        }
    }

    pub fn last(&self) -> Option<T> {
        self.last.last().or_else(|| self.full.last()?.last()).copied()
    }

    /// How many of the items in front satisfy `before`, as none does behind one that does not.
    pub fn partition_point(&self, len: usize, mut before: impl FnMut(T) -> bool) -> usize {
        let (mut from, mut to) = (0, len);
        while from < to {
            let middle = from.midpoint(to);
            if before(self.get(middle)) { from = middle + 1 } else { to = middle }
        }
        from
    }

    /// Forgets everything, but for the room of one chunk.
    pub fn clear(&mut self) {
        self.full.clear();
        self.last.clear();
    }

    /// Items it has room for without asking for more.
    pub fn capacity(&self) -> usize {
        self.full.len() * CHUNK_ITEMS + self.last.capacity()
    }
}

/// How a change is found by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It stands in its tree's run; it is its key's first.
    Run,
    /// Its key's first, which the tree's map leads to.
    First,
    /// A later one of its key, which the tree's map leads to; it knows the one before.
    Again(u32),
}

/// One change.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    pub tree: TreeId,
    pub role: Role,
    pub key: &'a [u8],
    /// `None` deletes.
    pub value: Option<&'a [u8]>,
}

/// Where a change's bytes begin.
#[derive(Clone, Copy)]
struct Place {
    chunk: u32,
    offset: u32,
}

enum Chunk {
    Memory(Vec<u8>),
    Scratch { room: Box<dyn Scratch>, used: usize },
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Chunk::Memory(bytes) => bytes,
            Chunk::Scratch { room, used } => &room.bytes()[..*used],
        }
    }

    fn len(&self) -> usize {
        match self {
            Chunk::Memory(bytes) => bytes.len(),
            Chunk::Scratch { used, .. } => *used,
        }
    }

    /// Whether so many more bytes belong here.
    fn takes(&self, len: usize) -> bool {
        match self {
            Chunk::Memory(bytes) => bytes.is_empty() || bytes.len() + len <= CHUNK_BYTES.max(bytes.capacity()),
            Chunk::Scratch { room, used } => used + len <= room.bytes().len(),
        }
    }

    /// Room for so many more bytes has been made.
    fn push(&mut self, parts: [&[u8]; 3]) {
        match self {
            Chunk::Memory(bytes) => {
                bytes.reserve(parts.iter().map(|part| part.len()).sum());
                parts.iter().for_each(|part| bytes.extend_from_slice(part));
            }
            Chunk::Scratch { room, used } => {
                for part in parts {
                    room.bytes_mut()[*used..*used + part.len()].copy_from_slice(part);
                    *used += part.len();
                }
            }
        }
    }

    fn truncate(&mut self, len: usize) {
        match self {
            Chunk::Memory(bytes) => bytes.truncate(len),
            Chunk::Scratch { used, .. } => *used = len,
        }
    }

    /// Memory that it takes.
    fn capacity(&self) -> usize {
        match self {
            Chunk::Memory(bytes) => bytes.capacity(),
            Chunk::Scratch { .. } => 0,
        }
    }
}

#[derive(Default)]
pub struct Log {
    places: List<Place>,
    chunks: Vec<Chunk>,
    bytes: usize,
}

impl Log {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Of heads, keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of memory that it has.
    pub fn capacity(&self) -> usize {
        self.chunks.iter().map(Chunk::capacity).sum::<usize>() + self.places.capacity() * size_of::<Place>()
    }

    /// Makes room for a change with so many bytes of key and value.
    ///
    /// Errors: 53100 when the disk has none.
    pub fn make_room(&mut self, len: usize, room: &Room) -> Result<()> {
        let len = HEAD_BYTES_MAX + len;
        if self.chunks.last().is_some_and(|last| last.takes(len)) {
            return Ok(());
        }
        let chunk = match &room.disk {
            Some(disk) if (self.bytes + len) as u64 > room.memory_bytes => {
                Chunk::Scratch { room: disk.scratch(SCRATCH_BYTES.max(len))?, used: 0 }
            }
            _ if self.chunks.is_empty() => Chunk::Memory(Vec::new()),
            _ => Chunk::Memory(Vec::with_capacity(CHUNK_BYTES.max(len))),
        };
        self.chunks.push(chunk);
        Ok(())
    }

    /// Answers the change's position. There must be room for it.
    pub fn push(&mut self, change: Change<'_>) -> u32 {
        let (head, head_len) = head(&change);
        let value = change.value.unwrap_or_default();
        let chunk = self.chunks.len() - 1;
        let last = &mut self.chunks[chunk];
        let place = Place { chunk: chunk as u32, offset: last.len() as u32 };
        last.push([&head[..head_len], change.key, value]);
        self.bytes += head_len + change.key.len() + value.len();
        let at = self.places.len() as u32;
        self.places.push(place);
        at
    }

    pub fn get(&self, at: u32) -> Change<'_> {
        let place = self.places.get(at as usize);
        read(&self.chunks[place.chunk as usize].bytes()[place.offset as usize..])
    }

    /// How many changes each chunk holds.
    pub fn changes_by_chunk(&self) -> Vec<u32> {
        let mut counts = vec![0; self.chunks.len()];
        (0..self.places.len()).for_each(|at| counts[self.chunk_of(at as u32)] += 1);
        counts
    }

    pub fn chunk_of(&self, at: u32) -> usize {
        self.places.get(at as usize).chunk as usize
    }

    /// Gives a chunk's memory back. Nobody may ask for its changes any more.
    pub fn release(&mut self, chunk: usize) {
        self.chunks[chunk] = Chunk::Memory(Vec::new());
    }

    /// Takes the last change back.
    pub fn pop(&mut self) {
        let Some(place) = self.places.pop() else { return };
        let keep = place.chunk as usize + 1;
        self.bytes -= self.chunks.drain(keep..).map(|chunk| chunk.len()).sum::<usize>();
        let last = &mut self.chunks[keep - 1];
        self.bytes -= last.len() - place.offset as usize;
        last.truncate(place.offset as usize);
    }

    /// Forgets everything, but for the room of the first chunk.
    pub fn clear(&mut self) {
        self.places.clear();
        self.chunks.truncate(1);
        self.chunks.iter_mut().for_each(|chunk| chunk.truncate(0));
        self.bytes = 0;
    }
}

fn head(change: &Change<'_>) -> ([u8; HEAD_BYTES_MAX], usize) {
    let mut out = [0; HEAD_BYTES_MAX];
    let mut len = 0;
    let mut put = |mut n: u32| {
        while n >= 0x80 {
            out[len] = n as u8 | 0x80;
            len += 1;
            n >>= 7;
        }
        out[len] = n as u8;
        len += 1;
    };
    let (role, previous) = match change.role {
        Role::Run => (0, None),
        Role::First => (1, None),
        Role::Again(previous) => (2, Some(previous)),
    };
    put(change.tree.0);
    put((change.key.len() as u32) << 2 | role);
    put(change.value.map_or(0, |value| value.len() as u32 + 1));
    if let Some(previous) = previous {
        out[len..len + 4].copy_from_slice(&previous.to_le_bytes());
        len += 4;
    }
    (out, len)
}

fn varint(bytes: &mut &[u8]) -> u32 {
    let (mut n, mut shift) = (0, 0);
    loop {
        let (first, rest) = bytes.split_first().expect("a head that `head` wrote");
        *bytes = rest;
        n |= u32::from(first & 0x7f) << shift;
        if *first < 0x80 {
            return n;
        }
        shift += 7;
    }
}

fn read(mut bytes: &[u8]) -> Change<'_> {
    let tree = TreeId(varint(&mut bytes));
    let key_and_role = varint(&mut bytes);
    let value_len = varint(&mut bytes);
    let role = match key_and_role & 3 {
        0 => Role::Run,
        1 => Role::First,
        _ => {
            let (previous, rest) = bytes.split_first_chunk().expect("a head that `head` wrote");
            bytes = rest;
            Role::Again(u32::from_le_bytes(*previous))
        }
    };
    let (key, rest) = bytes.split_at((key_and_role >> 2) as usize);
    let value = value_len.checked_sub(1).map(|len| &rest[..len as usize]);
    Change { tree, role, key, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::SimDisk;
    use std::sync::Arc;

    #[test]
    fn a_list_goes_over_the_edges_of_chunks() {
        let mut list = List::default();
        let len = 2 * CHUNK_ITEMS + 3;
        (0..len).for_each(|i| list.push(i as u32));
        assert_eq!((list.len(), list.last()), (len, Some(len as u32 - 1)));
        assert!([0, CHUNK_ITEMS - 1, CHUNK_ITEMS, 2 * CHUNK_ITEMS, len - 1].iter().all(|&i| list.get(i) == i as u32));
        assert_eq!(list.partition_point(len, |i| (i as usize) < CHUNK_ITEMS + 7), CHUNK_ITEMS + 7);
        for i in (1..len).rev() {
            assert_eq!((list.pop(), list.last(), list.len()), (Some(i as u32), Some(i as u32 - 1), i));
        }
        assert_eq!((list.pop(), list.pop(), list.is_empty()), (Some(0), None, true));
    }

    #[test]
    fn changes_of_any_size_come_back_from_memory_and_from_the_disk() {
        come_back(Room { memory_bytes: u64::MAX, disk: None });
        come_back(Room { memory_bytes: 2000, disk: Some(Arc::new(SimDisk::new(1))) });
    }

    fn come_back(room: Room) {
        let mut log = Log::default();
        let big = vec![7; CHUNK_BYTES + 1];
        type Line<'a> = (u32, Role, &'a [u8], Option<&'a [u8]>);
        let all: [Line<'_>; 6] = [
            (1, Role::Run, b"", None),
            (200, Role::First, b"key", Some(b"")),
            (u32::MAX, Role::Again(u32::MAX - 1), &big[..40], Some(&big)),
            (3, Role::Again(0), &big[..5000], None),
            (3, Role::Run, b"k", Some(&big[..CHUNK_BYTES / 2])),
            (3, Role::Run, b"l", Some(&big[..CHUNK_BYTES / 2])),
        ];
        let mut sizes = vec![log.bytes()];
        for (at, &(tree, role, key, value)) in all.iter().enumerate() {
            log.make_room(key.len() + value.map_or(0, <[u8]>::len), &room).unwrap();
            assert_eq!(log.push(Change { tree: TreeId(tree), role, key, value }), at as u32);
            sizes.push(log.bytes());
        }
        for len in (1..=all.len()).rev() {
            for (at, &(tree, role, key, value)) in all[..len].iter().enumerate() {
                let change = log.get(at as u32);
                assert_eq!((change.tree.0, change.role, change.key, change.value), (tree, role, key, value));
            }
            log.pop();
            assert_eq!((log.len(), log.bytes()), (len - 1, sizes[len - 1]));
        }
    }
}
