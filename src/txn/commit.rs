//! Commit: a write set becomes a batch, the batch a log record and a new state of the trees.
//!
//! A large one goes in parts, each logged and applied in a turn of its own with the writer lock, so that small commits
//! get in between. Its changes are in the trees then, and invisible, until all are; the `End` record makes them count.

use super::reads::ReadIndex;
use super::transaction::Txn;
use super::transactions::{Transactions, Writer};
use super::view::{Committed, Isolation};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::storage::batch::{
    ABANDONED, KIND_ABANDONED, KIND_BATCH, KIND_END, KIND_PART, PART_BYTES, encode_end, encode_part_number,
};
use crate::storage::{Batch, History, Store};
use parking_lot::MutexGuard;
use std::mem;

/// After how many changes a commit purges twice as many.
const PURGE_INTERVAL: usize = 256;

/// What a large commit leaves beyond this is for the purge that runs by time.
const PURGE_MAX: usize = 4096;

/// A larger write set is committed in parts.
const ONE_BATCH_BYTES_MAX: usize = PART_BYTES;

/// What the number of a part takes at most.
const PART_NUMBER_BYTES_MAX: usize = 10;

impl Txn {
    /// Makes the writes visible to all and ends the transaction. On an error it is rolled back.
    ///
    /// It does not wait for durability: the client may be told of success when [`Committed::wait_for`] is durable.
    ///
    /// Errors: 40001 (SERIALIZABLE), 53100 when the log's disk is full, 25006 while this node follows another's log.
    pub fn commit(&mut self) -> Result<Committed> {
        self.commit_with(|_| {})
    }

