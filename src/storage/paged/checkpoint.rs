//! Opening from the newest checkpoint, and making the next one.
//!
//! A checkpoint is the state of one instant, in which no batch is pending:
//! 1. `freeze`, under the applier's lock and the pager's writer, names the instant; it takes microseconds.
//! 2. `checkpoint` writes what was frozen while work goes on, waits for the log, and writes the superblock.

use super::super::pager::{PageWriter, Pager, Progress, Root};
use super::super::tree::{self, Limits};
use super::super::undo::Undo;
use super::apply::Applying;
use super::directory::{self, DROPPED, GHOSTS, Listing, Payload, Tree};
use super::purge::Purging;
use super::{PagedOptions, PagedStore};
use crate::base::{Lsn, Result, TreeId};
use crate::io::Disk;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// How many trees a freeze may note to be free of ghosts.
const CLEARED_MAX: usize = 64;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The checkpoint's LSN: the log behind it is to be applied. Zero: there is no checkpoint.
    pub lsn: Lsn,
    /// The first tree id that was never used, as far as the checkpoint knows.
    pub next_tree: TreeId,
}

impl PagedStore {
    /// Opens the data file, making it when there is none.
    ///
    /// Errors: XX001 when it is damaged, 0A000 when a newer version wrote it, those of the disk.
    pub fn open(disk: Arc<dyn Disk>, options: PagedOptions) -> Result<(Arc<PagedStore>, Opened)> {
        let PagedOptions { file, pager, undo } = options;
        let (pager, root) = Pager::open(disk, &file, pager)?;
        let (lsn, payload) = match root {
            Some(root) => (root.lsn, Payload::decode(&root.payload)?),
            None => (Lsn::ZERO, begin(&pager)?),
        };
        let Listing { trees, dead_values } = directory::list(&pager, payload.directory)?;
        let (doomed, trees): (Vec<Arc<Tree>>, Vec<Arc<Tree>>) = trees.into_iter().partition(|tree| tree.has(DROPPED));
        let store = PagedStore {
            limits: Limits::of(pager.page_bytes()),
            pager,
            undo: Undo::open(payload.undo_base, undo)?,
            directory: payload.directory,
            purging: Mutex::new(Purging::new(dead_values, &trees)),
            trees: RwLock::new(trees.into_iter().map(|tree| (tree.id, tree)).collect::<HashMap<_, _>>()),
            doomed: Mutex::new(doomed),
            applying: Mutex::new(Applying { lsn, next_value: payload.next_value, load: None }),
            #[cfg(test)]
            mutation: None,
        };
        Ok((Arc::new(store), Opened { lsn, next_tree: payload.next_tree }))
    }

    /// Names this instant as the next checkpoint, of the state at `lsn`, the newest commit applied. False when one is
    /// under way still, or a batch is pending: try again later. The caller keeps `apply` out while it chooses `lsn`.
    pub fn freeze(&self, lsn: Lsn, next_tree: TreeId) -> Result<bool> {
        let applying = self.applying.lock();
        let pending = self.undo.is_pending();
        #[cfg(test)]
        let pending = pending && !self.mutates(super::Mutation::FreezePending);
        if pending || self.pager.frozen() {
            return Ok(false);
        }
        assert!(lsn >= applying.lsn, "a checkpoint holds nothing behind its LSN");
        let w = self.pager.write();
        self.clear_ghost_marks(&w)?;
        let payload = Payload {
            undo_base: self.undo.end(),
            directory: self.directory,
            next_tree,
            next_value: applying.next_value,
        };
        w.freeze(Root { lsn, payload: payload.encode() });
        Ok(true)
    }

    /// Makes the frozen checkpoint durable, and answers its LSN; see [`Pager::checkpoint`].
    pub fn checkpoint(&self, pace: &dyn Fn(Progress), wait_log_durable: &dyn Fn(Lsn) -> Result<()>) -> Result<Lsn> {
        self.pager.checkpoint(pace, wait_log_durable)
    }

    /// The pages, for backups, the cleaner and metrics.
    pub fn pager(&self) -> &Arc<Pager> {
        &self.pager
    }

    /// A restart need not sweep trees that hold no ghost now.
    fn clear_ghost_marks(&self, w: &PageWriter<'_>) -> Result<()> {
        let clean =
            |tree: &&Arc<Tree>| tree.has(GHOSTS) && tree.ghosts.load(Relaxed) == 0 && !tree.unswept.load(Relaxed);
        let mut clean: Vec<Arc<Tree>> = self.trees.read().values().filter(clean).cloned().collect();
        clean.sort_unstable_by_key(|tree| tree.id);
        clean.truncate(CLEARED_MAX);
        clean.iter().try_for_each(|tree| self.enter(w, tree, tree.flags.load(Relaxed) & !GHOSTS))
    }
}

/// Makes the directory in an empty file.
fn begin(pager: &Pager) -> Result<Payload> {
    let w = pager.write();
    let directory = tree::create(&w)?;
    Ok(Payload { undo_base: 0, directory, next_tree: TreeId(1), next_value: 1 })
}
