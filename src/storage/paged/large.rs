//! Values that do not fit in a page: cut into chunks in a tree beside their entry's, under a number that the entry holds
//! instead. The tree of the chunks is made with the first large value, and dropped with the entries'.
//!
//! A chunk's key is the value's number and the chunk's place in it, both big-endian; its value is a byte that says
//! whether it is the last, and the bytes. Numbers are never used again, and a value's chunks never change.

use super::super::pager::PageWriter;
use super::super::range::{Direction, KeyRange};
use super::super::tree::{self, Change, Step};
use super::PagedStore;
use super::apply::Turn;
use super::directory::Tree;
use crate::base::{Error, PageId, Result, SqlState};
use std::ops::Bound;

const KEY_BYTES: usize = 12;
const MORE: u8 = 0;
const LAST: u8 = 1;

/// The number as an entry's value holds it.
pub(super) const REFERENCE_BYTES: usize = 8;

/// How many chunks are removed in one turn of the writer.
const REMOVE_SLICE: usize = 64;

/// What became of reading a large value.
pub(super) enum Fetch {
    Whole,
    /// It is not there, or not all of it.
    Gone,
}

pub(super) fn damaged() -> Error {
    Error::new(SqlState::DATA_CORRUPTED, "chunks of a large value are missing")
}

pub(super) fn chunk_key(number: u64, place: u32) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key[8..].copy_from_slice(&place.to_be_bytes());
    key
}

/// The number and the place in a chunk's key.
pub(super) fn split_key(key: &[u8]) -> Option<(u64, u32)> {
    let (number, place) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), u32::from_be_bytes(place.try_into().ok()?)))
}

/// Whether a chunk is its value's last.
pub(super) fn is_last(chunk: &[u8]) -> bool {
    chunk.first() == Some(&LAST)
}

/// The number in an entry's value.
pub(super) fn reference(value: &[u8]) -> Result<u64> {
    let bytes = value.try_into().map_err(|_| damaged())?;
    Ok(u64::from_le_bytes(bytes))
}

fn chunks_of(number: u64) -> KeyRange {
    KeyRange {
        lower: Bound::Included(chunk_key(number, 0).to_vec()),
        upper: Bound::Included(chunk_key(number, u32::MAX).to_vec()),
    }
}

impl PagedStore {
    /// Bytes of a value in one chunk.
    fn chunk_bytes(&self) -> usize {
        self.limits.entry - KEY_BYTES - 1
    }

    /// Writes a value's chunks. Nobody refers to them before the caller does.
    pub(super) fn write_large(&self, turn: &mut Turn<'_>, tree: &Tree, number: u64, value: &[u8]) -> Result<()> {
        let root = self.chunks_root(turn.writer(), tree)?;
        let mut chunk = Vec::with_capacity(self.limits.entry);
        let chunks = value.len().div_ceil(self.chunk_bytes());
        for (place, bytes) in value.chunks(self.chunk_bytes()).enumerate() {
            chunk.clear();
            chunk.push(if place + 1 == chunks { LAST } else { MORE });
            chunk.extend_from_slice(bytes);
            let key = chunk_key(number, place as u32);
            tree::update(turn.writer(), root, &key, |_| (Change::Put { hdr: 0, value: &chunk }, ()))?;
            turn.breathe();
        }
        Ok(())
    }

    fn chunks_root(&self, w: &PageWriter<'_>, tree: &Tree) -> Result<PageId> {
        match tree.chunks() {
            Some(root) => Ok(root),
            None => {
                let root = tree::create(w)?;
                self.enter_chunks(w, tree, Some(root)).map(|()| root)
            }
        }
    }

    /// Replaces the reference, which is `out` from `start` on, by its value.
    pub(super) fn fetch_large(&self, tree: &Tree, start: usize, out: &mut Vec<u8>) -> Result<Fetch> {
        let number = reference(&out[start..])?;
        out.truncate(start);
        let Some(root) = tree.chunks() else { return Ok(Fetch::Gone) };
        let mut range = chunks_of(number);
        let (mut place, mut whole) = (0, false);
        loop {
            let step = tree::visit_leaf(&self.pager, root, &range, Direction::Forward, |key, slot| {
                if split_key(key) != Some((number, place)) {
                    return false;
                }
                out.extend_from_slice(slot.value.get(1..).unwrap_or_default());
                place += 1;
                whole = is_last(slot.value);
                !whole
            })?;
            match step {
                _ if whole => return Ok(Fetch::Whole),
                Step::Next(fence) => range.lower = Bound::Included(fence),
                Step::Done | Step::Stopped => return Ok(Fetch::Gone),
            }
        }
    }

    /// Removes some of a value's chunks. The answer is how many, 0 at the end.
    pub(super) fn remove_some_chunks(&self, w: &PageWriter<'_>, tree: &Tree, number: u64) -> Result<usize> {
        let Some(root) = tree.chunks() else { return Ok(0) };
        let mut keys = Vec::new();
        let mut range = chunks_of(number);
        loop {
            let step = tree::visit_leaf(&self.pager, root, &range, Direction::Forward, |key, _| {
                keys.push(split_key(key));
                keys.len() < REMOVE_SLICE
            })?;
            match step {
                Step::Next(fence) if keys.is_empty() => range.lower = Bound::Included(fence),
                _ => break,
            }
        }
        for place in keys.iter().flatten() {
            tree::update(w, root, &chunk_key(place.0, place.1), |_| (Change::Remove, ()))?;
        }
        Ok(keys.len())
    }

    pub(super) fn remove_large(&self, turn: &mut Turn<'_>, tree: &Tree, number: u64) -> Result<()> {
        while self.remove_some_chunks(turn.writer(), tree, number)? > 0 {
            turn.breathe();
        }
        Ok(())
    }
}