    /// `publish` runs under the writer lock right before the commit becomes visible, if anything was written.
    ///
    /// 1. Encode the net effect, without any lock, and have the pages that it changes read in.
    /// 2. Take the writer lock; from here to 6 there is one commit at a time.
    /// 3. SERIALIZABLE: check that nobody has changed what was read.
    /// 4. Check that the trees can take the batch.
    /// 5. Append it to the log. What fails after this, the disk alone, is final: only recovery puts it right.
    /// 6. Apply it to the trees, call `publish`, note that it waits for standbys if it does, and make it visible by one store.
    /// 7. Let go of the writer lock, then of the row locks: whoever waits for them sees the commit.
    /// 8. Now and then, purge what has become garbage.
    pub fn commit_with(&mut self, publish: impl FnOnce(Lsn)) -> Result<Committed> {
        if self.writes.is_empty() {
            let seen = self.floor();
            self.end();
            return Ok(Committed { lsn: None, wait_for: seen, seen });
        }
        if self.shared.follows() {
            self.rollback();
            return Err(Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, "cannot commit changes during recovery"));
        }
        let written = if self.writes.bytes() > ONE_BATCH_BYTES_MAX {
            self.write_in_parts(publish).map(Some)
        } else {
            let batch = self.writes.encode();
            if batch.is_empty() { Ok(None) } else { self.write(&batch, publish).map(Some) }
        };
        let floor = self.floor();
        self.rollback();
        let Some((lsn, purge)) = written? else { return Ok(Committed { lsn: None, wait_for: floor, seen: floor }) };
        if purge > 0 {
            self.shared.purge(purge);
        }
        Ok(Committed { lsn: Some(lsn), wait_for: lsn.max(floor), seen: floor })
    }

    /// Steps 1 to 6. Answers the commit's LSN and how much to purge.
    fn write(&mut self, batch: &Batch, publish: impl FnOnce(Lsn)) -> Result<(Lsn, usize)> {
        let reads = self.take_reads();
        let shared = &self.shared;
        shared.store.prefault(batch)?;
        let mut writer = shared.writer.lock();
        shared.check_failure()?;
        self.check_serializable(reads.as_ref())?;
        shared.store.prepare(batch)?;
        let lsn = shared.append(batch)?;
        let dying = AbortOnUnwind;
        if let Err(e) = shared.store.apply(batch, lsn, History::Keep) {
            mem::forget(dying);
            return Err(shared.fail(e));
        }
        publish(lsn);
        shared.standbys.note(lsn, self.safety);
        shared.set_applied(lsn);
        mem::forget(dying);
        let due = writer.owes(batch.len());
        drop(writer);
        Ok((lsn, due))
    }

    /// The same for a write set that would keep others waiting too long, one at a time:
    ///
    /// 1. Take the lock of large commits, which keeps checkpoints away too.
    /// 2. For each part: encode it, read its pages in, wait until log and trees can take it, all without the writer lock;
    ///    then take that, log the part, apply it where nobody sees it, and let whoever waits have the lock.
    ///    What goes into an empty tree is built from the bottom up meanwhile, and not in the tree yet.
    /// 3. Take the writer lock; from here on as steps 3 and 5 to 7 of a small one, with an `End` record for a batch. Before
    ///    that record the trees are completed, so that nothing that might fail is left.
    ///
    /// On an error the trees get back what they had. The log holds parts without an end then, which never count.
    fn write_in_parts(&mut self, publish: impl FnOnce(Lsn)) -> Result<(Lsn, usize)> {
        let reads = self.take_reads();
        let shared = &self.shared;
        let _large = shared.large.lock();
        let mut pending = shared.store.begin_pending();
        let (mut parts, mut changes) = (0, 0);
        let applied = self.writes.take_parts(|part| {
            shared.store.prefault(&part)?;
            shared.store.prepare(&part)?;
            let [payload] = part.parts() else { unreachable!("the encoder hands over single parts") };
            shared.wal.admit(payload.len() + PART_NUMBER_BYTES_MAX)?;
            let writer = shared.writer.lock();
            shared.check_failure()?;
            shared.wal.append_parts(KIND_PART, &[&encode_part_number(parts), payload])?;
            shared.store.apply_pending(&mut pending, &part)?;
            MutexGuard::unlock_fair(writer);
            parts += 1;
            changes += part.len();
            Ok(())
        });
        let mut writer = shared.writer.lock();
        let end = applied
            .and_then(|()| shared.check_failure())
            .and_then(|()| self.check_serializable(reads.as_ref()))
            .and_then(|()| shared.store.complete(&mut pending))
            .and_then(|()| shared.wal.append(KIND_END, &encode_end(parts)));
        let dying = AbortOnUnwind;
        let result = match end {
            Ok(lsn) => {
                shared.store.publish(pending, lsn);
                publish(lsn);
                shared.standbys.note(lsn, self.safety);
                shared.set_applied(lsn);
                Ok((lsn, writer.owes(changes)))
            }
            Err(e) => {
                // Whoever follows the log would wait for the end. Should this fail, the next transaction in parts tells.
                if parts > 0 {
                    let _ = shared.wal.append(KIND_ABANDONED, &ABANDONED);
                }
                drop(writer);
                Err(shared.store.unapply(pending).map_or_else(|fatal| shared.fail(fatal), |()| e))
            }
        };
        mem::forget(dying);
        result
    }

    fn take_reads(&mut self) -> Option<ReadIndex> {
        self.reads.as_ref().map(|reads| mem::take(&mut *reads.lock()).index())
    }

    /// 40001 when somebody has changed what this transaction read. The caller holds the writer lock.
    fn check_serializable(&self, reads: Option<&ReadIndex>) -> Result<()> {
        let (Some(reads), Some(snapshot)) = (reads, self.snapshot_lsn()) else { return Ok(()) };
        debug_assert_eq!(self.isolation, Isolation::Serializable);
        let mut changed = false;
        self.shared.store.changes(snapshot, &mut |tree, key| {
            changed = key.map_or(reads.touches(tree), |key| reads.contains(tree, key));
            !changed
        })?;
        if changed { Err(not_serializable()) } else { Ok(()) }
    }
}

impl Writer {
    /// Counts changes, and says how much to purge, if it is time.
    fn owes(&mut self, changes: usize) -> usize {
        self.unpurged += changes;
        if self.unpurged >= PURGE_INTERVAL { 2 * mem::take(&mut self.unpurged).min(PURGE_MAX) } else { 0 }
    }
}

impl Transactions {
    /// Appends a transaction's record or records. The caller holds the writer lock.
    fn append(&self, batch: &Batch) -> Result<Lsn> {
        if let [only] = batch.parts() {
            self.wal.admit(only.len())?;
            return self.wal.append(KIND_BATCH, only);
        }
        // Should this fail half way, the parts have no end, and the next transaction in parts begins with its part 0.
        for (i, part) in batch.parts().iter().enumerate() {
            self.wal.append_parts(KIND_PART, &[&encode_part_number(i), part])?;
        }
        self.wal.append(KIND_END, &encode_end(batch.parts().len()))
    }
}

fn not_serializable() -> Error {
    Error::new(
        SqlState::T_R_SERIALIZATION_FAILURE,
        "could not serialize access due to read/write dependencies among transactions",
    )
    .hint("The transaction might succeed if retried.")
}

/// The commit is in the log and not in the trees: nothing but recovery can put that right.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        tracing::error!("a commit failed after it was logged, the process stops");
        std::process::abort();
    }
}
