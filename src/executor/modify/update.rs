//! UPDATE: each row is locked, found to be as the snapshot shows it (or the statement starts again), and changed.

use super::super::Cx;
use super::{Again, Modification, Work, changed, generate, readers, returning, row_of};
use crate::base::{Error, Result};
use crate::expr::Expr;
use crate::planner::definitions::Definition;
use crate::planner::plan::Update;
use crate::table::RowLock;
use crate::txn::Wait;
use crate::types::{Batch, null_column};
use arrow_array::cast::AsArray;
use arrow_array::{Array, UInt32Array};
use std::sync::Arc;

impl Modification for Update {
    fn table(&self) -> &Arc<Definition> {
        &self.table
    }

    fn change(&self, cx: &mut Cx<'_>, work: &mut Work, batch: Batch) -> Result<()> {
        let (new, done) =
            update_rows(cx, &self.table, &self.old, &self.set, self.key_column, work, &batch, Again::Skipped)?;
        if let Some(exprs) = &self.returning
            && !done.is_empty()
        {
            let done = UInt32Array::from(done);
            let rest = batch.take(&done);
            let out = returning(cx, exprs, &self.table, new.take(&done), &rest.columns)?;
            work.keep(cx, out)?;
        }
        Ok(())
    }
}

/// The table's columns as the input has them; dropped ones are NULL.
pub(super) fn old_columns(old: &[Option<usize>], types: &[crate::types::SqlType], batch: &Batch) -> Batch {
    let columns = old.iter().zip(types).map(|(at, ty)| match at {
        Some(at) => Arc::clone(&batch.columns[*at]),
        None => null_column(ty.physical(), batch.rows),
    });
    Batch::new(columns.collect(), batch.rows)
}

/// Updates the rows that the keys in a batch name; the new rows, and which of them were stored.
#[allow(clippy::too_many_arguments)]
pub(super) fn update_rows(
    cx: &mut Cx<'_>,
    table: &Definition,
    old: &[Option<usize>],
    set: &[(usize, Expr)],
    key_column: usize,
    work: &mut Work,
    batch: &Batch,
    again: Again,
) -> Result<(Batch, Vec<u32>)> {
    let def = &table.def;
    let old = old_columns(old, &def.types, batch);
    let mut new = old.clone();
    for (at, expr) in set {
        new.columns[*at] = cx.array(expr, batch)?;
    }
    generate(cx, table, &mut new)?;
    let (old_values, new_values) = (readers(&old.columns, &def.types), readers(&new.columns, &def.types));
    let candidates: Vec<usize> = set.iter().map(|s| s.0).chain(table.generated.iter().map(|g| g.0)).collect();
    let keys = batch.columns[key_column].as_binary_view();
    let view = cx.view();
    let mut done = Vec::with_capacity(batch.rows);
    for i in 0..batch.rows {
        if keys.is_null(i) {
            continue;
        }
        let changed = changed(table, &candidates, |at| (old_values[at].get(i), new_values[at].get(i)));
        match def.lock_row(cx.txn, &view, keys.value(i), def.update_lock(&changed), Wait::Block)? {
            RowLock::Locked => {}
            RowLock::SelfModified => {
                again.check()?;
                continue;
            }
            RowLock::Busy => return Err(Error::internal("a blocking lock request was refused")),
        }
        // Most updates change neither a key nor an index, and then nobody asks what the row was before.
        let old = if work.events.reads_old() || def.reads_old(&changed) { row_of(&old_values, i) } else { Vec::new() };
        let new = row_of(&new_values, i);
        let row_key = keys.value(i);
        let key = cx.with_rows(|txn, ev| def.update(txn, ev, row_key, &old, &new, &changed, &mut work.rechecks))?;
        work.events.updated(&key, &old, &new, &changed);
        cx.shared.affected += 1;
        done.push(i as u32);
    }
    Ok((new, done))
}
