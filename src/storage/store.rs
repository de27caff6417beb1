//! What the layers above ask of a store of trees. One implementation is on pages ([`super::PagedStore`]); a simple one in
//! memory (`super::mem`) is the reference that tests compare it with.

use super::batch::Batch;
use super::entries::Entries;
use super::needed::Needed;
use super::range::Cursor;
use crate::base::{Lsn, Result, TreeId};

/// Whether older states are kept for open snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    Keep,
    /// Recovery: nobody reads yet.
    Forget,
}

/// The newest committed state of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// When it was committed; zero when the store no longer knows, because everybody sees it, or there is none.
    pub lsn: Lsn,
    pub live: bool,
}

/// Trees of entries with versions.
///
/// Reads name an LSN: that of a registered snapshot, or [`Lsn::MAX`] for the latest state, which may include a commit
/// that is a moment away from being visible. A tree that does not exist is an internal error; one created after the
/// LSN is empty.
pub trait Store: Send + Sync {
    /// Appends the entry's value at `at` to `out`; false when there is none.
    fn get(&self, tree: TreeId, key: &[u8], at: Lsn, out: &mut Vec<u8>) -> Result<bool>;

    /// Appends up to `max` entries of what is left of the cursor's range, and advances it. It may append fewer, or
    /// none, and still not be done: a step looks at about a leaf's worth of entries.
    fn scan(&self, tree: TreeId, at: Lsn, cursor: &mut Cursor, out: &mut Entries, max: usize) -> Result<()>;

    fn newest(&self, tree: TreeId, key: &[u8]) -> Result<Newest>;

    /// Reads what `apply` will touch into memory. For before the writer's turn; nothing depends on it.
    fn prefault(&self, _batch: &Batch) -> Result<()> {
        Ok(())
    }

    /// Asks for what `apply` will touch and returns at once. For whoever knows what it will apply next.
    fn prefetch(&self, _batch: &Batch) -> Result<()> {
        Ok(())
    }

    /// Checks everything that could make `apply` fail.
    fn prepare(&self, batch: &Batch) -> Result<()>;

    /// The one way in which a tree changes: commit, recovery and replicas all call it, one at a time, in LSN order.
    /// On an error nothing has changed.
    fn apply(&self, batch: &Batch, lsn: Lsn, history: History) -> Result<()>;

    /// Visits the keys put or deleted by commits after `after`, until `visit` returns false; `None`: any key of the tree
    /// may have been. What purge is told keeps them known, and the caller keeps `apply` out.
    fn changes(&self, after: Lsn, visit: &mut dyn FnMut(TreeId, Option<&[u8]>) -> bool) -> Result<()>;

    /// Forgets versions that nobody needs, about `budget` of them. True when there may be more to do.
    fn purge(&self, needed: &Needed, budget: usize) -> bool;

    /// All trees, ascending.
    fn trees(&self) -> Vec<TreeId>;

    /// Walks everything and checks the store's invariants.
    fn verify(&self) -> Result<()>;

    fn stats(&self) -> StoreStats;
}

/// Sizes, for metrics and tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    pub trees: usize,
    pub entries: usize,
    /// Versions behind the newest ones.
    pub old_versions: usize,
    pub ghosts: usize,
    /// Batches whose history is kept.
    pub batches: usize,
}
