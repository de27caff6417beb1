//! DELETE: each row is locked, found to be as the snapshot shows it (or the statement starts again), and deleted.

use super::super::{BoxOperator, Cx, Operator};
use super::update::old_columns;
use super::{Again, Output, Work, rows_of};
use crate::base::{Error, Result};
use crate::planner::definitions::Definition;
use crate::planner::plan::Delete;
use crate::table::RowLock;
use crate::txn::{LockMode, Wait};
use crate::types::Batch;
use arrow_array::cast::AsArray;
use arrow_array::{Array, UInt32Array};
use std::sync::Arc;

pub(crate) struct DeleteOp {
    node: Arc<Delete>,
    input: BoxOperator,
    output: Output,
}

impl DeleteOp {
    pub fn new(node: &Arc<Delete>, input: BoxOperator) -> DeleteOp {
        DeleteOp { node: Arc::clone(node), input, output: Output::default() }
    }

    fn run(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        let node = Arc::clone(&self.node);
        let mut work = Work::new(cx, &node.table)?;
        while let Some(batch) = cx.pull_all(&mut self.input)? {
            cx.check_cancelled()?;
            delete_batch(cx, &node, &mut work, &batch)?;
        }
        work.finish(cx)?;
        self.output.rows = Some(work.out);
        Ok(())
    }
}

fn delete_batch(cx: &mut Cx<'_>, node: &Delete, work: &mut Work, batch: &Batch) -> Result<()> {
    let done = delete_rows(cx, &node.table, &node.old, node.key_column, work, batch, Again::Skipped)?;
    if let Some(exprs) = &node.returning
        && !done.is_empty()
    {
        let gone = batch.take(&UInt32Array::from(done));
        let out = Batch::new(cx.arrays(exprs, &gone)?, gone.rows);
        work.keep(cx, out)?;
    }
    Ok(())
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

impl Operator for DeleteOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if self.output.rows.is_none() {
            self.run(cx)?;
        }
        Ok(self.output.take(cx))
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        Err(Error::internal("a modification cannot be repeated"))
    }

    fn is_done(&self) -> bool {
        self.output.is_done()
    }

    fn recycle(&mut self) -> bool {
        self.output = Output::default();
        self.input.recycle()
    }
}
