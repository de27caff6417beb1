//! FOR UPDATE and its kin: locks the rows that pass, in the order in which they pass.
//!
//! A row that somebody has changed since the snapshot makes the statement start again (`Flow::Restart`), so what passes is
//! always what the snapshot shows. SKIP LOCKED drops rows that others hold; NOWAIT fails on them.

use super::{BoxOperator, Cx, Operator};
use crate::base::{Error, Result};
use crate::planner::lock_mode;
use crate::planner::plan::{LockRows, LockTarget, LockWait};
use crate::table::RowLock;
use crate::txn::Wait;
use crate::types::Batch;
use arrow_array::cast::AsArray;
use arrow_array::{Array, UInt32Array};
use std::sync::Arc;

pub(crate) struct LockRowsOp {
    node: Arc<LockRows>,
    input: BoxOperator,
}

impl LockRowsOp {
    pub fn new(node: &Arc<LockRows>, input: BoxOperator) -> LockRowsOp {
        LockRowsOp { node: Arc::clone(node), input }
    }
}

/// Locks one row for one target; false if it is to be skipped.
fn lock(cx: &mut Cx<'_>, target: &LockTarget, key: &[u8]) -> Result<bool> {
    let wait = if target.wait == LockWait::Block { Wait::Block } else { Wait::No };
    let view = cx.view();
    match (target.def.lock_row(cx.txn, &view, key, lock_mode(target.strength), wait)?, target.wait) {
        (RowLock::Locked, _) => Ok(true),
        (RowLock::Busy, LockWait::SkipLocked) => Ok(false),
        (RowLock::Busy, LockWait::NoWait) => Err(target.def.lock_not_available()),
        (RowLock::Busy, LockWait::Block) => Err(Error::internal("a blocking lock request was refused")),
        (RowLock::SelfModified, _) => Ok(false),
    }
}

impl Operator for LockRowsOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(cx)? {
            let mut kept = Vec::with_capacity(batch.rows);
            for row in 0..batch.rows {
                let mut keep = true;
                for target in &self.node.targets {
                    let keys = batch.columns[target.key_column].as_binary_view();
                    if keep && keys.is_valid(row) {
                        keep = lock(cx, target, keys.value(row))?;
                    }
                }
                if keep {
                    kept.push(row as u32);
                }
            }
            match kept.len() {
                0 => {}
                n if n == batch.rows => return Ok(Some(batch)),
                _ => return Ok(Some(batch.take(&UInt32Array::from(kept)))),
            }
        }
        Ok(None)
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.input.rewind(cx)
    }
}
