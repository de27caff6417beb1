//! What the store knows of itself, on disk: the payload of a checkpoint's root, and the entries of the directory tree.
//!
//! The payload:
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | format, [`FORMAT`] |
//! | 8 | where the undo stream ends: every header in the pages is below |
//! | 4 | root page of the directory |
//! | 4 | the first tree id that was never used |
//! | 8 | the first number of a large value that was never used |
//!
//! The directory's entries; numbers in keys are big-endian:
//!
//! | key | value |
//! |---|---|
//! | 1, tree: 4 | root page: 4, root page of the chunks or 0: 4, flags: 1 |
//! | 2, tree: 4, large value: 8 | nothing: it is dead |

use super::super::pager::{PageWriter, Pager};
use super::super::range::{Direction, KeyRange};
use super::super::tree::{self, Change, Step};
use super::PagedStore;
use crate::base::bytes::Reader;
use crate::base::{Error, PageId, Result, SqlState, TreeId};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize};

pub(super) const FORMAT: u8 = 1;

const TREE: u8 = 1;
const DEAD_VALUE: u8 = 2;

/// The tree was dropped.
pub(super) const DROPPED: u8 = 1;
/// The tree may hold ghosts.
pub(super) const GHOSTS: u8 = 2;

/// A checkpoint's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub undo_base: u64,
    pub directory: PageId,
    pub next_tree: TreeId,
    pub next_value: u64,
}

impl Payload {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        out.extend(self.undo_base.to_le_bytes());
        out.extend(self.directory.0.to_le_bytes());
        out.extend(self.next_tree.0.to_le_bytes());
        out.extend(self.next_value.to_le_bytes());
        out
    }

    pub fn decode(bytes: &[u8]) -> Result<Payload> {
        let mut r = Reader::new(bytes);
        let format = r.u8()?;
        if format != FORMAT {
            let message = format!("checkpoint has format {format}, which this version does not know");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .hint("The data file was written by a newer version."));
        }
        Ok(Payload {
            undo_base: r.u64()?,
            directory: PageId(r.u32()?),
            next_tree: TreeId(r.u32()?),
            next_value: r.u64()?,
        })
    }
}

/// A tree of the directory.
pub(super) struct Tree {
    pub id: TreeId,
    pub root: PageId,
    /// The root of its large values' chunks; `PageId::NONE` before the first. Changed under the pager's writer.
    chunks: AtomicU32,
    /// What the directory says of it; changed under the pager's writer.
    pub flags: AtomicU8,
    /// Deletes in it whose records are not freed.
    pub ghosts: AtomicUsize,
    /// Ghosts of an earlier run may be in it.
    pub unswept: AtomicBool,
    /// Entries for it are gathered outside it (`load.rs`). A hint for those who do not apply.
    pub loading: AtomicBool,
}

impl Tree {
    pub fn new(id: TreeId, root: PageId, chunks: PageId, flags: u8) -> Arc<Tree> {
        let unswept = AtomicBool::new(flags & GHOSTS != 0);
        let (chunks, flags) = (AtomicU32::new(chunks.0), AtomicU8::new(flags));
        let loading = AtomicBool::new(false);
        Arc::new(Tree { id, root, chunks, flags, ghosts: AtomicUsize::new(0), unswept, loading })
    }

    pub fn chunks(&self) -> Option<PageId> {
        Some(PageId(self.chunks.load(Acquire))).filter(|&pid| pid != PageId::NONE)
    }

    pub fn has(&self, flag: u8) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }
}

fn tree_key(id: TreeId) -> [u8; 5] {
    let mut key = [TREE; 5];
    key[1..].copy_from_slice(&id.0.to_be_bytes());
    key
}

fn dead_key(value: LargeId) -> [u8; 13] {
    let mut key = [DEAD_VALUE; 13];
    key[1..5].copy_from_slice(&value.tree.0.to_be_bytes());
    key[5..].copy_from_slice(&value.number.to_be_bytes());
    key
}

/// A large value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LargeId {
    pub tree: TreeId,
    pub number: u64,
}

/// All that the directory holds.
#[derive(Default)]
pub(super) struct Listing {
    pub trees: Vec<Arc<Tree>>,
    pub dead_values: Vec<LargeId>,
}

