//! Recovery: the log's records, in order, applied to the trees. Redo only: the log holds nothing that must be undone.
//!
//! A transaction in parts is gathered until its end record; parts without one are of a transaction that never was. At
//! most one is open at a time; transactions in one record may stand between its parts.

use crate::base::{Error, Lsn, Result, SqlState, TreeId};
use crate::storage::batch::{KIND_BATCH, KIND_END, KIND_PART, decode_end, decode_part};
use crate::storage::{Batch, History, Op, Store};
use crate::wal::{KIND_INCARNATION, Record};

pub(super) struct Recovery<'a> {
    store: &'a dyn Store,
    /// The parts of the open transaction.
    parts: Batch,
    next_tree: u32,
}

impl<'a> Recovery<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Recovery<'a> {
        Recovery { store, parts: Batch::default(), next_tree: 1 }
    }

    pub(super) fn replay(&mut self, record: &Record<'_>) -> Result<()> {
        self.replay_payload(record.kind, record.payload, record.lsn)
            .map_err(|e| e.context(format!("while replaying the log record that ends at {}", record.lsn)))
    }

    fn replay_payload(&mut self, kind: u8, payload: &[u8], lsn: Lsn) -> Result<()> {
        match kind {
            KIND_INCARNATION => Ok(()),
            KIND_BATCH => {
                let mut batch = Batch::default();
                batch.push_part(payload)?;
                self.apply(&batch, lsn)
            }
            KIND_PART => {
                let (number, changes) = decode_part(payload)?;
                if number == 0 {
                    self.parts = Batch::default();
                }
                if number != self.parts.parts().len() {
                    return Err(corrupt(format!("part {number} follows {} parts", self.parts.parts().len())));
                }
                self.parts.push_part(changes)
            }
            KIND_END => {
                let batch = std::mem::take(&mut self.parts);
                let parts = decode_end(payload)?;
                if parts != batch.parts().len() {
                    return Err(corrupt(format!("a transaction of {parts} parts has {}", batch.parts().len())));
                }
                self.apply(&batch, lsn)
            }
            other => Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("unknown log record kind {other}"))
                .hint("The log was written by a newer version.")),
        }
    }

    fn apply(&mut self, batch: &Batch, lsn: Lsn) -> Result<()> {
        let next_tree = &mut self.next_tree;
        batch.for_each(|op| {
            if let Op::NewTree(tree) = op {
                *next_tree = (*next_tree).max(tree.0.saturating_add(1));
            }
            Ok(())
        })?;
        self.store.prepare(batch).map_err(|e| corrupt(e.message()))?;
        self.store.apply(batch, lsn, History::Forget)
    }

    /// The first tree id that was never used.
    pub(super) fn finish(self) -> TreeId {
        TreeId(self.next_tree)
    }
}

fn corrupt(message: impl Into<String>) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, message)
}
