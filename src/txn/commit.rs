//! Commit: a write set becomes a batch, the batch a log record and a new state of the trees.

use super::transaction::Txn;
use super::transactions::Transactions;
use super::view::{Committed, Isolation};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::storage::batch::{KIND_BATCH, KIND_END, KIND_PART, encode_end, encode_part_number};
use crate::storage::{Batch, History};
use std::mem;

/// After how many changes a commit purges twice as many.
const PURGE_INTERVAL: usize = 256;

impl Txn {
    /// Makes the writes visible to all and ends the transaction. On an error it is rolled back.
    ///
    /// It does not wait for durability: the client may be told of success when [`Committed::wait_for`] is durable.
    ///
    /// Errors: 40001 (SERIALIZABLE), 53100 when the log's disk is full.
    pub fn commit(&mut self) -> Result<Committed> {
        self.commit_with(|_| {})
    }

    /// `publish` runs under the writer lock right before the commit becomes visible, if anything was written.
    ///
    /// 1. Encode the net effect, and read what it will touch into memory, without any lock.
    /// 2. Take the writer lock; from here to 6 there is one commit at a time.
    /// 3. SERIALIZABLE: check that nobody has changed what was read.
    /// 4. Check that the trees can take the batch.
    /// 5. Append it to the log. This is the last step that can fail.
    /// 6. Apply it to the trees, call `publish`, and make it visible by one store.
    /// 7. Let go of the writer lock, then of the row locks: whoever waits for them sees the commit.
    /// 8. Now and then, purge what has become garbage.
    pub fn commit_with(&mut self, publish: impl FnOnce(Lsn)) -> Result<Committed> {
        if self.writes.is_empty() {
            let wait_for = self.floor();
            self.end();
            return Ok(Committed { lsn: None, wait_for });
        }
        let batch = self.writes.encode();
        let written = if batch.is_empty() { Ok(None) } else { self.write(&batch, publish).map(Some) };
        let floor = self.floor();
        self.rollback();
        let Some((lsn, purge)) = written? else { return Ok(Committed { lsn: None, wait_for: floor }) };
        if purge > 0 {
            self.shared.purge(purge);
        }
        Ok(Committed { lsn: Some(lsn), wait_for: lsn.max(floor) })
    }

    /// Steps 2 to 6. Answers the commit's LSN and how much to purge.
    fn write(&mut self, batch: &Batch, publish: impl FnOnce(Lsn)) -> Result<(Lsn, usize)> {
        let reads = self.reads.as_ref().map(|reads| mem::take(&mut *reads.lock()).index());
        let shared = &self.shared;
        shared.store.prefault(batch)?;
        let mut writer = shared.writer.lock();
        if let (Some(reads), Some(snapshot)) = (reads, self.snapshot_lsn()) {
            debug_assert_eq!(self.isolation, Isolation::Serializable);
            let mut changed = false;
            shared.store.changes(snapshot, &mut |tree, key| {
                changed = reads.contains(tree, key);
                !changed
            })?;
            if changed {
                return Err(not_serializable());
            }
        }
        shared.store.prepare(batch)?;
        let lsn = shared.append(batch)?;
        let dying = AbortOnUnwind;
        shared.store.apply(batch, lsn, History::Keep).expect("a prepared batch applies");
        publish(lsn);
        shared.set_applied(lsn);
        mem::forget(dying);
        writer.unpurged += batch.len();
        let due = if writer.unpurged >= PURGE_INTERVAL { 2 * mem::take(&mut writer.unpurged) } else { 0 };
        drop(writer);
        Ok((lsn, due))
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
