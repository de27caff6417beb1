//! INSERT, with ON CONFLICT.
//!
//! A row that meets another one in an arbiter index is not written. DO NOTHING passes it over. DO UPDATE locks the row in the
//! way and works on its latest version, whatever the snapshot shows; a row that this very command wrote is an error
//! (21000), since the outcome would depend on the order of the input.

use super::super::Cx;
use super::{Modification, Work, batch_of, changed, generate, returning, rows_of};
use crate::base::{Error, Result, SqlState};
use crate::planner::definitions::Definition;
use crate::planner::plan::{Conflict, ConflictUpdate, Insert};
use crate::table::{FetchedRow, Insertion, Read};
use crate::txn::Isolation;
use crate::types::{Batch, Datum};
use std::sync::Arc;

impl Modification for Insert {
    fn table(&self) -> &Arc<Definition> {
        &self.table
    }

    fn change(&self, cx: &mut Cx<'_>, work: &mut Work, mut batch: Batch) -> Result<()> {
        generate(cx, &self.table, &mut batch)?;
        if self.conflict.is_none() && insert_all(cx, &self.table, work, &batch)? {
            cx.shared.affected += batch.rows as u64;
            if let Some(exprs) = &self.returning {
                let out = returning(cx, exprs, &self.table, batch, &[])?;
                work.keep(cx, out)?;
            }
            return Ok(());
        }
        let rows = rows_of(&batch.columns, &self.table.def.types, batch.rows);
        let mut stored = Vec::with_capacity(if self.returning.is_some() { rows.len() } else { 0 });
        for row in rows {
            if let Some(row) = insert(cx, self, work, row)? {
                cx.shared.affected += 1;
                if self.returning.is_some() {
                    stored.push(row);
                }
            }
        }
        if let Some(exprs) = &self.returning
            && !stored.is_empty()
        {
            let rows = batch_of(&self.table.def.types, &stored);
            let out = returning(cx, exprs, &self.table, rows, &[])?;
            work.keep(cx, out)?;
        }
        Ok(())
    }
}

/// Inserts a batch at once; false when it has to be done row by row.
fn insert_all(cx: &mut Cx<'_>, table: &Definition, work: &mut Work, batch: &Batch) -> Result<bool> {
    let def = &table.def;
    if !cx.with_rows(|txn, ev| work.writer.insert(def, txn, ev, batch))? {
        return Ok(false);
    }
    work.events.inserted_batch(|row| work.writer.row_key(row), &def.types, batch);
    Ok(true)
}

/// Inserts one row or does what ON CONFLICT says; the row as stored, if one was.
fn insert(cx: &mut Cx<'_>, node: &Insert, work: &mut Work, row: Vec<Datum>) -> Result<Option<Vec<Datum>>> {
    let def = &node.table.def;
    let Some(conflict) = &node.conflict else {
        let key = cx.with_rows(|txn, ev| def.insert(txn, ev, &row, &mut work.rechecks))?;
        work.events.inserted(&key, &row);
        return Ok(Some(row));
    };
    let is_arbiter = |at: usize| match conflict.arbiters.is_empty() {
        true => def.indexes[at].index.unique,
        false => conflict.arbiters.contains(&at),
    };
    loop {
        let done = cx.with_rows(|txn, ev| def.insert_or_conflict(txn, ev, &row, &is_arbiter, &mut work.rechecks))?;
        match done {
            Insertion::Inserted(key) => {
                work.events.inserted(&key, &row);
                return Ok(Some(row));
            }
            Insertion::Conflict { row_key, .. } => match resolve(cx, node, conflict, work, &row, &row_key)? {
                Resolved::Nothing => return Ok(None),
                Resolved::Updated(row) => return Ok(Some(row)),
                Resolved::Gone => {}
            },
        }
    }
}

enum Resolved {
    Nothing,
    Updated(Vec<Datum>),
    /// The row in the way was deleted before it could be locked.
    Gone,
}

fn resolve(
    cx: &mut Cx<'_>,
    node: &Insert,
    conflict: &Conflict,
    work: &mut Work,
    proposed: &[Datum],
    row_key: &[u8],
) -> Result<Resolved> {
    let def = &node.table.def;
    let view = cx.view();
    let snapshot_isolation = cx.txn.isolation() != Isolation::ReadCommitted;
    let Some(update) = &conflict.update else {
        if snapshot_isolation && !cx.txn.wrote_since(&view, def.tree, row_key) {
            cx.txn.check_current(&view, def.tree, row_key)?;
        }
        return Ok(Resolved::Nothing);
    };
    let columns: Vec<usize> = update.set.iter().map(|s| s.0).collect();
    def.lock_latest(cx.txn, row_key, def.update_lock(&columns))?;
    if cx.txn.wrote_since(&view, def.tree, row_key) {
        return Err(Error::new(
            SqlState::CARDINALITY_VIOLATION,
            "ON CONFLICT DO UPDATE command cannot affect row a second time",
        )
        .hint(
            "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
        ));
    }
    if snapshot_isolation {
        cx.txn.check_current(&view, def.tree, row_key)?;
    }
    let mut existing = FetchedRow::default();
    if !def.fetch(cx.txn, Read::Latest, row_key, &mut existing)? {
        return Ok(Resolved::Gone);
    }
    let old = def.decode_row(&existing.value);
    update_existing(cx, node, update, work, old, proposed, row_key)
}

fn update_existing(
    cx: &mut Cx<'_>,
    node: &Insert,
    update: &ConflictUpdate,
    work: &mut Work,
    old: Vec<Datum>,
    proposed: &[Datum],
    row_key: &[u8],
) -> Result<Resolved> {
    let (table, def) = (&node.table, &node.table.def);
    let mut both = batch_of(&def.types, std::slice::from_ref(&old));
    both.columns.extend(batch_of(&def.types, &[proposed.to_vec()]).columns);
    if let Some(filter) = &update.filter
        && cx.filter(filter, both.clone())?.rows == 0
    {
        return Ok(Resolved::Nothing);
    }
    let mut new = Batch::new(both.columns[..def.types.len()].to_vec(), 1);
    for (at, expr) in &update.set {
        new.columns[*at] = cx.array(expr, &both)?;
    }
    generate(cx, table, &mut new)?;
    let new = rows_of(&new.columns, &def.types, 1).pop().expect("one row");
    let candidates: Vec<usize> = update.set.iter().map(|s| s.0).chain(table.generated.iter().map(|g| g.0)).collect();
    let changed = changed(table, &candidates, |at| (old[at].as_ref(), new[at].as_ref()));
    let key = cx.with_rows(|txn, ev| def.update(txn, ev, row_key, &old, &new, &changed, &mut work.rechecks))?;
    work.events.updated(&key, &old, &new, &changed);
    Ok(Resolved::Updated(new))
}
