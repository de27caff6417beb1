//! Loading: what a large batch puts into an empty tree is built into pages from the bottom up, outside the tree, and becomes
//! the tree's content at once. So there is no descent for each entry, and one record in the undo stream for all of
//! them: it says that the tree was empty.
//!
//! A load begins with the batch's first put into the tree and ends when the batch goes on to another one, when a key comes that is
//! not above the last, when somebody else changes the tree, or with the batch. What the batch puts into the tree
//! afterwards goes the usual way. One load is under way at a time; nobody sees its pages before it ends, and nobody
//! the entries before the batch is published.

use super::super::pager::PageWriter;
use super::super::range::{Cursor, Direction, KeyRange};
use super::super::tree::{self, Builder, Change, Step};
use super::super::undo::POSITION_ALIGN;
use super::PagedStore;
use super::apply::{PendingBatch, Turn, large_of};
use super::directory::{LargeId, Tree};
use crate::base::{Error, PageId, Result, TreeId};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A tree in the making.
pub(super) struct Load {
    tree: Arc<Tree>,
    /// The batch that it belongs to.
    batch: u64,
    /// Of all entries, but for the caller's bits.
    hdr: u64,
    builder: Builder,
    /// Large values whose chunks are written.
    large: Vec<u64>,
    /// Ending it failed half way: it can only be abandoned.
    failed: Option<Error>,
}

impl Load {
    pub fn new(store: &PagedStore, tree: Arc<Tree>, pending: &PendingBatch, hdr: u64) -> Load {
        tree.loading.store(true, Relaxed);
        let builder = Builder::new(store.pager.page_bytes());
        Load { tree, batch: pending.undo.header(), hdr, builder, large: Vec::new(), failed: None }
    }

    pub fn is_of(&self, pending: Option<&PendingBatch>) -> bool {
        pending.is_some_and(|pending| pending.undo.header() == self.batch)
    }

    pub fn tree(&self) -> TreeId {
        self.tree.id
    }

    pub fn takes(&self, key: &[u8]) -> bool {
        self.builder.takes(key)
    }

    /// `mark`: the caller's bits of the header.
    pub fn push(&mut self, w: &PageWriter<'_>, key: &[u8], mark: u64, value: &[u8]) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)?;
        self.builder.push(w, key, self.hdr | mark, value)
    }

    pub fn pages(&self) -> &[PageId] {
        self.builder.pages()
    }

    pub fn large(&self) -> impl Iterator<Item = LargeId> {
        self.large.iter().map(|&number| LargeId { tree: self.tree.id, number })
    }

    pub fn note_large(&mut self, number: u64) {
        self.large.push(number);
    }

    /// Makes the tree's content of it.
    pub fn end(&mut self, w: &PageWriter<'_>) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)?;
        let ended = self.builder.finish(w, self.tree.root);
        self.failed = ended.clone().err();
        ended
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.tree.loading.store(false, Relaxed);
    }
}

impl PagedStore {
    /// Gives back what a load has made. The answer is the header that its entries would have had.
    pub(super) fn abandon(&self, turn: &mut Turn<'_>, mut load: Load) -> Result<u64> {
        for pid in std::mem::replace(&mut load.builder, Builder::new(self.pager.page_bytes())).into_pages() {
            #[cfg(test)]
            if self.mutates(super::Mutation::KeepBuilt) {
                continue;
            }
            turn.writer().free(pid);
            turn.breathe();
        }
        for &number in &load.large {
            self.remove_large(turn, &load.tree, number)?;
        }
        Ok(load.hdr)
    }

    /// Removes the entries that a load has put into a tree. Others may have put some there since.
    pub(super) fn unload(&self, turn: &mut Turn<'_>, tree: &Tree, hdr: u64) -> Result<()> {
        let mut cursor = Cursor::new(KeyRange::all(), Direction::Forward);
        #[cfg(test)]
        if self.mutates(super::Mutation::KeepLoaded) {
            cursor.done = true;
        }
        while !cursor.done {
            let mut loaded = Vec::new();
            let step = tree::visit_leaf(&self.pager, tree.root, &cursor.rest, cursor.direction, |key, slot| {
                if slot.hdr & !(POSITION_ALIGN - 1) == hdr {
                    loaded.push((key.to_vec(), large_of(&slot)));
                }
                true
            })?;
            for (key, large) in loaded {
                tree::update(turn.writer(), tree.root, &key, |_| (Change::Remove, ()))?;
                large.map_or(Ok(()), |number| self.remove_large(turn, tree, number))?;
                turn.breathe();
            }
            match step {
                Step::Next(fence) => cursor.skip_to(fence),
                Step::Done | Step::Stopped => cursor.done = true,
            }
        }
        Ok(())
    }
}
