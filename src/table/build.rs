//! Whole tables at once: writing a table anew under another definition, emptying one.
//!
//! All of it reads the latest committed state and the own writes: the caller holds a table lock that keeps writers out.

use super::def::{RowKeyDef, TableDef};
use super::evaluate::RowEvaluator;
use crate::base::Result;
use crate::catalog::{Index, Table};
use crate::expr::EvalContext;
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::Txn;
use crate::types::Datum;
use std::sync::Arc;

const BATCH: usize = 512;

impl TableDef {
    /// Calls `each` with every row and its key.
    pub fn for_each_row(
        &self,
        txn: &mut Txn,
        mut each: impl FnMut(&mut Txn, &[u8], Vec<Datum>) -> Result<()>,
    ) -> Result<()> {
        let mut scan = txn.scan_latest(self.tree, KeyRange::all(), Direction::Forward);
        let mut entries = Entries::new();
        loop {
            let more = scan.next(txn, &mut entries, BATCH)?;
            for (key, value) in entries.iter() {
                each(txn, key, self.decode_row(value))?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Writes every row of `old` into this definition's (empty) trees, through `convert`: ALTER TABLE ... TYPE, ADD PRIMARY
    /// KEY, and whatever else gives rows a new form or order.
    ///
    /// Errors: 23502, 23514; 23505 as from building the index.
    pub fn rewrite_from(
        &self,
        txn: &mut Txn,
        cx: &mut EvalContext<'_>,
        old: &TableDef,
        mut convert: impl FnMut(&mut EvalContext<'_>, Vec<Datum>) -> Result<Vec<Datum>>,
    ) -> Result<()> {
        let clustered = self.indexes.iter().find(|i| i.index.clustered);
        let mut taken_by = Vec::new();
        old.for_each_row(txn, |txn, old_key, row| {
            cx.check_cancelled()?;
            let row = convert(cx, row)?;
            let mut rows = RowEvaluator::new(self, cx);
            self.check_row(&row, &mut rows)?;
            let row_key = match self.row_key_of(&row) {
                Some(key) => key,
                // Keeping the row ids keeps the order.
                None if matches!(old.row_key, RowKeyDef::RowId(_)) => old_key.to_vec(),
                None => self.new_row_key(txn, &row)?,
            };
            if let Some(index) = clustered
                && txn.get_latest(self.tree, &row_key, &mut taken_by)?
            {
                return Err(self.duplicate_in_build(index, &row, &mut rows));
            }
            self.put_row(txn, &row_key, &row)
        })?;
        let others = (0..self.indexes.len()).filter(|&at| !self.indexes[at].index.clustered);
        others.into_iter().try_for_each(|at| self.build_index(txn, cx, at))
    }

    /// Checks every row against one condition that has just been added. Returns the first that fails.
    pub fn find_row(
        &self,
        txn: &mut Txn,
        cx: &mut EvalContext<'_>,
        mut wrong: impl FnMut(&mut EvalContext<'_>, &[Datum]) -> Result<bool>,
    ) -> Result<Option<Vec<Datum>>> {
        let mut scan = txn.scan_latest(self.tree, KeyRange::all(), Direction::Forward);
        let mut entries = Entries::new();
        loop {
            let more = scan.next(txn, &mut entries, BATCH)?;
            cx.check_cancelled()?;
            for (_, value) in entries.iter() {
                let row = self.decode_row(value);
                if wrong(cx, &row)? {
                    return Ok(Some(row));
                }
            }
            if !more {
                return Ok(None);
            }
        }
    }
}

/// The same table and indexes over new, empty trees; the old trees go at commit. TRUNCATE is this and no more; a
/// rewrite fills them with [`TableDef::rewrite_from`].
pub fn fresh_trees(txn: &mut Txn, table: &Table, indexes: &[Arc<Index>]) -> Result<(Table, Vec<Index>)> {
    let mut table = table.clone();
    let old = std::mem::replace(&mut table.tree, txn.create_tree()?);
    txn.drop_tree(old)?;
    let mut fresh = Vec::with_capacity(indexes.len());
    for index in indexes {
        let mut index = Index::clone(index);
        if index.clustered {
            index.tree = table.tree;
        } else {
            let old = std::mem::replace(&mut index.tree, txn.create_tree()?);
            txn.drop_tree(old)?;
        }
        fresh.push(index);
    }
    Ok((table, fresh))
}