pub(super) fn list(pager: &Pager, root: PageId) -> Result<Listing> {
    let mut listing = Listing::default();
    let mut damaged = false;
    let mut range = KeyRange::all();
    loop {
        let step = tree::visit_leaf(pager, root, &range, Direction::Forward, |key, slot| {
            damaged |= listing.add(key, slot.value).is_err();
            true
        })?;
        match step {
            Step::Next(fence) => range.lower = Bound::Included(fence),
            Step::Done | Step::Stopped if damaged => {
                return Err(Error::new(SqlState::DATA_CORRUPTED, "the directory of trees is damaged"));
            }
            Step::Done | Step::Stopped => return Ok(listing),
        }
    }
}

impl Listing {
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let (mut key, mut value) = (Reader::new(key), Reader::new(value));
        match key.u8()? {
            TREE => {
                let id = TreeId(u32::from_be_bytes(key.array()?));
                let (root, chunks, flags) = (PageId(value.u32()?), PageId(value.u32()?), value.u8()?);
                self.trees.push(Tree::new(id, root, chunks, flags));
            }
            DEAD_VALUE => {
                let tree = TreeId(u32::from_be_bytes(key.array()?));
                self.dead_values.push(LargeId { tree, number: u64::from_be_bytes(key.array()?) });
            }
            _ => return Err(Error::new(SqlState::DATA_CORRUPTED, "unknown entry")),
        }
        Ok(())
    }
}

impl PagedStore {
    /// Writes what the directory says of a tree.
    pub(super) fn enter(&self, w: &PageWriter<'_>, tree: &Tree, flags: u8) -> Result<()> {
        self.enter_all(w, tree, tree.chunks(), flags)
    }

    /// Writes where the chunks of a tree are.
    pub(super) fn enter_chunks(&self, w: &PageWriter<'_>, tree: &Tree, chunks: Option<PageId>) -> Result<()> {
        self.enter_all(w, tree, chunks, tree.flags.load(Relaxed))
    }

    fn enter_all(&self, w: &PageWriter<'_>, tree: &Tree, chunks: Option<PageId>, flags: u8) -> Result<()> {
        let chunks = chunks.unwrap_or(PageId::NONE);
        let mut value = [flags; 9];
        value[..4].copy_from_slice(&tree.root.0.to_le_bytes());
        value[4..8].copy_from_slice(&chunks.0.to_le_bytes());
        self.set(w, &tree_key(tree.id), Change::Put { hdr: 0, value: &value })?;
        tree.flags.store(flags, Relaxed);
        tree.chunks.store(chunks.0, Release);
        Ok(())
    }

    pub(super) fn strike(&self, w: &PageWriter<'_>, tree: TreeId) -> Result<()> {
        self.set(w, &tree_key(tree), Change::Remove)
    }

    /// Notes that nothing new will refer to a large value.
    pub(super) fn mark_dead(&self, w: &PageWriter<'_>, value: LargeId) -> Result<()> {
        #[cfg(test)]
        if self.mutates(super::Mutation::ForgetDead) {
            return Ok(());
        }
        self.set(w, &dead_key(value), Change::Put { hdr: 0, value: &[] })
    }

    pub(super) fn unmark_dead(&self, w: &PageWriter<'_>, value: LargeId) -> Result<()> {
        self.set(w, &dead_key(value), Change::Remove)
    }

    fn set(&self, w: &PageWriter<'_>, key: &[u8], change: Change<'_>) -> Result<()> {
        tree::update(w, self.directory, key, |old| match (old, change) {
            (None, Change::Remove) => (Change::Keep, ()),
            _ => (change, ()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let payload = Payload { undo_base: 0x0102, directory: PageId(3), next_tree: TreeId(5), next_value: 6 };
        let bytes = payload.encode();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "01020100000000000003000000050000000600000000000000");
        assert_eq!(Payload::decode(&bytes).unwrap(), payload);
        assert!((0..bytes.len()).all(|n| Payload::decode(&bytes[..n]).is_err()));
        assert_eq!(Payload::decode(&[2]).unwrap_err().code(), SqlState::FEATURE_NOT_SUPPORTED);
        assert_eq!(tree_key(TreeId(0x0102)), [1, 0, 0, 1, 2]);
        let value = LargeId { tree: TreeId(3), number: 0x0102 };
        assert_eq!(dead_key(value), [2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 2]);
    }
}
