//! Applying what another node has committed: the second half of a commit (`commit.rs`), without the first.

use super::transactions::Transactions;
use crate::base::{Lsn, Result};
use crate::storage::{Batch, History, Op, Store};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// After how many changes a purge follows, of twice as many.
const PURGE_INTERVAL: usize = 256;
const PURGE_MAX: usize = 4096;

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
    pub fn replay(
        &self,
        parts: &[Batch],
        lsn: Lsn,
        publish: &mut dyn FnMut(&[Batch], Lsn) -> Result<()>,
    ) -> Result<()> {
        for part in parts {
            self.store.prefault(part)?;
        }
        let mut writer = self.writer.lock();
        self.check_failure()?;
        match parts {
            [only] => {
                self.store.prepare(only)?;
                self.store.apply(only, lsn, History::Keep)?;
            }
            parts => self.replay_parts(parts, lsn)?,
        }
        publish(parts, lsn)?;
        self.note_trees(parts)?;
        self.parts_open.store(false, Relaxed);
        self.set_applied(lsn);
        let due = writer.replayed(parts.iter().map(Batch::len).sum());
        drop(writer);
        if due > 0 {
            self.purge(due);
        }
        Ok(())
    }

    /// Trees that exist elsewhere have ids that are not free here.
    fn note_trees(&self, parts: &[Batch]) -> Result<()> {
        let mut note = |op: Op<'_>| {
            if let Op::NewTree(tree) = op {
                self.next_tree.fetch_max(tree.0.saturating_add(1), Relaxed);
            }
            Ok(())
        };
        parts.iter().try_for_each(|part| part.for_each(&mut note))
    }

    fn replay_parts(&self, parts: &[Batch], lsn: Lsn) -> Result<()> {
        let mut pending = self.store.begin_pending();
        let applied = parts
            .iter()
            .try_for_each(|part| {
                self.store.prepare(part)?;
                self.store.apply_pending(&mut pending, part)
            })
            .and_then(|()| self.store.complete(&mut pending));
        match applied {
            Ok(()) => {
                self.store.publish(pending, lsn);
                Ok(())
            }
            Err(e) => self.store.unapply(pending).and(Err(e)),
        }
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
