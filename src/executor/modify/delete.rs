//! DELETE: each row is locked, found to be as the snapshot shows it (or the statement starts again), and deleted.

use super::super::Cx;
use super::update::old_columns;
use super::{Again, Modification, Work, rows_of};
use crate::base::{Error, Result};
use crate::planner::definitions::Definition;
use crate::planner::plan::Delete;
use crate::table::RowLock;
use crate::txn::{LockMode, Wait};
use crate::types::Batch;
use arrow_array::cast::AsArray;
use arrow_array::{Array, UInt32Array};
use std::sync::Arc;

impl Modification for Delete {
    fn table(&self) -> &Arc<Definition> {
        &self.table
    }

    fn change(&self, cx: &mut Cx<'_>, work: &mut Work, batch: Batch) -> Result<()> {
        let done = delete_rows(cx, &self.table, &self.old, self.key_column, work, &batch, Again::Skipped)?;
        if let Some(exprs) = &self.returning
            && !done.is_empty()
        {
            let gone = batch.take(&UInt32Array::from(done));
            let out = Batch::new(cx.arrays(exprs, &gone)?, gone.rows);
            work.keep(cx, out)?;
        }
        Ok(())
    }
}

/// Deletes the rows that the keys in a batch name; which rows of the batch those are.
pub(super) fn delete_rows(
    cx: &mut Cx<'_>,
    table: &Definition,
    old: &[Option<usize>],
    key_column: usize,
    work: &mut Work,
    batch: &Batch,
    again: Again,
) -> Result<Vec<u32>> {
    let def = &table.def;
    let old = old_columns(old, &def.types, batch);
    let rows = rows_of(&old.columns, &def.types, batch.rows);
    let keys = batch.columns[key_column].as_binary_view();
    let view = cx.view();
    let mut done = Vec::with_capacity(batch.rows);
    for (i, row) in rows.iter().enumerate() {
        if keys.is_null(i) {
            continue;
        }
        match def.lock_row(cx.txn, &view, keys.value(i), LockMode::Update, Wait::Block)? {
            RowLock::Locked => {}
            RowLock::SelfModified => {
                again.check()?;
                continue;
            }
            RowLock::Busy => return Err(Error::internal("a blocking lock request was refused")),
        }
        cx.with_rows(|txn, ev| def.delete(txn, ev, keys.value(i), row))?;
        work.events.deleted(row);
        cx.shared.affected += 1;
        done.push(i as u32);
    }
    Ok(done)
}
