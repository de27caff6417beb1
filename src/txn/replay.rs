//! Applying what another node has committed: the second half of a commit (`commit.rs`), without the first.
//!
//! A transaction in parts is applied as it comes in, where nobody sees it, and becomes visible with its end. That may never
//! come: then it is taken back.

use super::transactions::Transactions;
use crate::base::{Error, Lsn, Result, SqlState, TreeId};
use crate::storage::{Batch, History, Op, PendingBatch, Store};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// After how many changes a purge follows, of twice as many.
const PURGE_INTERVAL: usize = 256;
const PURGE_MAX: usize = 4096;

/// What of a transaction in parts has come in. It is completed or taken back in the end.
#[must_use]
pub struct Incoming {
    pending: PendingBatch,
    changes: usize,
    created: Vec<TreeId>,
}

impl Transactions {
    /// Nobody commits here: the log is another node's.
    pub fn follows(&self) -> bool {
        self.follows.load(Acquire)
    }

    /// From now on commits are possible. Everything up to `lsn` is applied.
    pub fn lead(&self, lsn: Lsn) {
        let _writer = self.writer.lock();
        self.parts_open.store(false, Relaxed);
        self.set_applied(lsn);
        self.follows.store(false, Release);
    }

    /// Applies a transaction that came with the log, and lets `publish` know right before it becomes visible. Nothing has
    /// changed when it fails with 53100.
    pub fn replay(&self, batch: &Batch, lsn: Lsn, publish: &mut dyn FnMut(Lsn) -> Result<()>) -> Result<()> {
        self.store.prefault(batch)?;
        let mut writer = self.writer.lock();
        self.check_failure()?;
        self.store.prepare(batch)?;
        self.store.apply(batch, lsn, History::Keep)?;
        publish(lsn)?;
        self.note_trees(batch)?;
        self.set_applied(lsn);
        let due = writer.replayed(batch.len());
        drop(writer);
        if due > 0 {
            self.purge(due);
        }
        Ok(())
    }

    /// Begins a transaction in parts, at most one at a time.
    pub fn begin_incoming(&self) -> Incoming {
        Incoming { pending: self.store.begin_pending(), changes: 0, created: Vec::new() }
    }

    /// Applies the part whose record ends at `lsn`. Nothing has changed when it fails with 53100.
    pub fn replay_part(&self, incoming: &mut Incoming, part: &Batch, lsn: Lsn) -> Result<()> {
        self.store.prefault(part)?;
        self.store.prepare(part)?;
        part.for_each(|op| {
            if let Op::NewTree(tree) = op {
                incoming.created.push(tree);
            }
            Ok(())
        })?;
        let _writer = self.writer.lock();
        self.check_failure()?;
        // Some of it may be in the trees then, and nobody knows how much.
        let half = |e: Error| self.fail(Error::new(SqlState::IO_ERROR, e.message()));
        self.store.apply_pending(&mut incoming.pending, part).map_err(half)?;
        self.note_trees(part)?;
        incoming.changes += part.len();
        self.parts_open.store(true, Relaxed);
        self.set_applied(lsn);
        Ok(())
    }

    /// All parts have come. `publish` is told right before they become visible.
    pub fn complete(&self, mut incoming: Incoming, lsn: Lsn, publish: &mut dyn FnMut(Lsn) -> Result<()>) -> Result<()> {
        let mut writer = self.writer.lock();
        self.check_failure()?;
        self.store.complete(&mut incoming.pending)?;
        self.store.publish(incoming.pending, lsn);
        publish(lsn)?;
        self.parts_open.store(false, Relaxed);
        self.set_applied(lsn);
        let due = writer.replayed(incoming.changes);
        drop(writer);
        if due > 0 {
            self.purge(due);
        }
        Ok(())
    }

    /// There will be no end. The trees get back what they had. Answers which trees it had made: they are to be freed.
    pub fn take_back(&self, incoming: Incoming) -> Result<Vec<TreeId>> {
        let Incoming { pending, created, .. } = incoming;
        self.store.unapply(pending).map(|()| created)
    }

    /// Frees trees that were taken back, to the last page: whoever wrote the log may not know any more that there were such
    /// trees, and give their numbers out again.
    pub fn free_trees(&self, trees: &[TreeId]) -> Result<()> {
        if trees.is_empty() { Ok(()) } else { self.store.free_trees(trees) }
    }

    /// Trees that exist elsewhere have ids that are not free here.
    fn note_trees(&self, batch: &Batch) -> Result<()> {
        batch.for_each(|op| {
            if let Op::NewTree(tree) = op {
                self.next_tree.fetch_max(tree.0.saturating_add(1), Relaxed);
            }
            Ok(())
        })
    }

    /// Takes note of a record that changes nothing by itself. While the parts of a transaction are coming in no checkpoint can
    /// begin: its log would begin in the middle of them.
    pub fn pass(&self, lsn: Lsn, parts_open: bool) {
        let _writer = self.writer.lock();
        self.parts_open.store(parts_open, Relaxed);
        self.set_applied(lsn);
    }

    pub fn parts_are_open(&self) -> bool {
        self.parts_open.load(Relaxed)
    }
}

impl super::transactions::Writer {
    fn replayed(&mut self, changes: usize) -> usize {
        self.unpurged += changes;
        match self.unpurged {
            ..PURGE_INTERVAL => 0,
            _ => 2 * std::mem::take(&mut self.unpurged).min(PURGE_MAX),
        }
    }
}
