//! Trees on pages: a [`Store`](super::Store) that is larger than memory and comes back from its newest checkpoint.
//!
//! Entry points: [`PagedStore::open`]; everything of `Store`; [`PagedStore::freeze`] and [`PagedStore::checkpoint`];
//! [`PagedStore::check`] for a store at rest.
//!
//! Must not know: the log beyond LSNs, transactions, when a checkpoint is due.
//!
//! An entry in a page is its newest state with the position in the undo stream of what was before. A reader who must
//! not see the newest state follows the stream; below `undo.visible_below` he need not ask. Beside the trees of the
//! layers above there is the *directory* (which trees there are, which large values are dead), and, beside a tree that
//! needs it, one with the *chunks* of values that do not fit in a page. Headers of entries have [`LARGE`] in a bit that
//! positions leave free.
//!
//! What a large batch puts into an empty tree is built from the bottom up, with one record for all of it (`load.rs`).
//!
//! Invariants:
//! 1. Pages hold no uncommitted change but those of a pending batch, and no checkpoint is frozen while one is pending.
//! 2. All changes of one commit become visible by one store (`undo.publish`).
//! 3. A ghost is removed when the record of its delete is freed. After a restart, ghosts of an earlier run are dead; only
//!    trees that the directory marks can hold any, and purge sweeps these.
//! 4. Chunks are written before anything refers to them and never change. A value that is no longer the newest is noted
//!    as dead in the directory with the change that replaces it; its chunks go when the record of that change is
//!    freed, or after a restart. So chunks need no versions of their own.
//! 5. A dropped tree is marked in the directory; its pages go when nobody can see it and nobody is inside it, also after a restart.
//! 6. `undo.base` moves under the pager's writer together with the removal of the ghosts it passes.
//!
//! Threads: any may read; one applies at a time, one purges at a time; both go through the pager's one writer, in
//! slices, so neither keeps the other out for long. Locks, in order: purging, applying, pager's writer, doomed, trees, page
//! latches, the undo stream's. No latch is held across I/O or a caller's code.
//!
//! After a crash: `open` gives the state of the newest checkpoint and its LSN; the log behind it is applied with
//! [`History::Forget`](super::History), which keeps no old states and removes at once.
//!
//! Read in this order: this file, `directory.rs`, `read.rs`, `apply.rs`, `load.rs`, `unapply.rs`, `large.rs`, `purge.rs`, `checkpoint.rs`, `verify.rs`, `check.rs`.

mod apply;
mod check;
mod checkpoint;
mod directory;
mod large;
mod load;
mod purge;
mod read;
mod unapply;
mod verify;

#[cfg(test)]
mod sim_tests;
#[cfg(test)]
mod thread_tests;

pub use apply::PendingBatch;
pub use check::StoreCheck;
pub use checkpoint::Opened;
pub use verify::PagedStats;

use super::batch::Batch;
use super::entries::Entries;
use super::needed::Needed;
use super::pager::{Pager, PagerOptions};
use super::range::Cursor;
use super::store::{History, Newest, Store, StoreStats};
use super::tree::Limits;
use super::undo::{Undo, UndoOptions};
use crate::base::{Error, Lsn, PageId, Result, TreeId};
use apply::Applying;
use directory::Tree;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use purge::Purging;
use std::sync::Arc;

/// In an entry's header: the value is the number of a large value.
const LARGE: u64 = 1;

pub struct PagedOptions {
    /// The data file, on the disk that is passed to [`PagedStore::open`].
    pub file: String,
    pub pager: PagerOptions,
    pub undo: UndoOptions,
}

impl Default for PagedOptions {
    fn default() -> Self {
        PagedOptions { file: "data".to_string(), pager: PagerOptions::default(), undo: UndoOptions::default() }
    }
}

/// A [`Store`] on pages.
pub struct PagedStore {
    pager: Arc<Pager>,
    undo: Undo,
    limits: Limits,
    /// The directory's root.
    directory: PageId,
    /// The directory's trees, without those that are being freed.
    trees: RwLock<HashMap<TreeId, Arc<Tree>>>,
    /// Trees that nobody can find any more, whose pages are to be freed.
    doomed: Mutex<Vec<Arc<Tree>>>,
    applying: Mutex<Applying>,
    purging: Mutex<Purging>,
    #[cfg(test)]
    pub(super) mutation: Option<Mutation>,
}

/// Rules that a test can turn off, to prove that it notices.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutation {
    /// Readers see the newest state whatever their snapshot.
    Dirty,
    /// Purge leaves ghosts.
    GhostLeak,
    /// Replaced large values are not noted as dead.
    ForgetDead,
    /// Chunks go with the change that replaces a value.
    EagerChunks,
    /// Ghosts of an earlier run are not looked for.
    NoSweep,
    /// A checkpoint may be frozen in the middle of a batch.
    FreezePending,
    /// A load that is given up keeps its pages.
    KeepBuilt,
    /// Entries of a load that was taken back stay.
    KeepLoaded,
    /// A load goes on though another batch has changed the tree.
    LoadRegardless,
}

fn no_tree(tree: TreeId) -> Error {
    Error::internal(format!("tree {tree} does not exist"))
}

impl PagedStore {
    #[cfg(test)]
    fn mutates(&self, rule: Mutation) -> bool {
        self.mutation == Some(rule)
    }

    /// The tree; who holds it keeps its pages from being freed.
    fn tree(&self, id: TreeId) -> Result<Arc<Tree>> {
        self.trees.read().get(&id).cloned().ok_or_else(|| no_tree(id))
    }
}

impl Store for PagedStore {
    fn get(&self, tree: TreeId, key: &[u8], at: Lsn, out: &mut Vec<u8>) -> Result<bool> {
        self.get_at(&*self.tree(tree)?, key, at, out)
    }

    fn scan(&self, tree: TreeId, at: Lsn, cursor: &mut Cursor, out: &mut Entries, max: usize) -> Result<()> {
        self.scan_at(&*self.tree(tree)?, at, cursor, out, max)
    }

    fn newest(&self, tree: TreeId, key: &[u8]) -> Result<Newest> {
        self.newest_of(&*self.tree(tree)?, key)
    }

    fn prefault(&self, batch: &Batch) -> Result<()> {
        self.prefault_batch(batch)
    }

    fn prefetch(&self, batch: &Batch) -> Result<()> {
        self.prefetch_batch(batch)
    }

    fn prepare(&self, batch: &Batch) -> Result<()> {
        self.prepare_batch(batch)
    }

    fn apply(&self, batch: &Batch, lsn: Lsn, history: History) -> Result<()> {
        self.apply_batch(batch, lsn, history)
    }

    fn changes(&self, after: Lsn, visit: &mut dyn FnMut(TreeId, Option<&[u8]>) -> bool) -> Result<()> {
        self.undo.changes(after, visit)
    }

    fn purge(&self, needed: &Needed, budget: usize) -> bool {
        let Some(mut purging) = self.purging.try_lock() else { return true };
        self.purge_alone(&mut purging, needed, budget)
    }

    fn trees(&self) -> Vec<TreeId> {
        let mut trees: Vec<TreeId> = self.trees.read().keys().copied().collect();
        trees.sort_unstable();
        trees
    }

    fn verify(&self) -> Result<()> {
        self.verify_all()
    }

    fn stats(&self) -> StoreStats {
        self.store_stats()
    }
}
